package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
)

// hang is how long anything may take before a test gives up on it.
const hang = 6 * time.Minute

const localAPI = "local.observe-k8s.io/v1alpha1"

func gvk(apiVersion, kind string) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(apiVersion, kind)
}

func kindCluster() schema.GroupVersionKind { return gvk(localAPI, "KindCluster") }

// apply an object, which is given as YAML.
func apply(t *testing.T, manifest string) {
	t.Helper()
	objs, err := kube.Parse([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.management.Apply(t.Context(), objs...); err != nil {
		t.Fatal(err)
	}
}

// cluster is the YAML of a cluster with the node image.
func cluster(kind, name, image string) string {
	return fmt.Sprintf(`apiVersion: %s
kind: %s
metadata: {name: %s, namespace: %s}
spec:
  forProvider:
    image: %s
    registryMirrors: [{registry: "*", endpoints: [%q]}]
    labels: {example.org/pool: test}
  writeConnectionSecretToRef: {name: %s-kubeconfig}
`, localAPI, kind, name, namespace, image, w.mirror.URL(), name)
}

// get an object; nil when there is none.
func get(t *testing.T, kind schema.GroupVersionKind, name string) *unstructured.Unstructured {
	t.Helper()
	o, err := w.management.Get(context.WithoutCancel(t.Context()), kind, namespace, name)
	if err != nil {
		t.Logf("cannot get %s %s: %v", kind.Kind, name, err)
	}
	return o
}

// remove an object and wait until it is gone.
func remove(t *testing.T, kind schema.GroupVersionKind, name string) time.Duration {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	r, err := w.management.Resource(kind, namespace)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !strings.Contains(err.Error(), "not found") {
		t.Fatal(err)
	}
	return eventually(t, hang, kind.Kind+" "+name+" gone", func() (bool, string) {
		o := get(t, kind, name)
		if o == nil {
			return true, ""
		}
		return false, conditions(o)
	})
}

// eventually waits until f says that it is so, and fails with what f saw last.
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
func ready(t *testing.T, kind schema.GroupVersionKind, name string) time.Duration {
	t.Helper()
	return says(t, kind, name, "Ready", "True")
}

// says waits until a condition has a status and its message contains words.
func says(t *testing.T, kind schema.GroupVersionKind, name, typ, status string, words ...string) time.Duration {
	t.Helper()
	return eventually(t, hang, fmt.Sprintf("%s %s %s=%s %q", kind.Kind, name, typ, status, words), func() (bool, string) {
		o := get(t, kind, name)
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
	stage, _, _ := unstructured.NestedMap(o.Object, "status", "atProvider")
	fmt.Fprintf(&b, "\n    %v", stage)
	return b.String()
}

// client of the cluster whose kubeconfig is in a Secret under a key.
func client(t *testing.T, secret, key string) *kube.Client {
	t.Helper()
	s := get(t, gvk("v1", "Secret"), secret)
	if s == nil {
		t.Fatalf("there is no Secret %s", secret)
	}
	encoded, _, _ := unstructured.NestedString(s.Object, "data", key)
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(b) == 0 {
		t.Fatalf("Secret %s has no %s", secret, key)
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := kube.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// containers of a cluster on the engine, by the name of its object.
func containers(t *testing.T, kind schema.GroupVersionKind, name string) []string {
	t.Helper()
	label := "io.x-k8s.kind.cluster"
	if kind.Kind == "K3dCluster" {
		label = "k3d.cluster"
	}
	out, err := w.engine.Docker(context.WithoutCancel(t.Context()), "ps", "-a", "--format", `{{.Names}} {{.Label "`+label+`"}}`)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(out) {
		container, cluster, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(cluster, name+"-") {
			names = append(names, container)
		}
	}
	return names
}

// rss is the resident memory of a process, in MiB.
func rss(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		kib := 0
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}
