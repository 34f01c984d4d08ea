// SPDX-License-Identifier: Apache-2.0

// Command generate writes what is derived from the Go types of the API: their
// deep copies, and one definition per kind: a CompositeResourceDefinition, or
// a CustomResourceDefinition for the managed resources of a provider.
//
// It is a module of its own so that the tools which read the types stay out of
// the module that uses them.
package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// CLI of the generator.
type CLI struct {
	Root  string   `default:"../.." help:"Folder of the module whose API is generated." type:"existingdir"`
	API   []string `default:"./apis/v1alpha1,./apis/game/language" help:"Packages of the API's Go types, relative to the root."`
	Out   string   `default:"apis" help:"Folder, relative to the root, below which definitions are written."`
	CRDs  bool     `name:"crds" help:"Write CustomResourceDefinitions instead of CompositeResourceDefinitions."`
	Check bool     `help:"Write nothing; fail if a file is not up to date."`
}

// Run generates and writes every file whose content changed, and removes
// definitions of kinds that are no more.
func (c *CLI) Run() error {
	format := XRDs()
	if c.CRDs {
		format = CRDs()
	}
	files, err := Generate(c.Root, c.API, c.Out, format)
	if err != nil {
		return err
	}
	var stale []string
	for _, f := range files {
		current, err := f.Current(c.Root)
		if err != nil {
			return err
		}
		if current {
			continue
		}
		stale = append(stale, f.Path)
		if c.Check {
			continue
		}
		if err := f.Write(c.Root); err != nil {
			return err
		}
	}
	orphans, err := Orphans(c.Root, path.Join(c.Out, format.Files), files)
	if err != nil {
		return err
	}
	if format.Pages != "" {
		pages, err := Orphans(c.Root, path.Join(format.Pages, "*.md"), files)
		if err != nil {
			return err
		}
		orphans = append(orphans, pages...)
	}
	if c.Check {
		stale = append(stale, orphans...)
		if len(stale) > 0 {
			return errors.Errorf("not up to date, run make generate: %s", strings.Join(stale, ", "))
		}
		return nil
	}
	for _, o := range orphans {
		if err := os.Remove(filepath.Join(c.Root, filepath.FromSlash(o))); err != nil {
			return errors.Wrap(err, "cannot remove the definition of a kind that is no more")
		}
	}
	return nil
}

func main() {
	ctx := kong.Parse(&CLI{}, kong.Description("Generate the deep copies and definitions of an API."))
	ctx.FatalIfErrorf(ctx.Run())
}

// A File that was generated.
type File struct {
	// Path relative to the root, with forward slashes.
	Path string
	// Content of the file.
	Content []byte
}

// Current says whether the file below root has the content already.
func (f File) Current(root string) (bool, error) {
	old, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(f.Path)))
	if os.IsNotExist(err) {
		return false, nil
	}
	return bytes.Equal(old, f.Content), errors.Wrapf(err, "cannot read %s", f.Path)
}

// Write the file below root.
func (f File) Write(root string) error {
	file := filepath.Join(root, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return errors.Wrapf(err, "cannot create the folder of %s", f.Path)
	}
	return errors.Wrapf(os.WriteFile(file, f.Content, 0o644), "cannot write %s", f.Path)
}

// Orphans are the definitions below root, matching a pattern, that no kind has
// any more.
func Orphans(root, pattern string, files []File) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
	if err != nil {
		return nil, errors.Wrap(err, "cannot look for definitions")
	}
	var orphans []string
	for _, f := range found {
		rel, err := filepath.Rel(root, f)
		if err != nil {
			return nil, errors.Wrap(err, "cannot name a definition")
		}
		rel = filepath.ToSlash(rel)
		if !slices.ContainsFunc(files, func(f File) bool { return f.Path == rel }) {
			orphans = append(orphans, rel)
		}
	}
	return orphans, nil
}
