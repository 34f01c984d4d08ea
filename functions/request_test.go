// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/resource"
	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// reference is what a request holds, by way of protobuf's own messages.
func reference(req *fnv1.RunFunctionRequest) compose.Request {
	object := func(r *fnv1.Resource, composite bool) *unstructured.Unstructured {
		o := whole(r.GetResource().AsMap()).(map[string]any)
		md, _ := o["metadata"].(map[string]any)
		if !composite {
			delete(md, "managedFields")
		}
		drop(md["managedFields"])
		return &unstructured.Unstructured{Object: o}
	}
	w := compose.Request{
		XR:       object(req.GetObserved().GetComposite(), true),
		Observed: map[string]*unstructured.Unstructured{},
		Required: map[string][]*unstructured.Unstructured{},
	}
	for name, r := range req.GetObserved().GetResources() {
		w.Observed[name] = object(r, false)
	}
	for name, rs := range req.GetRequiredResources() {
		w.Required[name] = []*unstructured.Unstructured{}
		for _, r := range rs.GetItems() {
			w.Required[name] = append(w.Required[name], object(r, false))
		}
	}
	return w
}

// whole makes whole numbers what Kubernetes takes them for.
func whole(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			x[k] = whole(x[k])
		}
	case []any:
		for i := range x {
			x[i] = whole(x[i])
		}
	case float64:
		if x == math.Trunc(x) && math.Abs(x) <= 1<<53 {
			return int64(x)
		}
	}
	return v
}

// drop the fields of who manages them, in whatever that is.
func drop(v any) {
	switch x := v.(type) {
	case map[string]any:
		delete(x, "fieldsV1")
	case []any:
		for _, y := range x {
			drop(y)
		}
	}
}

