// SPDX-License-Identifier: Apache-2.0

// Package component composes a Component: the only kind that knows
// deployers. A deployer plans the managed resources that install a source; what
// they wait for and what waits for them is common to all.
package component

import (
	"fmt"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/values"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Condition types of a Component.
const (
	// ConditionDependenciesReady is the condition that says whether cluster and
	// dependencies are there.
	ConditionDependenciesReady = "DependenciesReady"
	// ConditionDeployed is the condition that says whether the real thing works.
	ConditionDeployed = "Deployed"
)

// ConditionTypes of a Component, for those that compose one. What was deployed says
// more than what it waited for.
func ConditionTypes() []string { return []string{ConditionDeployed, ConditionDependenciesReady} }

const (
	requirementCluster    = "cluster"
	requirementDependency = "component-"
	requirementValues     = "values-"

	resourceNamespace = "namespace"

	// usageDependency begins the names of the Usages that protect what a component
	// depends on.
	usageDependency = "usage-" + requirementDependency
)

// A Deployer brings a source to a cluster.
type Deployer interface {
	// Plan returns the resources that deploy what the input describes.
	Plan(o RenderInput) (DeploymentPlan, error)
}

// A RenderInput is what a deployer is to deploy.
type RenderInput struct {
	compose.TypedRequest[v1alpha1.Component]

	// Connection to the cluster; nil while it is unknown.
	Connection *v1alpha1.Connection

	// Unknown says that the values are not all known. What is there is then kept as
	// it is.
	Unknown bool

	// Gate is open once the cluster, the namespace and the dependencies are there.
	Gate compose.Gate

	// Chart to install: that of the source, or the one that carries manifests. Nil
	// for Git.
	Chart *v1alpha1.Chart

	// Mirror that serves charts instead of their own repositories; nil for none.
	Mirror *compose.Mirror

	// Values of the chart. Deployers other than Helm find in them what valuesFrom
	// refers to.
	Values map[string]any

	// ReleaseName is what the deployer calls what it installs, unique on the cluster.
	ReleaseName string

	// Dependencies are the Components that this one depends on, as far as they are known.
	Dependencies []Dependency
}

// A Dependency is a Component that another one depends on.
type Dependency struct {
	v1alpha1.Component

	// IsReady says that it works now.
	IsReady bool
}

// A DeploymentPlan is what a deployer plans.
type DeploymentPlan struct {
	// Resources that deploy.
	Resources []compose.Resource

	// ManagedRefs are the resources whose existence means that something may still be
	// on the cluster. The first one has to outlive the others, and what depends on
	// the Component comes and goes by it.
	ManagedRefs []ManagedRef

	// Config is the ProviderConfig that the leaves need until they are gone.
	Config v1alpha1.ObjectReference

	// Version and Revision as observed.
	Version, Revision string
}

// A ManagedRef is a resource that stands for something on the cluster.
type ManagedRef struct {
	// Resource is the name that it is composed under.
	Resource string

	// Ref refers to it.
	Ref v1alpha1.ObjectReference
}

// deployerFor finds the implementation of a deployer: one row per deployer.
func deployerFor(d v1alpha1.Deployer) (Deployer, bool) {
	switch d {
	case v1alpha1.DeployerHelm:
		return helm{}, true
	case v1alpha1.DeployerFlux:
		return flux{}, true
	case v1alpha1.DeployerArgoCD:
		return argocd{}, true
	}
	return nil, false
}

// Compose plans a Component.
func Compose(in compose.TypedRequest[v1alpha1.Component]) (compose.Plan, error) {
	xr := in.Claim
	p := compose.Plan{ConditionTypes: ConditionTypes(), Requirements: requirements(xr)}
	deployer, ok := deployerFor(xr.Spec.Deployer)
	switch {
	case !ok:
		p.Problems = []compose.Problem{{ConditionType: ConditionDeployed, Reason: "Unsupported", Message: fmt.Sprintf("Deployer %s is not available yet. Available: %s, %s, %s", xr.Spec.Deployer, v1alpha1.DeployerHelm, v1alpha1.DeployerFlux, v1alpha1.DeployerArgoCD)}}
	case xr.Spec.Source.Chart == nil && xr.Spec.Source.Git == nil && len(xr.Spec.Source.Manifests) == 0:
		p.Problems = []compose.Problem{{ConditionType: ConditionDeployed, Reason: "InvalidSpec", Message: "There is nothing to deploy: give source.chart, source.git or source.manifests"}}
	case xr.Spec.Deployer == v1alpha1.DeployerHelm && xr.Spec.Source.Git != nil:
		p.Problems = []compose.Problem{{ConditionType: ConditionDeployed, Reason: "InvalidSpec", Message: "Deployer Helm cannot take source.git: choose deployer Flux or ArgoCD"}}
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

	connection, gate := connect(in, &p)
	dependencies, deps := dependencies(in, &p)
	ns := namespace(in, connection, gate)
	p.Resources = append(p.Resources, ns...)
	if len(ns) > 0 {
		gate = gate.And(compose.WaitFor(in.IsObserved(resourceNamespace) && ns[0].Ready(in.Observed[resourceNamespace]).Ready,
			"Waiting for namespace "+xr.Spec.TargetNamespace))
	}
	o, err := order(in, &p, deps)
	if err != nil {
		return compose.Plan{}, err
	}
	o.Connection, o.Gate = connection, gate.And(dependencies).And(o.Gate)
	if o.Mirror, err = mirrorOf(in.Settings, connection); err != nil {
		return compose.Plan{}, err
	}
	d, err := deployer.Plan(o)
	if err != nil {
		return compose.Plan{}, err
	}
	p.RequeueAfter = interruptedDue(o)
	protection := usages(in, d, deps, len(ns) > 0)
	pauseUntilProtected(in, d, protected(in, protection))
	p.Resources = append(p.Resources, d.Resources...)
	p.Resources = append(p.Resources, protection...)
	leaves := make([]v1alpha1.ObjectReference, 0, len(d.ManagedRefs))
	for _, l := range d.ManagedRefs {
		leaves = append(leaves, l.Ref)
	}
	p.Status = func(out compose.Outcome) (any, error) {
		s := &v1alpha1.ComponentStatus{
			Phase:        compose.Phase(xr.Status.Phase, out),
			ChartVersion: d.Version,
			Revision:     d.Revision,
			Connection:   connection,
			ResourceRefs: leaves,
		}
		if o.Chart != nil {
			s.ReleaseName = o.ReleaseName
		}
		return s, nil
	}
	return p, nil
}

// order makes what a deployer needs to know of a claim.
func order(in compose.TypedRequest[v1alpha1.Component], p *compose.Plan, deps []dependency) (RenderInput, error) {
	xr := in.Claim
	o := RenderInput{TypedRequest: in, Chart: xr.Spec.Source.Chart, ReleaseName: xr.Spec.ReleaseName}
	if o.ReleaseName == "" {
		o.ReleaseName = defaultReleaseName(xr)
	}
	for _, d := range deps {
		if d.component != nil {
			o.Dependencies = append(o.Dependencies, Dependency{Component: *d.component, IsReady: d.ready})
		}
	}
	if len(xr.Spec.Source.Manifests) > 0 {
		var err error
		o.Chart, o.Values, err = wrapManifests(xr.Spec.Source.Manifests)
		return o, err
	}
	var err error
	if xr.Spec.Deployer == v1alpha1.DeployerHelm {
		o.Values, err = values.From(xr.Spec.Values)
		return o, err
	}
	o.Values, o.Gate, err = allValues(in, p)
	o.Unknown = o.Gate.Waiting != ""
	return o, err
}

// mirrorOf the cluster's policy, or else of the function's flag.
func mirrorOf(s compose.Settings, connection *v1alpha1.Connection) (*compose.Mirror, error) {
	if connection == nil || connection.ChartMirror == "" {
		return s.ChartMirror, nil
	}
	return compose.ParseMirror(connection.ChartMirror)
}

// defaultReleaseName is unique on every cluster.
func defaultReleaseName(xr v1alpha1.Component) string {
	return compose.NameMax(compose.MaxReleaseName, xr.Namespace, xr.Name)
}

// requirements are the cluster, the dependencies and the values, whatever is
// known of them.
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
	if xr.Spec.Deployer == v1alpha1.DeployerHelm {
		return rs
	}
	asked := map[string]bool{}
	for _, v := range xr.Spec.ValuesFrom {
		// A Secret would end up in places where more people may read it.
		if v.Kind == v1alpha1.ValuesFromConfigMap && !asked[v.Name] {
			asked[v.Name] = true
			rs = append(rs, compose.Requirement{
				Name: requirementValues + v.Name, APIVersion: "v1", Kind: "ConfigMap",
				Namespace: xr.Namespace, ObjectName: v.Name,
			})
		}
	}
	return rs
}

// connect finds the connection to the cluster: what the cluster says now, or the last
// that was known. The gate opens when the cluster is Ready.
func connect(in compose.TypedRequest[v1alpha1.Component], p *compose.Plan) (*v1alpha1.Connection, compose.Gate) {
	name := in.Claim.Spec.ClusterRef.Name
	connection, err := compose.ClusterConnection(in.RequiredObject(requirementCluster))
	if connection == nil {
		connection = in.Claim.Status.Connection
	}
	switch {
	case !in.IsResolved(requirementCluster):
		return connection, compose.Gate{Waiting: "Waiting for KubernetesCluster " + name + " to be read"}
	case in.RequiredObject(requirementCluster) == nil:
		msg := fmt.Sprintf("KubernetesCluster %s does not exist in this namespace", name)
		p.Problems = append(p.Problems, compose.Problem{ConditionType: ConditionDependenciesReady, Reason: "ClusterNotFound", Message: msg})
		return connection, compose.Gate{Waiting: msg}
	case err != nil:
		return connection, compose.Gate{Waiting: "Waiting for KubernetesCluster " + name + " to say how it is reached"}
	}
	return connection, compose.WaitFor(connection != nil && compose.IsReady(in.RequiredObject(requirementCluster)),
		"Waiting for KubernetesCluster "+name+" to be Ready")
}

// A dependency is a Component that has to be Ready first, with its leaves.
type dependency struct {
	name string
	refs []v1alpha1.ObjectReference

	// component as it is observed, and whether it is Ready; nil while it is not.
	component *v1alpha1.Component
	ready     bool
}

// dependencies opens the gate when all of them are Ready.
func dependencies(in compose.TypedRequest[v1alpha1.Component], p *compose.Plan) (compose.Gate, []dependency) {
	gate := compose.Gate{}
	deps := make([]dependency, 0, len(in.Claim.Spec.DependsOn))
	for _, d := range in.Claim.Spec.DependsOn {
		o := in.RequiredObject(requirementDependency + d.Name)
		dep := dependency{name: d.Name, refs: compose.ManagedRefs(o), ready: compose.IsReady(o)}
		if o != nil {
			c := &v1alpha1.Component{}
			// The API server has accepted it.
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, c); err == nil {
				dep.component = c
			}
		}
		deps = append(deps, dep)
		if in.IsResolved(requirementDependency+d.Name) && o == nil {
			p.Problems = append(p.Problems, compose.Problem{
				ConditionType: ConditionDependenciesReady, Reason: "DependencyNotFound",
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
func namespace(in compose.TypedRequest[v1alpha1.Component], connection *v1alpha1.Connection, gate compose.Gate) []compose.Resource {
	xr := in.Claim
	if xr.Spec.CreateNamespace != nil && !*xr.Spec.CreateNamespace {
		return nil
	}
	r := compose.Resource{Name: resourceNamespace, ConditionType: ConditionDeployed, Gate: gate, Ready: compose.Managed}
	if connection == nil {
		return []compose.Resource{r}
	}
	policies := []any{"Observe", "Create", "Update", "LateInitialize"}
	if o := in.Observed[resourceNamespace]; o != nil && o.GetAnnotations()["crossplane.io/external-create-succeeded"] != "" {
		policies = []any{"*"}
	}
	metadata := map[string]any{"name": xr.Spec.TargetNamespace}
	if len(xr.Spec.NamespaceAnnotations) > 0 {
		annotations := make(map[string]any, len(xr.Spec.NamespaceAnnotations))
		for k, v := range xr.Spec.NamespaceAnnotations {
			annotations[k] = v
		}
		metadata["annotations"] = annotations
	}
	r.Object = onCluster(xr, connection, resourceNamespace, `object.status.phase == "Active"`, map[string]any{
		"apiVersion": "v1",
		"kind":       "Namespace",
		"metadata":   metadata,
	})
	//nolint:forcetypeassert // onCluster has just made it.
	r.Object["spec"].(map[string]any)["managementPolicies"] = policies
	return []compose.Resource{r}
}

// usages encode the teardown: the leaves go before what they need. All but the
// first leaf have to do with the first one only.
func usages(in compose.TypedRequest[v1alpha1.Component], d DeploymentPlan, deps []dependency, ownsNamespace bool) []compose.Resource {
	xr := in.Claim
	leaf, seen := d.ManagedRefs[0].Ref, in.IsObserved(d.ManagedRefs[0].Resource)
	protect := func(name string, of, by v1alpha1.ObjectReference, seen bool) compose.Resource {
		return compose.UsageWithReplay(name, ConditionDeployed, xr.Namespace, xr.Name, of, by, seen)
	}
	us := []compose.Resource{protect("usage-access", d.Config, leaf, seen)}
	for _, l := range d.ManagedRefs[1:] {
		us = append(us, protect("usage-"+l.Resource, leaf, l.Ref, seen && in.IsObserved(l.Resource)))
	}
	if ownsNamespace {
		ns := objectRef(xr, resourceNamespace)
		us = append(us, protect("usage-namespace", ns, leaf, seen && in.IsObserved(resourceNamespace)))
		config := v1alpha1.ObjectReference{APIVersion: compose.KubernetesAPIVersion, Kind: "ProviderConfig", Name: configName(in.Observed[resourceNamespace])}
		us = append(us, protect("usage-namespace-access", config, ns, config.Name != ""))
	}
	for _, dep := range deps {
		name := usageDependency + dep.name
		u := compose.Resource{Name: name, ConditionType: ConditionDeployed, Ready: compose.Managed, Gate: compose.Gate{Waiting: "Waiting for Component " + dep.name + " to name what it consists of"}}
		if len(dep.refs) > 0 {
			u = protect(name, dep.refs[0], leaf, seen)
		}
		us = append(us, u)
	}
	return us
}

// protected says whether nothing that the component depends on can be deleted any
// more before it.
func protected(in compose.TypedRequest[v1alpha1.Component], us []compose.Resource) bool {
	for _, u := range us {
		if !strings.HasPrefix(u.Name, usageDependency) {
			continue
		}
		if obs := in.Observed[u.Name]; obs == nil || !u.Ready(obs).Ready {
			return false
		}
	}
	return true
}

// pauseUntilProtected pauses the leaves that have not begun until what they depend on is
// protected. A Usage needs both its ends, and works a moment after them. Without
// the pause, a claim deleted in that moment would lose the CRDs that its charts
// need to be uninstalled. A leaf that never began vanishes at once.
func pauseUntilProtected(in compose.TypedRequest[v1alpha1.Component], d DeploymentPlan, protected bool) {
	switch in.Claim.Status.Phase {
	case v1alpha1.PhaseReady, v1alpha1.PhaseDegraded, v1alpha1.PhaseUpdating:
		// What has worked is not stopped, whatever is observed of it.
		protected = true
	}
	for i, r := range d.Resources {
		leaf := slices.ContainsFunc(d.ManagedRefs, func(l ManagedRef) bool { return l.Resource == r.Name })
		if !leaf || r.Object == nil || hasStarted(in.Observed[r.Name]) {
			continue
		}
		if !protected {
			_ = unstructured.SetNestedField(r.Object, "true", "metadata", "annotations", compose.AnnotationPaused)
		}
		d.Resources[i].Ready = func(o *unstructured.Unstructured) compose.Health {
			return compose.Health{
				Progressing: true, Reason: compose.ReasonWaiting,
				Message: fmt.Sprintf("%s %s begins when what it depends on is protected from deletion", o.GetKind(), o.GetName()),
			}
		}
	}
}

// hasStarted says whether a provider may have touched what a managed resource stands
// for. Before it does, it adds a finalizer.
func hasStarted(o *unstructured.Unstructured) bool {
	return o != nil && (len(o.GetFinalizers()) > 0 || o.GetAnnotations()[compose.AnnotationPaused] != "true")
}

// configName is the ProviderConfig that an observed managed resource uses.
func configName(o *unstructured.Unstructured) string {
	if o == nil {
		return ""
	}
	n, _, _ := unstructured.NestedString(o.Object, "spec", "providerConfigRef", "name")
	return n
}
