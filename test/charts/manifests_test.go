// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	sigsyaml "sigs.k8s.io/yaml"
)

// TestManifests sees that the chart installs what it is given, as it is.
func TestManifests(t *testing.T) {
	given := []any{
		map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "one"},
			"data": map[string]any{"template": "{{ .Values.secret }}", "lines": "a\n---\nb\n", "number": "010"},
		},
		map[string]any{"apiVersion": "example.org/v1", "kind": "Thing", "metadata": map[string]any{"name": "two"}, "spec": map[string]any{"n": float64(3)}},
	}
	c, err := loader.Load(filepath.Join(published, "manifests"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := chartutil.ToRenderValues(c, map[string]any{"manifests": given}, chartutil.ReleaseOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(c, values)
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	for doc := range strings.SplitSeq(files["manifests/templates/manifests.yaml"], "\n---\n") {
		o := map[string]any{}
		if err := sigsyaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		if len(o) > 0 {
			got = append(got, o)
		}
	}
	if diff := cmp.Diff(given, got); diff != "" {
		t.Errorf("objects: -given, +installed:\n%s", diff)
	}
	wrong := map[string]any{"manifests": []any{map[string]any{"kind": "ConfigMap"}}}
	if _, err := chartutil.ToRenderValues(c, wrong, chartutil.ReleaseOptions{}, nil); err == nil {
		t.Error("want an error for something that is no object")
	}
}
