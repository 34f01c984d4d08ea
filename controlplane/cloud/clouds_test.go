// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"
)

// TestExamples makes what the examples become in the simulated clouds, and takes
// it down as plain kubectl delete does: everything at once, except for what a
// Usage protects.
func TestExamples(t *testing.T) {
	for _, provider := range []string{"aks", "eks", "gke", "kind", "k3d", "k3s"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			all, err := kube.ReadFiles(filepath.Join("..", "..", "functions", "simulate", "testdata", provider, "composed.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			b, made := newCloudBench(t, all)
			b.until("everything is ready: "+b.waiting(made), func() bool { return b.waiting(made) == "" })
			t.Logf("%d things in the SIMULATED cloud", len(b.Resources()))

			usages := slices.DeleteFunc(all, func(o *unstructured.Unstructured) bool { return o.GetKind() != "Usage" })
			var left []object
			b.until("everything is gone", func() bool {
				left = left[:0]
				for _, o := range made {
					if !b.released(o.gvr, o.GetName())() {
						left = append(left, o)
					}
				}
				for _, o := range left {
					if !protected(o, usages, left) && b.get(o.gvr, o.GetName()).GetDeletionTimestamp() == nil {
						b.delete(o.gvr, o.GetName())
					}
				}
				return len(left) == 0
			})
			for _, r := range b.Refusals() {
				t.Logf("refused: %s", r)
			}
			for _, v := range b.Violations() {
				t.Errorf("wrong order: %s", v)
			}
			if things := b.Resources(); len(things) > 0 {
				t.Errorf("left in the cloud: %v", things)
			}
		})
	}
}

// newCloudBench is a bench over the managed resources of clouds among objects.
func newCloudBench(t *testing.T, all []*unstructured.Unstructured) (bench, []object) {
	t.Helper()
	kinds := map[schema.GroupVersionResource]string{{Version: "v1", Resource: "secrets"}: "SecretList"}
	var objs []runtime.Object
	var made []object
	for i, o := range all {
		gvk := o.GroupVersionKind()
		hosts := gvk.Group == "k3s.m.crossplane.io" && gvk.Kind != "ProviderConfig"
		if !strings.HasSuffix(gvk.Group, ".m.upbound.io") && !hosts && gvk.Group != "local.observe-k8s.io" {
			continue
		}
		// The client in memory guesses plurals as this does.
		gvr, _ := meta.UnsafeGuessKindToResource(gvk)
		kinds[gvr] = gvk.Kind + "List"
		o = o.DeepCopy()
		if text(o, "routeTableId") != "" {
			// The example was rendered in another simulation.
			if err := unstructured.SetNestedField(o.Object, mainTable(all), "spec", "forProvider", "routeTableId"); err != nil {
				t.Fatal(err)
			}
		}
		o.SetUID(types.UID(fmt.Sprint(i)))
		o.SetResourceVersion("1")
		objs = append(objs, o)
		made = append(made, object{o, gvr})
	}
	s := newSimulator(fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, objs...), Cluster{Server: "https://one.example.org"}, table(t))
	s.hurry = 10
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var gvrs []schema.GroupVersionResource
	for gvr := range kinds {
		if gvr.Group != "" {
			gvrs = append(gvrs, gvr)
		}
	}
	if err := s.watch(ctx, gvrs); err != nil {
		t.Fatal(err)
	}
	return bench{s, t}, made
}

// mainTable is what the simulated cloud calls the main route table of the VPC.
func mainTable(all []*unstructured.Unstructured) string {
	for _, o := range all {
		if o.GetKind() == "VPC" {
			return "rtb-" + digits(o)
		}
	}
	return ""
}

// waiting are the objects that are not ready.
func (b bench) waiting(made []object) string {
	var out []string
	for _, o := range made {
		if now := b.get(o.gvr, o.GetName()); !isReady(object{now, o.gvr}) {
			cs, _, _ := unstructured.NestedSlice(now.Object, "status", "conditions")
			out = append(out, fmt.Sprintf("%s %s %v", o.GetKind(), o.GetName(), cs))
		}
	}
	return strings.Join(out, "\n")
}

// protected says whether a Usage keeps an object for another one that is left.
// What is no cloud's, such as a ProviderConfig, is gone by then.
func protected(o object, usages []*unstructured.Unstructured, left []object) bool {
	is := func(u *unstructured.Unstructured, end string, x object) bool {
		kind, _, _ := unstructured.NestedString(u.Object, "spec", end, "kind")
		name, _, _ := unstructured.NestedString(u.Object, "spec", end, "resourceRef", "name")
		return kind == x.GetKind() && name == x.GetName()
	}
	return slices.ContainsFunc(usages, func(u *unstructured.Unstructured) bool {
		return is(u, "of", o) && slices.ContainsFunc(left, func(x object) bool { return is(u, "by", x) })
	})
}
