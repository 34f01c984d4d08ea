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

// Parts of an ObservabilityPlatform.
const (
	PartCluster   = "ClusterReady"
	PartStack     = "StackReady"
	PartWorkloads = "WorkloadsReady"
)

// ResourceStack is the composition-resource-name of the stack.
const ResourceStack = "stack"

const (
	resourceCluster  = "cluster"
	resourceWorkload = "workload-"
)

// Compose plans an ObservabilityPlatform.
func Compose(in compose.Input[v1alpha1.ObservabilityPlatform]) (compose.Plan, error) {
	e, err := endOf(in)
	if err != nil {
		return compose.Plan{}, err
	}
	if e.down() {
		return tearDown(in, e), nil
	}
	return bringUp(in, e)
}

// bringUp plans a platform that is to be there.
func bringUp(in compose.Input[v1alpha1.ObservabilityPlatform], e ending) (compose.Plan, error) {
	xr := in.Claim
	refused := refuseComponents(in, &xr.Spec)
	name := func(part string) string { return compose.Name(xr.Namespace, xr.Name, part) }
	ref := v1alpha1.LocalReference{Name: name(resourceCluster)}

	c, err := compose.Composite(v1alpha1.KubernetesClusterKind, xr.Namespace, ref.Name, &xr.Spec.Cluster)
	if err != nil {
		return compose.Plan{}, err
	}
	engines := engines(in)
	pages, slos, err := shown(xr.Spec.Workloads)
	if err != nil {
		return compose.Plan{}, err
	}
	s, err := compose.Composite(v1alpha1.ObservabilityStackKind, xr.Namespace, name(ResourceStack), &v1alpha1.ObservabilityStackSpec{
		StackParameters: xr.Spec.Stack, ClusterRef: ref, Engines: engines, Pages: pages, WorkloadSLOs: slos,
	})
	if err != nil {
		return compose.Plan{}, err
	}
	p := compose.Plan{
		Parts:      []string{PartCluster, PartStack, PartWorkloads},
		Problems:   refused,
		Conditions: e.conditions(in, "", ""),
		Due:        e.due,
		Resources: []compose.Resource{{
			Name:   resourceCluster,
			Part:   PartCluster,
			Object: c,
			Ready:  compose.Child(cluster.Parts()...),
		}, {
			Name:   ResourceStack,
			Part:   PartStack,
			Object: s,
			Gate:   compose.WaitFor(compose.IsReady(in.Observed[resourceCluster]), "Waiting for the cluster"),
			Ready:  compose.Child(stack.Parts()...),
		}},
	}

	outline, err := stack.OutlineOf(xr.Spec.Stack, engines)
	if err != nil {
		return compose.Plan{}, err
	}
	if block := ingressOfK3s(xr.Spec.Cluster); outline.HasIngress && block != "" {
		p.Problems = append(p.Problems, compose.Problem{Part: PartStack, Reason: "IngressTaken", Message: fmt.Sprintf(
			"%[1]s.traefik and %[1]s.serviceLB keep an ingress of k3s on the ports that component ingress needs, and k3s cannot change them: disable component ingress, or make the platform anew without them", block)})
	}

	// Workloads go before the stack that observes them.
	roots := make([]any, 0, len(outline.Roots))
	for _, r := range outline.Roots {
		roots = append(roots, map[string]any{"name": stack.ComponentName(xr.Namespace, name(ResourceStack), r)})
	}
	rows := make([]v1alpha1.Row, 0, len(xr.Spec.Workloads))
	room := &room{cluster: xr.Spec.Cluster}
	for _, w := range xr.Spec.Workloads {
		if owner, ok := outline.Namespaces[namespace(w)]; ok {
			p.Partial = true
			p.Problems = append(p.Problems, compose.Problem{Part: PartWorkloads, Reason: "NamespaceTaken", Message: fmt.Sprintf(
				"Workload %s cannot have namespace %s, which is that of component %s: give it another in workloads[].namespace", w.Name, namespace(w), owner)})
			continue
		}
		if was := delivery(in, w); w.Delivery != "" && w.Delivery != was {
			p.Problems = append(p.Problems, compose.Problem{Part: PartWorkloads, Reason: "DeliveryChanged", Message: fmt.Sprintf(
				"Workload %s was delivered by %s, and %s does not take it over: give a new workload the other delivery, then remove this one", w.Name, was, w.Delivery)})
		}
		surroundings := outline.Surroundings
		surroundings.Architecture = architecture(in, w)
		r, wrong, err := planWorkload(in, w, ref, roots, surroundings)
		if err != nil {
			return compose.Plan{}, err
		}
		if len(wrong) == 0 {
			wrong, err = room.take(w)
			if err != nil {
				return compose.Plan{}, err
			}
		}
		for _, one := range wrong {
			// What runs of it stays as it is.
			r.Object = nil
			r.Gate = compose.Gate{Waiting: w.Name + ": waiting for a claim that can be met"}
			one.Part, one.Message = PartWorkloads, w.Name+": "+one.Message
			p.Problems = append(p.Problems, one)
		}
		p.Resources = append(p.Resources, r)
		version, _, _ := unstructured.NestedString(object(in.Observed[r.Name]), "status", "version")
		rows = append(rows, compose.Row(w.Name, version, r, in.Observed[r.Name]))
	}
	left := comeBack(in, &p)
	p.Status = func(o compose.Outcome) (any, error) {
		return status(in, o, e, left, ref.Name, rows)
	}
	return p, nil
}

