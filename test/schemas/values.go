// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/santhosh-tekuri/jsonschema/v6"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// A Chart is what is known of a Helm chart: enough to judge values that are set.
type Chart struct {
	// Name and Version of the chart. The version is empty where the chart's
	// source does not have it.
	Name, Version string

	values map[string]any
	schema *jsonschema.Schema // nil where the chart has none
	raw    map[string]any     // the same, to look up paths
}

// A Free value lies below a map, list or null that the chart leaves empty: the
// chart passes it on, so no file says whether it is right. Each is listed with
// the reason why it is known to be.
type Free struct {
	Chart, Path, Reason string
}

// A Listed chart is one that nobody collected: somebody read its source, and wrote
// down those of its values that we set.
type Listed struct {
	Name, Version, Source, Date string

	// Paths of values that the chart has.
	Paths []string
}

// chart of which no more is known than the paths.
func (l Listed) chart() *Chart {
	c := &Chart{Name: l.Name, Version: l.Version, values: map[string]any{}}
	for _, p := range l.Paths {
		var node any
		for _, key := range slices.Backward(strings.Split(p, ".")) {
			node = map[string]any{key: node}
		}
		//nolint:forcetypeassert // The loop has just made it: a path has a key.
		c.values = merge(c.values, node.(map[string]any))
	}
	return c
}

// LoadChart reads a chart's Chart.yaml, values.yaml and values.schema.json. The
// values of sub-charts count when they are in a sibling folder.
func LoadChart(folder, name string) (*Chart, error) {
	meta := struct {
		Version      string
		Dependencies []struct{ Name, Alias string }
	}{}
	if err := read(filepath.Join(folder, name, "Chart.yaml"), &meta); err != nil {
		return nil, err
	}
	c := &Chart{Name: name, Version: meta.Version, values: map[string]any{}}
	if strings.HasPrefix(strings.TrimPrefix(c.Version, "v"), "0.0.0") {
		c.Version = ""
	}
	if err := read(filepath.Join(folder, name, "values.yaml"), &c.values); err != nil {
		return nil, err
	}
	for _, d := range meta.Dependencies {
		sub := map[string]any{}
		err := read(filepath.Join(folder, d.Name, "values.yaml"), &sub)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		key := d.Name
		if d.Alias != "" {
			key = d.Alias
		}
		own, _ := c.values[key].(map[string]any)
		c.values[key] = merge(sub, own)
	}

	b, err := os.ReadFile(filepath.Join(folder, name, "values.schema.json"))
	if os.IsNotExist(err) {
		return c, nil
	}
	if err != nil {
		return nil, errors.Wrapf(err, "cannot read the schema of chart %s", name)
	}
	err = c.judgeBy(b)
	return c, err
}

// IndexedChart reads a chart of the index: one file with its version, its values and
// their schema.
func IndexedChart(file string) (*Chart, error) {
	c := struct {
		Name, Version  string
		Values, Schema map[string]any
	}{}
	if err := read(file, &c); err != nil {
		return nil, err
	}
	chart := &Chart{Name: c.Name, Version: c.Version, values: c.Values}
	if c.Schema == nil {
		return chart, nil
	}
	b, err := json.Marshal(c.Schema)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot read the schema of chart %s", c.Name)
	}
	err = chart.judgeBy(b)
	return chart, err
}

// judgeBy a schema of values.
func (c *Chart) judgeBy(b []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return errors.Wrapf(err, "cannot parse the schema of chart %s", c.Name)
	}
	withoutRemote(doc)
	c.raw, _ = doc.(map[string]any)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("values.schema.json", doc); err != nil {
		return errors.Wrapf(err, "cannot use the schema of chart %s", c.Name)
	}
	c.schema, err = compiler.Compile("values.schema.json")
	return errors.Wrapf(err, "cannot use the schema of chart %s", c.Name)
}

// withoutRemote takes references to other documents out of a schema: they are not
// at hand, so what they say is not checked.
func withoutRemote(node any) {
	switch n := node.(type) {
	case map[string]any:
		if ref, ok := n["$ref"].(string); ok && strings.Contains(ref, "://") {
			delete(n, "$ref")
		}
		for _, v := range n {
			withoutRemote(v)
		}
	case []any:
		for _, v := range n {
			withoutRemote(v)
		}
	}
}

