// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

const root = "../.."

func TestDefinitionsAreAccepted(t *testing.T) {
	crds, err := validate.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	for _, crd := range crds {
		t.Run(crd.Spec.Names.Kind, func(t *testing.T) {
			if err := Accept(t.Context(), crd); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAccept(t *testing.T) {
	crd := func(spec extv1.JSONSchemaProps) *extv1.CustomResourceDefinition {
		c := &extv1.CustomResourceDefinition{}
		c.Name = "things.example.org"
		c.Spec = extv1.CustomResourceDefinitionSpec{
			Group: "example.org",
			Scope: extv1.NamespaceScoped,
			Names: extv1.CustomResourceDefinitionNames{Plural: "things", Singular: "thing", Kind: "Thing", ListKind: "ThingList"},
			Versions: []extv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &extv1.CustomResourceValidation{OpenAPIV3Schema: &extv1.JSONSchemaProps{
					Type:       "object",
					Properties: map[string]extv1.JSONSchemaProps{"spec": spec},
				}},
			}},
		}
		return c
	}
	rule := extv1.ValidationRules{{Rule: "self.all(a, self.all(b, a.contains(b)))"}}
	str := extv1.JSONSchemaProps{Type: "string"}

	cases := map[string]struct {
		reason string
		spec   extv1.JSONSchemaProps
		want   string
	}{
		"Bounded": {
			reason: "A rule over a short list of short strings is affordable.",
			spec: extv1.JSONSchemaProps{
				Type: "array", MaxItems: ptr.To[int64](4), XValidations: rule,
				Items: &extv1.JSONSchemaPropsOrArray{Schema: &extv1.JSONSchemaProps{Type: "string", MaxLength: ptr.To[int64](8)}},
			},
		},
		"Unbounded": {
			reason: "The same rule without limits is what an API server refuses; so must we, before one does.",
			spec:   extv1.JSONSchemaProps{Type: "array", XValidations: rule, Items: &extv1.JSONSchemaPropsOrArray{Schema: &str}},
			want:   "cost",
		},
		"NoSuchField": {
			reason: "A rule about a field that does not exist does not compile.",
			spec:   extv1.JSONSchemaProps{Type: "object", XValidations: extv1.ValidationRules{{Rule: "self.nope == 1"}}},
			want:   "undefined field 'nope'",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := Accept(t.Context(), crd(tc.spec))
			if tc.want == "" && err != nil {
				t.Errorf("\n%s\nwant no error, got: %v", tc.reason, err)
			}
			if tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("\n%s\nwant an error with %q, got: %v", tc.reason, tc.want, err)
			}
		})
	}
}

// TestDefinitionsFitCrossplane judges our XRDs and Compositions by the CRDs of
// Crossplane's own kinds.
func TestDefinitionsFitCrossplane(t *testing.T) {
	var files []string
	for _, glob := range []string{"apis/*/definition.yaml", "compositions/*.yaml", "package/install.yaml", "package/activation-policy.yaml"} {
		more, err := filepath.Glob(filepath.Join(root, glob))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for origin, folders := range origins() {
		t.Run(origin, func(t *testing.T) {
			set := load(t, folders...)
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				for doc := range strings.SplitSeq("\n"+string(b), "\n---\n") {
					obj := map[string]any{}
					if err := yaml.Unmarshal([]byte(doc), &obj); err != nil {
						t.Fatal(err)
					}
					if len(obj) == 0 {
						continue
					}
					for _, err := range set.Validate(t.Context(), obj) {
						t.Errorf("%s: %v", f, err)
					}
				}
			}
		})
	}
}

// installed are the folders with the CRDs of what is installed.
func installed() []string {
	return []string{filepath.Join(index, "crds"), filepath.Join(root, "package", "charts", "gateway-api", "crds-generated")}
}

// origins of CRDs to judge by: what is installed where people use this, and over that
// what the embedded control plane runs.
func origins() map[string][]string {
	return map[string][]string{"Installed": installed(), "Pinned": append(installed(), filepath.Join(index, "pinned"))}
}

// local is the folder of the CRDs of this project's own provider.
const local = root + "/providers/local/package/crds"

// load CRDs, those of provider-local, and the kinds of this project.
func load(t *testing.T, folders ...string) *Set {
	t.Helper()
	set, err := validate.Load(append(folders, local)...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
