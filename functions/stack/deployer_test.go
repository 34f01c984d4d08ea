// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/component"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// TestDeployer shows which deployer brings which component, and that the deployers
// come first.
func TestDeployer(t *testing.T) {
	type deployer struct {
		Deployer v1alpha1.Deployer
		// OnDeployer says that it comes after the component that is the deployer.
		OnDeployer bool
	}
	const helm, flux = v1alpha1.DeployerHelm, v1alpha1.DeployerFlux
	overridden := parameters(v1alpha1.StackComponent{Name: "cert-manager", Deployer: helm})
	standard := v1alpha1.StackParameters{Profile: v1alpha1.ProfileStandard}
	cases := map[string]struct {
		reason    string
		p         v1alpha1.StackParameters
		deployers []v1alpha1.Deployer
		there     map[string]namespaceOwner
		want      map[string]deployer
		problems  []string
	}{
		"Minimal": {
			reason: "The smallest profile does without deployers.",
			p:      v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal},
			want:   map[string]deployer{"cert-manager": {Deployer: helm}, "prometheus-operator-crds": {Deployer: helm}, "kube-prometheus-stack": {Deployer: helm}},
		},
		"Flux": {
			reason: "Flux is brought by Helm, and everything else by Flux.",
			p:      byFlux(parameters()),
			want:   map[string]deployer{"flux": {Deployer: helm}, "cert-manager": {flux, true}, "prometheus-operator-crds": {flux, true}, "kube-prometheus-stack": {flux, true}},
		},
		"Overridden": {
			reason: "One component may take another way.",
			p:      byFlux(overridden),
			want:   map[string]deployer{"flux": {Deployer: helm}, "cert-manager": {Deployer: helm}, "prometheus-operator-crds": {flux, true}, "kube-prometheus-stack": {flux, true}},
		},
		"Deployers": {
			reason:    "Deployers for others come along, and deploy nothing here.",
			p:         v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal},
			deployers: []v1alpha1.Deployer{v1alpha1.DeployerArgoCD},
			want:      map[string]deployer{"argo-cd": {Deployer: helm}, "cert-manager": {Deployer: helm}, "prometheus-operator-crds": {Deployer: helm}, "kube-prometheus-stack": {Deployer: helm}},
		},
		"Latched": {
			reason: "A larger profile has another default, which does not touch what is there.",
			p:      standard,
			there:  map[string]namespaceOwner{"cert-manager": {namespace: "cert-manager", owner: true, deployer: helm}},
			want:   map[string]deployer{"flux": {Deployer: helm}, "cert-manager": {Deployer: helm}, "prometheus-operator-crds": {flux, true}, "kube-prometheus-stack": {flux, true}},
		},
		"Changed": {
			reason:   "Asked for by name, it is refused. The schema does so too.",
			p:        byFlux(parameters()),
			there:    map[string]namespaceOwner{"cert-manager": {namespace: "cert-manager", owner: true, deployer: helm}},
			want:     map[string]deployer{"flux": {Deployer: helm}, "cert-manager": {Deployer: helm}, "prometheus-operator-crds": {flux, true}, "kube-prometheus-stack": {flux, true}},
			problems: []string{"Component cert-manager was deployed by Helm, and Flux does not take it over: disable it, and enable it again when it is gone"},
		},
		"Disabled": {
			reason: "Without Flux, Flux cannot deploy.",
			p:      byFlux(parameters(v1alpha1.StackComponent{Name: "cert-manager", Deployer: helm}, disabled(v1alpha1.StackComponent{Name: "flux"}))),
			want:   map[string]deployer{"cert-manager": {Deployer: helm}},
			problems: []string{
				"Component kube-prometheus-stack needs prometheus-operator-crds, which is not part of this stack: add it, or take it out of dependsOn",
				"Component prometheus-operator-crds needs flux, which is disabled: enable it, or disable prometheus-operator-crds too",
			},
		},
		"DeployerDisabled": {
			reason:    "The same for workloads.",
			p:         parameters(disabled(v1alpha1.StackComponent{Name: "argo-cd"})),
			deployers: []v1alpha1.Deployer{v1alpha1.DeployerArgoCD},
			want:      map[string]deployer{"cert-manager": {Deployer: helm}, "prometheus-operator-crds": {Deployer: helm}, "kube-prometheus-stack": {Deployer: helm}},
			problems:  []string{"Workloads are deployed by ArgoCD, and component argo-cd is disabled: enable it, or choose another deployer for them"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			all, problems, err := selection(tc.p, tc.deployers, tc.there)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]deployer{}
			for _, s := range all {
				// What else a profile holds is of no interest here.
				if _, ok := tc.want[s.Name]; ok || s.ProvidesDeployer != "" {
					got[s.Name] = deployer{Deployer: s.deployer, OnDeployer: s.deployerComponent != ""}
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\ndeployers: -want, +got:\n%s", tc.reason, diff)
			}
			var messages []string
			for _, p := range problems {
				messages = append(messages, p.Message)
			}
			if diff := cmp.Diff(tc.problems, messages, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
				t.Errorf("\n%s\nproblems: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestDeployersOfCatalog proves that every deployer but Helm is in the catalog, where
// its composer expects it.
func TestDeployersOfCatalog(t *testing.T) {
	entries, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	got := map[v1alpha1.Deployer]string{}
	for _, e := range entries {
		if e.ProvidesDeployer != "" {
			got[e.ProvidesDeployer] = e.Namespace
		}
	}
	want := map[v1alpha1.Deployer]string{v1alpha1.DeployerFlux: "flux-system", v1alpha1.DeployerArgoCD: component.ArgoCDNamespace}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("namespaces of deployers: -want, +got:\n%s", diff)
	}
}

// TestDeployerFirst shows that what Flux deploys waits for Flux.
func TestDeployerFirst(t *testing.T) {
	xr := claim()
	xr.Spec.StackParameters = byFlux(xr.Spec.StackParameters)
	w := compose.Request{XR: toUnstructured(t, xr), Required: reachable()}
	if diff := cmp.Diff([]string{"flux"}, names(run(t, w))); diff != "" {
		t.Errorf("first round: -want, +got:\n%s", diff)
	}
	w.Observed = observe(run(t, w))
	res := run(t, w)
	if diff := cmp.Diff([]string{"cert-manager", "flux", "prometheus-operator-crds"}, names(res)); diff != "" {
		t.Errorf("second round: -want, +got:\n%s", diff)
	}
	s := spec(t, res.Resources["cert-manager"])
	want := []v1alpha1.LocalReference{{Name: ComponentName("team-a", "demo", "flux")}}
	if diff := cmp.Diff(want, s.DependsOn); diff != "" || s.Deployer != v1alpha1.DeployerFlux {
		t.Errorf("deployer %s, dependsOn: -want, +got:\n%s", s.Deployer, diff)
	}
}
