// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
)

var update = flag.Bool("update", false, "write golden files instead of comparing with them")

var example = filepath.Join("..", "..", "..", "examples", "existing.yaml")

// output runs render and returns what it prints.
func output(t *testing.T, c CLI) (string, error) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stdout := os.Stdout
	os.Stdout = f
	defer func() { os.Stdout = stdout }()
	runErr := c.Run()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), runErr
}

// write a file for render to read.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "claim.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRender compares what a person sees with golden files.
func TestRender(t *testing.T) {
	broken := write(t, `
apiVersion: observe-k8s.io/v1alpha1
kind: ObservabilityPlatform
metadata: {name: demo}
spec:
  cluster: {provider: Existing, existing: {managementCluster: true}}
`)
	several := write(t, `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: mine, namespace: team-a}
spec: {provider: Existing, existing: {kubeconfigSecretRef: {name: remote}}}
---
# Comments are no objects.
---
apiVersion: observe-k8s.io/v1alpha1
kind: Component
metadata: {name: shop, namespace: team-a}
spec:
  clusterRef: {name: mine}
  namespace: shops
  source: {chart: {repository: "oci://charts.example.org", name: shop, version: 1.2.3}}
`)
	cases := map[string]struct {
		reason string
		cli    CLI
		golden string
	}{
		"Tree": {
			reason: "A tree shows at a glance what a claim becomes.",
			cli:    CLI{File: example, Step: -1, Tree: true},
			golden: "tree.txt",
		},
		"TreeAtStep": {
			reason: "A tree shows where things stand, and what is waited for.",
			cli:    CLI{File: example, Step: 6, Tree: true},
			golden: "tree-at-step.txt",
		},
		"TreeAtBeginning": {
			reason: "After no round there is the claim.",
			cli:    CLI{File: example, Step: 0, Tree: true},
			golden: "tree-at-beginning.txt",
		},
		"TreeOfBroken": {
			reason: "A claim that cannot be met says so.",
			cli:    CLI{File: broken, Step: -1, Tree: true},
			golden: "tree-of-broken.txt",
		},
		"Allowed": {
			reason: "Flags of the function are flags of render.",
			cli:    CLI{File: broken, Step: 4, Tree: true, ManagementClusterNamespaces: []string{"default"}},
			golden: "allowed.txt",
		},
		"Several": {
			reason: "Claims that refer to each other are rendered together.",
			cli:    CLI{File: several, Step: -1, Tree: true},
			golden: "several.txt",
		},
		"Step": {
			reason: "YAML of what there is after some rounds.",
			cli:    CLI{File: example, Step: 2},
			golden: "step.yaml",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := output(t, tc.cli)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", tc.golden)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("\n%s\n%s: -want, +got:\n%s", tc.reason, path, diff)
			}
		})
	}
}

// TestYAML proves that what is printed can be read again, and says nothing that
// a server or a provider says.
func TestYAML(t *testing.T) {
	got, err := output(t, CLI{File: example, Step: -1})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := simulate.Read([]byte(got))
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != strings.Count(got, "---\n") || len(objects) < 20 {
		t.Errorf("want every document to be an object, got %d of %d", len(objects), strings.Count(got, "---\n"))
	}
	for _, o := range objects {
		if o.GetAPIVersion() == "" || o.GetKind() == "" || o.GetName() == "" || o.GetNamespace() != "team-a" {
			t.Errorf("%s %s cannot be applied", o.GetKind(), o.GetName())
		}
		if _, ok := o.Object["status"]; ok {
			t.Errorf("%s %s has a status", o.GetKind(), o.GetName())
		}
	}
	again, err := output(t, CLI{File: example, Step: -1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("two runs differ: -first, +second:\n%s", diff)
	}
}

func TestErrors(t *testing.T) {
	cases := map[string]struct {
		reason string
		file   string
		want   string
	}{
		"NoFile": {
			reason: "A file that is not there.",
			file:   filepath.Join(t.TempDir(), "nothing.yaml"),
			want:   "no such file",
		},
		"Empty": {
			reason: "A file without a claim.",
			file:   write(t, "# nothing\n---\n"),
			want:   "holds no object",
		},
		"NotYAML": {
			reason: "A file that is not YAML.",
			file:   write(t, "a: b: c"),
			want:   "cannot read",
		},
		"NotAnObject": {
			reason: "A file with something else in it.",
			file:   write(t, "- a\n- b\n"),
			want:   "cannot read",
		},
		"OtherKind": {
			reason: "A kind that is not ours.",
			file:   write(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"),
			want:   "apps/v1 Deployment is not a kind of observe-k8s.io/v1alpha1",
		},
		"Mistyped": {
			reason: "A claim that the API server would refuse.",
			file:   write(t, "apiVersion: observe-k8s.io/v1alpha1\nkind: Workload\nmetadata: {name: a}\nspec: all of it\n"),
			want:   "cannot compose Workload a",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for _, c := range []CLI{{File: tc.file, Step: -1}, {File: tc.file, Step: 1, Tree: true}} {
				got, err := output(t, c)
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("\n%s\nRun(): want an error with %q, got %v", tc.reason, tc.want, err)
				}
				if got != "" {
					t.Errorf("\n%s\nwant nothing printed, got %q", tc.reason, got)
				}
			}
		})
	}
}

// TestStdin reads the claim from standard input.
func TestStdin(t *testing.T) {
	f, err := os.Open(example)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stdin := os.Stdin
	os.Stdin = f
	defer func() { os.Stdin = stdin }()
	got, err := output(t, CLI{File: "-", Step: 1})
	if err != nil {
		t.Fatal(err)
	}
	want, err := output(t, CLI{File: example, Step: 1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-from the file, +from standard input:\n%s", diff)
	}
}
