// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestBlockIsAdded proves that a cluster which exists needs nothing but the same
// line and the block that says how to reach it.
func TestBlockIsAdded(t *testing.T) {
	want, got := read(t, filepath.Join(examples, "eks.yaml"))[0], read(t, filepath.Join(examples, "existing.yaml"))[0]
	cluster, _, _ := unstructured.NestedMap(got.Object, "spec", "cluster")
	if cluster["provider"] != "Existing" || cluster["existing"] == nil {
		t.Errorf("existing.yaml has cluster %v", cluster)
	}
	delete(cluster, "existing")
	cluster["provider"] = "EKS"
	if err := unstructured.SetNestedMap(got.Object, cluster, "spec", "cluster"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Object, got.Object); diff != "" {
		t.Errorf("existing.yaml differs from eks.yaml in more than the provider and its block: -want, +got:\n%s", diff)
	}
}
