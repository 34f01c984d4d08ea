// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// A dependency of our Configuration.
type dependency struct{ Kind, Package, Version string }

// wanted says whether a laptop needs it: what makes clusters in clouds would only
// take its memory.
func (d dependency) wanted() bool {
	for _, p := range []string{"/function-observe-k8s", "/provider-helm", "/provider-kubernetes", "/provider-local"} {
		if strings.HasSuffix(d.Package, p) {
			return true
		}
	}
	return false
}

// object is what installs the dependency: the oldest version that is admitted,
// which for our own is the only one.
func (d dependency) object(ours string) *unstructured.Unstructured {
	oldest, _, _ := strings.Cut(d.Version, ",")
	version := strings.TrimLeft(oldest, ">=~^ ")
	if strings.HasPrefix(d.Package, prefix) {
		version = ours
	}
	_, repo, _ := strings.Cut(d.Package, "/")
	return object("pkg.crossplane.io/v1", d.Kind, strings.ReplaceAll(repo, "/", "-"), map[string]any{
		"package": d.Package + ":" + version,
		// A Function needs nothing else, and nobody may bring the clouds in again.
		"skipDependencyResolution": true,
	})
}

func object(apiVersion, kind, name string, spec map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}}}
	if spec != nil {
		o.Object["spec"] = spec
	}
	return o
}

// dependencies of our Configuration.
func dependencies(root string) ([]dependency, error) {
	b, err := os.ReadFile(filepath.Join(root, "crossplane.yaml"))
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the configuration")
	}
	cfg := struct {
		Spec struct{ DependsOn []dependency }
	}{}
	if err := yaml.Unmarshal(b, &cfg); err != nil {
		return nil, errors.Wrap(err, "cannot read the configuration")
	}
	return cfg.Spec.DependsOn, nil
}

// manifests are the objects of a file.
func manifests(file string) ([]*unstructured.Unstructured, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot read %s", file)
	}
	var out []*unstructured.Unstructured
	for doc := range strings.SplitSeq("\n"+string(b), "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &o.Object); err != nil {
			return nil, errors.Wrapf(err, "cannot read %s", file)
		}
		if len(o.Object) > 0 {
			out = append(out, o)
		}
	}
	return out, nil
}

// rewrite sends Crossplane to the registry.
func (r registry) rewrite() *unstructured.Unstructured {
	from, to := prefix, r.pull+"/"+r.path(prefix)
	if r.everything {
		from, to = "xpkg.crossplane.io", r.pull
	}
	return object("pkg.crossplane.io/v1beta1", "ImageConfig", "kind-registry", map[string]any{
		"matchImages":  []any{map[string]any{"type": "Prefix", "prefix": from}},
		"rewriteImage": map[string]any{"prefix": to},
	})
}

