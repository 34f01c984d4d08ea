// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/modfile"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	sigsyaml "sigs.k8s.io/yaml"
)

// index is the committed folder with the schemas of all kinds that we compose and
// the values of all charts of the catalogs: as their sources have them, without the
// words for people.
const index = root + "/test/facts/schemas"

// update is set by make schemas.
var update = flag.Bool("update", false, "Renew the index from the sources that are at hand.")

// A source of CRDs, as sources.yaml describes it.
type source struct {
	Folder, Group, Chart, Program, Module, Path string
	Kinds                                       []string
}

// A fact says what an entry of the index was made of.
type fact struct {
	Version string `json:"version"`
	Digest  string `json:"digest"`
}

// pins are the versions that the project names: of charts in its catalogs, and of
// providers in its configuration.
type pins struct {
	charts, providers map[string]string
	activated         []string
}

func readPins(t *testing.T) pins {
	t.Helper()
	p := pins{charts: map[string]string{}, providers: map[string]string{}}
	for _, kind := range []string{"stack", "workload"} {
		files, err := filepath.Glob(filepath.Join(root, "functions", kind, "catalog", "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			entry := struct {
				Chart struct{ Repository, Name, Version string }
			}{}
			if err := read(f, &entry); err != nil {
				t.Fatal(err)
			}
			if c := entry.Chart; c.Repository != ourCharts && c.Name != "" {
				p.charts[c.Name] = c.Version
			}
		}
	}
	for name, dependency := range dependencies(t) {
		oldest, _, _ := strings.Cut(dependency, ",")
		p.providers[name] = strings.TrimLeft(oldest, ">=~^ ")
	}
	p.activated = activated(t)
	return p
}

// crds are the names of the CRDs of a source, with the version of each.
func (p pins) crds(t *testing.T, s source) map[string]string {
	t.Helper()
	out := map[string]string{}
	version := p.charts[s.Chart]
	if s.Program != "" {
		file := filepath.Join(root, "controlplane", "programs", s.Program, "go.mod")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := modfile.ParseLax(file, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range m.Require {
			if r.Mod.Path == s.Module {
				version = r.Mod.Version
			}
		}
	}
	for _, k := range s.Kinds {
		out[k] = version
	}
	for _, k := range p.activated {
		if _, group, _ := strings.Cut(k, "."); s.Group != "" && strings.HasSuffix("."+group, "."+s.Group) {
			out[k] = p.providers[providerOf(group)]
			for _, configures := range []string{"providerconfigs.", "clusterproviderconfigs."} {
				out[configures+s.Group] = out[k]
			}
		}
	}
	for k, v := range out {
		if v == "" {
			t.Fatalf("nothing pins the version of %s in %s", k, s.Folder)
		}
	}
	return out
}

// files of a source's CRDs, by pattern; empty if they are not at hand.
func (s source) files(t *testing.T, version string) string {
	t.Helper()
	if s.Module == "" {
		return filepath.Join(os.Getenv(Env), "crds", "*")
	}
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", s.Module+"@"+version).Output()
	m := struct{ Dir string }{}
	if err != nil || json.Unmarshal(out, &m) != nil {
		return ""
	}
	return filepath.Join(m.Dir, filepath.FromSlash(s.Path))
}

// An entry of the index: what it has to be made of, and the files that it becomes.
type entry struct {
	version string

	// make the entry of its source: its files below the index, and the digest of
	// the source. It is nil where the source is not at hand.
	make func() (map[string][]byte, string, error)
}

// entries of the index, by folder and name.
func entries(t *testing.T) map[string]entry {
	t.Helper()
	var sources []source
	if err := read(filepath.Join(index, "sources.yaml"), &sources); err != nil {
		t.Fatal(err)
	}
	p := readPins(t)
	out := map[string]entry{}
	for _, s := range sources {
		folders := map[string]string{}
		for name, version := range p.crds(t, s) {
			if _, ok := folders[version]; !ok {
				folders[version] = s.files(t, version)
			}
			e := entry{version: version}
			if file := find(t, folders[version], name); file != "" {
				e.make = func() (map[string][]byte, string, error) { return indexedCRD(file, s.Folder, name) }
			}
			out[s.Folder+"/"+name] = e
		}
	}
	byHand := listed(t)
	for name, version := range p.charts {
		if slices.ContainsFunc(byHand, func(l Listed) bool { return l.Name == name }) {
			continue
		}
		e := entry{version: version}
		if _, err := os.Stat(filepath.Join(os.Getenv(Env), "charts", name)); os.Getenv(Env) != "" && err == nil {
			e.make = func() (map[string][]byte, string, error) {
				return indexedChart(filepath.Join(os.Getenv(Env), "charts"), name, version)
			}
		}
		out["charts/"+name] = e
	}
	return out
}

// find the file of a CRD in folders. Generators name it by group and plural, clusters
// by its name.
func find(t *testing.T, folders, name string) string {
	t.Helper()
	plural, group, _ := strings.Cut(name, ".")
	for _, file := range []string{group + "_" + plural + ".yaml", name + ".yaml"} {
		found, err := filepath.Glob(filepath.Join(folders, file))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 && filepath.IsAbs(folders) {
			return found[0]
		}
	}
	return ""
}

// indexedCRD is a CRD without what does not judge objects.
func indexedCRD(file, folder, name string) (map[string][]byte, string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, "", err
	}
	crd := map[string]any{}
	if err := sigsyaml.Unmarshal(b, &crd); err != nil {
		return nil, "", err
	}
	spec, _ := crd["spec"].(map[string]any)
	delete(spec, "conversion")
	versions, _ := spec["versions"].([]any)
	for _, v := range versions {
		v := v.(map[string]any)
		delete(v, "additionalPrinterColumns")
		v["schema"] = wordless(v["schema"])
	}
	plural, group, _ := strings.Cut(name, ".")
	out, err := lines(map[string]any{"apiVersion": crd["apiVersion"], "kind": crd["kind"], "metadata": map[string]any{"name": name}, "spec": spec})
	return map[string][]byte{folder + "/" + group + "_" + plural + ".yaml": out}, digest(b), err
}

