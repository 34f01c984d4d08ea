// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// Reference is the page of a kind for people: every field of its spec and
// status, and what is refused.
func Reference(c *extv1.CustomResourceDefinition, out string) File {
	v := c.Spec.Versions[0]
	p := page{}
	p.linef("<!-- Generated from the Go types by make generate. Do not edit. -->")
	p.linef("# %s", c.Spec.Names.Kind)
	p.linef("")
	p.linef("%s", prose(v.Schema.OpenAPIV3Schema.Description))
	p.linef("")
	p.linef("`%s/%s`, in a namespace. For kubectl: `%s`%s.", c.Spec.Group, v.Name, c.Spec.Names.Plural, short(c.Spec.Names.ShortNames))
	for _, part := range []string{"spec", "status"} {
		s, ok := v.Schema.OpenAPIV3Schema.Properties[part]
		if !ok {
			continue
		}
		fields := []field{{path: part, schema: s}}
		fields = append(fields, below(part, s)...)
		p.linef("\n## %s\n", part)
		p.linef("| Field | Type | What |")
		p.linef("|---|---|---|")
		for _, f := range fields[1:] {
			p.linef("| `%s` | %s | %s |", strings.TrimPrefix(f.path, part+"."), typeOf(f), what(f))
		}
		p.rules(part, fields)
	}
	return File{Path: path.Join(out, c.Spec.Names.Singular+".md"), Content: []byte(p.String())}
}

// A page of Markdown.
type page struct{ strings.Builder }

func (p *page) linef(format string, args ...any) { _, _ = fmt.Fprintf(p, format+"\n", args...) }

// rules that the API server checks, by the words that it refuses with.
func (p *page) rules(part string, fields []field) {
	var lines []string
	for _, f := range fields {
		for _, r := range f.schema.XValidations {
			where := strings.TrimPrefix(strings.TrimPrefix(f.path, part), ".")
			if where == "" {
				where = part
			}
			if line := "- `" + where + "`: " + prose(r.Message); !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	if len(lines) == 0 {
		return
	}
	p.linef("\n### What is refused\n")
	p.linef("%s", strings.Join(lines, "\n"))
}

// A field of a kind, by its path.
type field struct {
	path     string
	schema   extv1.JSONSchemaProps
	required bool
}

// below a schema: its fields, each followed by its own.
func below(at string, s extv1.JSONSchemaProps) []field {
	if s.Items != nil && s.Items.Schema != nil {
		return below(at+"[]", *s.Items.Schema)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		return below(at+".*", *s.AdditionalProperties.Schema)
	}
	var out []field
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		f := field{path: at + "." + name, schema: s.Properties[name], required: slices.Contains(s.Required, name)}
		out = append(out, f)
		out = append(out, below(f.path, f.schema)...)
	}
	return out
}

// typeOf a field in a few words.
func typeOf(f field) string {
	s := f.schema
	t := s.Type
	switch {
	case s.XIntOrString:
		t = "number or string"
	case s.Items != nil && s.Items.Schema != nil:
		t = "list of " + s.Items.Schema.Type + "s"
	case s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil:
		t = "map of " + s.AdditionalProperties.Schema.Type + "s"
	}
	if f.required {
		t += ", required"
	}
	return t
}

// what a field is, which values it takes, and its default.
func what(f field) string {
	out := prose(f.schema.Description)
	enum := f.schema.Enum
	if f.schema.Items != nil && f.schema.Items.Schema != nil {
		enum = f.schema.Items.Schema.Enum
	}
	if len(enum) > 0 {
		values := make([]string, 0, len(enum))
		for _, e := range enum {
			values = append(values, "`"+strings.Trim(string(e.Raw), `"`)+"`")
		}
		out += " One of " + strings.Join(values, ", ") + "."
	}
	if f.schema.Default != nil {
		out += " Default: `" + string(f.schema.Default.Raw) + "`."
	}
	return strings.TrimSpace(out)
}

// prose on one line of a table.
func prose(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`), "<", "&lt;")
}

func short(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ", or `" + strings.Join(names, "`, `") + "` for short"
}