func read(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return errors.Wrap(err, "cannot read a chart")
	}
	return errors.Wrapf(yaml.Unmarshal(b, into), "cannot parse %s", file)
}

// Check values that are set for the chart: each path must exist in the chart's
// own values, with the same type, and the whole must fit the chart's schema.
// The second result are the entries of free that were needed.
func (c *Chart) Check(values map[string]any, free []Free) ([]error, []Free) {
	j := &judge{chart: c, free: free}
	j.walk("", c.values, values)
	if c.schema != nil {
		if err := c.schema.Validate(merge(c.values, values)); err != nil {
			j.errs = append(j.errs, errors.Wrapf(err, "chart %s: values do not fit values.schema.json", c.Name))
		}
	}
	return j.errs, j.used
}

type judge struct {
	chart *Chart
	free  []Free
	used  []Free
	errs  []error
}

func (j *judge) complainf(path, format string, args ...any) {
	j.errs = append(j.errs, errors.Errorf("chart %s: %s %s", j.chart.Name, path, fmt.Sprintf(format, args...)))
}

// walk compares what is set with what the chart has at the same path.
func (j *judge) walk(path string, has, set map[string]any) {
	for _, k := range slices.Sorted(maps.Keys(set)) {
		p := strings.TrimPrefix(path+"."+k, ".")
		h, ok := has[k]
		if !ok {
			if !j.chart.declares(p) && !j.allowed(p) {
				j.complainf(p, "is no value of the chart")
			}
			continue
		}
		j.leaf(p, h, set[k])
	}
}

func (j *judge) leaf(path string, has, set any) {
	hm, hok := has.(map[string]any)
	sm, sok := set.(map[string]any)
	switch {
	case set == nil || empty(set):
		// Taking a default away is always possible.
	case hok && sok && len(hm) > 0:
		j.walk(path, hm, sm)
	case empty(has) && sok && (path == "resources" || strings.HasSuffix(path, ".resources")):
		// What every chart hands on to a container.
		b, err := yaml.Marshal(sm)
		if err == nil {
			err = yaml.UnmarshalStrict(b, &corev1.ResourceRequirements{})
		}
		if err != nil {
			j.complainf(path, "are no resource requirements: %v", err)
		}
	case empty(has) && sok:
		if !j.allowed(path) {
			j.complainf(path, "is set below an empty value of the chart, which says nothing about what may be there")
		}
	case empty(has):
		if kind(has) != "null" && kind(has) != kind(set) {
			j.complainf(path, "must be a %s, not a %s", kind(has), kind(set))
		}
	case kind(has) != kind(set):
		j.complainf(path, "must be a %s, not a %s", kind(has), kind(set))
	}
}

// declares says whether the chart's schema has a path that its values leave out.
func (c *Chart) declares(path string) bool {
	node := c.resolve(c.raw)
	for key := range strings.SplitSeq(path, ".") {
		props, _ := node["properties"].(map[string]any)
		next, ok := props[key].(map[string]any)
		if !ok {
			return false
		}
		node = c.resolve(next)
	}
	return true
}

// resolve a reference within the schema.
func (c *Chart) resolve(node map[string]any) map[string]any {
	for range 16 { // More is a loop.
		ref, ok := node["$ref"].(string)
		if !ok || !strings.HasPrefix(ref, "#/") {
			return node
		}
		node = c.raw
		for key := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			node, _ = node[key].(map[string]any)
		}
	}
	return nil
}

// allowed says whether a path is listed as free, itself or one above it.
func (j *judge) allowed(path string) bool {
	for _, f := range j.free {
		if f.Chart == j.chart.Name && (path == f.Path || strings.HasPrefix(path, f.Path+".")) {
			j.used = append(j.used, f)
			return true
		}
	}
	return false
}

// empty values of a chart do not say what may be below them.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	default:
		return false
	}
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "map"
	case []any:
		return "list"
	case bool:
		return "boolean"
	case string:
		return "string"
	default:
		return "number"
	}
}

// merge as Helm does: maps are merged, everything else replaces.
func merge(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range over {
		b, bok := out[k].(map[string]any)
		o, ook := v.(map[string]any)
		if bok && ook {
			out[k] = merge(b, o)
			continue
		}
		out[k] = v
	}
	return out
}
