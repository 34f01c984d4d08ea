// Package workload composes a Workload: one observed application, of the
// catalog or of the team.
package workload

import (
	"cmp"
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
)

// PartApp is the condition that says whether the application works.
const PartApp = "AppReady"

// Parts of a Workload, for those that compose one.
func Parts() []string { return []string{PartApp} }

const resourceApp = "app"

// Compose plans a Workload.
func Compose(in compose.Input[v1alpha1.Workload]) (compose.Plan, error) {
	xr := in.Claim
	app, known, err := app(xr.Spec.WorkloadParameters)
	if err != nil {
		return compose.Plan{}, err
	}
	p := compose.Plan{Parts: Parts()}
	p.Status = func(o compose.Outcome) (any, error) {
		return &v1alpha1.WorkloadStatus{Phase: compose.Phase(xr.Status.Phase, o), Version: app.Chart.Version}, nil
	}
	if !known {
		entries, err := Catalog()
		if err != nil {
			return compose.Plan{}, err
		}
		p.Partial = true
		p.Problems = []compose.Problem{{Part: PartApp, Reason: "NotAvailableYet", Message: fmt.Sprintf(
			"App %s is not available yet. Available: %s", xr.Spec.App, strings.Join(slices.Sorted(maps.Keys(entries)), ", "))}}
		return p, nil
	}
	if p.Problems = Check(xr.Spec.WorkloadParameters); len(p.Problems) > 0 {
		p.Partial = true
		return p, nil
	}

	own, err := wire(xr.Spec.WorkloadParameters)
	if err != nil {
		return compose.Plan{}, err
	}
	l, err := values.Layer("values", PartApp, xr.Namespace, xr.Name, values.Merge(app.Values, own), xr.Spec.Values, xr.Spec.ValuesFrom)
	if err != nil {
		return compose.Plan{}, err
	}
	create := true
	o, err := compose.Composite(v1alpha1.ComponentKind, xr.Namespace, compose.Name(xr.Namespace, xr.Name, resourceApp), &v1alpha1.ComponentSpec{
		ClusterRef:      xr.Spec.ClusterRef,
		Engine:          engine(in),
		Source:          v1alpha1.ComponentSource{Chart: &app.Chart},
		Namespace:       namespace(xr),
		CreateNamespace: &create,
		Values:          l.Values,
		ValuesFrom:      l.From,
		DependsOn:       xr.Spec.DependsOn,
	})
	if err != nil {
		return compose.Plan{}, err
	}
	if asked, is := xr.Spec.Delivery, engine(in); asked != "" && asked != is {
		p.Problems = append(p.Problems, compose.Problem{Part: PartApp, Reason: "DeliveryChanged", Message: fmt.Sprintf(
			"The workload was delivered by %s, and %s does not take it over: create a new Workload with the other delivery, then delete this one", is, asked)})
	}
	p.Resources = slices.Concat(l.Resources, []compose.Resource{{
		Name:   resourceApp,
		Part:   PartApp,
		Object: o,
		Ready:  compose.Child(component.Parts()...),
	}})
	return p, nil
}

// Check finds what is wrong with what a team asks for, as far as it can be seen
// without a cluster.
func Check(p v1alpha1.WorkloadParameters) []compose.Problem {
	return checkGame(p)
}

// wire gives an application the values that depend on what the team asks for.
func wire(p v1alpha1.WorkloadParameters) (map[string]any, error) {
	if p.App == v1alpha1.AppGame {
		return game(p.Game)
	}
	return nil, nil
}

// engine that delivers the workload: the one that did, or else the one asked for.
func engine(in compose.Input[v1alpha1.Workload]) v1alpha1.Delivery {
	was := ""
	if o := in.Observed[resourceApp]; o != nil {
		was, _, _ = unstructured.NestedString(o.Object, "spec", "engine")
	}
	return cmp.Or(v1alpha1.Delivery(was), in.Claim.Spec.Delivery, v1alpha1.DeliveryHelm)
}

// namespace on the cluster: the one asked for, or the workload's own name, so
// that several workloads of one app do not meet.
func namespace(xr v1alpha1.Workload) string {
	if xr.Spec.Namespace != "" {
		return xr.Spec.Namespace
	}
	// A workload's name may have dots, a namespace's may not.
	return strings.ReplaceAll(xr.Name, ".", "-")
}

// app is the application that is asked for.
func app(p v1alpha1.WorkloadParameters) (App, bool, error) {
	if p.Chart != nil {
		return App{Entry: catalog.Entry{Chart: *p.Chart}}, true, nil
	}
	entries, err := Catalog()
	if err != nil {
		return App{}, false, err
	}
	a, found := entries[string(p.App)]
	return a, found, nil
}
