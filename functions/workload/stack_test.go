// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// observed is a workload that names its stack.
func observed(fs ...func(*v1alpha1.Workload)) *v1alpha1.Workload {
	return of(v1alpha1.AppPodinfo, append([]func(*v1alpha1.Workload){func(c *v1alpha1.Workload) {
		c.Spec.StackRef = &v1alpha1.LocalReference{Name: "stack"}
	}}, fs...)...)
}

// read answers a requirement with a stack on a cluster that says this of itself.
func read(t *testing.T, cluster string, s v1alpha1.StackSummary, fs ...func(*unstructured.Unstructured)) map[string][]*unstructured.Unstructured {
	t.Helper()
	st := &v1alpha1.ObservabilityStack{}
	st.Spec.ClusterRef.Name, st.Status.StackSummary = cluster, s
	o := toUnstructured(t, st)
	for _, f := range fs {
		f(o)
	}
	return map[string][]*unstructured.Unstructured{requirementStack: {o}}
}

// changed says that the stack's spec was changed, and nobody has looked at it since.
func changed(o *unstructured.Unstructured) {
	o.SetGeneration(2)
	_ = unstructured.SetNestedSlice(o.Object, []any{map[string]any{"type": "Ready", "status": "True", "observedGeneration": int64(1)}}, "status", "conditions")
}

