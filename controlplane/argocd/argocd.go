// SPDX-License-Identifier: Apache-2.0

// Package argocd plays Argo CD: it says of every Application what Argo CD would
// say once everything is on the cluster and works. It installs nothing.
package argocd

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Namespace in which Applications are.
const Namespace = "argocd"

// Application is Argo CD's kind.
func Application() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application"}
}

// Play looks at every Application once: one that is being deleted is let go, and
// one that is not synced becomes so. What fails is tried again the next time.
func Play(ctx context.Context, c *kube.Client) {
	apps, err := c.List(ctx, Application(), Namespace)
	if err != nil {
		return
	}
	r, err := c.Resource(Application(), Namespace)
	if err != nil {
		return
	}
	for _, app := range apps {
		change := map[string]any{"op": "add", "path": "/metadata/finalizers", "value": []any{}}
		// Argo CD's CRD has no status subresource, the stand-in's has.
		var subresources []string
		if app.GetDeletionTimestamp() == nil {
			st := status(&app)
			if st == nil {
				continue
			}
			change = map[string]any{"op": "add", "path": "/status", "value": st}
			subresources = []string{"status"}
		} else if len(app.GetFinalizers()) == 0 {
			continue
		}
		b, err := json.Marshal([]any{change})
		if err != nil {
			continue
		}
		_, _ = r.Patch(ctx, app.GetName(), types.JSONPatchType, b, metav1.PatchOptions{FieldManager: "argocd-simulator"}, subresources...)
	}
}

// status of an Application that works; nil when it has it already.
func status(app *unstructured.Unstructured) map[string]any {
	source, _, _ := unstructured.NestedMap(app.Object, "spec", "source")
	compared, _, _ := unstructured.NestedMap(app.Object, "status", "sync", "comparedTo", "source")
	if same(source, compared) {
		return nil
	}
	destination, _, _ := unstructured.NestedMap(app.Object, "spec", "destination")
	return map[string]any{
		"sync": map[string]any{
			"status":     "Synced",
			"revision":   source["targetRevision"],
			"comparedTo": map[string]any{"source": source, "destination": destination},
		},
		"health": map[string]any{"status": "Healthy"},
	}
}

// same as JSON, where maps have one order.
func same(a, b map[string]any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
