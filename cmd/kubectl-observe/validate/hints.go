// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis"
	"github.com/observe-k8s/observe-k8s/apis/nearest"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// manyFields is how many fields a hint lists at most.
const manyFields = 12

// A Problem is something wrong with an object.
type Problem struct {
	// File that the object is from.
	File string `json:"file,omitempty"`

	// Object as KIND NAMESPACE/NAME.
	Object string `json:"object,omitempty"`

	// Path of the field or condition.
	Path string `json:"path,omitempty"`

	// Message says what is wrong.
	Message string `json:"message"`

	// Hint says what would be right, where the message does not.
	Hint string `json:"hint,omitempty"`

	// rule means that the object can be read in spite of the problem.
	rule bool
}

// String returns the problem as one line.
func (p Problem) String() string {
	parts := slices.DeleteFunc([]string{p.File, p.Object, p.Path, p.Message}, func(s string) bool { return s == "" })
	line := strings.Join(parts, ": ")
	if p.Hint == "" {
		return line
	}
	return line + ". Hint: " + p.Hint
}

// A hinter knows what would be right in an object of one kind.
type hinter struct {
	kind   string
	schema *structural.Structural
	object map[string]any
}

// message of an error, without a value that says nothing.
func message(e *field.Error) string {
	body := e.ErrorBody()
	value := fmt.Sprint(e.BadValue)
	if e.Type == field.ErrorTypeInvalid && (value == "object" || value == "array" || body == e.Type.String()+": "+e.Detail) {
		return e.Detail
	}
	return body
}

// unknown returns the hint for a field that does not exist.
func (h hinter) unknown(path string) string {
	if now := renamed(h.kind, path); now != "" {
		return "it is now " + now
	}
	if hint := h.written(path); hint != "" {
		return hint
	}
	parent, word := cut(path)
	s := schemaAt(h.schema, parent)
	if s == nil {
		return ""
	}
	fields := slices.Sorted(maps.Keys(s.Properties))
	hint := near(word, fields)
	// A field of this name in another place may be what was meant.
	if places := elsewhere(h.schema, "", word); !strings.HasPrefix(hint, "did you mean") && len(places) > 0 && len(places) <= 2 {
		return join("did you mean "+strings.Join(places, " or ")+"?", hint)
	}
	return hint
}

// hint returns what would be right instead of what an error is about.
func (h hinter) hint(e *field.Error) string {
	s := schemaAt(h.schema, e.Field)
	if s == nil {
		return ""
	}
	switch e.Type {
	case field.ErrorTypeNotSupported:
		was := fmt.Sprint(e.BadValue)
		word := spelling(was, enum(s))
		switch {
		case strings.EqualFold(was, word):
			return fmt.Sprintf("did you mean %q?", word)
		case word != "":
			return join(fmt.Sprintf("did you mean %q?", word), h.written(e.Field))
		}
	case field.ErrorTypeTypeInvalid:
		hint := typeHint(s, valueAt(h.object, e.Field))
		if s.Type == "string" {
			hint = join(hint, ruleHint(s, e.Detail))
		}
		return join(hint, h.written(e.Field))
	case field.ErrorTypeTooMany:
		if list, ok := valueAt(h.object, e.Field).([]any); ok && s.ValueValidation != nil && s.ValueValidation.MaxItems != nil {
			return join(fmt.Sprintf("there are %d, and at most %d are allowed", len(list), *s.ValueValidation.MaxItems), h.written(e.Field))
		}
	case field.ErrorTypeRequired:
		if words := enum(s); len(words) > 0 {
			return join("one of "+strings.Join(words, ", "), h.written(e.Field))
		}
	case field.ErrorTypeDuplicate:
		if keys := keysAt(h.schema, e.Field); len(keys) > 0 {
			return "each entry needs another " + strings.Join(keys, " and ")
		}
	case field.ErrorTypeTooLong, field.ErrorTypeTooShort, field.ErrorTypeInvalid:
		return join(ruleHint(s, e.Detail), h.written(e.Field))
	}
	return h.written(e.Field)
}

// written returns the hint that was written for a field, if there is one.
func (h hinter) written(path string) string {
	// What is embedded is tested to be readable.
	hints, _ := apis.Hints()
	for _, hint := range hints {
		if slices.Contains(hint.Fields, h.kind+"."+general(path)) {
			return hint.Hint
		}
	}
	return ""
}

// renamed returns the path that a field has now, or nothing.
func renamed(kind, path string) string {
	// What is embedded is tested to be readable.
	fields, _ := apis.Renamed()
	for _, f := range fields {
		if !slices.Contains(f.Kinds, kind) {
			continue
		}
		if rest, ok := strings.CutPrefix(general(path), f.Old); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			now := f.New + rest
			for _, i := range index.FindAllString(path, -1) {
				now = strings.Replace(now, "[]", i, 1)
			}
			return now
		}
	}
	return ""
}

var (
	// index selects an entry of a list or a map in a path.
	index = regexp.MustCompile(`\[[^]]*\]`)

	// segment is a name or an index of a path.
	segment = regexp.MustCompile(`\[[^]]*\]|[^.[]+`)

	number = regexp.MustCompile(`^-?\d+$`)
)

// general returns a path without the entries that it leads through.
func general(path string) string { return index.ReplaceAllString(path, "[]") }

// segments of a path; an entry is [KEY].
func segments(path string) []string {
	return segment.FindAllString(path, -1)
}

