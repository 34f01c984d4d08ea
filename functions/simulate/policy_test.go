// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestPolicy takes a claim in a cloud through a policy that limits lifetimes, to
// its end.
func TestPolicy(t *testing.T) {
	policy := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.crossplane.io/v1beta1",
		"kind":       "EnvironmentConfig",
		"metadata":   map[string]any{"name": "observe-k8s"},
		"data": map[string]any{
			"limits":   map[string]any{"maxLifetime": "8h"},
			"defaults": map[string]any{"stackDeployer": "Helm", "workloadDeployer": "Flux"},
		},
	}}
	claim := parse(t, `
apiVersion: observe-k8s.io/v1alpha1
kind: ObservabilityPlatform
metadata: {name: demo, namespace: team-a}
spec:
  cluster: {provider: EKS, region: europe-west, version: "1.34", nodes: {instanceSize: Medium, minCount: 1, maxCount: 3, architecture: amd64}, providerConfigRef: {kind: ClusterProviderConfig, name: default}}
  stack: {profile: Standard}
  workloads: [{name: podinfo, app: podinfo}]
  lifetime: 9h
`)[0]
	s := start(t, compose.Settings{}, claim)
	at(s, born)
	s.Apply(policy)
	says := func(typ, want string) {
		t.Helper()
		converge(t, s)
		if c := compose.GetCondition(s.objects[keyOf(claim)], typ); !strings.Contains(c.Reason+": "+c.Message, want) {
			t.Errorf("%s is %s: %s, want %q", typ, c.Reason, c.Message, want)
		}
	}
	made := func(kind string) []*unstructured.Unstructured {
		var out []*unstructured.Unstructured
		for k, o := range s.objects {
			if k.kind == kind {
				out = append(out, o)
			}
		}
		return out
	}

	says("ClusterReady", "NotAllowed: The platform team does not allow it: lifetime 9h is not allowed here. Allowed: at most 8h")
	if n := len(made(v1alpha1.KubernetesClusterKind)); n > 0 {
		t.Fatalf("%d clusters of a claim that is refused", n)
	}

	set(t, s, claim, "lifetime", "4h")
	says("WorkloadsReady", "")
	if got, _, _ := unstructured.NestedString(made(v1alpha1.ObservabilityStackKind)[0].Object, "spec", "deployer"); got != "Helm" {
		t.Errorf("the stack comes by %q, want Helm", got)
	}
	if got, _, _ := unstructured.NestedString(made(v1alpha1.WorkloadKind)[0].Object, "spec", "deployer"); got != "Flux" {
		t.Errorf("the workload comes by %q, want Flux", got)
	}

	set(t, s, claim, "lifetime", "20h")
	says("ClusterReady", "lifetime 20h is not allowed here")
	before := composition(s)
	at(s, born.Add(3*time.Hour))
	converge(t, s)
	kept(t, before, composition(s))

	// The end that was allowed is the end.
	at(s, born.Add(4*time.Hour+time.Second))
	says("Expired", "Deleted")
	if n := len(made(v1alpha1.KubernetesClusterKind)); n > 0 {
		t.Errorf("%d clusters are left", n)
	}

	// A cluster of its own has no end.
	alone := parse(t, `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: alone, namespace: team-b}
spec: {provider: EKS, region: europe-west, version: "1.34", nodes: {instanceSize: Medium, minCount: 1, maxCount: 3, architecture: amd64}, providerConfigRef: {kind: ClusterProviderConfig, name: default}}
`)[0]
	s = start(t, compose.Settings{}, alone)
	s.Apply(policy)
	converge(t, s)
	if n := len(s.children[keyOf(alone)]); n > 0 {
		t.Errorf("%d resources of a cluster that nobody ends", n)
	}
}
