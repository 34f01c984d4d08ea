// SPDX-License-Identifier: Apache-2.0

// Command content writes the files of the chart content: dashboards for Perses
// and for Grafana, made of one definition each, and Prometheus rules.
//
// It is a module of its own, so that the SDKs stay out of the module that users
// import.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"sigs.k8s.io/yaml"
)

// CLI of the generator.
type CLI struct {
	Root  string `default:"../.." help:"Root of the project." type:"existingdir"`
	Check bool   `help:"Write nothing; fail if a file is not up to date."`
}

// Where files are read and written, relative to the root.
const (
	sources = "package/content"
	chart   = "package/charts/content/files"
	doc     = "docs/content.md"
)

// Run writes every file whose content changed, and removes those that nothing
// makes any more.
func (c *CLI) Run() error {
	content, err := Load(os.DirFS(filepath.Join(c.Root, sources)))
	if err != nil {
		return err
	}
	files, err := Files(content)
	if err != nil {
		return err
	}
	stale, err := c.sync(files)
	if err != nil {
		return err
	}
	if c.Check && len(stale) > 0 {
		slices.Sort(stale)
		return errors.Errorf("not up to date, run make generate: %s", strings.Join(stale, ", "))
	}
	return nil
}

// sync makes the tree have these files and no others where they are made.
// Returns those that differ.
func (c *CLI) sync(files map[string][]byte) ([]string, error) {
	var stale []string
	for name, content := range files {
		path := filepath.Join(c.Root, filepath.FromSlash(name))
		old, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return nil, errors.Wrapf(err, "cannot read %s", name)
		}
		if err == nil && bytes.Equal(old, content) {
			continue
		}
		stale = append(stale, name)
		if c.Check {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, errors.Wrapf(err, "cannot make the folder of %s", name)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return nil, errors.Wrapf(err, "cannot write %s", name)
		}
	}
	orphans, err := c.orphans(files)
	if err != nil {
		return nil, err
	}
	for _, o := range orphans {
		if c.Check {
			break
		}
		if err := os.Remove(filepath.Join(c.Root, filepath.FromSlash(o))); err != nil {
			return nil, errors.Wrapf(err, "cannot remove %s", o)
		}
	}
	return append(stale, orphans...), nil
}

// orphans are files of the chart that nothing makes.
func (c *CLI) orphans(files map[string][]byte) ([]string, error) {
	var out []string
	err := filepath.WalkDir(filepath.Join(c.Root, filepath.FromSlash(chart)), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(c.Root, path)
		if _, ok := files[filepath.ToSlash(rel)]; !ok {
			out = append(out, filepath.ToSlash(rel))
		}
		return errors.Wrap(err, "cannot name a file")
	})
	return out, errors.Wrap(err, "cannot look for files that nothing makes")
}

// An item of the chart's index: what is brought when all that it needs is there.
type item struct {
	Name  string   `json:"name"`
	Needs []string `json:"needs"`
}

// Files that are made of the content, by their path relative to the root.
func Files(c Content) (map[string][]byte, error) {
	files := map[string][]byte{doc: Document(c)}
	index := struct {
		Dashboards []item `json:"dashboards"`
		Rules      []item `json:"rules"`
	}{}
	for _, d := range c.Dashboards {
		index.Dashboards = append(index.Dashboards, item{d.Name, d.Needs})
		p, err := Perses(d)
		if err != nil {
			return nil, err
		}
		if files[fmt.Sprintf("%s/perses/%s.json", chart, d.Name)], err = encode(p); err != nil {
			return nil, err
		}
		if files[fmt.Sprintf("%s/grafana/%s.json", chart, d.Name)], err = encode(Grafana(d)); err != nil {
			return nil, err
		}
	}
	for _, r := range c.Rules {
		index.Rules = append(index.Rules, item{r.Name, r.Needs})
		b, err := yaml.Marshal(map[string]any{"groups": r.Groups})
		if err != nil {
			return nil, errors.Wrapf(err, "cannot encode rules %s", r.Name)
		}
		files[fmt.Sprintf("%s/rules/%s.yaml", chart, r.Name)] = b
	}
	b, err := yaml.Marshal(index)
	files[chart+"/index.yaml"] = b
	return files, errors.Wrap(err, "cannot encode the index")
}

// encode without escaping what only HTML needs escaped.
func encode(v any) ([]byte, error) {
	b := &bytes.Buffer{}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(v)
	return b.Bytes(), errors.Wrap(err, "cannot encode a dashboard")
}

func main() {
	ctx := kong.Parse(&CLI{}, kong.Description("Write the files of the chart content."))
	ctx.FatalIfErrorf(ctx.Run())
}
