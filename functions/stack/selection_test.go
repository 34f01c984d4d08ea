// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/catalog"
)

func parameters(cs ...v1alpha1.StackComponent) v1alpha1.StackParameters {
	return claim(cs...).Spec.StackParameters
}

func byFlux(p v1alpha1.StackParameters) v1alpha1.StackParameters {
	p.Deployer = v1alpha1.DeployerFlux
	return p
}

func TestRoots(t *testing.T) {
	cases := map[string]struct {
		reason    string
		p         v1alpha1.StackParameters
		deployers []v1alpha1.Deployer
		want      []string
	}{
		"Flux": {
			reason: "What deploys others is needed by them.",
			p:      byFlux(parameters()),
			want:   []string{"kube-prometheus-stack"},
		},
		"Deployers": {
			reason:    "What deploys workloads is there before them, and goes after them.",
			p:         parameters(),
			deployers: []v1alpha1.Deployer{v1alpha1.DeployerArgoCD, v1alpha1.DeployerFlux},
			want:      []string{"argo-cd", "flux", "kube-prometheus-stack"},
		},
		"Minimal": {
			reason: "What nobody needs is a root.",
			p:      parameters(),
			want:   []string{"kube-prometheus-stack"},
		},
		"Own": {
			reason: "A component of the team is a root unless another needs it.",
			p:      parameters(ownComponent("shop", "shops", "kube-prometheus-stack", "till"), ownComponent("till", "tills")),
			want:   []string{"shop"},
		},
		"Lodger": {
			reason: "Who lodges with whom depends on history: both are roots.",
			p:      parameters(ownComponent("shop", "shops"), ownComponent("till", "shops")),
			want:   []string{"kube-prometheus-stack", "shop", "till"},
		},
		"Wrong": {
			reason: "What is refused is no root.",
			p:      parameters(v1alpha1.StackComponent{Name: "shop"}),
			want:   []string{"kube-prometheus-stack"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			all, _, err := selection(tc.p, tc.deployers, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, slices.Sorted(slices.Values(topLevelComponents(all)))); diff != "" {
				t.Errorf("\n%s\nroots: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	cases := map[string]struct {
		reason string
		p      v1alpha1.StackParameters
		want   map[string]string
	}{
		"Minimal": {
			reason: "Every component of the profile has its namespace.",
			p:      parameters(),
			want: map[string]string{
				"cert-manager":             "cert-manager",
				"monitoring":               "kube-prometheus-stack",
				"prometheus-operator-crds": "prometheus-operator-crds",
			},
		},
		"Shared": {
			reason: "A namespace belongs to the component that makes it.",
			p:      parameters(ownComponent("a-shop", "monitoring"), ownComponent("till", "shops"), ownComponent("shop", "shops")),
			want: map[string]string{
				"cert-manager":             "cert-manager",
				"monitoring":               "kube-prometheus-stack",
				"prometheus-operator-crds": "prometheus-operator-crds",
				"shops":                    "shop",
			},
		},
		"Disabled": {
			reason: "What is not there has no namespace.",
			p:      parameters(disabled(v1alpha1.StackComponent{Name: "kube-prometheus-stack"})),
			want: map[string]string{
				"cert-manager":             "cert-manager",
				"prometheus-operator-crds": "prometheus-operator-crds",
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			all, _, err := selection(tc.p, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, namespaces(all)); diff != "" {
				t.Errorf("\n%s\nnamespaces: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestCatalog proves what every entry has to hold to, the next one too.
func TestCatalog(t *testing.T) {
	entries, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) == 0 {
		t.Fatal("the catalog is empty")
	}
	label := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	for name, e := range entries {
		t.Run(name, func(t *testing.T) {
			if !label.MatchString(name) || len(name) > 40 {
				t.Errorf("%q cannot be the name of a component", name)
			}
			if !label.MatchString(e.Namespace) {
				t.Errorf("%q is no namespace", e.Namespace)
			}
			if !regexp.MustCompile(`^(oci|https)://[^/]`).MatchString(e.Chart.Repository) || e.Chart.Name == "" {
				t.Errorf("%+v is no chart", e.Chart)
			}
			if !regexp.MustCompile(`^v?\d+\.\d+\.\d+`).MatchString(e.Chart.Version) {
				t.Errorf("%q is not one exact version", e.Chart.Version)
			}
			if e.Purpose == "" || e.Project.Name == "" || !regexp.MustCompile(`^https://`).MatchString(e.Project.Source) || !regexp.MustCompile(`^20\d\d-\d\d$`).MatchString(e.Project.Date) {
				t.Errorf("one cannot tell where it comes from and why it is here: %+v", e.Entry)
			}
			switch e.Project.Maturity {
			case catalog.Graduated, catalog.Incubating, catalog.Sandbox:
				if len(e.Profiles) == 0 && e.ProvidesDeployer == "" {
					t.Error("it is in no profile, and deploys nothing")
				}
			case catalog.NotCNCF:
				if len(e.Profiles) > 0 && e.Project.Name != ingressProject {
					t.Errorf("profiles hold CNCF projects only, and %s, not %s", ingressProject, e.Project.Name)
				}
			default:
				t.Errorf("%q is no maturity", e.Project.Maturity)
			}
			for _, n := range slices.Concat(e.Requires, e.StartAfter) {
				if _, ok := entries[n]; !ok {
					t.Errorf("it comes after %s, which is not in the catalog", n)
				}
			}
			if len(e.Personas) == 0 {
				t.Error("nobody wants it")
			}
			for _, p := range e.Personas {
				if !slices.Contains([]Persona{Practitioner, Developer, Analyst, BusinessOwner}, p) {
					t.Errorf("%q is no persona", p)
				}
			}
			for _, s := range slices.Concat(e.Consumes, e.Produces) {
				if !slices.Contains([]v1alpha1.Signal{v1alpha1.SignalMetrics, v1alpha1.SignalTraces, v1alpha1.SignalLogs, v1alpha1.SignalProfiles}, s) {
					t.Errorf("%q is no signal", s)
				}
			}
			for _, v := range e.Exposes {
				if !label.MatchString(v.Name) || !label.MatchString(v.Service) || v.Port <= 0 {
					t.Errorf("%+v is no view", v)
				}
			}
			for _, s := range e.Scrape {
				if len(s.Labels) == 0 || len(s.Ports) == 0 {
					t.Errorf("%+v says nothing of where metrics are", s)
				}
			}
			if len(e.Scrape) > 0 && !slices.Contains(e.Produces, v1alpha1.SignalMetrics) {
				t.Error("it is scraped and gives no metrics")
			}
			for _, p := range e.Profiles {
				for _, n := range e.Requires {
					if !entries[n].in(p) {
						t.Errorf("profile %s lacks %s, which it needs", p, n)
					}
				}
			}
		})
	}
	for _, p := range []v1alpha1.Profile{v1alpha1.ProfileMinimal, v1alpha1.ProfileStandard, v1alpha1.ProfileFull} {
		_, problems, err := selection(v1alpha1.StackParameters{Profile: p}, nil, nil)
		if err != nil || len(problems) > 0 {
			t.Errorf("profile %s cannot be composed: %v %v", p, problems, err)
		}
	}
}

// TestSections proves that a component is refused in the wrong section, by the API
// server where it can and here where it was not asked.
func TestSections(t *testing.T) {
	entries, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range sortedKeys(entries) {
		if entries[n].nonCNCF() {
			names = append(names, "'"+n+"'")
		}
	}
	raw, err := os.ReadFile(filepath.Join("..", "..", "apis", "observabilityplatforms", "definition.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if rule := "!(c.name in [" + strings.Join(names, ", ") + "])"; !strings.Contains(strings.Join(strings.Fields(string(raw)), " "), rule) {
		t.Errorf("the schema lacks a rule with %s: change it in StackParameters", rule)
	}

	minimal, _, err := selection(v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	one := func(name string) []v1alpha1.StackComponent { return []v1alpha1.StackComponent{{Name: name}} }
	cases := map[string]struct {
		reason string
		p      v1alpha1.StackParameters
		want   string
	}{
		"InCNCF": {
			reason: "What lies beyond the CNCF is named on purpose.",
			p:      v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal, Components: one("grafana")},
			want:   "Component grafana is a project outside the CNCF: name it in nonCNCFComponents instead of components",
		},
		"Beyond": {
			reason: "And what does not lie beyond it has its place.",
			p:      v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal, NonCNCFComponents: one("jaeger")},
			want:   "Component jaeger is not a project outside the CNCF: name it in components instead of nonCNCFComponents",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			all, problems, err := selection(tc.p, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(problems) != 1 || problems[0].Message != tc.want {
				t.Errorf("\n%s\nproblems: want %q, got %v", tc.reason, tc.want, problems)
			}
			if len(all) != len(minimal) {
				t.Errorf("\n%s\nthe rest of the stack is touched: %d components of %d", tc.reason, len(all), len(minimal))
			}
		})
	}
}
