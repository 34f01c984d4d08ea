// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestNoEngine proves that a machine without docker is told what to do.
func TestNoEngine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := findEngine(t.Context())
	if !errors.Is(err, errNoEngine) || !strings.Contains(err.Error(), "make demo") {
		t.Errorf("want to be pointed at make demo, got: %v", err)
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
	if err == nil || !strings.Contains(err.Error(), "make demo") || !strings.Contains(err.Error(), "no such socket") {
		t.Errorf("want docker's words and make demo, got: %v", err)
	}
}

// TestDependencies proves that what a laptop needs is installed, at versions that
// the Configuration admits, and no cloud.
func TestDependencies(t *testing.T) {
	deps, err := dependencies(filepath.Join("..", "..", ".."))
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
		registry registry
		from, to string
	}{
		"Own": {
			"Only ours come from the registry beside the cluster.",
			registry{push: "127.0.0.1:32768", pull: "registry.observe-k8s.local:5000"},
			"xpkg.crossplane.io/observe-k8s", "registry.observe-k8s.local:5000/observe-k8s",
		},
		"Mirror": {
			"Everything comes from a mirror, below its own path.",
			registry{push: "10.0.0.1:5000", pull: "10.0.0.1:5000", everything: true},
			"xpkg.crossplane.io", "10.0.0.1:5000",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := tc.registry.rewrite()
			to, _, _ := unstructured.NestedString(o.Object, "spec", "rewriteImage", "prefix")
			images, _, _ := unstructured.NestedSlice(o.Object, "spec", "matchImages")
			from := images[0].(map[string]any)["prefix"]
			if from != tc.from || to != tc.to {
				t.Errorf("%s: %v to %v, want %s to %s", tc.reason, from, to, tc.from, tc.to)
			}
		})
	}
}

// TestIsHealthy reads the conditions of packages.
func TestIsHealthy(t *testing.T) {
	cases := map[string]struct {
		reason     string
		conditions string
		ok         bool
		said       string
	}{
		"Nothing":   {"It says nothing yet.", `[]`, false, ""},
		"Half":      {"Installed is not enough.", `[{type: Installed, status: "True"}]`, false, ""},
		"Unhealthy": {"It says why.", `[{type: Installed, status: "True"}, {type: Healthy, status: "False", reason: UnhealthyPackageRevision, message: cannot pull}]`, false, "UnhealthyPackageRevision: cannot pull"},
		"Healthy":   {"Both.", `[{type: Installed, status: "True"}, {type: Healthy, status: "True"}]`, true, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte("{status: {conditions: "+tc.conditions+"}}"), &o.Object); err != nil {
				t.Fatal(err)
			}
			ok, said := isHealthy(o)
			if ok != tc.ok || said != tc.said {
				t.Errorf("%s: %v %q, want %v %q", tc.reason, ok, said, tc.ok, tc.said)
			}
		})
	}
}

// TestRuntime proves that the provider gets docker's socket, and that every
// package runs as a platform team would have it.
func TestRuntime(t *testing.T) {
	c := UpCmd{Common: Common{Root: filepath.Join("..", "..", "..")}, Version: "v0.1.0"}
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
