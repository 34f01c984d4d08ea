// SPDX-License-Identifier: Apache-2.0

package argocd

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestStatus sees that an Application is synced with what it asks for now, and is
// then left alone.
func TestStatus(t *testing.T) {
	app := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"source": map[string]any{"chart": "web", "targetRevision": "1.2.3"},
	}}}
	app.Object["status"] = status(app)
	if revision, _, _ := unstructured.NestedString(app.Object, "status", "sync", "revision"); revision != "1.2.3" {
		t.Errorf("want the revision that is asked for, got %q", revision)
	}
	if diff := cmp.Diff(map[string]any(nil), status(app)); diff != "" {
		t.Errorf("what is synced is left alone: -want, +got:\n%s", diff)
	}
	_ = unstructured.SetNestedField(app.Object, "1.2.4", "spec", "source", "targetRevision")
	if status(app) == nil {
		t.Error("want another revision to be synced again")
	}
}
