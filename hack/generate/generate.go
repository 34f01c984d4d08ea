// SPDX-License-Identifier: Apache-2.0

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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-tools/pkg/crd"
	"sigs.k8s.io/controller-tools/pkg/deepcopy"
	"sigs.k8s.io/controller-tools/pkg/genall"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/yaml"
)

// A Format of definitions.
type Format struct {
	// Files matches the files of definitions in their folder.
	Files string
	// Pages is the folder of the pages for people, one per kind; empty for none.
	Pages string
	// file makes a definition of a CustomResourceDefinition.
	file func(crd *extv1.CustomResourceDefinition, out string) (name string, definition any, err error)
}

// XRDs are CompositeResourceDefinitions, each in a folder of its own.
func XRDs() Format {
	return Format{Files: "*/definition.yaml", Pages: "docs/reference", file: func(c *extv1.CustomResourceDefinition, out string) (string, any, error) {
		xrd, err := FromCRD(c)
		return path.Join(out, c.Spec.Names.Plural, "definition.yaml"), xrd, err
	}}
}

// CRDs are CustomResourceDefinitions, named by group and kind.
func CRDs() Format {
	return Format{Files: "*.yaml", file: func(c *extv1.CustomResourceDefinition, out string) (string, any, error) {
		return path.Join(out, c.Spec.Group+"_"+c.Spec.Names.Plural+".yaml"), withoutStatus(c), nil
	}}
}

// Generate every file that is derived from the Go types of the API's packages.
// Same types, same bytes: files are sorted by path.
func Generate(root string, api []string, out string, format Format) ([]File, error) {
	var dc genall.Generator = deepcopy.Generator{}
	omit := true
	var cg genall.Generator = definitions{crd.Generator{OmitToolVersion: &omit}}

	gens := genall.Generators{&dc, &cg}
	rt, err := gens.ForRootsWithConfig(&packages.Config{Dir: root}, api...)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot load %s", strings.Join(api, ", "))
	}
	folders := make(map[string]string, len(rt.Roots))
	for _, pkg := range rt.Roots {
		for _, folder := range api {
			if folder = path.Clean(folder); strings.HasSuffix(pkg.PkgPath, "/"+folder) {
				folders[pkg.ID] = folder
			}
		}
	}

	source, crds := memory{files: map[string]*bytes.Buffer{}, folders: folders}, memory{files: map[string]*bytes.Buffer{}}
	rt.OutputRules = genall.OutputRules{ByGenerator: map[*genall.Generator]genall.OutputRule{
		&dc: source,
		&cg: crds,
	}}
	complaints := &bytes.Buffer{}
	rt.ErrorWriter = complaints
	if rt.Run() {
		return nil, errors.Errorf("cannot generate from %s: %s", strings.Join(api, ", "), strings.TrimSpace(complaints.String()))
	}

	files := make([]File, 0, len(source.files)+len(crds.files))
	for name, content := range source.files {
		files = append(files, File{Path: name, Content: content.Bytes()})
	}
	for name, content := range crds.files {
		fs, err := definition(content.Bytes(), out, format)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot make a definition of %s", name)
		}
		files = append(files, fs...)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// definition turns the YAML of a CustomResourceDefinition into the file of a
// definition, and its page.
func definition(content []byte, out string, format Format) ([]File, error) {
	c := &extv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(content, c); err != nil {
		return nil, errors.Wrap(err, "cannot read the CustomResourceDefinition")
	}
	name, d, err := format.file(c, out)
	if err != nil {
		return nil, err
	}
	b, err := yaml.Marshal(d)
	if err != nil {
		return nil, errors.Wrap(err, "cannot write the definition")
	}
	header := "# Generated from the Go types by make generate. Do not edit.\n"
	files := []File{{Path: name, Content: append([]byte(header), b...)}}
	if format.Pages != "" {
		files = append(files, Reference(c, format.Pages))
	}
	return files, nil
}

// withoutStatus is the definition as its author writes it: what the API server
// says of it is left out.
func withoutStatus(c *extv1.CustomResourceDefinition) any {
	return struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`

		Spec extv1.CustomResourceDefinitionSpec `json:"spec"`
	}{TypeMeta: c.TypeMeta, ObjectMeta: c.ObjectMeta, Spec: c.Spec}
}

// memory keeps what generators write, by file name.
type memory struct {
	files map[string]*bytes.Buffer
	// folders of packages, where a file belongs to one.
	folders map[string]string
}

// Open a file in memory.
func (m memory) Open(pkg *loader.Package, name string) (io.WriteCloser, error) {
	if pkg != nil {
		name = path.Join(m.folders[pkg.ID], name)
	}
	b := &bytes.Buffer{}
	m.files[name] = b
	return nopCloser{b}, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
