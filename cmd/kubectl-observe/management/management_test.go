// SPDX-License-Identifier: Apache-2.0

package management

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestNoEngine proves that a machine without docker is told what to do.
func TestNoEngine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := findEngine(t.Context())
	if !errors.Is(err, errNoEngine) || !strings.Contains(err.Error(), "observe demo") {
		t.Errorf("want to be pointed at the demo, got: %v", err)
	}
}

// TestSilentEngine proves the same where docker is installed and does not run,
// and that docker's own words are kept.
func TestSilentEngine(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\necho 'no such socket' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	err := findEngine(t.Context())
	if err == nil || !strings.Contains(err.Error(), "observe demo") || !strings.Contains(err.Error(), "no such socket") {
		t.Errorf("want docker's words and the demo, got: %v", err)
	}
}

// TestDependencies proves that what a laptop needs is installed, at versions that
// the Configuration admits, and no cloud.
func TestDependencies(t *testing.T) {
	deps, err := dependencies()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range deps {
		if !d.wanted() {
			continue
		}
		o := d.object("v0.1.0-mine")
		got[o.GetKind()+" "+o.GetName()], _, _ = unstructured.NestedString(o.Object, "spec", "package")
	}
	want := map[string]string{
		"Function observe-k8s-function-observe-k8s":       "xpkg.crossplane.io/observe-k8s/function-observe-k8s:v0.1.0-mine",
		"Provider crossplane-contrib-provider-helm":       "xpkg.crossplane.io/crossplane-contrib/provider-helm:v1.3.0",
		"Provider crossplane-contrib-provider-kubernetes": "xpkg.crossplane.io/crossplane-contrib/provider-kubernetes:v1.3.0",
		"Provider observe-k8s-provider-local":             "xpkg.crossplane.io/observe-k8s/provider-local:v0.1.0-mine",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

// TestRewrite shows where Crossplane is sent for packages.
func TestRewrite(t *testing.T) {
	cases := map[string]struct {
		reason   string
		packages string
		registry registry
		from, to string
	}{
		"Own": {
			reason:   "Only ours come from the registry beside the cluster.",
			registry: registry{push: "127.0.0.1:32768", pull: "registry.observe-k8s.local:5000"},
			from:     "xpkg.crossplane.io/observe-k8s", to: "registry.observe-k8s.local:5000/observe-k8s",
		},
		"Mirror": {
			reason:   "Everything comes from a mirror, below its own path.",
			registry: registry{push: "10.0.0.1:5000", pull: "10.0.0.1:5000", everything: true},
			from:     "xpkg.crossplane.io", to: "10.0.0.1:5000",
		},
		"Released": {reason: "Released packages come from where they are released."},
		"Elsewhere": {
			reason:   "Packages that were released elsewhere come from there.",
			packages: "ghcr.io/you",
			from:     "xpkg.crossplane.io/observe-k8s", to: "ghcr.io/you",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			from, to := "", ""
			if o := (UpOptions{Packages: tc.packages}).rewrite(tc.registry); o != nil {
				to, _, _ = unstructured.NestedString(o.Object, "spec", "rewriteImage", "prefix")
				images, _, _ := unstructured.NestedSlice(o.Object, "spec", "matchImages")
				from, _ = images[0].(map[string]any)["prefix"].(string)
			}
			if from != tc.from || to != tc.to {
				t.Errorf("%s: %s to %s, want %s to %s", tc.reason, from, to, tc.from, tc.to)
			}
		})
	}
}

// TestCrossplaneVersion proves that the Crossplane that is installed is the one
// that the tests run.
func TestCrossplaneVersion(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "controlplane", "programs", "crossplane", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "github.com/crossplane/crossplane/v2 " + crossplaneVersion; !strings.Contains(string(b), want+" ") {
		t.Errorf("go.mod has no %q:\n%s", want, b)
	}
}

// TestRuntime proves that the provider gets docker's socket, and that every
// package runs as a platform team would have it.
func TestRuntime(t *testing.T) {
	c := UpOptions{Version: "v0.1.0"}
	objs, err := c.plan(registry{pull: "registry.observe-k8s.local:5000"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range objs {
		if name, ok, _ := unstructured.NestedString(o.Object, "spec", "runtimeConfigRef", "name"); ok {
			got[o.GetName()] = name
		}
	}
	want := map[string]string{
		"crossplane-contrib-provider-kubernetes": "observe-k8s-provider-kubernetes",
		"observe-k8s-function-observe-k8s":       "function-observe-k8s",
		"observe-k8s-provider-local":             "provider-local",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}
