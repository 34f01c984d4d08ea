package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Timeouts are generous where they only keep a failure from hanging; those that
// are promises stand in the tests.
const long = 4 * time.Minute

// clusters is the resource of our clusters for kubectl. Azure's provider has
// kubernetesclusters too, and its group comes first.
const clusters = "kubernetesclusters.observe-k8s.io"

func ours(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "observe-k8s.io", Version: "v1alpha1", Kind: kind}
}

// Constants, if Go had them of this type.
var (
	release = schema.GroupVersionKind{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "Release"}
	secret  = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
)

// kinds that a claim leaves behind if a teardown fails.
func kinds() []schema.GroupVersionKind {
	return []schema.GroupVersionKind{
		ours("ObservabilityPlatform"), ours("KubernetesCluster"), ours("ObservabilityStack"), ours("Component"), ours("Workload"),
		release,
		{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "ProviderConfig"},
		{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "ProviderConfigUsage"},
		{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "Object"},
		{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "ProviderConfig"},
		{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "ProviderConfigUsage"},
		{Group: "protection.crossplane.io", Version: "v1beta1", Kind: "Usage"},
	}
}

// example reads a claim of examples/.
func example(t *testing.T, name string) *unstructured.Unstructured {
	t.Helper()
	objs, err := kube.ReadFiles(filepath.Join("..", "..", "..", "examples", name))
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
	if objs[0].GetNamespace() == "" {
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

// get gets an object of the management cluster; nil when there is none.
func get(t *testing.T, gvk schema.GroupVersionKind, name string) *unstructured.Unstructured {
	t.Helper()
	o, err := w.management.Get(context.WithoutCancel(t.Context()), gvk, namespace, name)
	if err != nil {
		t.Logf("cannot get %s %s: %v", gvk.Kind, name, err)
	}
	return o
}

// eventually waits until f says that it is so, and fails with what f saw last.
// It returns how long it took.
func eventually(t *testing.T, limit time.Duration, what string, f func() (bool, string)) time.Duration {
	t.Helper()
	start, saw := time.Now(), ""
	for time.Since(start) < limit {
		ok, now := f()
		if ok {
			return time.Since(start)
		}
		saw = now
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("%s: not after %s; last seen: %s", what, limit, saw)
	return 0
}

// ready waits until an object is Ready.
func ready(t *testing.T, gvk schema.GroupVersionKind, name string, limit time.Duration) time.Duration {
	t.Helper()
	return eventually(t, limit, gvk.Kind+" "+name+" Ready", func() (bool, string) {
		o := get(t, gvk, name)
		if o == nil {
			return false, "it does not exist"
		}
		s, _, _ := kube.Condition(o, "Ready")
		return s == "True", conditions(o)
	})
}

// works waits until a platform is Ready for what its spec says now.
func works(t *testing.T, name string) time.Duration {
	t.Helper()
	return eventually(t, long, "ObservabilityPlatform "+name+" Ready again", func() (bool, string) {
		o := get(t, ours("ObservabilityPlatform"), name)
		cs, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
		for _, c := range cs {
			m, _ := c.(map[string]any)
			seen, _ := m["observedGeneration"].(int64)
			if m["status"] != "True" || (seen > 0 && seen < o.GetGeneration()) {
				return false, conditions(o)
			}
		}
		return true, ""
	})
}

// says waits until a condition has a status and its message contains words.
func says(t *testing.T, gvk schema.GroupVersionKind, name, typ, status string, words ...string) time.Duration {
	t.Helper()
	return eventually(t, long, fmt.Sprintf("%s %s says %s=%s with %q", gvk.Kind, name, typ, status, words), func() (bool, string) {
		o := get(t, gvk, name)
		if o == nil {
			return false, "it does not exist"
		}
		s, _, msg := kube.Condition(o, typ)
		for _, word := range words {
			if !strings.Contains(msg, word) {
				return false, conditions(o)
			}
		}
		return s == status, conditions(o)
	})
}

// conditions of an object, one a line.
func conditions(o *unstructured.Unstructured) string {
	var b strings.Builder
	cs, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range cs {
		m, _ := c.(map[string]any)
		fmt.Fprintf(&b, "\n    %v=%v %v %v", m["type"], m["status"], m["reason"], m["message"])
	}
	return b.String()
}

// remove deletes an object and waits until nothing of ours is left on either
// cluster. It returns how long that took.
func remove(t *testing.T, gvk schema.GroupVersionKind, name string, cascade metav1.DeletionPropagation, before baseline, limit time.Duration) time.Duration {
	t.Helper()
	r, err := w.management.Resource(gvk, namespace)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := r.Delete(t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &cascade}); err != nil {
		t.Fatal(err)
	}
	there := leftovers(t, before)
	eventually(t, limit, "nothing left", func() (bool, string) {
		left := leftovers(t, before)
		for _, name := range there {
			if !slices.Contains(left, name) {
				t.Logf("%5.1fs gone: %s", time.Since(start).Seconds(), name)
			}
		}
		there = left
		return len(left) == 0, strings.Join(left, ", ")
	})
	return time.Since(start)
}

// A baseline is what was on the remote cluster before a claim.
type baseline map[string]bool

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

func remoteObjects(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, k := range remoteKinds() {
		objs, err := w.remote.List(context.WithoutCancel(t.Context()), k, "")
		if err != nil {
			out["cannot list "+k.Kind] = true
		}
		for _, o := range objs {
			out[k.Kind+" "+o.GetNamespace()+"/"+o.GetName()] = true
		}
	}
	return out
}

func take(t *testing.T) baseline {
	t.Helper()
	return remoteObjects(t)
}

// leftovers are objects of a claim on either cluster.
func leftovers(t *testing.T, before baseline) []string {
	t.Helper()
	var left []string
	for _, k := range kinds() {
		objs, err := w.management.List(context.WithoutCancel(t.Context()), k, "")
		if err != nil {
			left = append(left, err.Error())
		}
		for _, o := range objs {
			left = append(left, k.Kind+"/"+o.GetName())
		}
	}
	for name := range remoteObjects(t) {
		if !before[name] {
			left = append(left, "remote "+name)
		}
	}
	slices.Sort(left)
	return left
}

// kubectl runs the real kubectl against the management cluster.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryKubectl(t, "", args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// tryKubectl runs kubectl with standard input, and returns all that it prints.
func tryKubectl(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), w.cp.Kubectl(), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.cp.Kubeconfig())
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// onFailure shows how things stand when a test fails.
func onFailure(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, k := range kinds() {
			objs, _ := w.management.List(context.Background(), k, "")
			for _, o := range objs {
				t.Logf("%s %s deleted=%v finalizers=%v%s", o.GetKind(), o.GetName(), o.GetDeletionTimestamp(), o.GetFinalizers(), conditions(&o))
			}
		}
	})
}

// only finds the one object of a kind whose name begins as given.
func only(t *testing.T, gvk schema.GroupVersionKind, prefix string) *unstructured.Unstructured {
	t.Helper()
	all, err := w.management.List(t.Context(), gvk, namespace)
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(o unstructured.Unstructured) bool { return !strings.HasPrefix(o.GetName(), prefix) })
	if len(all) != 1 {
		t.Fatalf("%d objects of kind %s begin with %s, want 1", len(all), gvk.Kind, prefix)
	}
	return &all[0]
}
