// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// An Own chart is one of those that the project publishes, as it is.
type Own struct {
	folder   string
	metadata map[string]any
}

// OwnCharts of the repository at root.
func OwnCharts(root string) ([]Own, error) {
	files, err := filepath.Glob(filepath.Join(root, "package", "charts", "*", "Chart.yaml"))
	if err != nil {
		return nil, fmt.Errorf("cannot list charts: %w", err)
	}
	out := make([]Own, 0, len(files))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("cannot read chart: %w", err)
		}
		o := Own{folder: filepath.Dir(f)}
		if err := yaml.Unmarshal(b, &o.metadata); err != nil {
			return nil, fmt.Errorf("cannot parse %s: %w", f, err)
		}
		out = append(out, o)
	}
	return out, nil
}

// Path of the chart below the mirror.
func (o Own) Path() string {
	return StandIn{Repository: ours, Name: path.Base(filepath.ToSlash(o.folder))}.Path()
}

// Tag is the chart's version.
func (o Own) Tag() string {
	v, _ := o.metadata["version"].(string)
	return v
}

// Metadata returns the chart's Chart.yaml.
func (o Own) Metadata() map[string]any { return o.metadata }

// Package returns the chart as Helm packages it.
func (o Own) Package() ([]byte, error) {
	files, err := read(o.folder)
	if err != nil {
		return nil, err
	}
	return pack(filepath.Base(o.folder), files)
}

// read the files of a chart.
func read(folder string) ([]file, error) {
	var files []file
	source := os.DirFS(folder)
	err := fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(source, name)
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", name, err)
		}
		files = append(files, file{name, content})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read chart: %w", err)
	}
	return files, nil
}
