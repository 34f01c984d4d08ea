// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"maps"
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	entries, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(entries))
	cases := map[string]struct {
		reason string
		typed  string
		want   string
	}{
		"Typo":   {reason: "A letter is missing.", typed: "jager", want: "jaeger"},
		"Word":   {reason: "One knows the project, not the chart.", typed: "prometeus", want: "kube-prometheus-stack"},
		"Case":   {reason: "Words of the name are enough.", typed: "linkerd-vis", want: "linkerd-viz"},
		"Beyond": {reason: "What lies beyond the CNCF is found too.", typed: "graffana", want: "grafana"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := nearest(tc.typed, names); len(got) != 3 || !slices.Contains(got, tc.want) {
				t.Errorf("\n%s\nnearest(%q): want three with %s, got %v", tc.reason, tc.typed, tc.want, got)
			}
		})
	}
}
