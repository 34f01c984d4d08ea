// SPDX-License-Identifier: Apache-2.0

package component

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// onCluster composes an object on the cluster, by provider-kubernetes. It is
// Ready when the query, in CEL, says so of what is there.
func onCluster(xr v1alpha1.Component, connection *v1alpha1.Connection, resource, ready string, manifest map[string]any) map[string]any {
	ref := objectRef(xr, resource)
	return map[string]any{
		"apiVersion": ref.APIVersion,
		"kind":       ref.Kind,
		"metadata": map[string]any{
			"name":        ref.Name,
			"namespace":   xr.Namespace,
			"annotations": map[string]any{compose.AnnotationPollInterval: compose.PollInterval},
		},
		"spec": map[string]any{
			"providerConfigRef": map[string]any{"kind": "ProviderConfig", "name": connection.KubernetesProviderConfigRef.Name},
			"readiness":         map[string]any{"policy": "DeriveFromCelQuery", "celQuery": ready},
			"watch":             true,
			"forProvider":       map[string]any{"manifest": manifest},
		},
	}
}

// objectRef refers to what onCluster composes.
func objectRef(xr v1alpha1.Component, resource string) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{
		APIVersion: compose.KubernetesAPIVersion, Kind: "Object",
		Name: compose.Name(xr.Namespace, xr.Name, resource),
	}
}

// manifestOf is what provider-kubernetes saw on the cluster the last time it
// looked; nil while it did not.
func manifestOf(o *unstructured.Unstructured) *unstructured.Unstructured {
	if o == nil {
		return nil
	}
	m, ok, _ := unstructured.NestedMap(o.Object, "status", "atProvider", "manifest")
	if !ok {
		return nil
	}
	return &unstructured.Unstructured{Object: m}
}

// stringField reads a string of an object; empty when there is none.
func stringField(o *unstructured.Unstructured, path ...string) string {
	if o == nil {
		return ""
	}
	s, _, _ := unstructured.NestedString(o.Object, path...)
	return s
}

// displayName is what a person calls an object on the cluster.
func displayName(o *unstructured.Unstructured) string {
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}
