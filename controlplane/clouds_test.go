// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/controlplane/checkout"
	"sigs.k8s.io/yaml"
)

// TestCloudPackages proves that a clone has the CRD of every kind of a cloud that we
// compose, in a package of the provider that our Configuration depends on.
func TestCloudPackages(t *testing.T) {
	t.Setenv(SchemasEnv, "")
	root, err := checkout.Find("")
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := activated(root)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(root, "crossplane.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	configuration := struct {
		Spec struct{ DependsOn []struct{ Package string } }
	}{}
	if err := yaml.Unmarshal(b, &configuration); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{"releases.helm.m.crossplane.io": true, "objects.kubernetes.m.crossplane.io": true}
	for _, d := range configuration.Spec.DependsOn {
		group, ok := cloudGroup(d.Package)
		if !ok {
			continue
		}
		content, found, err := cloudPackage(schemas(root), path.Base(d.Package), group, kinds)
		if err != nil {
			t.Fatal(err)
		}
		for i, doc := range bytes.Split(content, []byte("---\n")) {
			crd := struct {
				Spec struct {
					Scope    string
					Names    struct{ Kind string }
					Versions []struct{ Subresources map[string]any }
				}
			}{}
			if err := yaml.Unmarshal(doc, &crd); err != nil {
				t.Errorf("%s: %v", d.Package, err)
			}
			if i > 0 && (crd.Spec.Scope == "" || crd.Spec.Names.Kind == "" || len(crd.Spec.Versions[0].Subresources) == 0) {
				t.Errorf("%s: a CRD has no scope, names or status:\n%.200s", d.Package, doc)
			}
		}
		for _, k := range found {
			got[k] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(kinds)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("kinds that can be simulated: -activated, +there:\n%s", diff)
	}
	if _, _, err := cloudPackage(nil, "provider-aws-ec2", "ec2.aws.m.upbound.io", kinds); err == nil {
		t.Error("a kind without a CRD must be an error, not an empty package")
	}
}

// TestCloudGroup finds which kinds a provider brings.
func TestCloudGroup(t *testing.T) {
	cases := map[string]struct {
		reason     string
		repository string
		want       string
	}{
		"Service": {"A service of a cloud is a group of its own.", "xpkg.crossplane.io/crossplane-contrib/provider-aws-ec2", "ec2.aws.m.upbound.io"},
		"Family":  {"A family has what belongs to no service.", "xpkg.crossplane.io/crossplane-contrib/provider-family-azure", "azure.m.upbound.io"},
		"Hosts":   {"Hosts are simulated like clouds.", "xpkg.crossplane.io/crossplane-contrib/provider-k3s", "k3s.m.crossplane.io"},
		"Engine":  {"So are container engines.", "xpkg.crossplane.io/observe-k8s/provider-local", "local.observe-k8s.io"},
		"Helm":    {"That is no cloud.", "xpkg.crossplane.io/crossplane-contrib/provider-helm", ""},
		"Ours":    {"That is no provider.", "xpkg.crossplane.io/observe-k8s/function-observe-k8s", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got, _ := cloudGroup(tc.repository); got != tc.want {
				t.Errorf("%s: %q, want %q", tc.reason, got, tc.want)
			}
		})
	}
}

// TestOldest finds a version that a range admits.
func TestOldest(t *testing.T) {
	if got, want := oldest(">=v2.6.0, <v3.0.0-0"), "v2.6.0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
