// SPDX-License-Identifier: Apache-2.0

// Package apis carries the generated definitions of the five kinds.
package apis

import (
	"embed"
	"fmt"
	"io/fs"

	"sigs.k8s.io/yaml"
)

//go:embed */definition.yaml
var files embed.FS

// Schemas are the OpenAPI schemas of the five kinds, by kind.
func Schemas() (map[string]map[string]any, error) {
	names, err := fs.Glob(files, "*/definition.yaml")
	if err != nil {
		return nil, fmt.Errorf("cannot list the definitions: %w", err)
	}
	out := make(map[string]map[string]any, len(names))
	for _, n := range names {
		raw, err := fs.ReadFile(files, n)
		if err != nil {
			return nil, fmt.Errorf("cannot read a definition: %w", err)
		}
		xrd := definition{}
		if err := yaml.Unmarshal(raw, &xrd); err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", n, err)
		}
		if len(xrd.Spec.Versions) != 1 {
			return nil, fmt.Errorf("%s has %d versions, not one", n, len(xrd.Spec.Versions))
		}
		out[xrd.Spec.Names.Kind] = xrd.Spec.Versions[0].Schema.OpenAPIV3Schema
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
