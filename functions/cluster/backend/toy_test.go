// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend/backendtest"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/platform"
	"github.com/observe-k8s/observe-k8s/functions/policy"
)

// toy is a provider that nothing else knows: all that a new one has to write, but
// for its kinds.yaml, its row and its section of the API.
type toy struct{}

// Describe a cloud with one machine for everybody.
func (toy) Describe(p v1alpha1.ClusterParameters) backend.Facts { return backend.InCloud(p, "", "") }

// Plan one object that is the cluster.
func (toy) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (backend.Cluster, error) {
	c := backend.Cloud{In: in}
	region, problem := backend.Lookup("region", map[v1alpha1.Region]string{v1alpha1.RegionEuropeWest: "attic"}, in.Claim.Spec.Region, in.Claim.Spec.Provider)
	if problem != nil {
		return c.Refused(*problem), nil
	}
	ref := v1alpha1.SecretKeyReference{Name: c.Name("kubeconfig"), Key: "kubeconfig"}
	out := backend.Cluster{
		Parts:        []string{backend.PartControlPlane},
		Requirements: []compose.Requirement{{Name: backend.RequirementKubeconfig, APIVersion: "v1", Kind: "Secret", Namespace: in.Claim.Namespace, ObjectName: ref.Name}},
		Resources: []compose.Resource{c.Resource(backend.Managed{
			Name: "cluster", Part: backend.PartControlPlane, APIVersion: "toy.example.org/v1", Kind: "Cluster",
			ForProvider: map[string]any{"region": region}, ConnectionSecret: "kubeconfig",
		})},
		ProtectedRefs: []v1alpha1.ObjectReference{c.Reference("toy.example.org/v1", "Cluster", "cluster")},
	}
	c.Reach(&out, c.After("cluster"), ref)
	return out, nil
}

// TestToy proves that a provider needs nothing but a Backend: it becomes ready like
// any other, and policies and the capacity check judge it by its facts.
func TestToy(t *testing.T) {
	claim := backendtest.Claim("Toy")
	worlds, results := backendtest.Rounds(t, toy{}, backendtest.World(t, claim))
	want := [][]string{
		{"cluster"},
		{"provider-config-helm", "provider-config-kubernetes"},
		{"api-server", "usage-keeper-0-helm", "usage-keeper-0-kubernetes"},
		{"usage-provider-config-kubernetes"},
	}
	if diff := cmp.Diff(want, backendtest.Added(worlds, results)); diff != "" {
		t.Errorf("names by round: -want, +got:\n%s", diff)
	}

	facts := toy{}.Describe(claim.Spec)
	rules := policy.Policy{Limits: policy.Limits{AllowedRegions: []string{"us-east"}, MaxNodes: 4}}
	refused := []string{"region europe-west is not allowed here. Allowed: us-east", "nodes.maxCount 5 is not allowed here. Allowed: at most 4"}
	if diff := cmp.Diff(refused, rules.Violations(claim.Spec, facts)); diff != "" {
		t.Errorf("refused: -want, +got:\n%s", diff)
	}
	if _, words, known := platform.Allocatable(facts.Pools); !known || !strings.HasPrefix(words, "5 nodes of size Medium") {
		t.Errorf("the capacity check knows %v: %s", known, words)
	}
}
