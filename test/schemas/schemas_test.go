// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"strings"
	"testing"

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

// TestProviders shows that the real schemas are found and used, also for what
// is wrapped in an Object.
func TestProviders(t *testing.T) {
	set := load(t, installed()...)
	cases := map[string]struct {
		reason string
		obj    string
		want   string
	}{
		"Release": {
			reason: "A plain release fits provider-helm's schema.",
			obj: `
apiVersion: helm.m.crossplane.io/v1beta1
kind: Release
metadata: {name: a, namespace: b}
spec:
  forProvider:
    chart: {name: podinfo, repository: https://charts.example.org, version: 1.0.0}
    namespace: c
    values: {anything: goes}
  providerConfigRef: {kind: ProviderConfig, name: d}
`,
		},
		"ReleaseUnknownField": {
			reason: "deletionPolicy is of the older, cluster-scoped API.",
			obj: `
apiVersion: helm.m.crossplane.io/v1beta1
kind: Release
metadata: {name: a, namespace: b}
spec:
  deletionPolicy: Orphan
  forProvider: {chart: {name: podinfo, repository: https://charts.example.org, version: 1.0.0}, namespace: c}
  providerConfigRef: {kind: ProviderConfig, name: d}
`,
			want: "spec.deletionPolicy",
		},
		"WrappedUnknownField": {
			reason: "What provider-kubernetes is to create is judged too.",
			obj: `
apiVersion: kubernetes.m.crossplane.io/v1alpha1
kind: Object
metadata: {name: a, namespace: b}
spec:
  forProvider:
    manifest: {apiVersion: v1, kind: Namespace, metadata: {name: c}, spek: {}}
  providerConfigRef: {kind: ProviderConfig, name: d}
`,
			want: `spec.forProvider.manifest: Namespace c: does not fit Kubernetes' own type`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			check(t, tc.reason, tc.want, set.Validate(t.Context(), object(t, tc.obj)))
		})
	}
}
