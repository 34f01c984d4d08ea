// SPDX-License-Identifier: Apache-2.0

package ci

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// platform is the kind of claims.
func platform() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "observe-k8s.io", Version: "v1alpha1", Kind: "ObservabilityPlatform"}
}

// core is a resource of Kubernetes itself.
func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

// poll is how often the claim is looked at.
const poll = time.Second

// client of the management cluster.
type client struct {
	dynamic dynamic.Interface
	mapper  meta.RESTMapper
}

func newClient(kubeconfig string) (*client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, errors.Wrap(err, "cannot load the management cluster's kubeconfig")
	}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, errors.Wrap(err, "cannot create a client")
	}
	disco, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, errors.Wrap(err, "cannot create a client")
	}
	return &client{dynamic: dyn, mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco))}, nil
}

// objects of a kind in a namespace, or of the whole cluster.
func (k *client) objects(gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	m, err := k.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, errors.Wrapf(err, "the management cluster has no %s", gvk.Kind)
	}
	if m.Scope.Name() == meta.RESTScopeNameRoot {
		return k.dynamic.Resource(m.Resource), nil
	}
	return k.dynamic.Resource(m.Resource).Namespace(namespace), nil
}

// apply the claim, in a namespace that is made where it is missing.
func (k *client) apply(ctx context.Context, claim *unstructured.Unstructured) error {
	ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": claim.GetNamespace()}}}
	if _, err := k.dynamic.Resource(core("namespaces")).Create(ctx, ns, metav1.CreateOptions{}); err != nil && !kerrors.IsAlreadyExists(err) {
		return errors.Wrap(err, "cannot make the namespace")
	}
	r, err := k.objects(platform(), claim.GetNamespace())
	if err != nil {
		return err
	}
	_, err = r.Apply(ctx, claim.GetName(), claim, metav1.ApplyOptions{FieldManager: "observe-k8s-action"})
	return errors.Wrap(err, "cannot apply the claim")
}

func (k *client) get(ctx context.Context, claim *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	r, err := k.objects(platform(), claim.GetNamespace())
	if err != nil {
		return nil, err
	}
	o, err := r.Get(ctx, claim.GetName(), metav1.GetOptions{})
	return o, errors.Wrap(err, "cannot get the claim")
}

// wait until a condition of the claim is true, and say what it says meanwhile.
func (k *client) wait(ctx context.Context, claim *unstructured.Unstructured, condition string) error {
	said := ""
	for {
		o, err := k.get(ctx, claim)
		if err == nil {
			status, message := conditionOf(o, condition)
			if status == "True" {
				return nil
			}
			if message != said {
				fmt.Println(time.Now().UTC().Format(time.TimeOnly), message)
				said = message
			}
		}
		select {
		case <-ctx.Done():
			return errors.Wrapf(context.Cause(ctx), "%s: %s", condition, said)
		case <-time.After(poll):
		}
	}
}

// conditionOf an object: its status, and what it says.
func conditionOf(o *unstructured.Unstructured, typ string) (status, message string) {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		m, _ := c.(map[string]any)
		if m["type"] != typ {
			continue
		}
		s, _ := m["status"].(string)
		reason, _ := m["reason"].(string)
		msg, _ := m["message"].(string)
		return s, strings.TrimSuffix(reason+": "+msg, ": ")
	}
	return "", "not known yet"
}

// An item of the claim's tree.
type item struct {
	gvk  schema.GroupVersionKind
	name string
}

// tree of what the claim is composed of, the claim first.
func (k *client) tree(ctx context.Context, claim *unstructured.Unstructured, visit func(item, *unstructured.Unstructured)) error {
	todo := []item{{gvk: platform(), name: claim.GetName()}}
	for len(todo) > 0 {
		it := todo[0]
		todo = todo[1:]
		r, err := k.objects(it.gvk, claim.GetNamespace())
		if err != nil {
			return err
		}
		o, err := r.Get(ctx, it.name, metav1.GetOptions{})
		if kerrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return errors.Wrapf(err, "cannot get %s %s", it.gvk.Kind, it.name)
		}
		visit(it, o)
		refs, _, _ := unstructured.NestedSlice(o.Object, "spec", "crossplane", "resourceRefs")
		for _, ref := range refs {
			m, _ := ref.(map[string]any)
			apiVersion, _ := m["apiVersion"].(string)
			kind, _ := m["kind"].(string)
			if name, _ := m["name"].(string); name != "" {
				todo = append(todo, item{gvk: schema.FromAPIVersionAndKind(apiVersion, kind), name: name})
			}
		}
	}
	return nil
}

