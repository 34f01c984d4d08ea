// SPDX-License-Identifier: Apache-2.0

// Package workload composes a Workload: one observed application, of the
// catalog or of the team.
package workload

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/catalog"
	"github.com/observe-k8s/observe-k8s/functions/component"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/values"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// ConditionAppReady is the condition that says whether the application works.
const ConditionAppReady = "AppReady"

// ConditionTypes of a Workload, for those that compose one.
func ConditionTypes() []string { return []string{ConditionAppReady} }

const (
	resourceApp   = "app"
	resourceLoad  = "load"
	resourceChaos = "chaos"
)

// gameChart is the chart of games, which can also run load generators for other
// applications.
const gameChart = string(v1alpha1.AppGame)

// Compose plans a Workload.
func Compose(in compose.TypedRequest[v1alpha1.Workload]) (compose.Plan, error) {
	xr := in.Claim
	app, known, err := app(xr.Spec.WorkloadParameters)
	if err != nil {
		return compose.Plan{}, err
	}
	seen, err := readStack(in)
	if err != nil {
		return compose.Plan{}, err
	}
	p := compose.Plan{ConditionTypes: ConditionTypes(), Requirements: seen.requirements}
	p.Status = func(o compose.Outcome) (any, error) {
		s := &v1alpha1.WorkloadStatus{Phase: compose.Phase(xr.Status.Phase, o), ChartVersion: app.Chart.Version}
		if xr.Spec.StackRef != nil {
			s.Environment, s.TopLevelComponents = seen.Environment, seen.TopLevelComponents
		}
		return s, nil
	}
	if !known {
		entries, err := Catalog()
		if err != nil {
			return compose.Plan{}, err
		}
		p.Partial = true
		p.Problems = []compose.Problem{{ConditionType: ConditionAppReady, Reason: "Unsupported", Message: fmt.Sprintf(
			"App %s is not available yet. Available: %s", xr.Spec.App, strings.Join(slices.Sorted(maps.Keys(entries)), ", "))}}
		return p, nil
	}
	p.Problems, err = Check(xr.Spec.WorkloadParameters, namespace(xr), seen.StackSummary)
	if err != nil {
		return compose.Plan{}, err
	}
	if seen.pending != nil && (seen.Environment == nil || len(p.Problems) > 0) {
		// What was known last may not be true any more.
		p.Problems = []compose.Problem{*seen.pending}
	}
	if len(p.Problems) > 0 {
		p.Partial = true
		return p, nil
	}
	seen.fill(&xr.Spec)
	in.Claim = xr

	own, err := wire(app, xr.Spec)
	if err != nil {
		return compose.Plan{}, err
	}
	l, err := values.Layer("values", ConditionAppReady, xr.Namespace, xr.Name, own, xr.Spec.Values, xr.Spec.ValuesFrom)
	if err != nil {
		return compose.Plan{}, err
	}
	create := true
	spec := v1alpha1.ComponentSpec{
		ClusterRef:      xr.Spec.ClusterRef,
		Deployer:        deployerOf(in),
		Source:          source(app, xr.Spec.WorkloadParameters),
		TargetNamespace: namespace(xr),
		CreateNamespace: &create,
		ValuesFrom:      l.From,
		DependsOn:       xr.Spec.DependsOn,
	}
	if xr.Spec.MeshInjection == v1alpha1.MeshInjectionEnabled {
		spec.NamespaceAnnotations = map[string]string{"linkerd.io/inject": "enabled"}
	}
	o, err := compose.Composite(v1alpha1.ComponentKind, xr.Namespace, componentName(xr, resourceApp), &spec)
	if err != nil {
		return compose.Plan{}, err
	}
	l.SetOn(o)
	if asked, is := xr.Spec.Deployer, deployerOf(in); asked != "" && asked != is {
		p.Problems = append(p.Problems, compose.Problem{ConditionType: ConditionAppReady, Reason: "ImmutableField", Message: fmt.Sprintf(
			"The workload was deployed by %s, and %s does not take it over: create a new Workload with the other deployer, then delete this one", is, asked)})
	}
	p.Resources = slices.Concat(l.Resources, []compose.Resource{{
		Name:          resourceApp,
		ConditionType: ConditionAppReady,
		Object:        o,
		Ready:         compose.Summarize(compose.CompositeHealth(component.ConditionTypes()...)),
	}})
	beside, err := auxiliaryComponents(in, app)
	p.Resources = append(p.Resources, beside...)
	if seen.pending != nil {
		p.BlockNew(seen.pending.Message)
		if !seen.pending.Progressing {
			p.Problems = append(p.Problems, *seen.pending)
		}
	}
	return p, err
}

