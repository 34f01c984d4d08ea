// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
)

var update = flag.Bool("update", false, "write golden files instead of comparing with them")

var example = filepath.Join("..", "..", "examples", "existing.yaml")

// A result is what a command prints and its exit status.
type result struct {
	status      int
	out, errOut string
}

// execute a command line with this standard input.
func execute(t *testing.T, in string, args ...string) result {
	t.Helper()
	out, errOut := &bytes.Buffer{}, &bytes.Buffer{}
	status := run(t.Context(), args, strings.NewReader(in), out, errOut)
	return result{status: status, out: out.String(), errOut: errOut.String()}
}

// write a file for a command to read.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "claim.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// golden compares what was printed with a file, or writes it.
func golden(t *testing.T, file, reason, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
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
		t.Errorf("\n%s\n%s: -want, +got:\n%s", reason, path, diff)
	}
}

// TestPreview compares what render and tree print with golden files.
func TestPreview(t *testing.T) {
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
		args   []string
		status int
		golden string
	}{
		"Tree": {
			reason: "A tree shows at a glance what a claim becomes.",
			args:   []string{"tree", example},
			golden: "tree.txt",
		},
		"TreeAtStep": {
			reason: "A tree shows where things stand, and what is waited for.",
			args:   []string{"tree", example, "--step", "6"},
			golden: "tree-at-step.txt",
		},
		"TreeAtBeginning": {
			reason: "After no round there is the claim.",
			args:   []string{"tree", example, "--step", "0"},
			golden: "tree-at-beginning.txt",
		},
		"TreeOfBroken": {
			reason: "A claim that cannot be met says so.",
			args:   []string{"tree", broken},
			status: 1,
			golden: "tree-of-broken.txt",
		},
		"Allowed": {
			reason: "Flags of the function are flags of render.",
			args:   []string{"tree", broken, "--step", "4", "--management-cluster-namespaces", "default"},
			golden: "allowed.txt",
		},
		"Several": {
			reason: "Claims that refer to each other are rendered together.",
			args:   []string{"tree", several},
			golden: "several.txt",
		},
		"Step": {
			reason: "YAML of what there is after some rounds.",
			args:   []string{"render", example, "--step", "2"},
			golden: "step.yaml",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := execute(t, "", tc.args...)
			if got.status != tc.status {
				t.Errorf("want status %d, got %d: %s", tc.status, got.status, got.errOut)
			}
			golden(t, tc.golden, tc.reason, got.out)
		})
	}
}

// TestYAML proves that what is printed can be read again, and says nothing that
// a server or a provider says.
func TestYAML(t *testing.T) {
	got := execute(t, "", "render", example)
	objects, err := simulate.Read([]byte(got.out))
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != strings.Count(got.out, "---\n") || len(objects) < 20 {
		t.Errorf("want every document to be an object, got %d of %d", len(objects), strings.Count(got.out, "---\n"))
	}
	for _, o := range objects {
		if o.GetAPIVersion() == "" || o.GetKind() == "" || o.GetName() == "" || o.GetNamespace() != "team-a" {
			t.Errorf("%s %s cannot be applied", o.GetKind(), o.GetName())
		}
		if _, ok := o.Object["status"]; ok {
			t.Errorf("%s %s has a status", o.GetKind(), o.GetName())
		}
	}
	raw, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, execute(t, string(raw), "render", "-"), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("two runs differ: -from the file, +from standard input:\n%s", diff)
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
			want:   "there is no object of observe-k8s.io/v1alpha1",
		},
		"Twice": {
			reason: "A field that stands there twice, as kubectl refuses it.",
			file:   write(t, "apiVersion: observe-k8s.io/v1alpha1\nkind: Workload\nkind: Workload\n"),
			want:   `key "kind" already set in map`,
		},
		"Alias": {
			reason: "A small file that is a large object.",
			file:   write(t, "a: &a [b, b]\nb: [*a, *a]\n"),
			want:   "document 1: line 1: anchors and aliases are not accepted",
		},
		"NoKind": {
			reason: "An object that does not say what it is.",
			file:   write(t, "metadata: {name: a}\n"),
			want:   "expected an object with apiVersion and kind",
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
			reason: "A file with something else only.",
			file:   write(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n"),
			want:   "cannot find a claim",
		},
		"Mistyped": {
			reason: "A claim that the API server would refuse.",
			file:   write(t, "apiVersion: observe-k8s.io/v1alpha1\nkind: Workload\nmetadata: {name: a}\nspec: all of it\n"),
			want:   "spec: Invalid value",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			for _, args := range [][]string{{"render", tc.file}, {"tree", tc.file, "--step", "1"}, {"validate", tc.file}} {
				got := execute(t, "", args...)
				if got.status != 1 || !strings.Contains(got.out+got.errOut, tc.want) {
					t.Errorf("\n%s\n%v: want status 1 and %q, got %d: %s", tc.reason, args, tc.want, got.status, got.errOut)
				}
				if args[0] != "validate" && got.out != "" {
					t.Errorf("\n%s\nwant nothing printed, got %q", tc.reason, got.out)
				}
			}
		})
	}
}
