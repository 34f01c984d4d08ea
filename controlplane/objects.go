// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// object returns an object without a namespace.
func object(apiVersion, kind, name string, fields map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": apiVersion,
		"kind":       kind,
		"metadata":   map[string]any{"name": name},
	}}
	maps.Copy(o.Object, fields)
	return o
}

// in returns an object in a namespace.
func in(namespace string, o *unstructured.Unstructured) *unstructured.Unstructured {
	o.SetNamespace(namespace)
	return o
}

func namespace(name string) *unstructured.Unstructured { return object("v1", "Namespace", name, nil) }

// secret returns a Secret. Its data are text.
func secret(ns, name string, data map[string][]byte) *unstructured.Unstructured {
	text := map[string]any{}
	for k, v := range data {
		text[k] = string(v)
	}
	return in(ns, object("v1", "Secret", name, map[string]any{"stringData": text}))
}

// kind returns the kind that stands in a manifest as apiVersion and kind.
func kind(apiVersion, kind string) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(apiVersion, kind)
}
