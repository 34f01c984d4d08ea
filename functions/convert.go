// SPDX-License-Identifier: Apache-2.0

package main

import (
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// object of a request, without who manages which field of it. That is up to half
// of an object, and no composer reads it.
func object(s *structpb.Struct) *unstructured.Unstructured {
	out := make(map[string]any, len(s.GetFields()))
	for name, v := range s.GetFields() {
		md := v.GetStructValue()
		if name != "metadata" || md == nil {
			out[name] = v.AsInterface()
			continue
		}
		kept := make(map[string]any, len(md.GetFields()))
		for name, v := range md.GetFields() {
			if name != "managedFields" {
				kept[name] = v.AsInterface()
			}
		}
		out[name] = kept
	}
	return &unstructured.Unstructured{Object: out}
}

// composite of a request: its object, with when its fields were written, which
// is all that somebody reads of who manages them.
func composite(s *structpb.Struct) *unstructured.Unstructured {
	o := object(s)
	md, ok := o.Object["metadata"].(map[string]any)
	if !ok {
		return o
	}
	var times []any
	for _, entry := range s.GetFields()["metadata"].GetStructValue().GetFields()["managedFields"].GetListValue().GetValues() {
		if t := entry.GetStructValue().GetFields()["time"].GetStringValue(); t != "" {
			times = append(times, map[string]any{"time": t})
		}
	}
	if times != nil {
		md["managedFields"] = times
	}
	return o
}
