// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
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

// beside is a cluster with a stack and a workload, each a claim of its own.
func beside(stack, workload string) string {
	return `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: demo, namespace: team-a}
spec: {provider: Existing, existing: {kubeconfigSecretRef: {name: remote}}}
---
apiVersion: observe-k8s.io/v1alpha1
kind: ObservabilityStack
metadata: {name: stack, namespace: team-a}
spec: {clusterRef: {name: demo}, deployer: Helm` + stack + `}
---
apiVersion: observe-k8s.io/v1alpha1
kind: Workload
metadata: {name: shop, namespace: team-a}
spec: {clusterRef: {name: demo}, stackRef: {name: stack}, app: podinfo` + workload + `}
`
}

// said is a condition of a composite.
func said(s *Simulation, kind, name, typ string) compose.ObservedCondition {
	return compose.GetCondition(s.objects[key{v1alpha1.APIVersion, kind, "team-a", name}], typ)
}

// TestStackIsRead shows that a workload follows its stack: it uses what is there, is
// deleted before it, and never shares its namespaces.
func TestStackIsRead(t *testing.T) {
	app := compose.Name("team-a", "shop", "app")
	release := compose.Name("team-a", app, "release")
	// keeps are the components of the stack that a Usage by the workload's release keeps.
	keeps := func(s *Simulation, component string) bool {
		of := compose.Name("team-a", compose.Name("team-a", "stack", component), "release")
		for k, o := range s.objects {
			by, _, _ := unstructured.NestedString(o.Object, "spec", "by", "resourceRef", "name")
			what, _, _ := unstructured.NestedString(o.Object, "spec", "of", "resourceRef", "name")
			if k.kind == "Usage" && by == release && what == of {
				return true
			}
		}
		return false
	}
	scraped := func(s *Simulation) bool {
		o := s.objects[key{v1alpha1.APIVersion, v1alpha1.ComponentKind, "team-a", app}]
		_, ok, _ := unstructured.NestedMap(o.Object, "spec", "values", "serviceMonitor")
		return ok
	}
	s := start(t, everyone, parse(t, beside("", ""))...)
	converge(t, s)
	if !keeps(s, "content") || keeps(s, "opencost") || !scraped(s) {
		t.Errorf("a workload goes before the top of its stack, and is scraped: content kept %v, opencost kept %v, scraped %v", keeps(s, "content"), keeps(s, "opencost"), scraped(s))
	}

	s.Apply(parse(t, beside(", components: [{name: opencost}]", ""))[1])
	converge(t, s)
	if !keeps(s, "content") || !keeps(s, "opencost") {
		t.Error("a component that the stack gets is kept, too")
	}
	s.Apply(parse(t, beside("", ""))[1])
	converge(t, s)
	if keeps(s, "opencost") || said(s, "Workload", "shop", "Ready").Status != "True" {
		t.Error("a component that the stack loses is not waited for")
	}

	s = start(t, everyone, parse(t, beside("", ", targetNamespace: monitoring"))...)
	converge(t, s)
	if c := said(s, "Workload", "shop", "AppReady"); c.Reason != "NamespaceConflict" || len(s.children[key{v1alpha1.APIVersion, "Workload", "team-a", "shop"}]) > 0 {
		t.Errorf("nothing is composed into a namespace of the stack, got %+v", c)
	}
}

// TestStackFlaps proves that nothing at all changes while no workload can read its
// stack, and that nothing is written when it can again.
func TestStackFlaps(t *testing.T) {
	for name, text := range map[string]string{"Alone": beside("", ", load: {users: 3}"), "Platform": full("") + "  workloads: [{name: shop, app: podinfo, meshInjection: Enabled, load: {users: 3}}]\n"} {
		t.Run(name, func(t *testing.T) {
			s := start(t, everyone, parse(t, text)...)
			converge(t, s)
			before := applied(s)
			leaves := leavesOf(s)
			s.Disturb = func(w *compose.Request) {
				if w.XR.GetKind() == v1alpha1.WorkloadKind {
					delete(w.Required, "stack")
				}
			}
			for range 3 {
				if wrote, err := s.Reconcile(); err != nil || wrote {
					t.Errorf("a workload that cannot read its stack changes nothing: %v, %v", wrote, err)
				}
			}
			s.Disturb = func(*compose.Request) {}
			if wrote, err := s.Reconcile(); err != nil || wrote {
				t.Errorf("nor when it can again: %v, %v", wrote, err)
			}
			if diff := cmp.Diff(before, applied(s)); diff != "" {
				t.Errorf("claims: -before, +after:\n%s", diff)
			}
			if diff := cmp.Diff(leaves, leavesOf(s)); diff != "" {
				t.Errorf("leaves: -before, +after:\n%s", diff)
			}
		})
	}
}
