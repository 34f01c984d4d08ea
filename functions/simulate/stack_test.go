// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// full is a claim of everything, with words for its stack.
func full(stack string) string {
	return `
apiVersion: observe-k8s.io/v1alpha1
kind: ObservabilityPlatform
metadata: {name: demo, namespace: team-a}
spec:
  cluster: {provider: Existing, existing: {kubeconfigSecretRef: {name: remote}}}
  stack: {profile: Full, deployer: Helm, domain: demo.example.org` + stack + `}
`
}

// leavesOf what was composed, by kind and name.
func leavesOf(s *Simulation) map[string]*unstructured.Unstructured {
	out := map[string]*unstructured.Unstructured{}
	for _, o := range s.Composed() {
		if !strings.HasPrefix(o.GetAPIVersion(), "observe-k8s.io/") {
			out[o.GetKind()+" "+o.GetName()] = o
		}
	}
	return out
}

// TestOneComponent changes and removes single components of everything, and
// looks at what becomes of the rest.
func TestOneComponent(t *testing.T) {
	type want struct {
		changed, added, removed []string
	}
	const stack = "demo-stack-fda3efdf"
	release := func(component string) string {
		return "Release " + compose.Name("team-a", compose.Name("team-a", stack, component), "release")
	}
	cases := map[string]struct {
		reason string
		stack  string
		want   want
		// everything of this component goes.
		gone string
	}{
		"Value": {
			reason: "One value of one component changes one object.",
			stack:  ", components: [{name: opencost, values: {loglevel: debug}}]",
			want:   want{changed: []string{release("opencost")}},
		},
		"Version": {
			reason: "And so does a version.",
			stack:  ", components: [{name: jaeger, version: 4.11.2}]",
			want:   want{changed: []string{release("jaeger")}},
		},
		"Removed": {
			reason: "A component that goes takes nothing along. Who scraped it, led to it and showed it does so no longer.",
			stack:  ", components: [{name: opencost, enabled: false}]",
			want:   want{changed: []string{release("content"), release("ingress"), release("kube-prometheus-stack")}},
			gone:   "opencost",
		},
		"RemovedUnseen": {
			reason: "Where nobody knew it, nobody changes.",
			stack:  ", components: [{name: ebpf-instrumentation, enabled: false}]",
			gone:   "ebpf-instrumentation",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := start(t, everyone, parse(t, full(""))...)
			converge(t, s)
			before := leavesOf(s)
			s.Apply(parse(t, full(tc.stack))[0])
			converge(t, s)
			after := leavesOf(s)
			got := want{}
			for k, o := range before {
				switch now := after[k]; {
				case now == nil && tc.gone != "" && strings.Contains(k, " demo-stack-"+tc.gone+"-"):
				case now == nil:
					got.removed = append(got.removed, k)
				case !cmp.Equal(o.Object, now.Object):
					got.changed = append(got.changed, k)
				}
			}
			for k := range after {
				if before[k] == nil {
					got.added = append(got.added, k)
				}
			}
			slices.Sort(got.changed)
			if tc.gone != "" && after[release(tc.gone)] != nil {
				t.Errorf("\n%s\n%s is still there", tc.reason, tc.gone)
			}
			if before[release("opencost")] == nil {
				t.Fatalf("the names of this test are wrong: %v", before)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nleaves: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
