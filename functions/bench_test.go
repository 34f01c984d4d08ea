// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"slices"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// largestCluster is the claim of the cluster with the most resources.
const largestCluster = "../test/schemas/testdata/claims/eks.yaml"

// manage notes who manages which field of an object, as the API server does: one
// manager all of what is wanted, another all of what is reported.
func manage(o *unstructured.Unstructured) {
	var fields func(v any) map[string]any
	fields = func(v any) map[string]any {
		out := map[string]any{}
		m, _ := v.(map[string]any)
		for k, x := range m {
			out["f:"+k] = fields(x)
		}
		return out
	}
	var entries []any
	for manager, field := range map[string]string{"apiextensions.crossplane.io/composed/0123456789abcdef": "spec", "provider": "status"} {
		entries = append(entries, map[string]any{
			"apiVersion": o.GetAPIVersion(), "fieldsType": "FieldsV1", "manager": manager, "operation": "Apply", "time": "2026-11-22T12:00:00Z",
			"fieldsV1": map[string]any{"f:" + field: fields(o.Object[field]), "f:metadata": fields(o.Object["metadata"])},
		})
	}
	_ = unstructured.SetNestedSlice(o.Object, entries, "metadata", "managedFields")
}

// heaviest are the requests of the largest claim that are heaviest, by kind.
func heaviest(b *testing.B) map[string]*fnv1.RunFunctionRequest {
	b.Helper()
	out := map[string]*fnv1.RunFunctionRequest{}
	// By Flux, components with values from Secrets are refused, and workloads wait for
	// ever: all of the largest claim is there by Helm only.
	byHelm := claims(b, largest)
	if err := unstructured.SetNestedField(byHelm[0].Object, "Helm", "spec", "stack", "deployer"); err != nil {
		b.Fatal(err)
	}
	for _, w := range slices.Concat(worlds(b, largest), worldsOf(b, byHelm), worlds(b, largestCluster)) {
		for _, o := range append(slices.Concat(slices.Collect(maps.Values(w.Required))...), append(slices.Collect(maps.Values(w.Observed)), w.XR)...) {
			manage(o)
		}
		req := requestOf(b, w)
		if was, ok := out[w.XR.GetKind()]; !ok || proto.Size(was) < proto.Size(req) {
			out[w.XR.GetKind()] = req
		}
	}
	return out
}

// BenchmarkRunFunction runs the function, from bytes to bytes.
func BenchmarkRunFunction(b *testing.B) {
	f := testFunction()
	reqs := heaviest(b)
	for _, kind := range slices.Sorted(maps.Keys(reqs)) {
		raw, err := proto.Marshal(reqs[kind])
		if err != nil {
			b.Fatal(err)
		}
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req := &request{}
				if err := req.decode(raw); err != nil {
					b.Fatal(err)
				}
				rsp, err := f.run(b.Context(), req)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := proto.Marshal(rsp); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(raw)), "request-B")
		})
	}
}
