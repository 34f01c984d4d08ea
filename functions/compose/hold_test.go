// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestHold(t *testing.T) {
	cases := map[string]struct {
		reason string
		obs    map[string]any
		want   map[string]any
	}{
		"ManagedResource": {
			reason: "Of the metadata only what we may own stays, and no status.",
			obs: map[string]any{
				"apiVersion": HelmAPIVersion,
				"kind":       "Release",
				"metadata": map[string]any{
					"name":            "shop",
					"namespace":       "team-a",
					"uid":             "a",
					"resourceVersion": "1",
					"generation":      int64(3),
					"finalizers":      []any{"finalizer.managedresource.crossplane.io"},
					"managedFields":   []any{map[string]any{"manager": "provider"}},
					"ownerReferences": []any{map[string]any{"uid": "b"}},
					"labels":          map[string]any{"crossplane.io/composite": "demo"},
					"annotations": map[string]any{
						AnnotationExternalName:                      "shop-release",
						AnnotationPollInterval:                      "30s",
						"crossplane.io/composition-resource-name":   "release",
						"crossplane.io/external-create-succeeded":   "2026-01-01T00:00:00Z",
						"kubectl.kubernetes.io/last-applied-config": "{}",
					},
				},
				"spec":   map[string]any{"forProvider": map[string]any{"values": map[string]any{"a": "b"}}},
				"status": map[string]any{"conditions": []any{}},
			},
			want: map[string]any{
				"apiVersion": HelmAPIVersion,
				"kind":       "Release",
				"metadata": map[string]any{
					"name":        "shop",
					"namespace":   "team-a",
					"annotations": map[string]any{AnnotationExternalName: "shop-release", AnnotationPollInterval: "30s"},
				},
				"spec": map[string]any{"forProvider": map[string]any{"values": map[string]any{"a": "b"}}},
			},
		},
		"NotBegun": {
			reason: "What its provider has not touched yet stays paused.",
			obs: map[string]any{
				"apiVersion": HelmAPIVersion,
				"kind":       "Release",
				"metadata":   map[string]any{"name": "shop", "annotations": map[string]any{AnnotationPaused: "true"}},
			},
			want: map[string]any{
				"apiVersion": HelmAPIVersion,
				"kind":       "Release",
				"metadata":   map[string]any{"name": "shop", "annotations": map[string]any{AnnotationPaused: "true"}},
			},
		},
		"PausedByHand": {
			reason: "A pause that somebody has put there is theirs to end.",
			obs: map[string]any{
				"apiVersion": HelmAPIVersion,
				"kind":       "Release",
				"metadata": map[string]any{
					"name": "shop", "annotations": map[string]any{AnnotationPaused: "true"},
					"finalizers": []any{"finalizer.managedresource.crossplane.io"},
				},
			},
			want: map[string]any{
				"apiVersion": HelmAPIVersion,
				"kind":       "Release",
				"metadata":   map[string]any{"name": "shop"},
			},
		},
		"Composite": {
			reason: "What Crossplane notes of a composite in its spec is not ours: putting back what it composed some time ago would make it forget what it composes now.",
			obs: map[string]any{
				"apiVersion": "observe-k8s.io/v1alpha1",
				"kind":       "Component",
				"metadata":   map[string]any{"name": "shop", "namespace": "team-a"},
				"spec": map[string]any{
					"deployer":   "Helm",
					"crossplane": map[string]any{"resourceRefs": []any{map[string]any{"name": "a"}}},
				},
			},
			want: map[string]any{
				"apiVersion": "observe-k8s.io/v1alpha1",
				"kind":       "Component",
				"metadata":   map[string]any{"name": "shop", "namespace": "team-a"},
				"spec":       map[string]any{"deployer": "Helm"},
			},
		},
		"NoSpec": {
			reason: "Not everything has a spec, or a namespace.",
			obs: map[string]any{
				"apiVersion": "v1",
				"kind":       "ConfigMap",
				"metadata":   map[string]any{"name": "values"},
				"data":       map[string]any{"values.yaml": "a: b"},
			},
			want: map[string]any{
				"apiVersion": "v1",
				"kind":       "ConfigMap",
				"metadata":   map[string]any{"name": "values"},
				"data":       map[string]any{"values.yaml": "a: b"},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			obs := &unstructured.Unstructured{Object: tc.obs}
			before := obs.DeepCopy()
			got := Preserve(obs)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nHold(...): -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(before.Object, obs.Object); diff != "" {
				t.Errorf("\nHold changed what was observed: -before, +after:\n%s", diff)
			}
		})
	}
}