// keep how things stand in files: what the claim consists of, without Secrets,
// and the namespace's events.
func (k *client) keep(ctx context.Context, claim *unstructured.Unstructured, dir string) error {
	var docs []string
	err := k.tree(ctx, claim, func(_ item, o *unstructured.Unstructured) {
		if o.GetKind() == "Secret" {
			return
		}
		o.SetManagedFields(nil)
		if b, err := yaml.Marshal(o.Object); err == nil {
			docs = append(docs, string(b))
		}
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "platform.yaml"), []byte(strings.Join(docs, "---\n")), 0o600); err != nil {
		return errors.Wrap(err, "cannot keep the platform's state")
	}
	es, err := k.dynamic.Resource(core("events")).Namespace(claim.GetNamespace()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return errors.Wrap(err, "cannot get events")
	}
	lines := make([]string, 0, len(es.Items))
	for _, e := range es.Items {
		field := func(path ...string) string { s, _, _ := unstructured.NestedString(e.Object, path...); return s }
		lines = append(lines, strings.Join([]string{
			field("lastTimestamp"), field("type"), field("reason"), field("involvedObject", "kind") + "/" + field("involvedObject", "name"), field("message"),
		}, "\t"))
	}
	slices.Sort(lines)
	return errors.Wrap(os.WriteFile(filepath.Join(dir, "events.txt"), []byte(strings.Join(lines, "\n")+"\n"), 0o600), "cannot keep the events")
}

// remove the claim and wait until all that it was composed of is gone, not only
// the claim itself, which goes at once.
func (k *client) remove(ctx context.Context, claim *unstructured.Unstructured) error {
	var left []item
	if err := k.tree(ctx, claim, func(it item, _ *unstructured.Unstructured) { left = append(left, it) }); err != nil {
		return err
	}
	r, err := k.objects(platform(), claim.GetNamespace())
	if err != nil {
		return err
	}
	if err := r.Delete(ctx, claim.GetName(), metav1.DeleteOptions{}); err != nil && !kerrors.IsNotFound(err) {
		return errors.Wrap(err, "cannot delete the claim")
	}
	for said := -1; ; {
		left = slices.DeleteFunc(left, func(it item) bool {
			r, err := k.objects(it.gvk, claim.GetNamespace())
			if err != nil {
				return false
			}
			_, err = r.Get(ctx, it.name, metav1.GetOptions{})
			return kerrors.IsNotFound(err)
		})
		if len(left) == 0 {
			return nil
		}
		if len(left) != said {
			fmt.Printf("%s %d left, among them %s %s\n", time.Now().UTC().Format(time.TimeOnly), len(left), left[len(left)-1].gvk.Kind, left[len(left)-1].name)
			said = len(left)
		}
		select {
		case <-ctx.Done():
			return errors.Wrapf(context.Cause(ctx), "%d objects are left, among them %s %s", len(left), left[0].gvk.Kind, left[0].name)
		case <-time.After(poll):
		}
	}
}

// platformKubeconfig writes the kubeconfig of the claim's cluster to a file, and
// returns its path; nothing for the management cluster itself.
func (k *client) platformKubeconfig(ctx context.Context, o *unstructured.Unstructured, dir string) (string, error) {
	name, _, _ := unstructured.NestedString(o.Object, "status", "kubeconfigSecretRef", "name")
	key, _, _ := unstructured.NestedString(o.Object, "status", "kubeconfigSecretRef", "key")
	if name == "" {
		return "", nil
	}
	s, err := k.dynamic.Resource(core("secrets")).Namespace(o.GetNamespace()).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", errors.Wrap(err, "cannot get the platform's kubeconfig")
	}
	// The one for a person at this machine, where there are two.
	for _, candidate := range []string{key + "-external", key} {
		b, ok, err := secretKey(s, candidate)
		if err != nil {
			return "", err
		}
		if ok {
			path := filepath.Join(dir, "kubeconfig")
			return path, errors.Wrap(os.WriteFile(path, b, 0o600), "cannot write the platform's kubeconfig")
		}
	}
	return "", errors.Errorf("Secret %s has no key %s", name, key)
}
