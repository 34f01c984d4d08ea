// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestClouds makes the platform of the example of EKS, the largest cluster, or of
// what -cloud names, and beside it clusters everywhere else: in the other clouds, of
// containers and on hosts. It takes all down again. All of these are SIMULATED: see internal/cloud for what they refuse.
func TestClouds(t *testing.T) {
	opens := breakerOpens(t)
	sshKey(t)
	claims := []*unstructured.Unstructured{example(t, w.cloud+".yaml")}
	for _, provider := range []string{"eks", "aks", "gke", "kind", "k3d", "k3s"} {
		if provider != w.cloud {
			claims = append(claims, cloudCluster(t, provider))
		}
	}
	start := time.Now()
	claim(t, claims...)
	for _, o := range claims {
		ready(t, o.GroupVersionKind(), o.GetName())
	}
	measured(t, "a platform on "+strings.ToUpper(w.cloud)+" and clusters elsewhere Ready, all SIMULATED", time.Since(start), 0)
	t.Logf("things in the SIMULATED clouds:\n%s", strings.Join(w.cp.Clouds().Resources(), "\n"))
	if got := breakerOpens(t) - opens; got != 0 {
		t.Errorf("circuit_breaker_opens_total rose by %v with the burst that our install sets, want 0", got)
	}
	remove(t, background, 0, claims...)
}

// cloudCluster is the cluster of a cloud's example alone, as a claim of its own.
func cloudCluster(t *testing.T, provider string) *unstructured.Unstructured {
	t.Helper()
	spec, ok, err := unstructured.NestedMap(example(t, provider+".yaml").Object, "spec", "cluster")
	if err != nil || !ok {
		t.Fatalf("the example of %s has no cluster: %v", provider, err)
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "observe-k8s.io/v1alpha1", "kind": "KubernetesCluster",
		"metadata": map[string]any{"name": provider, "namespace": namespace},
		"spec":     spec,
	}}
}

// cloudKinds are the kinds of clouds that are installed.
func cloudKinds(ctx context.Context) ([]schema.GroupVersionKind, error) {
	crds, err := w.management.List(ctx, schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, "")
	if err != nil {
		return nil, err
	}
	var out []schema.GroupVersionKind
	for _, crd := range crds {
		spec, _ := crd.Object["spec"].(map[string]any)
		group, _ := spec["group"].(string)
		if !strings.HasSuffix(group, ".m.upbound.io") && group != "k3s.m.crossplane.io" && group != "local.observe-k8s.io" {
			continue
		}
		names, _ := spec["names"].(map[string]any)
		kind, _ := names["kind"].(string)
		versions, _ := spec["versions"].([]any)
		last, _ := versions[len(versions)-1].(map[string]any)
		version, _ := last["name"].(string)
		out = append(out, schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	}
	return out, nil
}
