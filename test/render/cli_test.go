// SPDX-License-Identifier: Apache-2.0

package render

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/skip"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestCLI gives every example to Crossplane's tool for people: it renders each,
// and finds valid each, what it rendered, and everything that each becomes.
func TestCLI(t *testing.T) {
	if !w.cli {
		skip.Test(t, "crossplane-cli", "-cli asks for it")
	}
	tool, err := controlplane.Program(t.Context(), controlplane.Options{Output: os.Stdout}, "crossplane-cli")
	if err != nil {
		t.Fatal(err)
	}
	e := start(t, w.function)
	c := crossplaneCLI{tool: tool, engine: e.crossplane, dir: t.TempDir()}
	c.functions(t, e.function)
	c.extensions(t)

	examples, err := filepath.Glob(filepath.Join(root, "examples", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range examples {
		t.Run(filepath.Base(file), func(t *testing.T) {
			valid := []string{file}
			for i, o := range read(t, file) {
				if o.GetAPIVersion() != v1alpha1.APIVersion {
					continue
				}
				name := strings.TrimSuffix(filepath.Base(file), ".yaml") + fmt.Sprint(i)
				xr := c.write(t, name+"-claim.yaml", o)
				composition := c.write(t, name+"-composition.yaml", e.compositions[o.GetKind()])
				rendered := filepath.Join(c.dir, name+"-rendered.yaml")
				out := c.run(t, "composition", "render", xr, composition, filepath.Join(c.dir, "functions.yaml"), "--crossplane-binary="+c.engine, "--include-full-xr")
				if strings.Count(out, "composition-resource-name") == 0 {
					t.Errorf("the tool rendered nothing of %s %s:\n%s", o.GetKind(), o.GetName(), out)
				}
				if err := os.WriteFile(rendered, []byte(out), 0o600); err != nil {
					t.Fatal(err)
				}
				valid = append(valid, rendered, c.write(t, name+"-all.yaml", becomes(t, o)...))
			}
			t.Log(c.run(t, "resource", "validate", filepath.Join(c.dir, "extensions"), strings.Join(valid, ","), "--crossplane-image=", "--cache-dir="+filepath.Join(c.dir, "cache"), "--skip-success-results", "--error-on-missing-schemas"))
		})
	}
}

// becomes is everything that a claim becomes in the end.
func becomes(t *testing.T, claim *unstructured.Unstructured) []*unstructured.Unstructured {
	t.Helper()
	s, err := simulate.New(compose.Settings{}, claim)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Converge(); err != nil {
		t.Fatal(err)
	}
	return s.Composed()
}

// A crossplaneCLI is Crossplane's tool for people.
type crossplaneCLI struct {
	tool, engine, dir string
}

// run the tool, and return what it prints.
func (c crossplaneCLI) run(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), c.tool, args...)
	cmd.Env = append(os.Environ(), "HOME="+c.dir)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("crossplane %s: %v\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// write objects into a file.
func (c crossplaneCLI) write(t *testing.T, name string, objs ...*unstructured.Unstructured) string {
	t.Helper()
	var b bytes.Buffer
	for _, o := range objs {
		raw, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(&b, "---\n%s", raw)
	}
	file := filepath.Join(c.dir, name)
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// functions tells the tool where our function listens.
func (c crossplaneCLI) functions(t *testing.T, address string) {
	t.Helper()
	c.write(t, "functions.yaml", &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "pkg.crossplane.io/v1", "kind": "Function",
		"metadata": map[string]any{
			"name": "observe-k8s-function-observe-k8s",
			"annotations": map[string]any{
				"render.crossplane.io/runtime":                    "Development",
				"render.crossplane.io/runtime-development-target": address,
			},
		},
		"spec": map[string]any{"package": "xpkg.crossplane.io/observe-k8s/function-observe-k8s:v0.1.0"},
	}})
}

// extensions gives the tool our kinds, those of the providers and Crossplane's.
func (c crossplaneCLI) extensions(t *testing.T) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(c.dir, "extensions"), 0o755); err != nil {
		t.Fatal(err)
	}
	assets := filepath.Join(filepath.Dir(filepath.Dir(c.engine)), "assets")
	n := 0
	for _, glob := range []string{
		filepath.Join(root, "apis", "*", "definition.yaml"),
		filepath.Join(root, "providers", "local", "package", "crds", "*.yaml"),
		filepath.Join(root, "test", "facts", "schemas", "crds", "*", "*.yaml"),
		filepath.Join(assets, "crds", "*.yaml"),
	} {
		for _, o := range read(t, glob) {
			if k := o.GetKind(); k == "CustomResourceDefinition" || k == "CompositeResourceDefinition" {
				c.write(t, filepath.Join("extensions", fmt.Sprintf("%04d.yaml", n)), o)
				n++
			}
		}
	}
	t.Logf("the tool knows %d kinds", n)
}
