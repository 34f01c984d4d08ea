// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The two ways of kubectl delete.
const (
	background = metav1.DeletePropagationBackground
	foreground = metav1.DeletePropagationForeground
)

// ours are the kinds of this project, parents first.
func allOurs() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		ours("ObservabilityPlatform"), ours("KubernetesCluster"), ours("ObservabilityStack"), ours("Component"), ours("Workload"),
	}
}

// kinds that a claim leaves behind if a teardown fails.
func kinds() []schema.GroupVersionKind {
	return append(allOurs(),
		release,
		schema.GroupVersionKind{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "ProviderConfig"},
		schema.GroupVersionKind{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "ProviderConfigUsage"},
		schema.GroupVersionKind{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "Object"},
		schema.GroupVersionKind{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "ProviderConfig"},
		schema.GroupVersionKind{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "ProviderConfigUsage"},
		schema.GroupVersionKind{Group: "protection.crossplane.io", Version: "v1beta1", Kind: "Usage"},
	)
}

// example reads a claim of examples/.
func example(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	objs, err := kube.ReadFiles(filepath.Join("..", "..", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return objs[0]
}

// parse reads one object.
func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	objs, err := kube.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if objs[0].GetNamespace() == "" && objs[0].GetKind() != "Namespace" {
		objs[0].SetNamespace(namespace)
	}
	return objs[0]
}

// apply applies an object as kubectl apply --server-side does.
func apply(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	if err := w.management.Apply(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// claim applies claims. When the test ends, however it ends, nothing of them is
// left, nor of what else it claimed; when it failed, it shows before how things
// stood.
func claim(t *testing.T, os ...*unstructured.Unstructured) {
	t.Helper()
	if w.spent {
		w.stop()
		if err := w.start(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		w.spent = false
	}
	t.Cleanup(func() { clean(t) })
	onFailure(t)
	for _, o := range os {
		apply(t, o)
	}
}

// replay is how long a claim of the same name should wait after a deletion:
// Crossplane deletes what a Usage protected once more, by its name. See the known
// limits in docs/architecture.md.
const replay = 3 * time.Second

// clean deletes every claim there is and waits until nothing is left. Where that
// does not help, the next test gets a new control plane, so that it does not fail
// for what another one broke.
func clean(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if len(leftovers(ctx, "")) == 0 {
		return
	}
	t.Log("the test left something behind: deleting all claims")
	left := []string{}
	for start := time.Now(); time.Since(start) < 2*hang; time.Sleep(time.Second) {
		for _, k := range allOurs() {
			deleteRoots(ctx, t, k)
		}
		if left = leftovers(ctx, ""); len(left) == 0 {
			t.Logf("nothing left after %s", time.Since(start).Round(time.Second))
			time.Sleep(replay)
			return
		}
	}
	t.Errorf("cannot clean up; what follows has a new control plane. Still there: %s", strings.Join(left, ", "))
	w.stop()
	if err := w.start(ctx); err != nil {
		t.Fatal(err)
	}
}

// deleteRoots deletes what no other object of ours owns.
func deleteRoots(ctx context.Context, t *testing.T, gvk schema.GroupVersionKind) {
	t.Helper()
	objs, err := w.management.List(ctx, gvk, "")
	if err != nil {
		t.Log(err)
	}
	for _, o := range objs {
		if len(o.GetOwnerReferences()) > 0 || o.GetDeletionTimestamp() != nil {
			continue
		}
		if err := deleteObject(ctx, &o, background); err != nil {
			t.Log(err)
		}
	}
}

func deleteObject(ctx context.Context, o *unstructured.Unstructured, cascade metav1.DeletionPropagation) error {
	return deleteOn(ctx, w.management, o, cascade)
}

// deleteOn deletes an object of a cluster.
func deleteOn(ctx context.Context, cluster *kube.Client, o *unstructured.Unstructured, cascade metav1.DeletionPropagation) error {
	r, err := cluster.Resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return err
	}
	return r.Delete(ctx, o.GetName(), metav1.DeleteOptions{PropagationPolicy: &cascade})
}

// remove deletes claims as kubectl delete does, and waits until nothing is left:
// in their namespace, on the remote cluster, and in the simulated clouds, where nothing may go
// before what needs it. It notes how long that took.
func remove(t *testing.T, cascade metav1.DeletionPropagation, promised time.Duration, claims ...*unstructured.Unstructured) {
	t.Helper()
	refusals, violations := 0, 0
	if clouds := w.cp.Clouds(); clouds != nil {
		refusals, violations = len(clouds.Refusals()), len(clouds.Violations())
	}
	start := time.Now()
	for _, o := range claims {
		if err := deleteObject(t.Context(), o, cascade); err != nil {
			t.Fatal(err)
		}
	}
	of := claims[0].GetNamespace()
	there := leftovers(t.Context(), of)
	// In the foreground cascade each layer takes half a minute.
	eventually(t, 2*hang, "nothing left", func() (bool, string) {
		left := leftovers(t.Context(), of)
		gone := slices.DeleteFunc(there, func(name string) bool { return slices.Contains(left, name) })
		if len(gone) > 0 {
			t.Logf("%5.1fs gone: %s", time.Since(start).Seconds(), strings.Join(gone, ", "))
		}
		there = left
		return len(left) == 0, strings.Join(left, ", ")
	})
	measured(t, "nothing left after kubectl delete, "+strings.ToLower(string(cascade)), time.Since(start), promised)
	time.Sleep(replay)
	clouds := w.cp.Clouds()
	if clouds == nil {
		return
	}
	for _, r := range clouds.Refusals()[refusals:] {
		t.Logf("the SIMULATED cloud refused: %s", r)
	}
	for _, v := range clouds.Violations()[violations:] {
		t.Errorf("wrong order: %s", v)
	}
}

// remoteKinds are what a claim brings to a cluster, at the level at which a
// leftover shows.
func remoteKinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		{Version: "v1", Kind: "Namespace"},
		{Version: "v1", Kind: "Secret"},
		{Group: "apps", Version: "v1", Kind: "Deployment"},
		{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"},
	}
}

func remoteObjects(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	for _, k := range remoteKinds() {
		objs, err := w.remote.List(ctx, k, "")
		if err != nil {
			return nil, err
		}
		for _, o := range objs {
			out["remote "+k.Kind+" "+o.GetNamespace()+"/"+o.GetName()] = true
		}
	}
	return out, nil
}

// leftovers are objects of claims in a namespace, or in all, on the remote
// cluster and in the clouds. What cannot be looked at counts as one.
func leftovers(ctx context.Context, namespace string) []string {
	left := listed(ctx, kinds(), namespace)
	now, err := remoteObjects(ctx)
	if err != nil {
		left = append(left, err.Error())
	}
	for name := range now {
		if !w.before[name] {
			left = append(left, name)
		}
	}
	if clouds := w.cp.Clouds(); clouds != nil {
		for _, thing := range clouds.Resources() {
			left = append(left, "in the SIMULATED cloud: "+thing)
		}
	}
	if len(left) == 0 {
		// They are many, and the things behind them are looked at above.
		left = listed(ctx, w.clouds, namespace)
	}
	slices.Sort(left)
	return left
}

func listed(ctx context.Context, kinds []schema.GroupVersionKind, namespace string) []string {
	var out []string
	for _, k := range kinds {
		objs, err := w.management.List(ctx, k, namespace)
		if err != nil {
			out = append(out, err.Error())
		}
		for _, o := range objs {
			out = append(out, k.Kind+"/"+o.GetName())
		}
	}
	return out
}

// onFailure shows how things stand when a test fails.
func onFailure(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, k := range slices.Concat(kinds(), w.clouds) {
			objs, _ := w.management.List(context.Background(), k, "")
			for _, o := range objs {
				t.Logf("%s %s deleted=%v finalizers=%v%s", o.GetKind(), o.GetName(), o.GetDeletionTimestamp(), o.GetFinalizers(), conditions(&o))
			}
		}
		if clouds := w.cp.Clouds(); clouds != nil {
			t.Logf("refused by the SIMULATED cloud: %q\nthere is: %q", clouds.Refusals(), clouds.Resources())
		}
	})
}
