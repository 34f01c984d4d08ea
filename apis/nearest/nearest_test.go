// SPDX-License-Identifier: Apache-2.0

package nearest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	names := []string{"grafana", "jaeger", "kube-prometheus-stack", "linkerd-crds", "linkerd-viz", "loki"}
	cases := map[string]struct {
		reason string
		typed  string
		most   int
		want   []string
	}{
		"Typo": {reason: "A letter is missing.", typed: "jager", most: 1, want: []string{"jaeger"}},
		"Word": {reason: "One knows the project, not the chart.", typed: "prometeus", most: 1, want: []string{"kube-prometheus-stack"}},
		"Case": {reason: "Several are near, the nearest first.", typed: "linkerd-vis", most: 2, want: []string{"linkerd-viz", "linkerd-crds"}},
		"All":  {reason: "There are no more than there are.", typed: "lok", most: 9, want: []string{"loki", "linkerd-viz", "kube-prometheus-stack", "linkerd-crds", "jaeger", "grafana"}},
		"None": {reason: "No word is asked for.", typed: "loki"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, append([]string(nil), Words(tc.typed, names, tc.most)...)); diff != "" {
				t.Errorf("\n%s\nWords(%q): -want, +got:\n%s", tc.reason, tc.typed, diff)
			}
		})
	}
}
