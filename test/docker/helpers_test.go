// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
)

// hang is how long anything may take before a test gives up on it.
const hang = 10 * time.Minute

const localAPI = "local.observe-k8s.io/v1alpha1"

func gvk(apiVersion, kind string) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(apiVersion, kind)
}

func kindCluster() schema.GroupVersionKind { return gvk(localAPI, "KindCluster") }

func k3dCluster() schema.GroupVersionKind { return gvk(localAPI, "K3dCluster") }

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

// create a cluster of a kind with the image that there is for it. Further lines
// say more of it.
func create(t *testing.T, kind schema.GroupVersionKind, name string, more ...string) {
	t.Helper()
	image := w.image
	if kind == k3dCluster() {
		image = w.k3s
	}
	apply(t, clusterOf(kind, name, image, more...))
}

// clusterOf is the YAML of a cluster.
func clusterOf(kind schema.GroupVersionKind, name, image string, more ...string) string {
	return fmt.Sprintf(`apiVersion: %s
kind: %s
metadata: {name: %s, namespace: %s}
spec:
  forProvider:
    image: %s
    registryMirrors: [{registry: "*", endpoints: [%q]}]
    labels: {example.org/pool: test}
    %s
  writeConnectionSecretToRef: {name: %s-kubeconfig}
`, localAPI, kind.Kind, name, namespace, image, w.mirror.URL(), strings.Join(more, "\n    "), name)
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
	config := decoded(s, key)
	if config == "" {
		t.Fatalf("Secret %s has no %s", secret, key)
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	c, err := kube.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// decoded value of a Secret's key; empty when there is none.
func decoded(secret *unstructured.Unstructured, key string) string {
	encoded, _, _ := unstructured.NestedString(secret.Object, "data", key)
	b, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	return string(b)
}

// containers of a cluster on the engine, by the name of its object.
func containers(t *testing.T, kind schema.GroupVersionKind, name string) []string {
	t.Helper()
	return labelled(t, kind, name, "ps", "-a", "--format", `{{.Names}} {{.Label "%s"}}`)
}

// left is what there is of a cluster on the engine: containers and volumes.
func left(t *testing.T, kind schema.GroupVersionKind, name string) []string {
	t.Helper()
	return append(containers(t, kind, name), labelled(t, kind, name, "volume", "ls", "--format", `{{.Name}} {{.Label "%s"}}`)...)
}

// labelled lists what belongs to a cluster: names and the label with the name of
// the cluster.
func labelled(t *testing.T, kind schema.GroupVersionKind, name string, command ...string) []string {
	t.Helper()
	label := "io.x-k8s.kind.cluster"
	if kind == k3dCluster() {
		label = "k3d.cluster"
	}
	last := len(command) - 1
	command[last] = fmt.Sprintf(command[last], label)
	out, err := w.engine.Docker(context.WithoutCancel(t.Context()), command...)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(out) {
		found, cluster, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(cluster, name+"-") {
			names = append(names, found)
		}
	}
	return names
}

// A looks is how often provider-local looked at clusters, and how often it took
// at most what is promised.
type looks struct{ all, quick, seconds float64 }

// promisedLook is one of the metric's buckets, in seconds.
const promisedLook = "0.05"

// looksAt clusters of a tool since the provider started.
func looksAt(t *testing.T, tool string) looks {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.cp.LocalMetrics(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rsp.Body.Close() }()
	b, err := io.ReadAll(rsp.Body)
	if err != nil {
		t.Fatal(err)
	}
	labels := fmt.Sprintf(`{call="observe",result="ok",tool=%q`, tool)
	out := looks{}
	for line := range strings.Lines(string(b)) {
		for suffix, to := range map[string]*float64{
			"_count" + labels + "}": &out.all, "_sum" + labels + "}": &out.seconds, "_bucket" + labels + `,le="` + promisedLook + `"}`: &out.quick,
		} {
			if value, ok := strings.CutPrefix(line, "provider_local_engine_call_duration_seconds"+suffix); ok {
				if *to, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return out
}

// measureLooks lets the provider look at a cluster, again and again, and prints
// what that took. A miss fails nothing: it says as much about the machine.
func measureLooks(t *testing.T, kind schema.GroupVersionKind, tool, name string) {
	t.Helper()
	const times = 20
	r, err := w.management.Resource(kind, namespace)
	if err != nil {
		t.Fatal(err)
	}
	before := looksAt(t, tool)
	for i := range times {
		// The provider looks at what somebody touched.
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.org/touched":"%d"}}}`, i)
		if _, err := r.Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	now := looks{}
	eventually(t, hang, "looks at "+name, func() (bool, string) {
		now = looksAt(t, tool)
		return now.all-before.all >= times/2, fmt.Sprintf("%v, before %v", now, before)
	})
	n := now.all - before.all
	t.Logf("MEASURED Observe of a %s: %.1f ms on average of %.0f, %.0f of them within the promised 50 ms", kind.Kind, 1000*(now.seconds-before.seconds)/n, n, now.quick-before.quick)
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