// cut a path into that of the parent and the last name.
func cut(path string) (parent, last string) {
	i := strings.LastIndex(path, ".")
	return path[:max(i, 0)], path[i+1:]
}

// schemaAt returns the schema of a field; nil where there is none.
func schemaAt(s *structural.Structural, path string) *structural.Structural {
	for _, seg := range segments(path) {
		switch p, ok := s.Properties[seg]; {
		case ok:
			s = &p
		case s.Items != nil && seg[0] == '[':
			s = s.Items
		case s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil:
			s = s.AdditionalProperties.Structural
		default:
			return nil
		}
	}
	return s
}

// keysAt returns the names of the fields that tell the entries of a list apart.
func keysAt(s *structural.Structural, path string) []string {
	list := schemaAt(s, path[:max(strings.LastIndex(path, "["), 0)])
	if list == nil {
		return nil
	}
	return list.XListMapKeys
}

// valueAt returns the value of a field; nil where there is none.
func valueAt(v any, path string) any {
	for _, seg := range segments(path) {
		switch x := v.(type) {
		case map[string]any:
			v = x[strings.Trim(seg, "[]")]
		case []any:
			i := 0
			if _, err := fmt.Sscanf(seg, "[%d]", &i); err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// elsewhere returns the paths of fields of a name that a person writes.
func elsewhere(s *structural.Structural, path, word string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		sub := strings.TrimPrefix(path+"."+name, ".")
		if !strings.HasPrefix(sub, "spec") || sub == "spec.crossplane" {
			continue
		}
		if strings.EqualFold(name, word) {
			out = append(out, sub)
		}
		out = append(out, elsewhere(&p, sub, word)...)
	}
	return out
}

// enum returns the values that a field may have, if they are listed.
func enum(s *structural.Structural) []string {
	if s.ValueValidation == nil {
		return nil
	}
	out := make([]string, 0, len(s.ValueValidation.Enum))
	for _, v := range s.ValueValidation.Enum {
		out = append(out, fmt.Sprint(v.Object))
	}
	return out
}

// spelling returns the word that is meant by a mistyped one, or nothing.
func spelling(word string, words []string) string {
	lower := make([]string, 0, len(words))
	for _, w := range words {
		lower = append(lower, strings.ToLower(w))
	}
	word = strings.ToLower(word)
	for _, n := range nearest.Words(word, lower, 1) {
		if nearest.Distance(word, n) <= len(word)/3 {
			return words[slices.Index(lower, n)]
		}
	}
	return ""
}

// near returns a hint with the field that a mistyped one means, or with those that
// there are.
func near(word string, fields []string) string {
	if meant := spelling(word, fields); meant != "" {
		return "did you mean " + meant + "?"
	}
	switch {
	case len(fields) == 0:
		return ""
	case len(fields) > manyFields:
		return "the nearest fields here are " + strings.Join(nearest.Words(word, fields, 5), ", ")
	}
	return "the fields here are " + strings.Join(fields, ", ")
}

// metadataFields are the fields of metadata that a person writes.
func metadataFields() []string {
	return []string{"annotations", "finalizers", "generateName", "labels", "name", "namespace", "ownerReferences"}
}

// typeHint says what a value is and what it should be.
func typeHint(s *structural.Structural, v any) string {
	text, isText := v.(string)
	switch s.Type {
	case "array":
		return "expected a list, found " + found(v) + `: begin each entry with "- "`
	case "string":
		return "expected text, found " + found(v) + ": put it in quotes"
	case "integer", "number":
		if isText && number.MatchString(text) {
			return "expected a number, found " + found(v) + ": leave the quotes out"
		}
		return "expected a number, found " + found(v)
	case "boolean":
		return "expected true or false, found " + found(v)
	case "object":
		if len(s.Properties) > manyFields {
			return "expected fields, found " + found(v)
		}
		return join("expected fields, found "+found(v), near("", slices.Sorted(maps.Keys(s.Properties))))
	}
	return ""
}

// found describes a value.
func found(v any) string {
	switch x := v.(type) {
	case nil:
		return "nothing"
	case map[string]any:
		return "fields"
	case []any:
		return "a list"
	case string:
		return fmt.Sprintf("the text %q", x)
	case bool:
		return fmt.Sprintf("%t", x)
	}
	return fmt.Sprintf("the number %v", v)
}

// ruleHint says what a text must be: by the rules that the API server does not get
// to when a limit is exceeded, or by the words for a pattern.
func ruleHint(s *structural.Structural, said string) string {
	var out string
	for _, r := range s.XValidations {
		if r.Message != "" && !strings.Contains(r.Rule, "oldSelf") && !strings.Contains(said, r.Message) {
			out = join(out, r.Message)
		}
	}
	if s.ValueValidation == nil || !strings.Contains(said, "should match") {
		return out
	}
	const ends = ", beginning and ending with a letter or digit"
	switch s.ValueValidation.Pattern {
	case `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`:
		return "lower-case letters, digits and dashes" + ends
	case `^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`:
		return "lower-case letters, digits, dashes and dots" + ends
	case `^[-._a-zA-Z0-9]+$`:
		return "letters, digits, dashes, dots and underscores"
	}
	return out
}

// join hints.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	if strings.HasSuffix(a, "?") {
		return a + " " + b
	}
	return a + "; " + b
}
