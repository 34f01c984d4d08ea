// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhich(t *testing.T) {
	cases := map[string]struct {
		reason string
		claim  string
		want   []string
		err    bool
	}{
		"Name":      {reason: "A name alone is a platform in kubectl's namespace.", claim: "demo", want: []string{"ObservabilityPlatform", "", "demo"}},
		"Namespace": {reason: "A namespace goes before the name.", claim: "team-a/demo", want: []string{"ObservabilityPlatform", "team-a", "demo"}},
		"Kind":      {reason: "Every kind of ours has a tree.", claim: "component/team-a/demo", want: []string{"Component", "team-a", "demo"}},
		"OtherKind": {reason: "What is not ours has no tree that we know.", claim: "pod/team-a/demo", err: true},
		"Empty":     {reason: "An empty part is a mistake.", claim: "team-a/", err: true},
		"TooMany":   {reason: "There are at most three parts.", claim: "a/b/c/d", err: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			gvk, ns, n, err := which(tc.claim)
			if (err != nil) != tc.err {
				t.Fatalf("\n%s\nwhich(%q): error is %v", tc.reason, tc.claim, err)
			}
			if tc.err {
				return
			}
			if diff := cmp.Diff(tc.want, []string{gvk.Kind, ns, n}); diff != "" {
				t.Errorf("\n%s\nwhich(%q): -want, +got:\n%s", tc.reason, tc.claim, diff)
			}
		})
	}
}
