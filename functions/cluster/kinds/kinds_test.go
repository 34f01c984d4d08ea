// SPDX-License-Identifier: Apache-2.0

package kinds

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestRead(t *testing.T) {
	cases := map[string]struct {
		reason, content, err string
	}{
		"Valid":      {reason: "A file says what it knows.", content: "kinds: {Thing.example.org: {create: 4s, report: {count: 1}}}"},
		"Misspelt":   {reason: "What nobody reads is a mistake.", content: "kinds: {Thing.example.org: {creates: 4s}}", err: `cannot read a/kinds.yaml: unknown field "kinds.Thing.example.org.creates"`},
		"Twice":      {reason: "One of two would be lost.", content: "kinds: {Thing.example.org: {}, Thing.example.org: {}}", err: "already set"},
		"NoDuration": {reason: "A number has no unit.", content: "kinds: {Thing.example.org: {create: long}}", err: "invalid duration"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Read(fstest.MapFS{"a/kinds.yaml": {Data: []byte(tc.content)}})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("\n%s\nRead(...): error %v, want one with %q", tc.reason, err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			k := got.Kinds["Thing.example.org"]
			if k.Create.Duration != 4*time.Second || k.Report["count"] != int64(1) {
				t.Errorf("\n%s\nRead(...): %+v", tc.reason, k)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	object := func(name string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": name, "annotations": map[string]any{"crossplane.io/external-name": "ext-" + name}},
			"spec":     map[string]any{"forProvider": map[string]any{"version": "1.35", "clusterRef": map[string]any{"name": "other"}, "goneRef": map[string]any{"name": "gone"}}},
			"status":   map[string]any{"atProvider": map[string]any{"version": name + "-1"}},
		}}
	}
	s := Scene{Server: "https://one.example.org", ID: "0123456789abcdef0", Find: func(name string) *unstructured.Unstructured {
		if name == "gone" {
			return nil
		}
		return object(name)
	}}
	cases := map[string]struct{ reason, text, want string }{
		"Plain":       {"Text without ${} is itself.", "ACTIVE", "ACTIVE"},
		"Names":       {"The object and what it stands for have names.", "${name}/${external}", "a/ext-a"},
		"IDs":         {"The cloud chooses them.", "vpc-${id} ${uuid}", "vpc-0123456789abcdef0 01234567-89ab-cdef-0123-456789abcdef"},
		"Server":      {"A host is a server without its scheme.", "${server} ${host}", "https://one.example.org one.example.org"},
		"Field":       {"A provider repeats what was asked for.", "${spec.forProvider.version}.9", "1.35.9"},
		"Alternative": {"What is empty is passed over.", "${spec.forProvider.none|status.atProvider.version}", "a-1"},
		"Reference":   {"What another object reports counts, too.", "${clusterRef>status.atProvider.version}", "other-1"},
		"Dangling":    {"What refers to nothing is nothing.", "${goneRef>status.atProvider.version}", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, s.Expand(tc.text, object("a"))); diff != "" {
				t.Errorf("\n%s\nExpand(%q): -want, +got:\n%s", tc.reason, tc.text, diff)
			}
		})
	}
}
