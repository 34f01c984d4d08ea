// SPDX-License-Identifier: Apache-2.0

// Package platform composes an ObservabilityPlatform, the claim: a cluster,
// then a stack on it, then workloads.
package platform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/stack"
	"github.com/observe-k8s/observe-k8s/functions/workload"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Condition types of an ObservabilityPlatform.
const (
	ConditionClusterReady   = "ClusterReady"
	ConditionStackReady     = "StackReady"
	ConditionWorkloadsReady = "WorkloadsReady"
)

// ResourceStack is the composition-resource-name of the stack.
const ResourceStack = "stack"

const (
	resourceCluster  = "cluster"
	resourceWorkload = "workload-"
)

// Compose plans an ObservabilityPlatform.
func Compose(in compose.TypedRequest[v1alpha1.ObservabilityPlatform]) (compose.Plan, error) {
	e, err := computeExpiry(in)
	if err != nil {
		return compose.Plan{}, err
	}
	if e.down() {
		return tearDown(in, e), nil
	}
	return planRunning(in, e)
}

// planRunning plans a platform that is to be there.
func planRunning(in compose.TypedRequest[v1alpha1.ObservabilityPlatform], e expiry) (compose.Plan, error) {
	xr := in.Claim
	refused := refuseComponents(in, &xr.Spec)
	name := func(part string) string { return compose.Name(xr.Namespace, xr.Name, part) }
	ref := v1alpha1.LocalReference{Name: name(resourceCluster)}

	c, err := compose.Composite(v1alpha1.KubernetesClusterKind, xr.Namespace, ref.Name, &xr.Spec.Cluster)
	if err != nil {
		return compose.Plan{}, err
	}
	deployers := additionalDeployers(in)
	pages, slos, err := workloadExtras(xr.Spec.Workloads)
	if err != nil {
		return compose.Plan{}, err
	}
	s, err := compose.Composite(v1alpha1.ObservabilityStackKind, xr.Namespace, name(ResourceStack), &v1alpha1.ObservabilityStackSpec{
		StackParameters: xr.Spec.Stack, ClusterRef: ref, AdditionalDeployers: deployers, WorkloadRoutes: pages, WorkloadSLOs: slos,
	})
	if err != nil {
		return compose.Plan{}, err
	}
	p := compose.Plan{
		ConditionTypes: []string{ConditionClusterReady, ConditionStackReady, ConditionWorkloadsReady},
		Problems:       refused,
		Conditions:     e.conditions(in, "", ""),
		RequeueAfter:   e.due,
		Resources: []compose.Resource{{
			Name:          resourceCluster,
			ConditionType: ConditionClusterReady,
			Object:        c,
			Ready:         compose.CompositeHealth(cluster.ConditionTypes()...),
		}, {
			Name:          ResourceStack,
			ConditionType: ConditionStackReady,
			Object:        s,
			Ready:         compose.CompositeHealth(stack.ConditionTypes()...),
		}},
	}

	seen, err := summary(in.Observed[ResourceStack], s)
	if err != nil {
		return compose.Plan{}, err
	}
	facts := cluster.Describe(xr.Spec.Cluster)
	if seen.HasIngress && facts.PortConflict != "" {
		p.Problems = append(p.Problems, compose.Problem{ConditionType: ConditionStackReady, Reason: "PortConflict", Message: facts.PortConflict + ": disable component ingress, or make the platform anew without them"})
	}
	if e := seen.Environment; e != nil {
		e.Architecture = cmp.Or(e.Architecture, facts.Architecture)
	}

	rows := make([]v1alpha1.ChildStatus, 0, len(xr.Spec.Workloads))
	room := &capacity{pools: facts.Pools}
	for _, w := range xr.Spec.Workloads {
		if was := deployerOf(in, w); w.Deployer != "" && w.Deployer != was {
			p.Problems = append(p.Problems, compose.Problem{ConditionType: ConditionWorkloadsReady, Reason: "ImmutableField", Message: fmt.Sprintf(
				"Workload %s was deployed by %s, and %s does not take it over: give a new workload the other deployer, then remove this one", w.Name, was, w.Deployer)})
		}
		r, wrong, err := planWorkload(in, w, ref, seen)
		if err != nil {
			return compose.Plan{}, err
		}
		if len(wrong) == 0 {
			wrong, err = room.reserve(w)
			if err != nil {
				return compose.Plan{}, err
			}
		}
		for _, one := range wrong {
			// What runs of it stays as it is.
			r.Object = nil
			r.Gate = compose.Gate{Waiting: w.Name + ": waiting for a claim that can be met"}
			one.ConditionType, one.Message = ConditionWorkloadsReady, w.Name+": "+one.Message
			p.Problems = append(p.Problems, one)
		}
		p.Resources = append(p.Resources, r)
		version, _, _ := unstructured.NestedString(object(in.Observed[r.Name]), "status", "chartVersion")
		rows = append(rows, compose.ChildStatus(w.Name, version, r, in.Observed[r.Name]))
	}
	left := planRestore(in, &p)
	p.Status = func(o compose.Outcome) (any, error) {
		return status(in, o, e, left, ref.Name, rows)
	}
	return p, nil
}

