// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// configurationSources are the files of the configuration's package. They are
// named one by one: Crossplane refuses a package with anything else in it.
func configurationSources() []string {
	return []string{"crossplane.yaml", "apis/*/definition.yaml", "compositions/*.yaml", "package/activation-policy.yaml"}
}

// functionSources are the files of the function's package.
func functionSources() []string {
	return []string{"package/function/crossplane.yaml"}
}

// localSources are the files of provider-local's package.
func localSources() []string {
	return []string{"providers/local/package/crossplane.yaml", "providers/local/package/crds/*.yaml"}
}

// Stream joins files below root into one stream of YAML documents, in the order
// of the patterns and sorted within each.
func Stream(root string, patterns []string) ([]byte, error) {
	b := &bytes.Buffer{}
	for _, p := range patterns {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(p)))
		if err != nil {
			return nil, errors.Wrapf(err, "cannot look for %s", p)
		}
		if len(files) == 0 {
			return nil, errors.Errorf("no file matches %s", p)
		}
		slices.Sort(files)
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				return nil, errors.Wrap(err, "cannot read a source of the package")
			}
			b.WriteString("---\n")
			b.Write(bytes.TrimSpace(content))
			b.WriteString("\n")
		}
	}
	return b.Bytes(), nil
}
