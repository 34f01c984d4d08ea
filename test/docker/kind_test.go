// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestKind makes two real clusters at once, and uses their kubeconfigs.
func TestKind(t *testing.T) {
	names := []string{"one", "two"}
	start := time.Now()
	for _, n := range names {
		create(t, kindCluster(), n)
		t.Cleanup(func() { remove(t, kindCluster(), n) })
	}
	for _, n := range names {
		ready(t, kindCluster(), n)
		t.Logf("MEASURED KindCluster %s Ready %.1f s after both were created", n, time.Since(start).Seconds())
	}
	for _, n := range names {
		for _, key := range []string{"kubeconfig", "kubeconfig-external"} {
			nodes, err := client(t, n+"-kubeconfig", key).List(t.Context(), gvk("v1", "Node"), "")
			if err != nil {
				t.Fatalf("%s of %s: %v", key, n, err)
			}
			if len(nodes) != 1 || nodes[0].GetLabels()["example.org/pool"] != "test" {
				t.Errorf("%s of %s: want one node with our label, got %d: %v", key, n, len(nodes), nodes)
			}
		}
		o := get(t, kindCluster(), n)
		for _, f := range []string{"version", "endpoint", "externalEndpoint", "architecture", "state"} {
			v, _, _ := unstructured.NestedString(o.Object, "status", "atProvider", f)
			if v == "" {
				t.Errorf("%s says no %s", n, f)
			}
			t.Logf("%s: %s = %s", n, f, v)
		}
	}
	config := get(t, gvk(localAPI, "ClusterProviderConfig"), "default")
	if users, _, _ := unstructured.NestedInt64(config.Object, "status", "users"); users < int64(len(names)) {
		t.Errorf("the ClusterProviderConfig of both clusters could be deleted: it counts %d users", users)
	}
	if pid, ok := w.cp.PID(controlplane.ProcessProviderLocal); ok {
		t.Logf("MEASURED provider-local with two clusters: %d MiB resident, promised at most 60 MiB at rest", rss(t, pid))
	}
	measureLooks(t, kindCluster(), "kind", "one")

	took := remove(t, kindCluster(), "two")
	t.Logf("MEASURED KindCluster two gone %.1f s after it was deleted", took.Seconds())
	if left := left(t, kindCluster(), "two"); len(left) > 0 {
		t.Errorf("left on the engine: %v", left)
	}
	ready(t, kindCluster(), "one")
}
