// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestClaims gives claims as people write them to all commands that take one: the
// outcome is the same.
func TestClaims(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "claims.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Reason, Claim string
		Status              int
		Words               []string
	}
	if err := yaml.UnmarshalStrict(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			for _, command := range []string{"validate", "render", "tree"} {
				got := execute(t, tc.Claim, command, "-")
				said := got.out + got.errOut
				if command != "validate" {
					said = got.errOut
				}
				if got.status != tc.Status {
					t.Errorf("\n%s\n%s: want status %d, got %d: %s", tc.Reason, command, tc.Status, got.status, said)
				}
				for _, w := range tc.Words {
					if !strings.Contains(said, w) {
						t.Errorf("\n%s\n%s: want %q, got:\n%s", tc.Reason, command, w, said)
					}
				}
			}
		})
	}
}

func TestValidate(t *testing.T) {
	folder := t.TempDir()
	const cluster = "apiVersion: observe-k8s.io/v1alpha1\nkind: KubernetesCluster\nmetadata: {name: mine}\nspec: {provider: Kind}\n"
	files := map[string]string{
		"a.yaml":    cluster,
		"b.yml":     "apiVersion: observe-k8s.io/v1alpha1\nkind: ObservabilityStack\nmetadata: {name: mine}\nspec: {clusterRef: {name: mine}}\n",
		"c.json":    `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}`,
		"README.md": "No claim",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	same := t.TempDir()
	for _, name := range []string{"a.yaml", "b.yaml"} {
		if err := os.WriteFile(filepath.Join(same, name), []byte(cluster), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		reason string
		args   []string
		status int
		want   []string
	}{
		"Folder": {
			reason: "The claims of a folder belong together.",
			args:   []string{folder},
			want:   []string{"a.yaml: valid (1 object)", "b.yml: valid (1 object)", "c.json: valid (1 object)"},
		},
		"SameNames": {
			reason: "Files that define the same object are variants, each to be judged by itself.",
			args:   []string{same},
			want:   []string{"a.yaml: valid (1 object)", "b.yaml: valid (1 object)"},
		},
		"EmptyFolder": {
			reason: "A folder without claims is a mistake.",
			args:   []string{t.TempDir()},
			status: 1,
			want:   []string{"it holds no YAML file"},
		},
		"Nothing": {
			reason: "Something has to be judged.",
			status: 1,
			want:   []string{"requires at least 1 arg"},
		},
		"Allowed": {
			reason: "Flags of the function are flags of the command.",
			args:   []string{write(t, "apiVersion: observe-k8s.io/v1alpha1\nkind: KubernetesCluster\nmetadata: {name: a}\nspec: {provider: Existing, existing: {managementCluster: true}}\n"), "--management-cluster-namespaces=default"},
			want:   []string{"valid"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := execute(t, "", append([]string{"validate"}, tc.args...)...)
			if got.status != tc.status {
				t.Errorf("\n%s\nwant status %d, got %d: %s", tc.reason, tc.status, got.status, got.errOut)
			}
			for _, w := range tc.want {
				if !strings.Contains(got.out+got.errOut, w) {
					t.Errorf("\n%s\nwant %q, got:\n%s", tc.reason, w, got.out+got.errOut)
				}
			}
		})
	}
}