// indexedChart is what is known of a chart: its values, with those of its sub-charts,
// and their schema.
func indexedChart(charts, name, version string) (map[string][]byte, string, error) {
	c, err := LoadChart(charts, name)
	if err != nil {
		return nil, "", err
	}
	// A chart that is taken from a repository of sources has no version yet.
	if c.Version != "" && c.Version != version {
		return nil, "", fmt.Errorf("chart %s is there in version %s, and %s is pinned", name, c.Version, version)
	}
	indexed := map[string]any{"name": name, "version": version, "values": c.values}
	if c.raw != nil {
		indexed["schema"] = wordless(c.raw)
	}
	content, err := lines(indexed)
	if err != nil {
		return nil, "", err
	}
	var all []byte
	for _, f := range []string{"Chart.yaml", "values.yaml", "values.schema.json"} {
		b, err := os.ReadFile(filepath.Join(charts, name, f))
		if err != nil && !os.IsNotExist(err) {
			return nil, "", err
		}
		all = append(all, b...)
	}
	return map[string][]byte{"charts/" + name + ".yaml": content}, digest(all), nil
}

func digest(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

// wordless is a schema without what is for people to read.
func wordless(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = wordless(v[i])
		}
	case map[string]any:
		for _, words := range []string{"description", "title", "example", "examples", "externalDocs", "$comment"} {
			delete(v, words)
		}
		for k, child := range v {
			switch k {
			case "properties", "patternProperties", "definitions", "$defs", "dependentSchemas":
				// Their keys are names, whatever they are.
				named, _ := child.(map[string]any)
				for name := range named {
					named[name] = wordless(named[name])
				}
			case "default", "enum", "const", "required":
			default:
				v[k] = wordless(child)
			}
		}
	}
	return v
}

