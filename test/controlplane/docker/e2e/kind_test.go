package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/test/controlplane"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestKind makes two real clusters at once, and uses their kubeconfigs.
func TestKind(t *testing.T) {
	names := []string{"one", "two"}
	start := time.Now()
	for _, n := range names {
		apply(t, cluster("KindCluster", n, w.image))
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
		for _, f := range []string{"version", "endpoint", "externalEndpoint", "architecture", "stage"} {
			v, _, _ := unstructured.NestedString(o.Object, "status", "atProvider", f)
			if v == "" {
				t.Errorf("%s says no %s", n, f)
			}
			t.Logf("%s: %s = %s", n, f, v)
		}
	}
	if pid, ok := w.cp.PID(controlplane.ProcessProviderLocal); ok {
		t.Logf("MEASURED provider-local with two clusters: %d MiB resident, promised at most 60 MiB at rest", rss(t, pid))
	}
	took := remove(t, kindCluster(), "two")
	t.Logf("MEASURED KindCluster two gone %.1f s after it was deleted", took.Seconds())
	if left := containers(t, kindCluster(), "two"); len(left) > 0 {
		t.Errorf("left on the engine: %v", left)
	}
	ready(t, kindCluster(), "one")
}

// TestKilled kills the provider while it creates a cluster.
func TestKilled(t *testing.T) {
	apply(t, cluster("KindCluster", "killed", w.image))
	t.Cleanup(func() { remove(t, kindCluster(), "killed") })
	eventually(t, hang, "a node", func() (bool, string) {
		return len(containers(t, kindCluster(), "killed")) > 0, "no container"
	})
	time.Sleep(2 * time.Second)
	if err := w.cp.Kill(controlplane.ProcessProviderLocal); err != nil {
		t.Fatal(err)
	}
	if left := containers(t, kindCluster(), "killed"); len(left) == 0 {
		t.Fatal("nothing is left half made: this shows nothing")
	}
	if err := w.cp.Restart(t.Context(), controlplane.ProcessProviderLocal); err != nil {
		t.Fatal(err)
	}
	repairing := false
	took := eventually(t, hang, "repaired", func() (bool, string) {
		o := get(t, kindCluster(), "killed")
		stage, _, _ := unstructured.NestedString(o.Object, "status", "atProvider", "stage")
		repairing = repairing || stage == "Repairing"
		for _, c := range conditionsOf(o) {
			if c["type"] == "Ready" && c["status"] == "True" {
				return true, ""
			}
		}
		return false, conditions(o)
	})
	if !repairing {
		t.Error("the status never said that it is being repaired")
	}
	t.Logf("MEASURED repaired %.1f s after the provider's restart", took.Seconds())
}

// TestDeletedHalfMade deletes a cluster while it is being created.
func TestDeletedHalfMade(t *testing.T) {
	apply(t, cluster("KindCluster", "half", w.image))
	eventually(t, hang, "a node", func() (bool, string) {
		return len(containers(t, kindCluster(), "half")) > 0, "no container"
	})
	took := remove(t, kindCluster(), "half")
	t.Logf("MEASURED half made cluster gone after %.1f s", took.Seconds())
	time.Sleep(2 * time.Second)
	if left := containers(t, kindCluster(), "half"); len(left) > 0 {
		t.Errorf("left on the engine: %v", left)
	}
}

// TestDeletedByHand deletes a cluster whose container somebody removed.
func TestDeletedByHand(t *testing.T) {
	apply(t, cluster("KindCluster", "gone", w.image))
	eventually(t, hang, "a node", func() (bool, string) {
		return len(containers(t, kindCluster(), "gone")) > 0, "no container"
	})
	ready(t, kindCluster(), "gone")
	for _, c := range containers(t, kindCluster(), "gone") {
		if _, err := w.engine.Docker(t.Context(), "rm", "-f", "-v", c); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, kindCluster(), "gone")
}

// TestEngineGone stops the container engine, and starts it again.
func TestEngineGone(t *testing.T) {
	apply(t, cluster("KindCluster", "stays", w.image))
	t.Cleanup(func() { remove(t, kindCluster(), "stays") })
	ready(t, kindCluster(), "stays")
	before := containers(t, kindCluster(), "stays")

	if err := w.engine.Stop(); err != nil {
		t.Fatal(err)
	}
	took := says(t, kindCluster(), "stays", "Ready", "False", "cannot reach the container engine")
	t.Logf("MEASURED said that the engine is gone after %.1f s", took.Seconds())
	if err := w.engine.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	took = ready(t, kindCluster(), "stays")
	t.Logf("MEASURED Ready again %.1f s after the engine's start", took.Seconds())
	after := containers(t, kindCluster(), "stays")
	if strings.Join(before, " ") != strings.Join(after, " ") {
		t.Errorf("the cluster was made again: %v became %v", before, after)
	}
	if _, err := client(t, "stays-kubeconfig", "kubeconfig").List(t.Context(), gvk("v1", "Node"), ""); err != nil {
		t.Errorf("the kubeconfig does not work any more: %v", err)
	}
}

// TestImpossible asks for an image that there is none of.
func TestImpossible(t *testing.T) {
	apply(t, cluster("KindCluster", "impossible", "127.0.0.1:1/missing:1"))
	says(t, kindCluster(), "impossible", "Ready", "False", "cannot create the cluster", "127.0.0.1:1/missing:1")
	remove(t, kindCluster(), "impossible")
}

func conditionsOf(o *unstructured.Unstructured) []map[string]any {
	var out []map[string]any
	cs, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range cs {
		if m, ok := c.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
