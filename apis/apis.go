// SPDX-License-Identifier: Apache-2.0

// Package apis carries the generated definitions of the five kinds.
package apis

import (
	"embed"
	"fmt"
	"io/fs"

	"sigs.k8s.io/yaml"
)

//go:embed */definition.yaml renamed.yaml hints.yaml
var files embed.FS

// Definitions returns the CompositeResourceDefinitions of the five kinds, as
// YAML.
func Definitions() ([][]byte, error) {
	names, err := fs.Glob(files, "*/definition.yaml")
	if err != nil {
		return nil, fmt.Errorf("cannot list the definitions: %w", err)
	}
	out := make([][]byte, 0, len(names))
	for _, n := range names {
		raw, err := fs.ReadFile(files, n)
		if err != nil {
			return nil, fmt.Errorf("cannot read a definition: %w", err)
		}
		out = append(out, raw)
	}
	return out, nil
}

// A RenamedField is a field that has another name now.
type RenamedField struct {
	// Kinds that have the field.
	Kinds []string `json:"kinds"`

	// Old and New are its paths. An entry of a list is written [].
	Old string `json:"old"`
	New string `json:"new"`
}

// Renamed returns the fields that were renamed.
func Renamed() ([]RenamedField, error) { return list[RenamedField]("renamed.yaml") }

// A Hint says what to do about a value that is refused.
type Hint struct {
	// Fields that the hint is for, as KIND.PATH. An entry of a list is written [].
	Fields []string `json:"fields"`

	// Hint for the person who wrote the value.
	Hint string `json:"hint"`
}

// Hints returns the hints for fields whose schema alone does not say what to do.
func Hints() ([]Hint, error) { return list[Hint]("hints.yaml") }

// list reads an embedded YAML file that holds a list.
func list[T any](name string) ([]T, error) {
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	var out []T
	if err := yaml.UnmarshalStrict(raw, &out); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return out, nil
}

// Schemas are the OpenAPI schemas of the five kinds, by kind.
func Schemas() (map[string]map[string]any, error) {
	raws, err := Definitions()
	if err != nil {
		return nil, err
	}
	out := make(map[string]map[string]any, len(raws))
	for _, raw := range raws {
		xrd := definition{}
		if err := yaml.Unmarshal(raw, &xrd); err != nil {
			return nil, fmt.Errorf("cannot read a definition: %w", err)
		}
		kind := xrd.Spec.Names.Kind
		if len(xrd.Spec.Versions) != 1 {
			return nil, fmt.Errorf("the definition of %s has %d versions, not one", kind, len(xrd.Spec.Versions))
		}
		out[kind] = xrd.Spec.Versions[0].Schema.OpenAPIV3Schema
	}
	return out, nil
}

// A definition is what is read of a CompositeResourceDefinition.
type definition struct {
	Spec struct {
		Names struct {
			Kind string `json:"kind"`
		} `json:"names"`
		Versions []struct {
			Schema struct {
				OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
			} `json:"schema"`
		} `json:"versions"`
	} `json:"spec"`
}
