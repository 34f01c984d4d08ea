// SPDX-License-Identifier: Apache-2.0

package simulate

import "k8s.io/apimachinery/pkg/runtime"

// setDefaults fills in a schema's defaults as the API server does.
func setDefaults(v any, schema map[string]any) {
	switch x := v.(type) {
	case map[string]any:
		props, _ := schema["properties"].(map[string]any)
		for name, p := range props {
			ps, _ := p.(map[string]any)
			if _, ok := x[name]; !ok {
				d, has := ps["default"]
				if !has {
					continue
				}
				x[name] = runtime.DeepCopyJSONValue(d)
			}
			setDefaults(x[name], ps)
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i := range x {
			setDefaults(x[i], items)
		}
	}
}
