// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	sigsyaml "sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write generated files instead of comparing with them")

// gatewayAPI is the module that the kinds are made from, at the version of the
// chart.
const gatewayAPI = "sigs.k8s.io/gateway-api@v1.6.1"

// TestGatewayAPIKinds proves that the chart holds the kinds of the module, without
// their descriptions. -update writes them.
func TestGatewayAPIKinds(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", gatewayAPI).Output()
	if err != nil {
		t.Fatal(err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	want := kinds(t, filepath.Join(module.Dir, "config", "crd", "standard"), true)
	dir := filepath.Join(published, "gateway-api", "crds-generated")
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		for name, content := range want {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(want, kinds(t, dir, false)); diff != "" {
		t.Errorf("kinds of the Gateway API, see -update: -want, +got:\n%s", diff)
	}
}

// kinds reads the CRDs of a folder by file, without descriptions where asked.
func kinds(t *testing.T, dir string, strip bool) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strip {
			o := map[string]any{}
			if err := sigsyaml.Unmarshal(raw, &o); err != nil {
				t.Fatal(err)
			}
			if o["kind"] != "CustomResourceDefinition" {
				continue
			}
			withoutDescriptions(o)
			if raw, err = sigsyaml.Marshal(o); err != nil {
				t.Fatal(err)
			}
		}
		out[filepath.Base(f)] = string(raw)
	}
	return out
}

// withoutDescriptions takes out what only people read. A field may be called
// description too: then it is a map.
func withoutDescriptions(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, text := v["description"].(string); text {
			delete(v, "description")
		}
		for _, e := range v {
			withoutDescriptions(e)
		}
	case []any:
		for _, e := range v {
			withoutDescriptions(e)
		}
	}
}

func TestGatewayAPIChart(t *testing.T) {
	all := slices.Sorted(maps.Keys(kinds(t, filepath.Join(published, "gateway-api", "crds-generated"), false)))
	if len(all) < 5 {
		t.Fatalf("the chart holds %v only", all)
	}
	cases := map[string]struct {
		reason string
		values map[string]any
		want   int
	}{
		"Enabled":  {reason: "Every kind is installed.", want: len(all)},
		"Disabled": {reason: "A cluster that brings them gets none.", values: map[string]any{"enabled": false}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c, err := loader.Load(filepath.Join(published, "gateway-api"))
			if err != nil {
				t.Fatal(err)
			}
			values, err := chartutil.ToRenderValues(c, tc.values, chartutil.ReleaseOptions{Name: "a", Namespace: "b"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			files, err := engine.Render(c, values)
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for _, f := range files {
				got += strings.Count(f, "kind: CustomResourceDefinition\n")
				if strings.Contains(f, "{{") {
					t.Error("a template is left over")
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nkinds: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