// ingressOfK3s is the block that lets k3s keep an ingress on the ports 80 and 443
// of its nodes, if one does.
func ingressOfK3s(c v1alpha1.ClusterParameters) string {
	switch {
	case c.K3d != nil && c.K3d.Traefik && c.K3d.ServiceLB:
		return "k3d"
	case c.K3s != nil && c.K3s.Traefik && c.K3s.ServiceLB:
		return "k3s"
	}
	return ""
}

// refuseComponents takes components of the team out of the stack that would
// come into the namespace of a workload that is there already. The namespace
// goes with the workload, and would take them along.
func refuseComponents(in compose.Input[v1alpha1.ObservabilityPlatform], spec *v1alpha1.ObservabilityPlatformSpec) []compose.Problem {
	workloads := map[string]string{}
	for _, resource := range slices.Sorted(maps.Keys(in.Observed)) {
		name, ok := strings.CutPrefix(resource, resourceWorkload)
		ns, _, _ := unstructured.NestedString(in.Observed[resource].Object, "spec", "namespace")
		if ok && ns != "" {
			workloads[ns] = name
		}
	}
	old := map[string]bool{}
	for _, path := range [][]string{{"spec", "components"}, {"spec", "beyondCNCF", "components"}} {
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
			w, taken := workloads[c.Namespace]
			disabled := c.Enabled != nil && !*c.Enabled
			if c.Chart == nil || disabled || old[c.Name] || !taken {
				kept = append(kept, c)
				continue
			}
			problems = append(problems, compose.Problem{Part: PartStack, Reason: "NamespaceTaken", Message: fmt.Sprintf(
				"Component %s cannot have namespace %s, which is that of workload %s: give it another namespace", c.Name, c.Namespace, w)})
		}
		return kept
	}
	spec.Stack.Components = keep(spec.Stack.Components)
	spec.Stack.BeyondCNCF.Components = keep(spec.Stack.BeyondCNCF.Components)
	return problems
}

// architecture of the nodes that a workload comes to: as the cluster says, or as it
// was known, or as the claim asks for where that means something.
func architecture(in compose.Input[v1alpha1.ObservabilityPlatform], w v1alpha1.PlatformWorkload) v1alpha1.Architecture {
	is, _, _ := unstructured.NestedString(object(in.Observed[resourceCluster]), "status", "access", "architecture")
	was, _, _ := unstructured.NestedString(object(in.Observed[resourceWorkload+w.Name]), "spec", "surroundings", "architecture")
	asked := v1alpha1.Architecture("")
	if clouds := []v1alpha1.Provider{v1alpha1.ProviderEKS, v1alpha1.ProviderAKS, v1alpha1.ProviderGKE}; slices.Contains(clouds, in.Claim.Spec.Cluster.Provider) {
		asked = in.Claim.Spec.Cluster.Nodes.Architecture
	}
	return cmp.Or(v1alpha1.Architecture(is), v1alpha1.Architecture(was), asked)
}

// planWorkload plans one workload in a namespace of its own, and says what is
// wrong with it. All depend on the same roots, which are therefore JSON already.
func planWorkload(in compose.Input[v1alpha1.ObservabilityPlatform], w v1alpha1.PlatformWorkload, ref v1alpha1.LocalReference, roots []any, surroundings v1alpha1.WorkloadSurroundings) (compose.Resource, []compose.Problem, error) {
	xr := in.Claim
	parameters := w.WorkloadParameters
	parameters.Namespace, parameters.Delivery = namespace(w), delivery(in, w)
	spec := v1alpha1.WorkloadSpec{
		WorkloadParameters: parameters,
		ClusterRef:         ref,
		Surroundings:       surroundings,
	}
	wrong, err := workload.Check(spec)
	if err != nil {
		return compose.Resource{}, nil, err
	}
	resource := ResourceOf(w.Name)
	o, err := compose.Composite(v1alpha1.WorkloadKind, xr.Namespace, compose.Name(xr.Namespace, xr.Name, resource), &spec)
	if err != nil {
		return compose.Resource{}, nil, err
	}
	if s, ok := o["spec"].(map[string]any); ok && len(roots) > 0 {
		s["dependsOn"] = roots
	}
	return compose.Resource{
		Name:   resource,
		Part:   PartWorkloads,
		Object: o,
		Gate:   compose.WaitFor(compose.IsReady(in.Observed[ResourceStack]), "Waiting for the stack"),
		Ready:  compose.Named(w.Name, compose.Child(workload.Parts()...)),
	}, wrong, nil
}

