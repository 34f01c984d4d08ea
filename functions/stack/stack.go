// SPDX-License-Identifier: Apache-2.0

// Package stack composes an ObservabilityStack: the components of a profile,
// as the team changed them, each a Component of its own.
package stack

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/component"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/values"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ConditionComponentsReady is the condition that says whether all components work.
const ConditionComponentsReady = "ComponentsReady"

// ConditionTypes of an ObservabilityStack, for those that compose one.
func ConditionTypes() []string { return []string{ConditionComponentsReady} }

const (
	requirementCluster = "cluster"

	// resourceValues begins the names of what holds a component's values. No
	// component can have such a name.
	resourceValues = "values."
)

// Compose plans an ObservabilityStack.
func Compose(in compose.TypedRequest[v1alpha1.ObservabilityStack]) (compose.Plan, error) {
	xr := in.Claim
	all, problems, err := selection(xr.Spec.StackParameters, xr.Spec.AdditionalDeployers, namespaceOwners(in.Observed))
	if err != nil {
		return compose.Plan{}, err
	}
	cluster := in.RequiredObject(requirementCluster)
	// Capabilities that cannot be read are as good as none: the last ones hold.
	capabilities, err := compose.ClusterCapabilities(cluster)
	if err != nil || capabilities == nil {
		capabilities = xr.Status.Capabilities
	}
	p := compose.Plan{
		ConditionTypes: ConditionTypes(),
		Problems:       problems,
		// Without capabilities, what components need beside themselves is not planned.
		Partial: len(problems) > 0 || capabilities == nil,
		Requirements: []compose.Requirement{{
			Name: requirementCluster, APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KubernetesClusterKind,
			Namespace: xr.Namespace, ObjectName: xr.Spec.ClusterRef.Name,
		}},
	}
	if in.IsResolved(requirementCluster) && cluster == nil {
		p.Problems = append(p.Problems, compose.Problem{
			ConditionType: ConditionComponentsReady, Reason: "ClusterNotFound",
			Message: "KubernetesCluster " + xr.Spec.ClusterRef.Name + " does not exist in this namespace",
		})
	}

	w := computedValues{
		capabilities: capabilities, stack: xr.Spec.StackParameters, workloadRoutes: xr.Spec.WorkloadRoutes, workloadSLOs: xr.Spec.WorkloadSLOs,
		cluster: xr.Namespace + "/" + xr.Spec.ClusterRef.Name, parts: make(map[string]selected, len(all)),
	}
	for _, s := range all {
		w.parts[s.Name] = s
	}
	p.Problems = append(p.Problems, w.problems()...)
	pace := startGate(in.Observed, all)
	rows := make([]v1alpha1.ChildStatus, 0, len(all))
	for _, s := range all {
		rs, err := plan(in, s, w, pace)
		if err != nil {
			return compose.Plan{}, err
		}
		p.Resources = append(p.Resources, rs...)
		rows = append(rows, compose.ChildStatus(s.Name, s.version(), rs[0], in.Observed[s.Name]))
	}
	p.Status = func(o compose.Outcome) (any, error) {
		return &v1alpha1.ObservabilityStackStatus{
			StackSummary: summary(xr, capabilities, all),
			Phase:        compose.Phase(xr.Status.Phase, o),
			Components:   rows,
			URLs:         w.urls(),
			Warnings:     w.warnings(),
			Capabilities: capabilities,
		}, nil
	}
	return p, nil
}

// plan plans the Component of a selected component, and what its values need.
func plan(in compose.TypedRequest[v1alpha1.ObservabilityStack], s selected, w computedValues, pace compose.Gate) ([]compose.Resource, error) {
	xr := in.Claim
	r := compose.Resource{
		Name:          s.Name,
		ConditionType: ConditionComponentsReady,
		Gate:          compose.WaitFor(w.capabilities != nil && compose.IsReady(in.RequiredObject(requirementCluster)), "Waiting for the cluster"),
		Ready:         compose.WithName(s.Name, compose.Summarize(compose.CompositeHealth(component.ConditionTypes()...))),
	}
	if w.capabilities == nil {
		return []compose.Resource{r}, nil
	}
	if s.frozen {
		r.Gate = compose.Gate{Waiting: s.Name + ": waiting for a claim that can be met"}
		return []compose.Resource{r}, nil
	}
	r.Gate = r.Gate.And(compose.WaitFor(s.removedOwner == "", s.Name+": waiting for "+s.removedOwner+" to be gone, with namespace "+s.Namespace))
	after := s.after()
	deps := make([]v1alpha1.LocalReference, 0, len(after))
	for _, n := range after {
		r.Gate = r.Gate.And(compose.WaitFor(compose.IsReady(in.Observed[n]), s.Name+": waiting for "+n))
		deps = append(deps, v1alpha1.LocalReference{Name: ComponentName(xr.Namespace, xr.Name, n)})
	}
	r.Gate = r.Gate.And(pace)
	l, err := values.Layer(resourceValues+s.Name, ConditionComponentsReady, xr.Namespace, xr.Name,
		values.Merge(s.Values, w.valuesOf(s.Name)), s.team.Values, s.team.ValuesFrom)
	if err != nil {
		return nil, err
	}
	chart := s.Chart
	chart.Version = s.version()
	create := s.namespaceOwner == ""
	r.Object, err = compose.Composite(v1alpha1.ComponentKind, xr.Namespace, ComponentName(xr.Namespace, xr.Name, s.Name), &v1alpha1.ComponentSpec{
		ClusterRef:      xr.Spec.ClusterRef,
		Deployer:        s.deployer,
		Source:          v1alpha1.ComponentSource{Chart: &chart},
		TargetNamespace: s.Namespace,
		CreateNamespace: &create,
		ValuesFrom:      l.From,
		DependsOn:       deps,
	})
	if err != nil {
		return nil, err
	}
	l.SetOn(r.Object)
	return append([]compose.Resource{r}, l.Resources...), nil
}

// maxConcurrentInstalls is how many components start at the same time. Each costs the stack's
// breaker about 25 of its 100 tokens until it is ready.
const maxConcurrentInstalls = 4

// startGate lets components start in small groups. One that is known to be broken is
// not on its way, and holds nobody up.
func startGate(observed map[string]*unstructured.Unstructured, all []selected) compose.Gate {
	ready := compose.CompositeHealth(component.ConditionTypes()...)
	starting := 0
	for _, s := range all {
		if o := observed[s.Name]; o != nil {
			if v := ready(o); !v.Ready && v.Progressing {
				starting++
			}
		}
	}
	return compose.WaitFor(starting < maxConcurrentInstalls, "waiting for others to start")
}

// namespaceOwners are where the composed Components live.
func namespaceOwners(observed map[string]*unstructured.Unstructured) map[string]namespaceOwner {
	out := map[string]namespaceOwner{}
	for name, o := range observed {
		if o.GetKind() != v1alpha1.ComponentKind {
			continue
		}
		l := namespaceOwner{}
		l.namespace, _, _ = unstructured.NestedString(o.Object, "spec", "targetNamespace")
		deployer, _, _ := unstructured.NestedString(o.Object, "spec", "deployer")
		l.deployer = v1alpha1.Deployer(deployer)
		l.owner, _, _ = unstructured.NestedBool(o.Object, "spec", "createNamespace")
		out[name] = l
	}
	return out
}
