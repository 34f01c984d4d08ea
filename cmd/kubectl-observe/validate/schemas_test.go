// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"strings"
	"testing"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// object of YAML in a test.
func object(t *testing.T, doc string) map[string]any {
	t.Helper()
	o := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(doc), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// check the complaints about an object: none if want is empty, else one that
// contains it.
func check(t *testing.T, reason, want string, errs []error) {
	t.Helper()
	all := make([]string, 0, len(errs))
	for _, e := range errs {
		all = append(all, e.Error())
	}
	got := strings.Join(all, "\n")
	if want == "" && got != "" {
		t.Errorf("\n%s\nwant no complaint, got:\n%s", reason, got)
	}
	if want != "" && !strings.Contains(got, want) {
		t.Errorf("\n%s\nwant a complaint with %q, got:\n%s", reason, want, got)
	}
}

// TestValidate shows that the validator catches each class of mistake.
func TestValidate(t *testing.T) {
	const thing = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, minimum: 1}
              max: {type: integer, default: 3}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              fixed: {type: string, maxLength: 9, x-kubernetes-validations: [{rule: self == oldSelf, message: fixed cannot change}]}
              rows:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items: {type: object, required: [name], properties: {name: {type: string}}}
            x-kubernetes-validations:
            - {rule: self.size <= self.max, message: size must not be above max}
`
	cases := map[string]struct {
		reason string
		obj    string
		old    string
		want   string
	}{
		"Valid": {
			reason: "What fits has no complaint; defaults count when rules are evaluated.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b}, spec: {size: 3, free: {any: thing}}}`,
		},
		"UnknownField": {
			reason: "A mistyped field would be dropped silently: it must be an error.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b}, spec: {size: 3, sise: 3}}`,
			want:   "spec.sise: unknown field",
		},
		"UnknownMetadata": {
			reason: "Metadata is checked as strictly as the rest.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b, label: {}}, spec: {size: 3}}`,
			want:   "metadata.label",
		},
		"WrongType": {
			reason: "A string where a number belongs is refused.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b}, spec: {size: "3"}}`,
			want:   "spec.size",
		},
		"Missing": {
			reason: "A required field must be there.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b}, spec: {}}`,
			want:   "spec.size: Required value",
		},
		"Rule": {
			reason: "A rule of the schema is evaluated, with the default of max.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b}, spec: {size: 4}}`,
			want:   "size must not be above max",
		},
		"TransitionRule": {
			reason: "A rule about change is evaluated when there is an old object.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b, resourceVersion: "1"}, spec: {size: 1, fixed: b}}`,
			old:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b, resourceVersion: "1"}, spec: {size: 1, fixed: a}}`,
			want:   "fixed cannot change",
		},
		"RepeatedKey": {
			reason: "Two rows with the same key are refused.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b}, spec: {size: 1, rows: [{name: x}, {name: x}]}}`,
			want:   "Duplicate value",
		},
		"NoNamespace": {
			reason: "An object of a namespaced kind needs a namespace.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a}, spec: {size: 1}}`,
			want:   "metadata.namespace",
		},
		"BadLabel": {
			reason: "Labels have to fit what an API server accepts.",
			obj:    `{apiVersion: example.org/v1, kind: Thing, metadata: {name: a, namespace: b, labels: {x: "a b"}}, spec: {size: 1}}`,
			want:   "metadata.labels",
		},
		"NoSuchKind": {
			reason: "A kind that nobody knows is an error, not a pass.",
			obj:    `{apiVersion: example.org/v2, kind: Thing, metadata: {name: a, namespace: b}, spec: {size: 1}}`,
			want:   "no schema of example.org/v2",
		},
		"Builtin": {
			reason: "Kubernetes' own kinds are judged by their Go types.",
			obj:    `{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}, stringData: {kubeconfig: x}}`,
		},
		"BuiltinUnknownField": {
			reason: "An unknown field of a Kubernetes kind is an error.",
			obj:    `{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}, strData: {kubeconfig: x}}`,
			want:   `unknown field "strData"`,
		},
		"BuiltinName": {
			reason: "The name of a Kubernetes kind has to be a DNS name.",
			obj:    `{apiVersion: v1, kind: Secret, metadata: {name: A_B, namespace: b}}`,
			want:   "metadata.name",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			crd := &extv1.CustomResourceDefinition{}
			if err := yaml.UnmarshalStrict([]byte(thing), crd); err != nil {
				t.Fatal(err)
			}
			set, err := Load()
			if err != nil {
				t.Fatal(err)
			}
			set.Add(crd)
			var old map[string]any
			if tc.old != "" {
				old = object(t, tc.old)
			}
			check(t, tc.reason, tc.want, set.ValidateUpdate(t.Context(), object(t, tc.obj), old))
		})
	}
}
