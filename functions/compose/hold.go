// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Preserve is the desired state that keeps an observed resource as it is: what a
// server-side apply may own, without what belongs to the server, to
// controllers or to Crossplane itself.
func Preserve(obs *unstructured.Unstructured) map[string]any {
	held := runtime.DeepCopyJSON(obs.Object)
	delete(held, "status")
	// What Crossplane notes in the spec of a composite, such as what it composes,
	// would be put back to what it was.
	if spec, ok := held["spec"].(map[string]any); ok {
		delete(spec, "crossplane")
	}
	md := map[string]any{"name": obs.GetName()}
	if ns := obs.GetNamespace(); ns != "" {
		md["namespace"] = ns
	}
	// An external name identifies the real thing; losing it would make another.
	kept := map[string]any{}
	for _, a := range []string{AnnotationExternalName, AnnotationPollInterval} {
		if v, ok := obs.GetAnnotations()[a]; ok {
			kept[a] = v
		}
	}
	// What has not begun must not begin because nobody can say what it is to be.
	if v, ok := obs.GetAnnotations()[AnnotationPaused]; ok && len(obs.GetFinalizers()) == 0 {
		kept[AnnotationPaused] = v
	}
	if len(kept) > 0 {
		md["annotations"] = kept
	}
	held["metadata"] = md
	return held
}

// AnnotationExternalName is Crossplane's annotation that names the real thing
// behind a managed resource.
const AnnotationExternalName = "crossplane.io/external-name"
