// SPDX-License-Identifier: Apache-2.0

// Package catalog reads catalogs: folders of YAML files, one per entry, that
// are part of the program.
package catalog

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"sigs.k8s.io/yaml"
)

// A Maturity is a level of the CNCF, or none.
type Maturity string

// Maturity levels.
const (
	Graduated  Maturity = "Graduated"
	Incubating Maturity = "Incubating"
	Sandbox    Maturity = "Sandbox"
	NotCNCF    Maturity = "NonCNCF"
)

// A Project is where an entry comes from.
type Project struct {
	// Name of the project.
	Name string `json:"name"`

	// Maturity in the CNCF.
	Maturity Maturity `json:"maturity"`

	// Source of that statement: a page.
	Source string `json:"source"`

	// Date at which the source said so: YYYY-MM.
	Date string `json:"date"`
}

// An Entry is what every catalog says of its entries.
type Entry struct {
	// Name of the entry; also the name of its file.
	Name string `json:"name"`

	// Purpose in one sentence.
	Purpose string `json:"purpose"`

	// Project that the entry comes from.
	Project Project `json:"project"`

	// Chart that installs it.
	Chart v1alpha1.Chart `json:"chart"`

	// Requires are components that must be Ready first.
	Requires []string `json:"requires,omitempty"`

	// Values of the chart that hold on every cluster.
	Values map[string]any `json:"values,omitempty"`
}

// Read reads every YAML file of a folder, by name. Fields that T does not have
// are errors, and so is a file that is not named after its entry.
func Read[T any](files fs.FS, dir string, entry func(*T) *Entry) (map[string]T, error) {
	names, err := fs.Glob(files, path.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("cannot list the entries of %s: %w", dir, err)
	}
	out := make(map[string]T, len(names))
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("cannot read an entry: %w", err)
		}
		var t T
		if err := yaml.UnmarshalStrict(raw, &t); err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", name, err)
		}
		e := entry(&t)
		if e.Name != strings.TrimSuffix(path.Base(name), ".yaml") {
			return nil, fmt.Errorf("%s holds an entry named %q", name, e.Name)
		}
		out[e.Name] = t
	}
	return out, nil
}
