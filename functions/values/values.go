// SPDX-License-Identifier: Apache-2.0

// Package values merges Helm values.
package values

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// Merge lays over onto base as Helm does: maps are merged, everything else is
// replaced. Neither is changed.
func Merge(base, over map[string]any) map[string]any {
	out := make(map[string]any, len(base)+len(over))
	maps.Copy(out, base)
	for k, v := range over {
		b, isMap := out[k].(map[string]any)
		if o, ok := v.(map[string]any); ok && isMap {
			out[k] = Merge(b, o)
			continue
		}
		out[k] = v
	}
	return out
}

// From reads values given in place; nil when there are none.
func From(raw *runtime.RawExtension) (map[string]any, error) {
	if raw == nil || len(raw.Raw) == 0 {
		return nil, nil
	}
	m := map[string]any{}
	if err := json.Unmarshal(raw.Raw, &m); err != nil {
		return nil, fmt.Errorf("cannot read values: %w", err)
	}
	return m, nil
}

// A Merged is how values reach a Component.
type Merged struct {
	// Values given in place; nil when there are none.
	Values map[string]any

	// From where more values come, read before those in place.
	From []v1alpha1.ValuesReference

	// Resources to compose so that From can be read.
	Resources []compose.Resource
}

// Layer puts the values of a catalog below those of a team: catalog, then
// valuesFrom, then values. Since values in place always win, a catalog's values
// go into a ConfigMap of their own as soon as there is a valuesFrom.
func Layer(name, part, namespace, owner string, catalog map[string]any, in *runtime.RawExtension, from []v1alpha1.ValuesReference) (Merged, error) {
	team, err := From(in)
	if err != nil {
		return Merged{}, err
	}
	if len(from) == 0 || len(catalog) == 0 {
		return Merged{Values: nilIfEmpty(Merge(catalog, team)), From: from}, nil
	}
	text, err := yaml.Marshal(catalog)
	if err != nil {
		return Merged{}, fmt.Errorf("cannot write values: %w", err)
	}
	cm := compose.Name(namespace, owner, name)
	return Merged{
		Values: nilIfEmpty(team),
		From:   append([]v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromConfigMap, Name: cm, Key: "values.yaml"}}, from...),
		Resources: []compose.Resource{{
			Name:          name,
			ConditionType: part,
			Ready:         compose.Exists,
			Object: map[string]any{
				"apiVersion": "v1",
				"kind":       "ConfigMap",
				"metadata":   map[string]any{"name": cm, "namespace": namespace},
				"data":       map[string]any{"values.yaml": string(text)},
			},
		}},
	}, nil
}

// SetOn puts the values given in place into the object of a Component. They do not
// pass through its Go type, which has them as JSON: they would be written and
// read again for nothing. The Component gets a copy: the catalog's values are the
// same ones for every claim.
func (l Merged) SetOn(component map[string]any) {
	if spec, ok := component["spec"].(map[string]any); ok && l.Values != nil {
		spec["values"] = runtime.DeepCopyJSON(l.Values)
	}
}

// nilIfEmpty values, or nil for none.
func nilIfEmpty(m map[string]any) map[string]any {
	if len(m) == 0 {
		return nil
	}
	return m
}

// At is a value at a path of names with dots between them.
func At(path string, value any) map[string]any {
	keys := strings.Split(path, ".")
	for i := len(keys) - 1; i > 0; i-- {
		value = map[string]any{keys[i]: value}
	}
	return map[string]any{keys[0]: value}
}