// shown is what the stack shows of workloads: pages, and SLOs.
func shown(workloads []v1alpha1.PlatformWorkload) ([]v1alpha1.WorkloadPage, []v1alpha1.SLO, error) {
	var pages []v1alpha1.WorkloadPage
	var slos []v1alpha1.SLO
	for _, w := range workloads {
		p, err := workload.PageOf(w.WorkloadParameters)
		if err != nil {
			return nil, nil, err
		}
		if p != nil {
			pages = append(pages, v1alpha1.WorkloadPage{Name: w.Name, Namespace: namespace(w), Service: p.Service, Port: p.Port})
		}
		more, err := workload.SLOs(w.WorkloadParameters, w.Name, namespace(w))
		if err != nil {
			return nil, nil, err
		}
		slos = append(slos, more...)
	}
	return pages, slos, nil
}

// room on the nodes that a claim asks for, as workloads take it one after the
// other.
type room struct {
	cluster v1alpha1.ClusterParameters
	taken   workload.Room
	words   []string
}

// take the room that a workload needs, or say why it does not fit.
func (r *room) take(w v1alpha1.PlatformWorkload) ([]compose.Problem, error) {
	takes, err := workload.Takes(w.WorkloadParameters)
	if err != nil {
		return nil, err
	}
	there, words, known := workload.Offers(r.cluster)
	all := r.taken.Plus(takes)
	sum := append(slices.Clone(r.words), fmt.Sprintf("%s takes %s", w.Name, takes))
	if known && !all.Fits(there) {
		return []compose.Problem{{Reason: "DoesNotFit", Message: fmt.Sprintf(
			"%s, in all %s; %s. Ask for more or larger nodes in cluster.nodes, or for fewer workloads. The stack needs room besides", strings.Join(sum, ", "), all, words)}}, nil
	}
	r.taken, r.words = all, sum
	return nil, nil
}

// delivery of a workload: the one that it has, or that is asked for, or else
// that of the profile. The smallest one does without engines on the cluster.
func delivery(in compose.Input[v1alpha1.ObservabilityPlatform], w v1alpha1.PlatformWorkload) v1alpha1.Delivery {
	was, _, _ := unstructured.NestedString(object(in.Observed[ResourceOf(w.Name)]), "spec", "delivery")
	byProfile := v1alpha1.DeliveryHelm
	if p := in.Claim.Spec.Stack.Profile; p == v1alpha1.ProfileStandard || p == v1alpha1.ProfileFull {
		byProfile = v1alpha1.DeliveryArgoCD
	}
	return cmp.Or(v1alpha1.Delivery(was), w.Delivery, byProfile)
}

// engines on the cluster that workloads need.
func engines(in compose.Input[v1alpha1.ObservabilityPlatform]) []v1alpha1.Delivery {
	var out []v1alpha1.Delivery
	for _, w := range in.Claim.Spec.Workloads {
		if d := delivery(in, w); d != v1alpha1.DeliveryHelm && !slices.Contains(out, d) {
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
	if w.Namespace != "" {
		return w.Namespace
	}
	return w.Name
}

// status passes on what the cluster and the stack say of themselves. What they
// do not say at the moment stays as it was.
func status(in compose.Input[v1alpha1.ObservabilityPlatform], o compose.Outcome, e ending, left *v1alpha1.Remaining, clusterName string, workloads []v1alpha1.Row) (any, error) {
	was := in.Claim.Status
	s := &v1alpha1.ObservabilityPlatformStatus{
		Phase:               compose.Phase(was.Phase, o),
		ClusterName:         clusterName,
		Version:             was.Version,
		Endpoint:            was.Endpoint,
		KubeconfigSecretRef: was.KubeconfigSecretRef,
		Components:          was.Components,
		URLs:                was.URLs,
		Notices:             was.Notices,
		Workloads:           workloads,
		ExpiresAt:           e.expiresAt,
		CheckedAt:           e.checkedAt,
		Remaining:           left,
	}
	c := v1alpha1.KubernetesClusterStatus{}
	if err := childStatus(in.Observed[resourceCluster], &c); err != nil {
		return nil, err
	}
	if c.Version != "" {
		s.Version = c.Version
	}
	if a := c.Access; a != nil {
		s.Endpoint, s.KubeconfigSecretRef = a.Server, a.KubeconfigSecretRef
	}
	st := v1alpha1.ObservabilityStackStatus{}
	if err := childStatus(in.Observed[ResourceStack], &st); err != nil {
		return nil, err
	}
	if len(st.Components) > 0 {
		s.Components, s.URLs, s.Notices = st.Components, st.URLs, st.Notices
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
	return runtime.DefaultUnstructuredConverter.FromUnstructured(status, into)
}

func object(o *unstructured.Unstructured) map[string]any {
	if o == nil {
		return nil
	}
	return o.Object
}
