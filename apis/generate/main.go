// Command generate writes what is derived from the Go types of the API: their
// deep copies, and one CompositeResourceDefinition per kind.
//
// It is a module of its own so that the tools which read the types stay out of
// the module that uses them.
package main

import (
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// CLI of the generator.
type CLI struct {
	Root string `default:"../.." help:"Folder of the module whose API is generated." type:"existingdir"`
	API  string `default:"./apis/v1alpha1" help:"Package of the API's Go types, relative to the root."`
	Out  string `default:"apis" help:"Folder, relative to the root, below which definitions are written."`
}

// Run generates and writes every file whose content changed.
func (c *CLI) Run() error {
	files, err := Generate(c.Root, c.API, c.Out)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := f.Write(c.Root); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	ctx := kong.Parse(&CLI{}, kong.Description("Generate the deep copies and CompositeResourceDefinitions of the API."))
	ctx.FatalIfErrorf(ctx.Run())
}

// A File that was generated.
type File struct {
	// Path relative to the root, with forward slashes.
	Path string
	// Content of the file.
	Content []byte
}

// Write the file below root. A file that is up to date is not touched, so that
// build tools see no change.
func (f File) Write(root string) error {
	path := filepath.Join(root, filepath.FromSlash(f.Path))
	if old, err := os.ReadFile(path); err == nil && string(old) == string(f.Content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return errors.Wrapf(err, "cannot create the folder of %s", f.Path)
	}
	return errors.Wrapf(os.WriteFile(path, f.Content, 0o644), "cannot write %s", f.Path)
}
