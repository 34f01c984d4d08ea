// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// Read reads the objects of a manifest. Whole numbers are int64, as in a request.
func Read(manifest []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	d := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	for {
		raw := runtime.RawExtension{}
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read a manifest: %w", err)
		}
		o := &unstructured.Unstructured{}
		if raw.Raw != nil {
			err = utiljson.Unmarshal(raw.Raw, &o.Object)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read a manifest: %w", err)
		}
		if len(o.Object) > 0 {
			out = append(out, o)
		}
	}
}
