// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/composers"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// A recorded world is what the composer of one composite saw in a release, when
// everything worked.
type recorded struct {
	XR       map[string]any              `json:"xr"`
	Observed map[string]map[string]any   `json:"observed"`
	Required map[string][]map[string]any `json:"required"`
}

// record is a world in the form in which releases keep it.
func record(w compose.Request) recorded {
	r := recorded{XR: w.XR.Object, Observed: map[string]map[string]any{}, Required: map[string][]map[string]any{}}
	for name, o := range w.Observed {
		r.Observed[name] = o.Object
	}
	for name, os := range w.Required {
		r.Required[name] = []map[string]any{}
		for _, o := range os {
			r.Required[name] = append(r.Required[name], o.Object)
		}
	}
	return r
}

func (r recorded) world() compose.Request {
	w := compose.Request{
		XR:       &unstructured.Unstructured{Object: r.XR},
		Observed: map[string]*unstructured.Unstructured{},
		Required: map[string][]*unstructured.Unstructured{},
		Settings: everyone,
	}
	for name, o := range r.Observed {
		w.Observed[name] = &unstructured.Unstructured{Object: o}
	}
	for name, os := range r.Required {
		w.Required[name] = []*unstructured.Unstructured{}
		for _, o := range os {
			w.Required[name] = append(w.Required[name], &unstructured.Unstructured{Object: o})
		}
	}
	return w
}

// TestUpgrade runs what releases left behind through the composers of today:
// nothing is deleted and nothing becomes another thing. What changes within
// objects stands in changes.txt of each release. To keep a release, write what
// record says of its examples' worlds into a folder of its name.
func TestUpgrade(t *testing.T) {
	releases, err := filepath.Glob(filepath.Join("testdata", "releases", "*"))
	if err != nil || len(releases) == 0 {
		t.Fatalf("no release is kept: %v", err)
	}
	for _, dir := range releases {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
			if err != nil || len(files) == 0 {
				t.Fatalf("the release has no worlds: %v", err)
			}
			got := &strings.Builder{}
			for _, file := range files {
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				var rs []recorded
				if err := yaml.UnmarshalStrict(raw, &rs); err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(got, "# %s\n", strings.TrimSuffix(filepath.Base(file), ".yaml"))
				for _, r := range rs {
					upgrade(t, got, r.world())
				}
			}
			goldenFile(t, filepath.Join(dir, "changes.txt"), got.String())
		})
	}
}

// upgrade runs one world and writes what changes.
func upgrade(t *testing.T, out *strings.Builder, w compose.Request) {
	t.Helper()
	schemas, err := apis.Schemas()
	if err != nil {
		t.Fatal(err)
	}
	composer, _ := composers.For(w.XR.GetKind())
	res, err := compose.Run(w, composer)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(w.Observed)) {
		was, is := w.Observed[name], res.Resources[name].Object
		if is == nil {
			t.Errorf("%s %s: %s %s would be deleted", w.XR.GetKind(), w.XR.GetName(), was.GetKind(), was.GetName())
			continue
		}
		now := &unstructured.Unstructured{Object: is}
		for what, p := range map[string][2]string{
			"apiVersion":    {was.GetAPIVersion(), now.GetAPIVersion()},
			"kind":          {was.GetKind(), now.GetKind()},
			"name":          {was.GetName(), now.GetName()},
			"external name": {was.GetAnnotations()[compose.AnnotationExternalName], now.GetAnnotations()[compose.AnnotationExternalName]},
		} {
			if p[0] != p[1] {
				t.Errorf("%s %s would become another thing: its %s was %q and would be %q", was.GetKind(), was.GetName(), what, p[0], p[1])
			}
		}
		is = (&unstructured.Unstructured{Object: is}).DeepCopy().Object
		if now.GetAPIVersion() == v1alpha1.APIVersion {
			setDefaults(is, schemas[now.GetKind()])
		}
		before, after := fieldsOf(compose.Preserve(was)["spec"]), fieldsOf(is["spec"])
		for _, line := range differences(before, after) {
			if strings.HasPrefix(line, ".values: ") || strings.Contains(line, ".values: \"values of sum") {
				line, _, _ = strings.Cut(line, ":")
				line += " change"
			}
			fmt.Fprintf(out, "%s %s%s\n", was.GetKind(), was.GetName(), line)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(res.Resources)) {
		if w.Observed[name] == nil {
			now := &unstructured.Unstructured{Object: res.Resources[name].Object}
			fmt.Fprintf(out, "new: %s %s\n", now.GetKind(), now.GetName())
		}
	}
}

// fieldsOf a value, by path. Values of charts are many, and change in place: it
// only counts whether they do.
func fieldsOf(v any) map[string]string {
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		m, ok := v.(map[string]any)
		switch {
		case !ok:
			out[path] = fmt.Sprint(v)
		case strings.HasSuffix(path, ".values"):
			raw, err := json.Marshal(m)
			if err != nil {
				panic(err)
			}
			out[path] = fmt.Sprintf("values of sum %x", sha256.Sum256(raw))[:24]
		default:
			for k, x := range m {
				walk(path+"."+k, x)
			}
		}
	}
	walk("", v)
	return out
}

// goldenFile compares a text with that of a file, or writes it.
func goldenFile(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("what changes is not what %s says; if it may be so, go test ./functions/simulate -run TestUpgrade -update:\n%s", file, got)
	}
}

// TestRecord proves that what is kept of a release is what its composers saw.
func TestRecord(t *testing.T) {
	s := start(t, everyone, read(t, filepath.Join("..", "..", "examples", "existing.yaml"))...)
	converge(t, s)
	ws, err := s.Requests()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range ws {
		out := &strings.Builder{}
		upgrade(t, out, record(w).world())
		if out.Len() > 0 {
			t.Errorf("a world of today changes:\n%s", out)
		}
	}
}