// auxiliaryComponents are our own load generator and the faults. They are installed when
// the application works, and deleted before it.
func auxiliaryComponents(in compose.TypedRequest[v1alpha1.Workload], app App) ([]compose.Resource, error) {
	xr := in.Claim
	var out []compose.Resource
	add := func(name string, source v1alpha1.ComponentSource, v map[string]any) error {
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("cannot encode the values of %s: %w", name, err)
		}
		never := false
		spec := v1alpha1.ComponentSpec{
			ClusterRef:      xr.Spec.ClusterRef,
			Deployer:        deployerOf(in),
			Source:          source,
			TargetNamespace: namespace(xr),
			CreateNamespace: &never,
			DependsOn:       []v1alpha1.LocalReference{{Name: componentName(xr, resourceApp)}},
		}
		if v != nil {
			spec.Values = &runtime.RawExtension{Raw: raw}
		}
		o, err := compose.Composite(v1alpha1.ComponentKind, xr.Namespace, componentName(xr, name), &spec)
		out = append(out, compose.Resource{
			Name: name, ConditionType: ConditionAppReady, Object: o,
			Gate:  compose.WaitFor(compose.IsReady(in.Observed[resourceApp]), name+": waiting for the application"),
			Ready: compose.WithName(name, compose.Summarize(compose.CompositeHealth(component.ConditionTypes()...))),
		})
		return err
	}
	if d := app.Load; d != nil && d.Requests != nil {
		if n := users(app, xr.Spec.WorkloadParameters); n > 0 {
			entries, err := Catalog()
			if err != nil {
				return nil, err
			}
			chart := entries[gameChart].Chart
			if err := add(resourceLoad, v1alpha1.ComponentSource{Chart: &chart}, loaderValues(d.Requests, n, xr.Spec.Environment)); err != nil {
				return nil, err
			}
		}
	}
	if objects := chaosManifests(app, xr); len(objects) > 0 {
		source := v1alpha1.ComponentSource{}
		for _, o := range objects {
			raw, err := json.Marshal(o)
			if err != nil {
				return nil, fmt.Errorf("cannot encode a fault: %w", err)
			}
			source.Manifests = append(source.Manifests, runtime.RawExtension{Raw: raw})
		}
		if err := add(resourceChaos, source, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func componentName(xr v1alpha1.Workload, resource string) string {
	return compose.Name(xr.Namespace, xr.Name, resource)
}

// WebUIOf a workload, which a person opens; nil when it has none. That of a game is
// the root of its first service.
func WebUIOf(p v1alpha1.WorkloadParameters) (*WebUI, error) {
	app, known, err := app(p)
	if err != nil || !known {
		return nil, err
	}
	if p.Game != nil && len(p.Game.Services) > 0 {
		return &WebUI{Service: string(p.Game.Services[0].Name), Port: 80}, nil
	}
	return app.Exposes, nil
}

// Check finds what is wrong with what a team asks for in a namespace of the cluster.
// What depends on the stack is not checked while its environment is unknown.
func Check(spec v1alpha1.WorkloadParameters, namespace string, stack v1alpha1.StackSummary) ([]compose.Problem, error) {
	app, known, err := app(spec)
	if err != nil || !known {
		return nil, err
	}
	refuse := func(reason, message string) []compose.Problem {
		return []compose.Problem{{ConditionType: ConditionAppReady, Reason: reason, Message: message}}
	}
	if app.Unavailable != "" {
		return refuse("Unsupported", "App "+app.Name+" cannot be deployed: "+app.Unavailable), nil
	}
	problems := slices.Concat(checkGame(spec), checkChaos(app, spec))
	environment := stack.Environment
	if len(problems) > 0 || environment == nil {
		return problems, nil
	}
	if i := slices.IndexFunc(stack.Namespaces, func(n v1alpha1.StackNamespace) bool { return n.Name == namespace }); i >= 0 {
		return refuse("NamespaceConflict", fmt.Sprintf("The workload cannot have namespace %s, which is that of component %s: give it another in workloads[].namespace", namespace, stack.Namespaces[i].Component)), nil
	}
	if a := environment.Architecture; a != "" && len(app.Architectures) > 0 && !slices.Contains(app.Architectures, a) {
		return refuse("UnsupportedArchitecture", fmt.Sprintf("App %s has images for %s only, and the nodes are %s: set cluster.nodes.architecture, or choose another app", app.Name, join(app.Architectures), a)), nil
	}
	byMesh := slices.ContainsFunc(spec.Chaos, func(w v1alpha1.ChaosWindow) bool { return chaosKindOf(w.Fault).kind != "" })
	if byMesh && !has(*environment, v1alpha1.CapabilityChaosMesh) {
		return refuse("ComponentMissing", "Chaos needs Chaos Mesh on the cluster: enable component chaos-mesh in stack.components, or take profile Full"), nil
	}
	if spec.MeshInjection == v1alpha1.MeshInjectionEnabled && !has(*environment, v1alpha1.CapabilityMesh) {
		return refuse("ComponentMissing", "There is no mesh on the cluster: enable component linkerd-control-plane in stack.components, or take profile Standard"), nil
	}
	return nil, nil
}

func join(architectures []v1alpha1.Architecture) string {
	out := make([]string, 0, len(architectures))
	for _, a := range architectures {
		out = append(out, string(a))
	}
	return strings.Join(out, ", ")
}

// deployerOf that deploys the workload: the one that did, or else the one asked for.
func deployerOf(in compose.TypedRequest[v1alpha1.Workload]) v1alpha1.Deployer {
	was := ""
	if o := in.Observed[resourceApp]; o != nil {
		was, _, _ = unstructured.NestedString(o.Object, "spec", "deployer")
	}
	return cmp.Or(v1alpha1.Deployer(was), in.Claim.Spec.Deployer, v1alpha1.DeployerHelm)
}

// namespace on the cluster: the one asked for, or the workload's own name, so
// that several workloads of one app do not meet.
func namespace(xr v1alpha1.Workload) string {
	if xr.Spec.TargetNamespace != "" {
		return xr.Spec.TargetNamespace
	}
	// A workload's name may have dots, a namespace's may not.
	return strings.ReplaceAll(xr.Name, ".", "-")
}

// source of the application: a chart, or what the team wrote itself.
func source(app App, p v1alpha1.WorkloadParameters) v1alpha1.ComponentSource {
	if len(p.Manifests) > 0 {
		return v1alpha1.ComponentSource{Manifests: p.Manifests}
	}
	return v1alpha1.ComponentSource{Chart: &app.Chart}
}

// app is the application that is asked for.
func app(p v1alpha1.WorkloadParameters) (App, bool, error) {
	if p.Chart != nil {
		return App{Entry: catalog.Entry{Chart: *p.Chart}}, true, nil
	}
	if len(p.Manifests) > 0 {
		return App{}, true, nil
	}
	entries, err := Catalog()
	if err != nil {
		return App{}, false, err
	}
	a, found := entries[string(p.App)]
	return a, found, nil
}
