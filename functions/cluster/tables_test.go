// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"

	"github.com/observe-k8s/observe-k8s/apis"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend/backendtest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestTables proves that every cloud has a counterpart of every neutral region and
// size, for both architectures where it has such machines.
func TestTables(t *testing.T) {
	schemas, err := apis.Schemas()
	if err != nil {
		t.Fatal(err)
	}
	enum := func(path ...string) []string {
		fields := []string{"properties", "spec"}
		for _, p := range path {
			fields = append(fields, "properties", p)
		}
		values, _, err := unstructured.NestedStringSlice(schemas[v1alpha1.KubernetesClusterKind], append(fields, "enum")...)
		if err != nil || len(values) == 0 {
			t.Fatalf("no values of %v: %v", path, err)
		}
		return values
	}
	for _, p := range enum("provider") {
		for _, region := range enum("region") {
			for _, size := range enum("nodes", "instanceSize") {
				for _, arch := range enum("nodes", "architecture") {
					c := backendtest.Claim(v1alpha1.Provider(p), func(c *v1alpha1.KubernetesCluster) {
						c.Spec.Region, c.Spec.Nodes.InstanceSize, c.Spec.Nodes.Architecture = v1alpha1.Region(region), v1alpha1.InstanceSize(size), v1alpha1.Architecture(arch)
					})
					if Describe(c.Spec).Place != backend.PlaceCloud {
						continue
					}
					res := backendtest.Run(t, backendFor(c.Spec.Provider), backendtest.World(t, c))
					if got := res.Conditions[0]; got.Reason == "UnsupportedValue" && (arch == "amd64" || c.Spec.Provider != v1alpha1.ProviderGKE) {
						t.Errorf("%s %s %s %s: %s", p, region, size, arch, got.Message)
					}
				}
			}
		}
	}
}
