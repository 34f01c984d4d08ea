// SPDX-License-Identifier: Apache-2.0

package values

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestMerge(t *testing.T) {
	type args struct{ base, over map[string]any }
	cases := map[string]struct {
		reason string
		args   args
		want   map[string]any
	}{
		"Nothing": {
			reason: "Nothing over nothing is nothing.",
			want:   map[string]any{},
		},
		"OnlyBase": {
			reason: "Nothing changes nothing.",
			args:   args{base: map[string]any{"a": "b"}},
			want:   map[string]any{"a": "b"},
		},
		"OnlyOver": {
			reason: "What is not in the base is added.",
			args:   args{over: map[string]any{"a": "b"}},
			want:   map[string]any{"a": "b"},
		},
		"Maps": {
			reason: "Maps are merged at every depth.",
			args: args{
				base: map[string]any{"a": map[string]any{"b": map[string]any{"c": int64(1), "d": int64(2)}}},
				over: map[string]any{"a": map[string]any{"b": map[string]any{"d": int64(3), "e": int64(4)}}},
			},
			want: map[string]any{"a": map[string]any{"b": map[string]any{"c": int64(1), "d": int64(3), "e": int64(4)}}},
		},
		"Lists": {
			reason: "Lists are replaced, as Helm does.",
			args:   args{base: map[string]any{"a": []any{"b", "c"}}, over: map[string]any{"a": []any{"d"}}},
			want:   map[string]any{"a": []any{"d"}},
		},
		"MapOverScalar": {
			reason: "A map replaces what is none.",
			args:   args{base: map[string]any{"a": "b"}, over: map[string]any{"a": map[string]any{"c": "d"}}},
			want:   map[string]any{"a": map[string]any{"c": "d"}},
		},
		"ScalarOverMap": {
			reason: "What is no map replaces one.",
			args:   args{base: map[string]any{"a": map[string]any{"c": "d"}}, over: map[string]any{"a": false}},
			want:   map[string]any{"a": false},
		},
		"Null": {
			reason: "Null stays null: it takes a default of the chart away.",
			args:   args{base: map[string]any{"a": map[string]any{"c": "d"}}, over: map[string]any{"a": nil}},
			want:   map[string]any{"a": nil},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			before := args{runtime.DeepCopyJSON(tc.args.base), runtime.DeepCopyJSON(tc.args.over)}
			got := Merge(tc.args.base, tc.args.over)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nMerge(...): -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(before, tc.args, cmp.AllowUnexported(args{})); diff != "" {
				t.Errorf("\nMerge changed what it was given: -before, +after:\n%s", diff)
			}
		})
	}
}

func TestFrom(t *testing.T) {
	type want struct {
		values map[string]any
		err    error
	}
	cases := map[string]struct {
		reason string
		raw    *runtime.RawExtension
		want   want
	}{
		"None":   {reason: "No values are no values."},
		"Empty":  {reason: "Empty values are no values.", raw: &runtime.RawExtension{}},
		"Values": {reason: "Values are read.", raw: &runtime.RawExtension{Raw: []byte(`{"a": "b"}`)}, want: want{values: map[string]any{"a": "b"}}},
		"NotAnObject": {
			reason: "Values of a chart are an object.",
			raw:    &runtime.RawExtension{Raw: []byte(`["a"]`)},
			want:   want{err: cmpopts.AnyError},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := From(tc.raw)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nFrom(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.values, got); diff != "" {
				t.Errorf("\n%s\nFrom(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLayer(t *testing.T) {
	raw := func(s string) *runtime.RawExtension { return &runtime.RawExtension{Raw: []byte(s)} }
	secret := v1alpha1.ValuesReference{Kind: v1alpha1.ValuesFromSecret, Name: "passwords", Key: "values.yaml"}
	name := compose.Name("team-a", "demo", "values-shop")
	type args struct {
		catalog map[string]any
		values  *runtime.RawExtension
		from    []v1alpha1.ValuesReference
	}
	type want struct {
		layering Merged
		err      error
	}
	cases := map[string]struct {
		reason string
		args   args
		want   want
	}{
		"Nothing": {
			reason: "Without values a component has the chart's own.",
		},
		"Catalog": {
			reason: "Without a team's values those of the catalog hold.",
			args:   args{catalog: map[string]any{"a": "b"}},
			want:   want{layering: Merged{Values: map[string]any{"a": "b"}}},
		},
		"TeamOverCatalog": {
			reason: "A team's values win over those of the catalog.",
			args:   args{catalog: map[string]any{"a": "b", "c": "d"}, values: raw(`{"c": "e"}`)},
			want:   want{layering: Merged{Values: map[string]any{"a": "b", "c": "e"}}},
		},
		"FromWithoutCatalog": {
			reason: "Where the catalog has nothing to say, references stay as they are.",
			args:   args{values: raw(`{"c": "e"}`), from: []v1alpha1.ValuesReference{secret}},
			want: want{layering: Merged{
				Values: map[string]any{"c": "e"},
				From:   []v1alpha1.ValuesReference{secret},
			}},
		},
		"FromOverCatalog": {
			reason: "Values in place always win, so the catalog's go below the references, into a ConfigMap that is read first.",
			args:   args{catalog: map[string]any{"a": "b"}, values: raw(`{"c": "e"}`), from: []v1alpha1.ValuesReference{secret}},
			want: want{layering: Merged{
				Values: map[string]any{"c": "e"},
				From:   []v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromConfigMap, Name: name, Key: "values.yaml"}, secret},
				Resources: []compose.Resource{{
					Name:          "values-shop",
					ConditionType: "ComponentsReady",
					Object: map[string]any{
						"apiVersion": "v1",
						"kind":       "ConfigMap",
						"metadata":   map[string]any{"name": name, "namespace": "team-a"},
						"data":       map[string]any{"values.yaml": "a: b\n"},
					},
				}},
			}},
		},
		"Invalid": {
			reason: "Values of a chart are an object.",
			args:   args{values: raw(`"all of them"`)},
			want:   want{err: cmpopts.AnyError},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Layer("values-shop", "ComponentsReady", "team-a", "demo", tc.args.catalog, tc.args.values, tc.args.from)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nLayer(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.layering, got, cmpopts.IgnoreFields(compose.Resource{}, "Ready")); diff != "" {
				t.Errorf("\n%s\nLayer(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