// lines writes a value as YAML in which what is short has a line of its own, so that
// a difference reads as one line for each field.
func lines(v any) ([]byte, error) {
	if err := plain(&v); err != nil {
		return nil, err
	}
	node := &yaml.Node{}
	if err := node.Encode(v); err != nil {
		return nil, err
	}
	flow(node)
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	err := e.Encode(node)
	return out.Bytes(), err
}

// plain makes a value what comes of JSON, where whole numbers are int64.
func plain[T any](v *T) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var out T
	err = utiljson.Unmarshal(b, &out)
	*v = out
	return err
}

// flow puts nodes on one line that are short enough, and returns how long one is.
func flow(n *yaml.Node) int {
	length := len(n.Value) + 2
	for _, c := range n.Content {
		length += flow(c)
	}
	if n.Kind != yaml.ScalarNode && length <= 120 {
		n.Style = yaml.FlowStyle
	}
	return length
}

// TestIndex proves that the index has every kind that is composed and every chart of
// the catalogs in the version that is pinned, and nothing else; and that it says what
// its sources say, as far as they are at hand. With -update it is written anew.
func TestIndex(t *testing.T) {
	lock := filepath.Join(index, "index.yaml")
	committed := map[string]fact{}
	if err := read(lock, &committed); err != nil && !*update {
		t.Fatal(err)
	}
	want, files, compared := map[string]fact{}, map[string]bool{"sources.yaml": true, "index.yaml": true}, 0
	for name, e := range entries(t) {
		if e.make == nil {
			// What was made of this version before is as good.
			want[name] = fact{Version: e.version, Digest: committed[name].Digest}
			for _, f := range indexed(t, name) {
				files[f] = true
			}
			if committed[name].Version != e.version {
				t.Errorf("%s is not indexed in version %s, and its source is not at hand: run make schemas where it is", name, e.version)
			}
			continue
		}
		made, sum, err := e.make()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		compared++
		want[name] = fact{Version: e.version, Digest: sum}
		for f, content := range made {
			files[f] = true
			path := filepath.Join(index, filepath.FromSlash(f))
			if *update {
				write(t, path, content)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s is not what its source says: run make schemas (%v)", f, err)
			}
		}
	}
	if *update {
		b, err := sigsyaml.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		write(t, lock, b)
		committed = want
	}
	if diff := cmp.Diff(want, committed); diff != "" {
		t.Errorf("what the index was made of: run make schemas: -want, +got:\n%s", diff)
	}
	err := filepath.WalkDir(index, func(path string, d fs.DirEntry, err error) error {
		f, _ := filepath.Rel(index, path)
		if err != nil || d.IsDir() || files[filepath.ToSlash(f)] {
			return err
		}
		if *update {
			return os.Remove(path)
		}
		t.Errorf("%s is in the index, and nothing asks for it: run make schemas", f)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	t.Logf("the index has %d entries; %d were compared with their sources, the others by version", len(want), compared)
}

// TestIndexIsAccepted proves that an API server takes the CRDs of the index: the control
// plane of the tests serves the kinds of clouds by them.
func TestIndexIsAccepted(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(index, "*", "*", "*.yaml"))
	if err != nil || len(files) < 50 {
		t.Fatalf("only %d CRDs are there: %v", len(files), err)
	}
	for _, f := range files {
		crd := &extv1.CustomResourceDefinition{}
		if err := read(f, crd); err != nil {
			t.Fatal(err)
		}
		if err := Accept(t.Context(), crd); err != nil {
			t.Error(err)
		}
	}
}

// indexed are the files of an entry that are there.
func indexed(t *testing.T, name string) []string {
	t.Helper()
	pattern := name + ".yaml"
	if folder, crd, ok := strings.Cut(name, "."); ok && !strings.HasPrefix(name, "charts/") {
		pattern = filepath.Dir(folder) + "/" + crd + "_" + filepath.Base(folder) + ".yaml"
	}
	found, err := fs.Glob(os.DirFS(index), pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
