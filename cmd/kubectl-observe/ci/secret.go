// SPDX-License-Identifier: Apache-2.0

package ci

import (
	"encoding/base64"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// secretKey reads a key of a Secret. What it holds is in no message.
func secretKey(s *unstructured.Unstructured, key string) ([]byte, bool, error) {
	v, ok, _ := unstructured.NestedString(s.Object, "data", key)
	if !ok {
		return nil, false, nil
	}
	b, err := base64.StdEncoding.DecodeString(v)
	if err != nil {
		return nil, false, errors.Errorf("key %s of Secret %s is not base64", key, s.GetName())
	}
	return b, true, nil
}