// refuseComponents takes components of the team out of the stack that would
// come into the namespace of a workload that is there already. The namespace
// goes with the workload, and would take them along.
func refuseComponents(in compose.TypedRequest[v1alpha1.ObservabilityPlatform], spec *v1alpha1.ObservabilityPlatformSpec) []compose.Problem {
	workloads := map[string]string{}
	for _, resource := range slices.Sorted(maps.Keys(in.Observed)) {
		name, ok := strings.CutPrefix(resource, resourceWorkload)
		ns, _, _ := unstructured.NestedString(in.Observed[resource].Object, "spec", "targetNamespace")
		if ok && ns != "" {
			workloads[ns] = name
		}
	}
	old := map[string]bool{}
	for _, path := range [][]string{{"spec", "components"}, {"spec", "nonCNCFComponents"}} {
		v, _, _ := unstructured.NestedFieldNoCopy(object(in.Observed[ResourceStack]), path...)
		components, _ := v.([]any)
		for _, c := range components {
			if m, ok := c.(map[string]any); ok {
				n, _ := m["name"].(string)
				old[n] = true
			}
		}
	}
	var problems []compose.Problem
	keep := func(components []v1alpha1.StackComponent) []v1alpha1.StackComponent {
		var kept []v1alpha1.StackComponent
		for _, c := range components {
			w, taken := workloads[c.TargetNamespace]
			disabled := c.Enabled != nil && !*c.Enabled
			if c.Chart == nil || disabled || old[c.Name] || !taken {
				kept = append(kept, c)
				continue
			}
			problems = append(problems, compose.Problem{ConditionType: ConditionStackReady, Reason: "NamespaceConflict", Message: fmt.Sprintf(
				"Component %s cannot have namespace %s, which is that of workload %s: give it another namespace", c.Name, c.TargetNamespace, w)})
		}
		return kept
	}
	spec.Stack.Components = keep(spec.Stack.Components)
	spec.Stack.NonCNCFComponents = keep(spec.Stack.NonCNCFComponents)
	return problems
}

// summary is what the stack says of itself. It says nothing while it has not looked
// at what is asked for now: a workload would be checked against another stack.
func summary(observed *unstructured.Unstructured, asked map[string]any) (v1alpha1.StackSummary, error) {
	s, err := compose.StackSummary(observed)
	if s == nil || err != nil {
		return v1alpha1.StackSummary{}, err
	}
	is, _ := observed.Object["spec"].(map[string]any)
	want, _ := asked["spec"].(map[string]any)
	for _, field := range []string{"profile", "deployer", "components", "nonCNCFComponents", "additionalDeployers"} {
		if !includes(is[field], want[field]) {
			return v1alpha1.StackSummary{HasIngress: s.HasIngress}, nil
		}
	}
	return *s, nil
}

// includes says whether a JSON value has all that another one has. Lists may have another
// order after a server-side apply.
func includes(all, part any) bool {
	switch p := part.(type) {
	case map[string]any:
		a, _ := all.(map[string]any)
		for k, v := range p {
			if !includes(a[k], v) {
				return false
			}
		}
		return true
	case []any:
		a, _ := all.([]any)
		return !slices.ContainsFunc(p, func(v any) bool {
			return !slices.ContainsFunc(a, func(e any) bool { return includes(e, v) })
		})
	case float64:
		// A team's values come from JSON of their own, whose numbers are all of this type.
		whole, ok := all.(int64)
		return ok && float64(whole) == p || all == part
	}
	return part == nil || all == part
}

// planWorkload plans one workload in a namespace of its own, and says what is
// wrong with it.
func planWorkload(in compose.TypedRequest[v1alpha1.ObservabilityPlatform], w v1alpha1.PlatformWorkload, ref v1alpha1.LocalReference, seen v1alpha1.StackSummary) (compose.Resource, []compose.Problem, error) {
	xr := in.Claim
	parameters := w.WorkloadParameters
	parameters.TargetNamespace, parameters.Deployer = namespace(w), deployerOf(in, w)
	wrong, err := workload.Check(parameters, parameters.TargetNamespace, seen)
	if err != nil {
		return compose.Resource{}, nil, err
	}
	resource := ResourceOf(w.Name)
	o, err := compose.Composite(v1alpha1.WorkloadKind, xr.Namespace, compose.Name(xr.Namespace, xr.Name, resource), &v1alpha1.WorkloadSpec{
		WorkloadParameters: parameters,
		ClusterRef:         ref,
		StackRef:           &v1alpha1.LocalReference{Name: compose.Name(xr.Namespace, xr.Name, ResourceStack)},
	})
	if err != nil {
		return compose.Resource{}, nil, err
	}
	return compose.Resource{
		Name:          resource,
		ConditionType: ConditionWorkloadsReady,
		Object:        o,
		Gate:          compose.WaitFor(seen.Environment != nil && compose.IsReady(in.Observed[ResourceStack]), "Waiting for the stack"),
		Ready:         compose.WithName(w.Name, compose.CompositeHealth(workload.ConditionTypes()...)),
	}, wrong, nil
}

