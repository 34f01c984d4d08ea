// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/cluster/kinds"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"
)

const ec2Group = "ec2.aws.m.upbound.io"

var (
	vpcs    = schema.GroupVersionResource{Group: ec2Group, Version: "v1beta1", Resource: "vpcs"}
	subnets = schema.GroupVersionResource{Group: ec2Group, Version: "v1beta1", Resource: "subnets"}
	routes  = schema.GroupVersionResource{Group: ec2Group, Version: "v1beta1", Resource: "routes"}
)

// A bench is a simulator over objects in memory, taken further by hand.
type bench struct {
	*Simulator

	t *testing.T
}

func newBench(t *testing.T, objs ...*unstructured.Unstructured) bench {
	t.Helper()
	return newBenchOf(t, map[schema.GroupVersionResource]string{vpcs: "VPCList", subnets: "SubnetList", routes: "RouteList"}, objs...)
}

// newBenchOf is a bench over resources, with the names of their lists.
func newBenchOf(t *testing.T, lists map[schema.GroupVersionResource]string, objs ...*unstructured.Unstructured) bench {
	t.Helper()
	var rs []runtime.Object
	for _, o := range objs {
		rs = append(rs, o)
	}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists, rs...)
	s := newSimulator(client, Cluster{}, table(t))
	s.hurry = 10
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	if err := s.watch(ctx, slices.Collect(maps.Keys(lists))); err != nil {
		t.Fatal(err)
	}
	return bench{s, t}
}

// table of all kinds.
func table(t *testing.T) kinds.Table {
	t.Helper()
	known, err := cluster.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	return known
}

func network(kind, name string, forProvider map[string]any, policies ...any) *unstructured.Unstructured {
	if len(policies) == 0 {
		policies = []any{"*"}
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": ec2Group + "/v1beta1",
		"kind":       kind,
		"metadata":   map[string]any{"name": name, "namespace": "team-a", "uid": "uid-" + name, "resourceVersion": "1"},
		"spec":       map[string]any{"forProvider": forProvider, "managementPolicies": policies},
	}}
}

// until takes everything further until f holds.
func (b bench) until(what string, f func() bool) {
	b.t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		b.round(b.t.Context())
		if f() {
			return
		}
	}
	b.t.Fatalf("never: %s", what)
}

func (b bench) get(gvr schema.GroupVersionResource, name string) *unstructured.Unstructured {
	b.t.Helper()
	o, err := b.client.Resource(gvr).Namespace("team-a").Get(b.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	return o
}

// delete asks for a deletion, as an API server does where there are finalizers.
func (b bench) delete(gvr schema.GroupVersionResource, name string) {
	b.t.Helper()
	p := []byte(`{"metadata":{"deletionTimestamp":"2026-11-22T00:00:00Z"}}`)
	if _, err := b.client.Resource(gvr).Namespace("team-a").Patch(b.t.Context(), name, types.MergePatchType, p, metav1.PatchOptions{}); err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) annotate(gvr schema.GroupVersionResource, name, annotation, value string) {
	b.t.Helper()
	p := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, annotation, value)
	if _, err := b.client.Resource(gvr).Namespace("team-a").Patch(b.t.Context(), name, types.MergePatchType, p, metav1.PatchOptions{}); err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) ready(gvr schema.GroupVersionResource, name string) func() bool {
	return func() bool { return isReady(object{b.get(gvr, name), gvr}) }
}

func (b bench) released(gvr schema.GroupVersionResource, name string) func() bool {
	return func() bool { return !slices.Contains(b.get(gvr, name).GetFinalizers(), finalizer) }
}

// TestNetwork makes a network in the simulated cloud and takes it down in the
// wrong order.
func TestNetwork(t *testing.T) {
	ref := map[string]any{"name": "vpc"}
	b := newBench(t,
		network("Subnet", "subnet", map[string]any{"vpcIdRef": ref}),
		network("VPC", "vpc", map[string]any{}),
	)
	b.until("Subnet is ready", b.ready(subnets, "subnet"))
	vpc := b.get(vpcs, "vpc")
	got, _, _ := unstructured.NestedString(b.get(subnets, "subnet").Object, "spec", "forProvider", "vpcId")
	if diff := cmp.Diff(kinds.ExternalName(vpc), got); diff != "" {
		t.Errorf("the reference leads elsewhere: -want, +got:\n%s", diff)
	}

	b.delete(vpcs, "vpc")
	b.until("the cloud refuses", func() bool { return len(b.Refusals()) > 0 })
	if b.released(vpcs, "vpc")() {
		t.Error("a VPC went with a subnet in it")
	}
	b.delete(subnets, "subnet")
	b.until("the Subnet is gone", b.released(subnets, "subnet"))
	b.until("the VPC is gone", b.released(vpcs, "vpc"))
	if left := append(b.Resources(), b.Violations()...); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestDiesWithParent keeps a thing that may not be deleted on its own until its
// parent goes.
func TestDiesWithParent(t *testing.T) {
	b := newBench(t, network("VPC", "vpc", map[string]any{}))
	b.until("VPC is ready", b.ready(vpcs, "vpc"))
	table, _, _ := unstructured.NestedString(b.get(vpcs, "vpc").Object, "status", "atProvider", "mainRouteTableId")
	route := network("Route", "route", map[string]any{"routeTableId": table}, "Observe", "Create", "Update")
	if _, err := b.client.Resource(routes).Namespace("team-a").Create(t.Context(), route, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.until("Route is ready", b.ready(routes, "route"))

	b.delete(routes, "route")
	b.until("the Route's object is gone", b.released(routes, "route"))
	if n := len(b.Resources()); n != 2 {
		t.Errorf("%d things, want the VPC and the route: %v", n, b.Resources())
	}
	b.delete(vpcs, "vpc")
	b.until("the VPC is gone", b.released(vpcs, "vpc"))
	if left := append(b.Resources(), b.Violations()...); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
