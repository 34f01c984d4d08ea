// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

const root = "../.."

// TestGenerate proves that what is checked in is what the types say, and that
// generating twice gives the same bytes.
func TestGenerate(t *testing.T) {
	api := []string{"./apis/v1alpha1", "./apis/game/language"}
	files, err := Generate(root, api, "apis", XRDs())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Generate(root, api, "apis", XRDs())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, again); diff != "" {
		t.Errorf("generating again gives something else: -want, +got:\n%s", diff)
	}

	paths := []string{}
	for _, f := range files {
		paths = append(paths, f.Path)
		got, err := os.ReadFile(filepath.Join(root, f.Path))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(string(f.Content), string(got)); diff != "" {
			t.Errorf("%s is not up to date, run make generate: -want, +got:\n%s", f.Path, diff)
		}
	}
	want := []string{
		"apis/components/definition.yaml",
		"apis/game/language/zz_generated.deepcopy.go",
		"apis/kubernetesclusters/definition.yaml",
		"apis/observabilityplatforms/definition.yaml",
		"apis/observabilitystacks/definition.yaml",
		"apis/v1alpha1/zz_generated.deepcopy.go",
		"apis/workloads/definition.yaml",
		"docs/reference/component.md",
		"docs/reference/kubernetescluster.md",
		"docs/reference/observabilityplatform.md",
		"docs/reference/observabilitystack.md",
		"docs/reference/workload.md",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("generated files: -want, +got:\n%s", diff)
	}
}

func TestReference(t *testing.T) {
	c := &extv1.CustomResourceDefinition{}
	c.Spec.Group = "example.org"
	c.Spec.Names = extv1.CustomResourceDefinitionNames{Kind: "Thing", Singular: "thing", Plural: "things", ShortNames: []string{"th"}}
	c.Spec.Versions = []extv1.CustomResourceDefinitionVersion{{Name: "v1", Schema: &extv1.CustomResourceValidation{OpenAPIV3Schema: &extv1.JSONSchemaProps{
		Description: "A Thing is\na thing.",
		Properties: map[string]extv1.JSONSchemaProps{"spec": {
			Required:     []string{"size"},
			XValidations: extv1.ValidationRules{{Message: "size and parts do not go together"}},
			Properties: map[string]extv1.JSONSchemaProps{
				"size": {Type: "string", Description: "Size of it.", Enum: []extv1.JSON{{Raw: []byte(`"S"`)}, {Raw: []byte(`"L"`)}}, Default: &extv1.JSON{Raw: []byte(`"S"`)}},
				"parts": {Type: "array", Description: "Parts of it.", Items: &extv1.JSONSchemaPropsOrArray{Schema: &extv1.JSONSchemaProps{Type: "object", Properties: map[string]extv1.JSONSchemaProps{
					"name": {Type: "string", Description: "Name | title.", XValidations: extv1.ValidationRules{{Message: "must be short"}}},
				}}}},
			},
		}},
	}}}}
	want := `<!-- Generated from the Go types by make generate. Do not edit. -->
# Thing

A Thing is a thing.

'example.org/v1', in a namespace. For kubectl: 'things', or 'th' for short.

## spec

| Field | Type | What |
|---|---|---|
| 'parts' | list of objects | Parts of it. |
| 'parts[].name' | string | Name \| title. |
| 'size' | string, required | Size of it. One of 'S', 'L'. Default: '"S"'. |

### What is refused

- 'spec': size and parts do not go together
- 'parts[].name': must be short
`
	got := Reference(c, "docs")
	if diff := cmp.Diff(strings.ReplaceAll(want, "'", "`"), string(got.Content)); diff != "" {
		t.Errorf("Reference(...): -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff("docs/thing.md", got.Path); diff != "" {
		t.Errorf("Reference(...): -want path, +got path:\n%s", diff)
	}
}

func TestFromCRD(t *testing.T) {
	object := func(props map[string]extv1.JSONSchemaProps) extv1.JSONSchemaProps {
		return extv1.JSONSchemaProps{Type: "object", Properties: props}
	}
	str := extv1.JSONSchemaProps{Type: "string"}
	crd := func(root extv1.JSONSchemaProps) *extv1.CustomResourceDefinition {
		c := &extv1.CustomResourceDefinition{}
		c.Name = "things.example.org"
		c.Spec = extv1.CustomResourceDefinitionSpec{
			Group: "example.org",
			Scope: extv1.NamespaceScoped,
			Names: extv1.CustomResourceDefinitionNames{Kind: "Thing", ListKind: "ThingList", Plural: "things", Singular: "thing"},
			Versions: []extv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &extv1.CustomResourceValidation{OpenAPIV3Schema: &root},
			}},
		}
		return c
	}
	everything := object(map[string]extv1.JSONSchemaProps{
		"apiVersion": str, "kind": str, "metadata": {Type: "object"},
		"spec":   object(map[string]extv1.JSONSchemaProps{"size": str}),
		"status": object(map[string]extv1.JSONSchemaProps{"phase": str, "conditions": {Type: "array"}}),
	})

	type want struct {
		props []string
		err   string
	}
	cases := map[string]struct {
		reason string
		crd    *extv1.CustomResourceDefinition
		want   want
	}{
		"Kept": {
			reason: "Spec and status stay; what Crossplane adds itself goes.",
			crd:    crd(everything),
			want:   want{props: []string{"spec.size", "status.phase"}},
		},
		"ClusterScoped": {
			reason: "A team writes every kind in its own namespace.",
			crd: func() *extv1.CustomResourceDefinition {
				c := crd(everything)
				c.Spec.Scope = extv1.ClusterScoped
				return c
			}(),
			want: want{err: "every kind must be namespaced"},
		},
		"Reserved": {
			reason: "Crossplane would overwrite a field of its own name.",
			crd: crd(object(map[string]extv1.JSONSchemaProps{
				"spec": object(map[string]extv1.JSONSchemaProps{"crossplane": str}),
			})),
			want: want{err: "spec.crossplane belongs to Crossplane"},
		},
		"Dropped": {
			reason: "Crossplane would drop the limit without a word.",
			crd: crd(object(map[string]extv1.JSONSchemaProps{
				"spec": {Type: "object", AnyOf: []extv1.JSONSchemaProps{str}},
			})),
			want: want{err: "does not carry over"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			xrd, err := FromCRD(tc.crd)
			if tc.want.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.want.err) {
					t.Fatalf("\n%s\nwant an error with %q, got: %v", tc.reason, tc.want.err, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("\n%s\nwant no error, got: %v", tc.reason, err)
			}
			s := xrd.Spec.Versions[0].Schema.OpenAPIV3Schema
			props := []string{}
			for _, top := range []string{"apiVersion", "kind", "metadata", "spec", "status"} {
				for p := range s.Properties[top].Properties {
					props = append(props, top+"."+p)
				}
			}
			if diff := cmp.Diff(tc.want.props, props); diff != "" {
				t.Errorf("\n%s\nproperties: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
