// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// TestNeeding finds what needs a thing among the things of many claims.
func TestNeeding(t *testing.T) {
	ec2 := func(claim, kind, id string, needs ...any) *resource {
		th := &resource{
			uid: types.UID(claim + kind + id), id: id, claim: "team-a/" + claim,
			gk: schema.GroupKind{Group: ec2Group, Kind: kind}, names: []string{id}, needs: map[string]bool{},
		}
		th.need(needs)
		return th
	}
	vpc := ec2("one", "VPC", "vpc-1")
	gateway := ec2("one", "InternetGateway", "igw-1", "vpc-1")
	tests := map[string]struct {
		reason string
		things []*resource
		of     *resource
		kinds  []string
		want   []string
	}{
		"Referring": {
			reason: "What names a thing needs it, whoever made it; what names another one does not.",
			things: []*resource{vpc, gateway, ec2("two", "Subnet", "subnet-2", map[string]any{"vpcId": "vpc-1"}), ec2("two", "Subnet", "subnet-3", "vpc-2")},
			of:     vpc,
			want:   []string{"igw-1", "subnet-2"},
		},
		"Tagged": {
			reason: "A tag names a thing without needing it.",
			things: []*resource{vpc, ec2("one", "Subnet", "subnet-1", map[string]any{"tags": map[string]any{"of": "vpc-1"}})},
			of:     vpc,
		},
		"SameClaim": {
			reason: "What needs a thing without naming it does so within one claim: that of another claim has a gateway of its own.",
			things: []*resource{gateway, ec2("one", "NATGateway", "nat-1"), ec2("two", "NATGateway", "nat-2")},
			of:     gateway,
			kinds:  []string{"NATGateway." + ec2Group},
			want:   []string{"nat-1"},
		},
		"Itself": {
			reason: "Nothing needs itself, though its object may name it.",
			things: []*resource{ec2("one", "VPC", "vpc-1", "vpc-1")},
			of:     vpc,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			ts := newInventory()
			for _, th := range tc.things {
				ts.add(th)
				ts.add(th)
			}
			var got []string
			for _, th := range ts.needing(ts.byUID[tc.of.uid], tc.kinds) {
				got = append(got, th.id)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s: -want, +got:\n%s", tc.reason, diff)
			}
			for uid := range ts.byUID {
				ts.remove(uid)
			}
			if n := len(ts.byNeed) + len(ts.byClaim); n > 0 {
				t.Errorf("%d entries are left of things that are gone", n)
			}
		})
	}
}

// TestProviders plays what provider-helm and provider-kubernetes look after.
func TestProviders(t *testing.T) {
	releases := schema.GroupVersionResource{Group: "helm.m.crossplane.io", Version: "v1beta1", Resource: "releases"}
	objects := schema.GroupVersionResource{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Resource: "objects"}
	managed := func(gvr schema.GroupVersionResource, kind, name string, forProvider map[string]any) *unstructured.Unstructured {
		o := network(kind, name, forProvider)
		o.SetAPIVersion(gvr.GroupVersion().String())
		return o
	}
	paused := managed(releases, "Release", "paused", map[string]any{"chart": map[string]any{"version": "1.2.3"}, "values": map[string]any{"classRef": map[string]any{"name": "nothing"}}})
	paused.SetAnnotations(map[string]string{annotationPaused: "true"})
	b := newBenchOf(t, map[schema.GroupVersionResource]string{releases: "ReleaseList", objects: "ObjectList"},
		paused,
		managed(objects, "Object", "namespace", map[string]any{"manifest": map[string]any{"apiVersion": "v1", "kind": "Namespace"}}),
	)
	b.until("the Object is ready", b.ready(objects, "namespace"))
	if phase, _, _ := unstructured.NestedString(b.get(objects, "namespace").Object, "status", "atProvider", "manifest", "status", "phase"); phase != "Active" {
		t.Errorf("the namespace's phase is %q, want Active", phase)
	}
	if o := b.get(releases, "paused"); len(o.GetFinalizers()) > 0 {
		t.Error("a Release that is paused was begun")
	}

	b.annotate(releases, "paused", annotationPaused, "false")
	b.until("the Release is ready", b.ready(releases, "paused"))
	got, _, _ := unstructured.NestedMap(b.get(releases, "paused").Object, "status", "atProvider")
	want := map[string]any{"state": "deployed", "revision": int64(1), "version": "1.2.3", "releaseDescription": "SIMULATED: nothing is installed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the Release: -want, +got:\n%s", diff)
	}
	b.until("nothing is left to do", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.pending) == 0
	})
	writes := b.Writes()
	b.round(t.Context())
	if n := b.Writes() - writes; n > 0 {
		t.Errorf("%d writes although there was nothing to do", n)
	}

	b.delete(releases, "paused")
	b.until("the Release is gone", b.released(releases, "paused"))
}
