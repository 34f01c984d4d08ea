// Package component composes a Component: the only kind that knows delivery
// engines. An engine plans the leaves that bring a source to a cluster; what
// they wait for and what waits for them is common to all.
package component

import (
	"fmt"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Parts of a Component.
const (
	// PartDependencies is the condition that says whether cluster and
	// dependencies are there.
	PartDependencies = "DependenciesReady"
	// PartDelivered is the condition that says whether the real thing works.
	PartDelivered = "Delivered"
)

// Parts of a Component, for those that compose one. What was delivered says
// more than what it waited for.
func Parts() []string { return []string{PartDelivered, PartDependencies} }

const (
	requirementCluster    = "cluster"
	requirementDependency = "component-"

	resourceNamespace = "namespace"
	resourceRelease   = "release"
)

// An Engine brings a source to a cluster.
type Engine interface {
	// Plan plans the delivery into a namespace that exists once gate is open.
	Plan(in compose.Input[v1alpha1.Component], access *v1alpha1.Access, gate compose.Gate) (Delivery, error)
}

// A Delivery is what an engine plans.
type Delivery struct {
	// Resources that deliver, leaves last.
	Resources []compose.Resource

	// Leaf is the resource whose existence means that something may still be on
	// the cluster, and the name it is composed under.
	Leaf     v1alpha1.ObjectReference
	LeafName string

	// Config is the ProviderConfig that the leaf needs until it is gone.
	Config v1alpha1.ObjectReference

	// Version and Revision as observed.
	Version, Revision, ReleaseName string
}

// engineFor finds the engine of a delivery: one row per engine.
func engineFor(d v1alpha1.Delivery) (Engine, bool) {
	switch d {
	case v1alpha1.DeliveryHelm:
		return helm{}, true
	case v1alpha1.DeliveryFlux, v1alpha1.DeliveryArgoCD:
		return nil, false
	}
	return nil, false
}

// Compose plans a Component.
func Compose(in compose.Input[v1alpha1.Component]) (compose.Plan, error) {
	xr := in.Claim
	p := compose.Plan{Parts: Parts(), Requirements: requirements(xr)}
	engine, ok := engineFor(xr.Spec.Engine)
	switch {
	case !ok:
		p.Problems = []compose.Problem{{Part: PartDelivered, Reason: "NotAvailableYet", Message: fmt.Sprintf("Engine %s is not available yet. Available: %s", xr.Spec.Engine, v1alpha1.DeliveryHelm)}}
	case xr.Spec.Source.Chart == nil:
		p.Problems = []compose.Problem{{Part: PartDelivered, Reason: "InvalidSpec", Message: fmt.Sprintf("Engine %s delivers charts: give one in source.chart", xr.Spec.Engine)}}
	}
	if len(p.Problems) > 0 {
		p.Partial = true
		p.Status = func(o compose.Outcome) (any, error) {
			s := xr.Status
			s.Phase = compose.Phase(xr.Status.Phase, o)
			return &s, nil
		}
		return p, nil
	}

	access, gate := reach(in, &p)
	dependencies, deps := dependencies(in, &p)
	ns := namespace(in, access, gate)
	p.Resources = append(p.Resources, ns...)
	if len(ns) > 0 {
		gate = gate.And(compose.WaitFor(in.Sees(resourceNamespace) && ns[0].Ready(in.Observed[resourceNamespace]).Ready,
			"Waiting for namespace "+xr.Spec.Namespace))
	}
	d, err := engine.Plan(in, access, gate.And(dependencies))
	if err != nil {
		return compose.Plan{}, err
	}
	p.Resources = append(p.Resources, d.Resources...)
	p.Resources = append(p.Resources, usages(in, d, deps, len(ns) > 0)...)
	p.Status = func(o compose.Outcome) (any, error) {
		return &v1alpha1.ComponentStatus{
			Phase:       compose.Phase(xr.Status.Phase, o),
			Version:     d.Version,
			Revision:    d.Revision,
			ReleaseName: d.ReleaseName,
			Access:      access,
			Leaves:      []v1alpha1.ObjectReference{d.Leaf},
		}, nil
	}
	return p, nil
}

// requirements are the cluster and the dependencies, whatever is known of them.
func requirements(xr v1alpha1.Component) []compose.Requirement {
	rs := []compose.Requirement{{
		Name: requirementCluster, APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KubernetesClusterKind,
		Namespace: xr.Namespace, ObjectName: xr.Spec.ClusterRef.Name,
	}}
	for _, d := range xr.Spec.DependsOn {
		rs = append(rs, compose.Requirement{
			Name: requirementDependency + d.Name, APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ComponentKind,
			Namespace: xr.Namespace, ObjectName: d.Name,
		})
	}
	return rs
}

// reach finds the way to the cluster: what the cluster says now, or the last
// that was known. The gate opens when the cluster is Ready.
func reach(in compose.Input[v1alpha1.Component], p *compose.Plan) (*v1alpha1.Access, compose.Gate) {
	name := in.Claim.Spec.ClusterRef.Name
	access, err := compose.ClusterAccess(in.One(requirementCluster))
	if access == nil {
		access = in.Claim.Status.Access
	}
	switch {
	case !in.Answered(requirementCluster):
		return access, compose.Gate{Waiting: "Waiting for KubernetesCluster " + name + " to be read"}
	case in.One(requirementCluster) == nil:
		msg := fmt.Sprintf("KubernetesCluster %s does not exist in this namespace", name)
		p.Problems = append(p.Problems, compose.Problem{Part: PartDependencies, Reason: "ClusterNotFound", Message: msg})
		return access, compose.Gate{Waiting: msg}
	case err != nil:
		return access, compose.Gate{Waiting: "Waiting for KubernetesCluster " + name + " to say how it is reached"}
	}
	return access, compose.WaitFor(access != nil && compose.IsReady(in.One(requirementCluster)),
		"Waiting for KubernetesCluster "+name+" to be Ready")
}

// A dependency is a Component that has to be Ready first, with its leaves.
type dependency struct {
	name   string
	leaves []v1alpha1.ObjectReference
}

// dependencies opens the gate when all of them are Ready.
func dependencies(in compose.Input[v1alpha1.Component], p *compose.Plan) (compose.Gate, []dependency) {
	gate := compose.Gate{}
	deps := make([]dependency, 0, len(in.Claim.Spec.DependsOn))
	for _, d := range in.Claim.Spec.DependsOn {
		o := in.One(requirementDependency + d.Name)
		deps = append(deps, dependency{name: d.Name, leaves: compose.Leaves(o)})
		if in.Answered(requirementDependency+d.Name) && o == nil {
			p.Problems = append(p.Problems, compose.Problem{
				Part: PartDependencies, Reason: "DependencyNotFound",
				Message: fmt.Sprintf("Component %s does not exist in this namespace. Create it, or take it out of dependsOn", d.Name),
			})
		}
		gate = gate.And(compose.WaitFor(compose.IsReady(o), "Waiting for Component "+d.Name+" to be Ready"))
	}
	return gate, deps
}

// namespace composes the namespace on the cluster.
//
// It may have been there before, with somebody else's work in it. So it is
// deleted with the component only once provider-kubernetes says that it was the
// one who created it.
func namespace(in compose.Input[v1alpha1.Component], access *v1alpha1.Access, gate compose.Gate) []compose.Resource {
	xr := in.Claim
	if xr.Spec.CreateNamespace != nil && !*xr.Spec.CreateNamespace {
		return nil
	}
	r := compose.Resource{Name: resourceNamespace, Part: PartDelivered, Gate: gate, Ready: compose.Managed}
	if access == nil {
		return []compose.Resource{r}
	}
	policies := []any{"Observe", "Create", "Update", "LateInitialize"}
	if o := in.Observed[resourceNamespace]; o != nil && o.GetAnnotations()["crossplane.io/external-create-succeeded"] != "" {
		policies = []any{"*"}
	}
	r.Object = map[string]any{
		"apiVersion": compose.KubernetesAPIVersion,
		"kind":       "Object",
		"metadata": map[string]any{
			"name":        namespaceRef(xr).Name,
			"namespace":   xr.Namespace,
			"annotations": map[string]any{compose.AnnotationPollInterval: compose.PollInterval},
		},
		"spec": map[string]any{
			"managementPolicies": policies,
			"providerConfigRef":  map[string]any{"kind": "ProviderConfig", "name": access.KubernetesProviderConfig},
			"readiness":          map[string]any{"policy": "DeriveFromCelQuery", "celQuery": `object.status.phase == "Active"`},
			"watch":              true,
			"forProvider": map[string]any{
				"manifest": map[string]any{
					"apiVersion": "v1",
					"kind":       "Namespace",
					"metadata":   map[string]any{"name": xr.Spec.Namespace},
				},
			},
		},
	}
	return []compose.Resource{r}
}

func namespaceRef(xr v1alpha1.Component) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{
		APIVersion: compose.KubernetesAPIVersion, Kind: "Object",
		Name: compose.Name(xr.Namespace, xr.Name, resourceNamespace),
	}
}