// TestStack shows what a workload makes of its stack, and that nothing that runs
// changes while it cannot be read.
func TestStack(t *testing.T) {
	type want struct {
		condition compose.Condition
		ready     bool
		// dependsOn of the application that is composed; nil for none.
		dependsOn []v1alpha1.LocalReference
		scraped   bool
		status    v1alpha1.WorkloadStatus
	}
	environment := &v1alpha1.WorkloadEnvironment{Capabilities: []v1alpha1.Capability{v1alpha1.CapabilityPrometheus}}
	top := []v1alpha1.LocalReference{{Name: "content"}, {Name: "till"}}
	full := v1alpha1.StackSummary{
		Environment: environment, TopLevelComponents: top,
		Namespaces: []v1alpha1.StackNamespace{{Name: "monitoring", Component: "kube-prometheus-stack"}},
	}
	smaller := v1alpha1.StackSummary{Environment: &v1alpha1.WorkloadEnvironment{}, TopLevelComponents: top[:1]}
	known := func(c *v1alpha1.Workload) {
		c.Status = v1alpha1.WorkloadStatus{Phase: v1alpha1.PhaseReady, Environment: environment, TopLevelComponents: top}
	}
	meshed := func(c *v1alpha1.Workload) { c.Spec.MeshInjection = v1alpha1.MeshInjectionEnabled }
	needs := func(c *v1alpha1.Workload) {
		c.Spec.DependsOn = []v1alpha1.LocalReference{{Name: "till"}, {Name: "bank"}}
	}
	inMonitoring := func(c *v1alpha1.Workload) { c.Spec.TargetNamespace = "monitoring" }
	gone := map[string][]*unstructured.Unstructured{requirementStack: {}}
	running := observe(run(t, compose.Request{XR: toUnstructured(t, observed()), Required: read(t, "cluster", full)}), condition("Ready", "True", "", ""))
	status := func(p v1alpha1.Phase, s v1alpha1.StackSummary) v1alpha1.WorkloadStatus {
		return v1alpha1.WorkloadStatus{Phase: p, ChartVersion: "6.9.1", Environment: s.Environment, TopLevelComponents: s.TopLevelComponents}
	}
	failed := func(reason, message string) compose.Condition {
		return compose.Condition{Type: "AppReady", Reason: reason, Message: message}
	}
	working := compose.Condition{Type: "AppReady", Ready: true, Reason: "Available"}
	creating := failed("Creating", "Component "+compose.Name("team-a", "shop", "app")+" is being created")
	waiting := failed("Waiting", "Waiting for ObservabilityStack stack to say what is on the cluster")
	notFound := failed("StackNotFound", "ObservabilityStack stack does not exist in this namespace. Create it, or leave stackRef out")
	taken := failed("NamespaceConflict", "The workload cannot have namespace monitoring, which is that of component kube-prometheus-stack: give it another in workloads[].namespace")

	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.Workload
		observed map[string]*unstructured.Unstructured
		required map[string][]*unstructured.Unstructured
		want     want
	}{
		"NotAnswered": {
			reason: "Until the stack was read, nobody knows what values are right.",
			claim:  observed(),
			want:   want{condition: waiting, status: status(v1alpha1.PhasePending, v1alpha1.StackSummary{})},
		},
		"NotFound": {
			reason:   "A stack that is not there is a mistake, or comes later.",
			claim:    observed(),
			required: gone,
			want:     want{condition: notFound, status: status(v1alpha1.PhasePending, v1alpha1.StackSummary{})},
		},
		"Silent": {
			reason:   "A new stack does not say yet.",
			claim:    observed(),
			required: read(t, "cluster", v1alpha1.StackSummary{}),
			want:     want{condition: waiting, status: status(v1alpha1.PhasePending, v1alpha1.StackSummary{})},
		},
		"Elsewhere": {
			reason:   "A stack on another cluster observes nothing here.",
			claim:    observed(),
			required: read(t, "other", full),
			want: want{
				condition: failed("StackElsewhere", "ObservabilityStack stack is on KubernetesCluster other, and the workload on cluster: name a stack of the same cluster"),
				status:    status(v1alpha1.PhasePending, v1alpha1.StackSummary{}),
			},
		},
		"Read": {
			reason:   "It uses what the stack has, and is deleted before it.",
			claim:    observed(),
			required: read(t, "cluster", full),
			want:     want{condition: creating, dependsOn: top, scraped: true, status: status(v1alpha1.PhaseProvisioning, full)},
		},
		"Both": {
			reason:   "What the team names comes first, and nothing twice.",
			claim:    observed(needs),
			required: read(t, "cluster", full),
			want: want{
				condition: creating, dependsOn: []v1alpha1.LocalReference{{Name: "till"}, {Name: "bank"}, {Name: "content"}}, scraped: true,
				status: status(v1alpha1.PhaseProvisioning, full),
			},
		},
		"NamespaceConflict": {
			reason:   "A workload lives beside the stack, not in it.",
			claim:    observed(inMonitoring),
			required: read(t, "cluster", full),
			want:     want{condition: taken, status: status(v1alpha1.PhasePending, full)},
		},
		"NamespaceBecameTaken": {
			reason:   "What runs stays as it is.",
			claim:    observed(known, inMonitoring),
			observed: running,
			required: read(t, "cluster", full),
			want:     want{condition: taken, dependsOn: top, scraped: true, status: status(v1alpha1.PhaseDegraded, full)},
		},
		"Follows": {
			reason:   "A component that the stack no longer has is not waited for, nor used.",
			claim:    observed(known),
			observed: running,
			required: read(t, "cluster", smaller),
			want:     want{condition: working, ready: true, dependsOn: top[:1], status: status(v1alpha1.PhaseReady, smaller)},
		},
		"Unread": {
			reason:   "What was read last holds while the stack cannot be read.",
			claim:    observed(known),
			observed: running,
			want:     want{condition: working, ready: true, dependsOn: top, scraped: true, status: status(v1alpha1.PhaseReady, full)},
		},
		"Empty": {
			reason:   "And while its status is gone.",
			claim:    observed(known),
			observed: running,
			required: read(t, "cluster", v1alpha1.StackSummary{}),
			want:     want{condition: working, ready: true, dependsOn: top, scraped: true, status: status(v1alpha1.PhaseReady, full)},
		},
		"Gone": {
			reason:   "A stack that is gone takes nothing along; a condition says so.",
			claim:    observed(known),
			observed: running,
			required: gone,
			want:     want{condition: notFound, dependsOn: top, scraped: true, status: status(v1alpha1.PhaseDegraded, full)},
		},
		"AllGone": {
			reason:   "Nor does anything change if nobody knows what was read last.",
			claim:    observed(),
			observed: running,
			want:     want{condition: waiting, dependsOn: top, scraped: true, status: status(v1alpha1.PhaseProvisioning, v1alpha1.StackSummary{})},
		},
		"NewWhileUnread": {
			reason: "What was read last may no longer be true for something new.",
			claim:  observed(known),
			want:   want{condition: waiting, status: status(v1alpha1.PhaseUpdating, full)},
		},
		"Stale": {
			reason:   "A stack that is about to have a mesh is not said to have none.",
			claim:    observed(known, meshed),
			observed: running,
			required: read(t, "cluster", full, changed),
			want:     want{condition: waiting, dependsOn: top, scraped: true, status: status(v1alpha1.PhaseUpdating, full)},
		},
		"NoMesh": {
			reason:   "One that has looked at what is asked for has none.",
			claim:    observed(known, meshed),
			observed: running,
			required: read(t, "cluster", full),
			want: want{
				condition: failed("ComponentMissing", "There is no mesh on the cluster: enable component linkerd-control-plane in stack.components, or take profile Standard"),
				dependsOn: top, scraped: true, status: status(v1alpha1.PhaseDegraded, full),
			},
		},
	}
	requirements := []compose.Requirement{{Name: "stack", APIVersion: v1alpha1.APIVersion, Kind: "ObservabilityStack", Namespace: "team-a", ObjectName: "stack"}}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, compose.Request{XR: toUnstructured(t, tc.claim), Observed: tc.observed, Required: tc.required})
			if diff := cmp.Diff(requirements, res.Requirements); diff != "" {
				t.Errorf("\n%s\nthe same is required in every round: -want, +got:\n%s", tc.reason, diff)
			}
			got := want{condition: res.Conditions[0], ready: res.Ready}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Status, &got.status); err != nil {
				t.Fatal(err)
			}
			if app := res.Resources[resourceApp].Object; app != nil {
				c := v1alpha1.Component{}
				if err := runtime.DefaultUnstructuredConverter.FromUnstructured(app, &c); err != nil {
					t.Fatal(err)
				}
				got.dependsOn = c.Spec.DependsOn
				_, got.scraped, _ = unstructured.NestedMap(app, "spec", "values", "serviceMonitor")
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
			if len(tc.observed) > 0 && !slices.Equal(slices.Sorted(maps.Keys(tc.observed)), slices.Sorted(maps.Keys(res.Resources))) {
				t.Errorf("\n%s\nwhat there is must stay, got %v", tc.reason, slices.Sorted(maps.Keys(res.Resources)))
			}
		})
	}
}