// workloadExtras is what the stack shows of workloads: pages, and SLOs.
func workloadExtras(workloads []v1alpha1.PlatformWorkload) ([]v1alpha1.WorkloadRoute, []v1alpha1.SLO, error) {
	var pages []v1alpha1.WorkloadRoute
	var slos []v1alpha1.SLO
	for _, w := range workloads {
		p, err := workload.WebUIOf(w.WorkloadParameters)
		if err != nil {
			return nil, nil, err
		}
		if p != nil {
			pages = append(pages, v1alpha1.WorkloadRoute{Name: w.Name, Namespace: namespace(w), Service: p.Service, Port: p.Port})
		}
		more, err := workload.SLOs(w.WorkloadParameters, w.Name, namespace(w))
		if err != nil {
			return nil, nil, err
		}
		slos = append(slos, more...)
	}
	return pages, slos, nil
}

// deployerOf of a workload: the one that it has, or that is asked for, or else
// that of the profile. The smallest one does without deployers on the cluster.
func deployerOf(in compose.TypedRequest[v1alpha1.ObservabilityPlatform], w v1alpha1.PlatformWorkload) v1alpha1.Deployer {
	was, _, _ := unstructured.NestedString(object(in.Observed[ResourceOf(w.Name)]), "spec", "deployer")
	byProfile := v1alpha1.DeployerHelm
	if p := in.Claim.Spec.Stack.Profile; p == v1alpha1.ProfileStandard || p == v1alpha1.ProfileFull {
		byProfile = v1alpha1.DeployerArgoCD
	}
	return cmp.Or(v1alpha1.Deployer(was), w.Deployer, byProfile)
}

// additionalDeployers on the cluster that workloads need.
func additionalDeployers(in compose.TypedRequest[v1alpha1.ObservabilityPlatform]) []v1alpha1.Deployer {
	var out []v1alpha1.Deployer
	for _, w := range in.Claim.Spec.Workloads {
		if d := deployerOf(in, w); d != v1alpha1.DeployerHelm && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	slices.Sort(out)
	return out
}

// ResourceOf is the composition-resource-name of a workload.
func ResourceOf(name string) string { return resourceWorkload + name }

// namespace on the cluster of a workload.
func namespace(w v1alpha1.PlatformWorkload) string {
	if w.TargetNamespace != "" {
		return w.TargetNamespace
	}
	return w.Name
}

// status passes on what the cluster and the stack say of themselves. What they
// do not say at the moment stays as it was.
func status(in compose.TypedRequest[v1alpha1.ObservabilityPlatform], o compose.Outcome, e expiry, left *v1alpha1.PendingDeletion, clusterName string, workloads []v1alpha1.ChildStatus) (any, error) {
	was := in.Claim.Status
	s := &v1alpha1.ObservabilityPlatformStatus{
		Phase:               compose.Phase(was.Phase, o),
		ClusterRef:          &v1alpha1.LocalReference{Name: clusterName},
		KubernetesVersion:   was.KubernetesVersion,
		APIServerURL:        was.APIServerURL,
		KubeconfigSecretRef: was.KubeconfigSecretRef,
		Components:          was.Components,
		URLs:                was.URLs,
		Warnings:            was.Warnings,
		Workloads:           workloads,
		ExpirationTime:      e.expirationTime,
		ClockCheckTime:      e.clockCheckTime,
		PendingDeletion:     left,
	}
	c := v1alpha1.KubernetesClusterStatus{}
	if err := childStatus(in.Observed[resourceCluster], &c); err != nil {
		return nil, err
	}
	if c.Version != "" {
		s.KubernetesVersion = c.Version
	}
	if a := c.Connection; a != nil {
		s.APIServerURL, s.KubeconfigSecretRef = a.APIServerURL, a.KubeconfigSecretRef
	}
	st := v1alpha1.ObservabilityStackStatus{}
	if err := childStatus(in.Observed[ResourceStack], &st); err != nil {
		return nil, err
	}
	if len(st.Components) > 0 {
		s.Components, s.URLs, s.Warnings = st.Components, st.URLs, st.Warnings
	}
	return s, nil
}

// childStatus reads the status of a child, and nothing else of it: its spec is
// long, and what we wrote ourselves.
func childStatus(o *unstructured.Unstructured, into any) error {
	status, _ := object(o)["status"].(map[string]any)
	if status == nil {
		return nil
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(status, into); err != nil {
		return fmt.Errorf("cannot decode the status of %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

func object(o *unstructured.Unstructured) map[string]any {
	if o == nil {
		return nil
	}
	return o.Object
}