// plan is everything that is applied before anything is waited for, in order.
func (c *UpCmd) plan(r registry) ([]*unstructured.Unstructured, error) {
	objs := []*unstructured.Unstructured{r.rewrite()}
	for _, f := range []string{
		filepath.Join(c.Root, "package", "install.yaml"),
		// It mounts docker's socket, so nobody gets it who does not ask for it.
		filepath.Join(c.Root, "providers", "local", "package", "runtime-docker.yaml"),
	} {
		more, err := manifests(f)
		if err != nil {
			return nil, err
		}
		objs = append(objs, more...)
	}
	// The function is among the dependencies.
	objs = slices.DeleteFunc(objs, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Function" })
	deps, err := dependencies(c.Root)
	if err != nil {
		return nil, err
	}
	for _, o := range objs {
		if o.GetKind() != "Configuration" {
			continue
		}
		ref, _, _ := unstructured.NestedString(o.Object, "spec", "package")
		repo, _, _ := strings.Cut(ref, ":")
		o.Object["spec"] = map[string]any{"package": repo + ":" + c.Version, "skipDependencyResolution": true}
	}
	runtimes := runtimeConfigs(objs)
	for _, d := range deps {
		if !d.wanted() {
			continue
		}
		o := d.object(c.Version)
		// An ImageConfig is looked up by where a package comes from, which is here.
		if name := runtimes[d.Package]; name != "" {
			if err := unstructured.SetNestedField(o.Object, name, "spec", "runtimeConfigRef", "name"); err != nil {
				return nil, errors.Wrapf(err, "cannot say how %s runs", d.Package)
			}
		}
		objs = append(objs, o)
	}
	return objs, nil
}

// runtimeConfigs are the names of DeploymentRuntimeConfigs by the repository that
// ImageConfigs tie them to.
func runtimeConfigs(objs []*unstructured.Unstructured) map[string]string {
	out := map[string]string{}
	for _, o := range objs {
		name, _, _ := unstructured.NestedString(o.Object, "spec", "runtime", "configRef", "name")
		images, _, _ := unstructured.NestedSlice(o.Object, "spec", "matchImages")
		for _, i := range images {
			m, _ := i.(map[string]any)
			if repo, _ := m["prefix"].(string); name != "" && repo != "" {
				out[repo] = name
			}
		}
	}
	return out
}

// installPackages installs what a platform team applies, without clouds, and
// makes everything ready for a first claim.
func (c *UpCmd) installPackages(ctx context.Context, r registry) error {
	kube, err := c.client()
	if err != nil {
		return err
	}
	objs, err := c.plan(r)
	if err != nil {
		return err
	}
	for _, o := range objs {
		if err := apply(ctx, kube, o); err != nil {
			return err
		}
	}
	for _, o := range objs {
		if o.GroupVersionKind().Group != "pkg.crossplane.io" || !slices.Contains([]string{"Configuration", "Function", "Provider"}, o.GetKind()) {
			continue
		}
		if err := c.healthy(ctx, kube, o); err != nil {
			return err
		}
	}
	// Until its CRD is served, the kind is unknown.
	config := object("local.observe-k8s.io/v1alpha1", "ClusterProviderConfig", "default", map[string]any{})
	err = wait.PollUntilContextTimeout(ctx, time.Second, c.Timeout, true, func(ctx context.Context) (bool, error) {
		return apply(ctx, kube, config) == nil, nil
	})
	if err != nil {
		return errors.Wrap(err, "cannot configure the provider for clusters of containers")
	}
	return apply(ctx, kube, object("v1", "Namespace", c.Namespace, nil))
}

func (c Common) client() (client.Client, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig())
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the kubeconfig")
	}
	kube, err := client.New(cfg, client.Options{Scheme: runtime.NewScheme()})
	return kube, errors.Wrap(err, "cannot reach the management cluster")
}

func apply(ctx context.Context, kube client.Client, o *unstructured.Unstructured) error {
	err := kube.Apply(ctx, client.ApplyConfigurationFromUnstructured(o.DeepCopy()), client.FieldOwner("kind-up"), client.ForceOwnership)
	return errors.Wrapf(err, "cannot apply %s %s", o.GetKind(), o.GetName())
}

// healthy waits until a package is, and says what it said last if it is not.
func (c *UpCmd) healthy(ctx context.Context, kube client.Client, o *unstructured.Unstructured) error {
	said := ""
	err := wait.PollUntilContextTimeout(ctx, time.Second, c.Timeout, true, func(ctx context.Context) (bool, error) {
		now := &unstructured.Unstructured{}
		now.SetGroupVersionKind(o.GroupVersionKind())
		err := kube.Get(ctx, types.NamespacedName{Name: o.GetName()}, now)
		if client.IgnoreNotFound(err) != nil {
			return false, err
		}
		var ok bool
		ok, said = isHealthy(now)
		return ok, nil
	})
	return errors.Wrapf(err, "%s %s is not healthy: %s", o.GetKind(), o.GetName(), said)
}

// isHealthy says whether a package is installed and works, and what it says.
func isHealthy(o *unstructured.Unstructured) (bool, string) {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	good, said := 0, []string{}
	for _, x := range conditions {
		c, _ := x.(map[string]any)
		if t := c["type"]; t != "Healthy" && t != "Installed" {
			continue
		}
		if c["status"] == "True" {
			good++
			continue
		}
		said = append(said, fmt.Sprintf("%v: %v", c["reason"], c["message"]))
	}
	return good == 2, strings.Join(said, "; ")
}