// TestDecode decodes requests with and without what nobody reads.
func TestDecode(t *testing.T) {
	object := func(metadata string) *fnv1.Resource {
		return &fnv1.Resource{
			Resource: resource.MustStructJSON(`{"kind": "Thing", "metadata": {"name": "it"` + metadata + `}, "spec": {
				"managedFields": ["mine"], "metadata": {"managedFields": 1}, "list": [null, true, false, 1.5, "a", [], {}, [{"managedFields": 2}]]
			}}`),
			ConnectionDetails: map[string][]byte{"password": []byte("secret")},
			Ready:             fnv1.Ready_READY_TRUE,
		}
	}
	decoded := func(metadata map[string]any) *unstructured.Unstructured {
		metadata["name"] = "it"
		return &unstructured.Unstructured{Object: map[string]any{"kind": "Thing", "metadata": metadata, "spec": map[string]any{
			"managedFields": []any{"mine"}, "metadata": map[string]any{"managedFields": int64(1)},
			"list": []any{nil, true, false, 1.5, "a", []any{}, map[string]any{}, []any{map[string]any{"managedFields": int64(2)}}},
		}}}
	}
	const managed = `, "managedFields": [{"manager": "one", "time": "2026-11-22T12:00:00Z", "fieldsV1": {"f:spec": {"f:size": {}}}}, {"manager": "two"}]`
	earlier := &fnv1.State{Composite: object(managed)}
	passed := resource.MustStructJSON(`{"metadata": {"managedFields": [{"manager": "kept"}]}}`)
	none := compose.Request{
		XR: &unstructured.Unstructured{Object: map[string]any{}}, Observed: map[string]*unstructured.Unstructured{}, Required: map[string][]*unstructured.Unstructured{},
	}
	cases := map[string]struct {
		reason string
		req    *fnv1.RunFunctionRequest
		want   request
	}{
		"Managed": {
			reason: "Who manages which field is left out, of the composite only which field that is, and nothing else of such a name.",
			req: &fnv1.RunFunctionRequest{
				Meta:              &fnv1.RequestMeta{Tag: "tag"},
				Observed:          &fnv1.State{Composite: object(managed), Resources: map[string]*fnv1.Resource{"metadata": object(managed), "b": object("")}},
				Desired:           earlier,
				Context:           passed,
				Input:             passed,
				RequiredResources: map[string]*fnv1.Resources{"metadata": {Items: []*fnv1.Resource{object(managed), object("")}}, "none": {}},
				Credentials:       map[string]*fnv1.Credentials{"a": {}},
			},
			want: request{tag: "tag", desired: earlier, context: passed, world: compose.Request{
				XR: decoded(map[string]any{"managedFields": []any{
					map[string]any{"manager": "one", "time": "2026-11-22T12:00:00Z"}, map[string]any{"manager": "two"},
				}}),
				Observed: map[string]*unstructured.Unstructured{"metadata": decoded(map[string]any{}), "b": decoded(map[string]any{})},
				Required: map[string][]*unstructured.Unstructured{
					"metadata": {decoded(map[string]any{}), decoded(map[string]any{})}, "none": {},
				},
			}},
		},
		"Odd": {
			reason: "What is of another type than it should be is no reason to stop.",
			req:    &fnv1.RunFunctionRequest{Observed: &fnv1.State{Composite: object(`, "managedFields": "a"`)}},
			want: request{world: compose.Request{
				XR: decoded(map[string]any{"managedFields": "a"}), Observed: none.Observed, Required: none.Required,
			}},
		},
		"Empty": {reason: "Nothing is no error.", req: &fnv1.RunFunctionRequest{}, want: request{world: none}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(&tc.want, received(t, tc.req), cmp.AllowUnexported(request{}), protocmp.Transform()); diff != "" {
				t.Errorf("%s: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestDecodeReal decodes real requests of all kinds at once, and by way of
// protobuf's own messages.
func TestDecodeReal(t *testing.T) {
	ws := slices.Concat(worlds(t, largest), worlds(t, largestCluster))
	for _, w := range ws {
		for _, o := range append(slices.Collect(maps.Values(w.Observed)), w.XR) {
			manage(o)
		}
		req := requestOf(t, w)
		if diff := cmp.Diff(reference(req), received(t, req).world); diff != "" {
			t.Errorf("%s %s: -as messages, +at once:\n%s", w.XR.GetKind(), w.XR.GetName(), diff)
		}
	}
	t.Logf("%d requests", len(ws))
}

// TestDecodeMalformed decodes what is no request.
func TestDecodeMalformed(t *testing.T) {
	whole, err := proto.Marshal(xr(cluster))
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		want, got := proto.Unmarshal(whole[:n], &fnv1.RunFunctionRequest{}), (&request{}).decode(whole[:n])
		if (want == nil) != (got == nil) {
			t.Errorf("the first %d bytes: got error %v, want %v", n, got, want)
		}
	}
	// Within each other, as Values of Structs or of lists.
	deep := func(list bool) []byte {
		var b []byte
		for range maxDepth + 2 {
			var v []byte
			if list {
				v = protowire.AppendBytes(protowire.AppendTag(nil, 6, protowire.BytesType), protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), b))
			} else {
				entry := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), b)
				v = protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), entry))
			}
			b = v
		}
		return b
	}
	spec := func(value []byte) []byte {
		b := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), value)
		for _, number := range []protowire.Number{1, 1, 1, 2} {
			b = protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
		}
		return b
	}
	cases := map[string]struct {
		reason string
		raw    []byte
		want   string
	}{
		"DeepObject": {reason: "A stack is not endless.", raw: spec(deep(false)), want: "levels deep"},
		"DeepList":   {reason: "Neither for lists.", raw: spec(deep(true)), want: "levels deep"},
		"String":     {reason: "An answer with it could not be sent.", raw: spec(protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), "\xff")), want: "UTF-8"},
		"OtherKind":  {reason: "A field of another kind is unknown.", raw: spec(protowire.AppendVarint(protowire.AppendTag(nil, 5, protowire.VarintType), 1))},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, want := &request{}, &fnv1.RunFunctionRequest{}
			err := got.decode(tc.raw)
			if tc.want != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("%s: got error %v, want one with %q", tc.reason, err, tc.want)
				}
				return
			}
			if err != nil || proto.Unmarshal(tc.raw, want) != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			if diff := cmp.Diff(reference(want), got.world); diff != "" {
				t.Errorf("%s: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestDecodeNumbers decodes numbers that JSON does not have, and such as are not whole.
func TestDecodeNumbers(t *testing.T) {
	inf := math.Inf(1)
	fields := map[string]*structpb.Value{}
	for name, n := range map[string]float64{"nan": inf - inf, "infinite": inf, "negative": -inf, "none": 0, "half": 0.5, "vast": 1e300} {
		fields[name] = structpb.NewNumberValue(n)
	}
	req := &fnv1.RunFunctionRequest{Observed: &fnv1.State{Composite: &fnv1.Resource{Resource: &structpb.Struct{Fields: fields}}}}
	if diff := cmp.Diff(map[string]any{"nan": "NaN", "infinite": "Infinity", "negative": "-Infinity", "none": int64(0), "half": 0.5, "vast": 1e300}, received(t, req).world.XR.Object); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}
