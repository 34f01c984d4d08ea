// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestKilled kills the provider while it creates a cluster.
func TestKilled(t *testing.T) {
	create(t, kindCluster(), "killed")
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
		stage, _, _ := unstructured.NestedString(o.Object, "status", "atProvider", "state")
		repairing = repairing || stage == "Recreating"
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

// TestDeletedHalfMade deletes clusters while they are being created.
func TestDeletedHalfMade(t *testing.T) {
	for name, kind := range map[string]schema.GroupVersionKind{"half-kind": kindCluster(), "half-k3d": k3dCluster()} {
		t.Run(kind.Kind, func(t *testing.T) {
			create(t, kind, name)
			eventually(t, hang, "a node", func() (bool, string) {
				return len(containers(t, kind, name)) > 0, "no container"
			})
			took := remove(t, kind, name)
			t.Logf("MEASURED half made %s gone after %.1f s", kind.Kind, took.Seconds())
			time.Sleep(2 * time.Second)
			if left := left(t, kind, name); len(left) > 0 {
				t.Errorf("left on the engine: %v", left)
			}
		})
	}
}

// TestDeletedByHand deletes a cluster whose container somebody removed.
func TestDeletedByHand(t *testing.T) {
	create(t, kindCluster(), "gone")
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
	kinds := map[string]schema.GroupVersionKind{"stays-kind": kindCluster(), "stays-k3d": k3dCluster()}
	for name, kind := range kinds {
		create(t, kind, name)
		t.Cleanup(func() { remove(t, kind, name) })
	}
	before := map[string]string{}
	for name, kind := range kinds {
		ready(t, kind, name)
		before[name] = strings.Join(containers(t, kind, name), " ")
	}
	if err := w.engine.Stop(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for name, kind := range kinds {
		says(t, kind, name, "Ready", "False", "cannot reach the container engine")
		t.Logf("MEASURED %s said that the engine is gone after %.1f s", name, time.Since(start).Seconds())
	}
	start = time.Now()
	if err := w.engine.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	for name, kind := range kinds {
		ready(t, kind, name)
		t.Logf("MEASURED %s Ready again %.1f s after the engine was started", name, time.Since(start).Seconds())
		if after := strings.Join(containers(t, kind, name), " "); before[name] != after {
			t.Errorf("the cluster was made again: %s became %s", before[name], after)
		}
		if _, err := client(t, name+"-kubeconfig", "kubeconfig").List(t.Context(), gvk("v1", "Node"), ""); err != nil {
			t.Errorf("the kubeconfig of %s does not work any more: %v", name, err)
		}
	}
}

// TestDiskFull asks for a cluster on an engine whose disk is full.
func TestDiskFull(t *testing.T) {
	undo, err := w.engine.Fill()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		remove(t, kindCluster(), "full")
		if err := undo(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	})
	create(t, kindCluster(), "full")
	took := says(t, kindCluster(), "full", "Ready", "False", "cannot create the cluster", "no space left on device")
	t.Logf("MEASURED said that the disk is full after %.1f s", took.Seconds())
	remove(t, kindCluster(), "full")
	if left := left(t, kindCluster(), "full"); len(left) > 0 {
		t.Errorf("left on the engine: %v", left)
	}
}

// TestImpossible asks for an image that there is none of.
func TestImpossible(t *testing.T) {
	apply(t, clusterOf(kindCluster(), "impossible", "127.0.0.1:1/missing:1"))
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
