// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// A mutant is a mistake in one place of an object.
type mutant struct{ kind, path string }

// mutate an object in every place that its schema knows, one after the other: a field
// of another name, a value of another type, a word that the schema does not have. judge
// looks at the object meanwhile. Places below an open map are counted as open.
func mutate(s *extv1.JSONSchemaProps, node any, path string, judge func(mutant), open map[string]bool) {
	switch n := node.(type) {
	case []any:
		if s.Items == nil || s.Items.Schema == nil {
			return
		}
		for i := range n {
			mutate(s.Items.Schema, n[i], path+"[]", judge, open)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(n)) {
			value, p := n[k], path+"."+k
			field, known := s.Properties[k]
			if !known {
				if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
					mutate(s.AdditionalProperties.Schema, value, path+".*", judge, open)
				} else {
					open[path] = true
				}
				continue
			}
			if !ptr.Deref(s.XPreserveUnknownFields, false) {
				delete(n, k)
				n[k+"x"] = value
				judge(mutant{"name", p})
				delete(n, k+"x")
			}
			if field.Type != "" && !field.XIntOrString {
				// No schema takes a list where it has one of these, nor the other way.
				n[k] = []any{[]any{}}
				judge(mutant{"type", p})
			}
			if len(field.Enum) > 0 {
				n[k] = "NoSuchWord"
				judge(mutant{"enum", p})
			}
			n[k] = value
			mutate(&field, value, p, judge, open)
		}
	}
}

// kindsOf the index, by API version and kind.
func kindsOf(t *testing.T) map[string]*extv1.JSONSchemaProps {
	t.Helper()
	out := map[string]*extv1.JSONSchemaProps{}
	for _, folder := range append(installed(), local) {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			crd := &extv1.CustomResourceDefinition{}
			if err := read(path, crd); err != nil {
				return err
			}
			for _, v := range crd.Spec.Versions {
				out[crd.Spec.Group+"/"+v.Name+" "+crd.Spec.Names.Kind] = v.Schema.OpenAPIV3Schema
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// composed are objects of every kind that is composed anywhere, those that are wrapped
// or brought as manifests included, and the Components with charts. One is enough of
// those that have the same fields.
func composed(t *testing.T, set *Set, schemas map[string]*extv1.JSONSchemaProps) (objects, components []*unstructured.Unstructured) {
	t.Helper()
	seen := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, i := range v {
				walk(i)
			}
		case map[string]any:
			o := &unstructured.Unstructured{Object: v}
			if id := o.GetAPIVersion() + " " + o.GetKind(); schemas[id] != nil && v["spec"] != nil {
				if id += shape(v["spec"]); !seen[id] {
					seen[id] = true
					o = o.DeepCopy()
					unstructured.RemoveNestedField(o.Object, "status")
					if set.Namespaced(o.GroupVersionKind()) {
						o.SetNamespace("team-a")
					}
					objects = append(objects, o)
				}
			}
			for _, child := range v {
				walk(child)
			}
		}
	}
	for provider, claim := range providers(t) {
		for profile, deployer := range map[string]string{"Minimal": "Helm", "Full": "Flux", "Standard": "ArgoCD"} {
			claim := claim.DeepCopy()
			for field, value := range map[string]string{"profile": profile, "deployer": deployer, "domain": "demo.example.org"} {
				if err := unstructured.SetNestedField(claim.Object, value, "spec", "stack", field); err != nil {
					t.Fatal(err)
				}
			}
			for _, o := range rendered(t, claim) {
				walk(runtime.DeepCopyJSON(o.Object))
				if provider == "Existing" && o.GetKind() == v1alpha1.ComponentKind {
					components = append(components, o)
				}
			}
		}
	}
	for _, o := range deployed(t).Composed() {
		walk(runtime.DeepCopyJSON(o.Object))
	}
	return objects, components
}

// shape of a value: the names of its fields.
func shape(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var out strings.Builder
		for _, k := range slices.Sorted(maps.Keys(v)) {
			fmt.Fprintf(&out, "{%s%s}", k, shape(v[k]))
		}
		return out.String()
	case []any:
		if len(v) > 0 {
			return shape(v[0])
		}
	}
	return ""
}

// TestMutants proves that the index notices: every field of everything that is composed
// is given another name, type and word, and each time the object must be refused.
func TestMutants(t *testing.T) {
	set, schemas := load(t, installed()...), kindsOf(t)
	objects, components := composed(t, set, schemas)
	kinds, killed, open := map[string]bool{}, map[string]int{}, map[string]bool{}
	for _, o := range objects {
		id := o.GetAPIVersion() + " " + o.GetKind()
		kinds[id] = true
		for _, err := range set.Validate(t.Context(), o.Object) {
			t.Errorf("unchanged: %v", err)
		}
		s := *schemas[id]
		s.Properties = map[string]extv1.JSONSchemaProps{"spec": s.Properties["spec"]}
		spec := map[string]any{"spec": o.Object["spec"]}
		below := map[string]bool{}
		mutate(&s, spec, "", func(m mutant) {
			o.Object["spec"] = spec["spec"]
			if spec["spec"] == nil {
				delete(o.Object, "spec")
				o.Object["specx"] = spec["specx"]
			}
			if len(set.Validate(t.Context(), o.Object)) == 0 {
				t.Errorf("%s: a wrong %s of %s is not refused", id, m.kind, m.path)
			}
			killed[m.kind]++
			delete(o.Object, "specx")
		}, below)
		for p := range below {
			open[id+" "+p] = true
		}
	}
	charts := newShelf(t)
	for _, o := range components {
		c, values, err := charts.of(o)
		if err != nil {
			t.Fatal(err)
		}
		if c != nil {
			mutateValues(t, c, values, values, c.values, "", killed)
		}
	}
	t.Logf("refused of %d kinds and %d charts: %v", len(kinds), len(charts.loaded), killed)
	for _, p := range slices.Sorted(maps.Keys(open)) {
		t.Logf("open, judged by who reads it: %s", p)
	}
	if killed["name"] < 1000 || killed["value"] < 200 {
		t.Errorf("that is too little to prove anything")
	}
}

// mutateValues gives every value of a chart another name and type.
func mutateValues(t *testing.T, c *Chart, all, node, has map[string]any, path string, killed map[string]int) {
	t.Helper()
	refused := func(what, p string) {
		if errs, _ := c.Check(all, free()); len(errs) == 0 {
			t.Errorf("chart %s: a wrong %s of %s is not refused", c.Name, what, p)
		}
		killed["value"]++
	}
	for _, k := range slices.Sorted(maps.Keys(node)) {
		value, p := node[k], strings.TrimPrefix(path+"."+k, ".")
		if known, ok := has[k]; !ok || slices.ContainsFunc(free(), func(f Free) bool {
			return f.Chart == c.Name && (p == f.Path || strings.HasPrefix(f.Path, p+".") || strings.HasPrefix(p, f.Path+"."))
		}) || known == nil {
			continue
		}
		delete(node, k)
		node[k+"x"] = value
		refused("name", p)
		delete(node, k+"x")
		if !empty(has[k]) && !empty(value) {
			node[k] = map[string]any{"nope": map[string]any{}}
			refused("type", p)
		}
		node[k] = value
		below, ok := has[k].(map[string]any)
		if set, isMap := value.(map[string]any); ok && isMap {
			mutateValues(t, c, all, set, below, p, killed)
		}
	}
}
