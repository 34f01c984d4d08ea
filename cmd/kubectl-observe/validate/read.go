// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	yamlv3 "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Stdin is the name of standard input.
const Stdin = "-"

// maxFileSize is how many bytes a file may have: many times what an API server
// takes.
const maxFileSize = 16 << 20

// A Document is an object and the file that it is from.
type Document struct {
	File   string
	Object *unstructured.Unstructured
}

// Read the objects of files, of the YAML and JSON files in folders, and of
// standard input. What is no valid YAML or no object is an error.
func Read(in io.Reader, paths ...string) ([]Document, error) {
	var docs []Document
	for _, path := range paths {
		files, err := filesIn(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			objects, err := readFile(in, file)
			if err != nil {
				return nil, err
			}
			for _, o := range objects {
				docs = append(docs, Document{File: file, Object: o})
			}
		}
	}
	return docs, nil
}

// filesIn returns the files to read at a path: in a folder those with YAML or JSON,
// in the order of their names.
func filesIn(path string) ([]string, error) {
	if path == Stdin {
		return []string{path}, nil
	}
	var files []string
	err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(file) {
		case ".yaml", ".yml", ".json":
			files = append(files, file)
		default:
			if file == path {
				files = append(files, file)
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the claim")
	}
	if len(files) == 0 {
		return nil, errors.Errorf("cannot read %s: it holds no YAML file", path)
	}
	return files, nil
}

// readFile returns the objects of a file.
func readFile(in io.Reader, file string) ([]*unstructured.Unstructured, error) {
	if file != Stdin {
		f, err := os.Open(file)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot read %s", file)
		}
		defer f.Close() //nolint:errcheck // It is only read.
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxFileSize+1))
	if err != nil {
		return nil, errors.Wrapf(err, "cannot read %s", file)
	}
	if len(raw) > maxFileSize {
		return nil, errors.Errorf("cannot read %s: it has more than %d MiB", file, maxFileSize>>20)
	}
	var out []*unstructured.Unstructured
	r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(raw)))
	for n := 1; ; n++ {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, errors.Wrapf(err, "cannot read %s", file)
		}
		objects, err := decode(doc)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot read %s: document %d", file, n)
		}
		out = append(out, objects...)
	}
}

// decode a document: none without content, several for a List. As kubectl does, it
// refuses fields that stand there twice.
func decode(doc []byte) ([]*unstructured.Unstructured, error) {
	var node yamlv3.Node
	if err := yamlv3.Unmarshal(doc, &node); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := plain(&node); err != nil {
		return nil, err
	}
	var v any
	if err := yaml.UnmarshalStrict(doc, &v); err != nil {
		return nil, errors.Wrap(err, "cannot decode the object")
	}
	if v == nil {
		return nil, nil
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, errors.Errorf("expected an object with apiVersion and kind, found %s", found(v))
	}
	if len(fields) == 0 {
		return nil, nil
	}
	object, err := decoded(fields)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: object}
	if u.GetAPIVersion() == "" || u.GetKind() == "" {
		return nil, errors.New("expected an object with apiVersion and kind")
	}
	if !u.IsList() {
		return []*unstructured.Unstructured{u}, nil
	}
	list, err := u.ToList()
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the items of the List")
	}
	out := make([]*unstructured.Unstructured, 0, len(list.Items))
	for i := range list.Items {
		out = append(out, &list.Items[i])
	}
	return out, nil
}

// plain returns an error for what can make a small file a large object.
func plain(n *yamlv3.Node) error {
	if n.Kind == yamlv3.AliasNode || n.Anchor != "" {
		return fmt.Errorf("line %d: anchors and aliases are not accepted: write the value out", n.Line)
	}
	for _, c := range n.Content {
		if err := plain(c); err != nil {
			return err
		}
	}
	return nil
}
