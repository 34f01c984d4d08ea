package main

import (
	"bytes"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"golang.org/x/tools/go/packages"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-tools/pkg/crd"
	"sigs.k8s.io/controller-tools/pkg/deepcopy"
	"sigs.k8s.io/controller-tools/pkg/genall"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/yaml"
)

// Generate every file that is derived from the Go types of the API package.
// Same types, same bytes: files are sorted by path.
func Generate(root, api, out string) ([]File, error) {
	var dc genall.Generator = deepcopy.Generator{}
	omit := true
	var cg genall.Generator = crd.Generator{OmitToolVersion: &omit}

	gens := genall.Generators{&dc, &cg}
	rt, err := gens.ForRootsWithConfig(&packages.Config{Dir: root}, api)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot load %s", api)
	}

	source, definitions := memory{}, memory{}
	rt.OutputRules = genall.OutputRules{ByGenerator: map[*genall.Generator]genall.OutputRule{
		&dc: source,
		&cg: definitions,
	}}
	complaints := &bytes.Buffer{}
	rt.ErrorWriter = complaints
	if rt.Run() {
		return nil, errors.Errorf("cannot generate from %s: %s", api, strings.TrimSpace(complaints.String()))
	}

	files := make([]File, 0, len(source)+len(definitions))
	for name, content := range source {
		files = append(files, File{Path: path.Join(path.Clean(api), name), Content: content.Bytes()})
	}
	for name, content := range definitions {
		f, err := definition(content.Bytes(), out)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot make a definition of %s", name)
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// definition turns the YAML of a CustomResourceDefinition into the file of a
// CompositeResourceDefinition.
func definition(content []byte, out string) (File, error) {
	c := &extv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(content, c); err != nil {
		return File{}, errors.Wrap(err, "cannot read the CustomResourceDefinition")
	}
	xrd, err := FromCRD(c)
	if err != nil {
		return File{}, err
	}
	b, err := yaml.Marshal(xrd)
	if err != nil {
		return File{}, errors.Wrap(err, "cannot write the CompositeResourceDefinition")
	}
	header := "# Generated from the Go types by make generate. Do not edit.\n"
	return File{
		Path:    path.Join(out, c.Spec.Names.Plural, "definition.yaml"),
		Content: append([]byte(header), b...),
	}, nil
}

// memory keeps what generators write, by file name.
type memory map[string]*bytes.Buffer

// Open a file in memory.
func (m memory) Open(_ *loader.Package, name string) (io.WriteCloser, error) {
	b := &bytes.Buffer{}
	m[name] = b
	return nopCloser{b}, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