// usages encode the teardown: the leaf goes before what it needs.
func usages(in compose.Input[v1alpha1.Component], d Delivery, deps []dependency, ownsNamespace bool) []compose.Resource {
	xr := in.Claim
	seen := in.Sees(d.LeafName)
	protect := func(name string, of, by v1alpha1.ObjectReference, seen bool) compose.Resource {
		return compose.Protect(name, PartDelivered, xr.Namespace, xr.Name, of, by, seen)
	}
	us := []compose.Resource{protect("usage-access", d.Config, d.Leaf, seen)}
	if ownsNamespace {
		ns := namespaceRef(xr)
		us = append(us, protect("usage-namespace", ns, d.Leaf, seen && in.Sees(resourceNamespace)))
		config := v1alpha1.ObjectReference{APIVersion: compose.KubernetesAPIVersion, Kind: "ProviderConfig", Name: configName(in.Observed[resourceNamespace])}
		us = append(us, protect("usage-namespace-access", config, ns, config.Name != ""))
	}
	for _, dep := range deps {
		name := "usage-" + requirementDependency + dep.name
		u := compose.Resource{Name: name, Part: PartDelivered, Ready: compose.Managed, Gate: compose.Gate{Waiting: "Waiting for Component " + dep.name + " to name what it consists of"}}
		if len(dep.leaves) > 0 {
			u = protect(name, dep.leaves[0], d.Leaf, seen)
		}
		us = append(us, u)
	}
	return us
}

// configName is the ProviderConfig that an observed managed resource uses.
func configName(o *unstructured.Unstructured) string {
	if o == nil {
		return ""
	}
	n, _, _ := unstructured.NestedString(o.Object, "spec", "providerConfigRef", "name")
	return n
}
