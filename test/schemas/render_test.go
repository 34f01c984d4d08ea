// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// free are the values that we set where a chart leaves everything open.
func free() []Free {
	return []Free{
		{Chart: "argo-cd", Path: "configs.params", Reason: "Argo CD's own settings"},
		{Chart: "cert-manager", Path: "config", Reason: "the controller's own configuration file"},
		{Chart: "content", Path: "components", Reason: "components of the stack, by name"},
		{Chart: "game", Path: "game", Reason: "a game, which the schema of the claim judges"},
		{Chart: "grafana", Path: "datasources", Reason: "Grafana's own provisioning file"},
		{Chart: "grafana", Path: "fullnameOverride", Reason: "its templates know it, its values do not say so"},
		{Chart: "grafana", Path: "grafana.ini", Reason: "Grafana's own configuration file"},
		{Chart: "jaeger", Path: "jaeger.securityContext", Reason: "a container's security context"},
		{Chart: "jaeger", Path: "userconfig", Reason: "Jaeger's own configuration file"},
		{Chart: "kube-prometheus-stack", Path: "prometheus.prometheusSpec.externalLabels", Reason: "labels"},
		{Chart: "kube-prometheus-stack", Path: "prometheus.prometheusSpec.storageSpec", Reason: "a volume claim"},
		{Chart: "kube-prometheus-stack", Path: "prometheus.prometheusSpec.thanos", Reason: "the ThanosSpec of the operator"},
		{Chart: "linkerd-control-plane", Path: "tolerations", Reason: "its templates know it, its values do not say so"},
		{Chart: "loki", Path: "loki.limits_config", Reason: "Loki's own configuration file"},
		{Chart: "loki", Path: "loki.schemaConfig", Reason: "Loki's own configuration file"},
		{Chart: "opentelemetry-collector", Path: "config", Reason: "the collector's own configuration file"},
		{Chart: "opentelemetry-collector", Path: "ports.remote-write", Reason: "ports by name"},
		{Chart: "pyroscope", Path: "pyroscope.persistence.storageClassName", Reason: "its templates know it, its values have it in a comment"},
		{Chart: "tempo", Path: "persistence.storageClassName", Reason: "its templates know it, its values have it in a comment"},
	}
}

// ourCharts is the repository of the charts that the project publishes.
const ourCharts = "oci://ghcr.io/observe-k8s/charts"

// listed are the charts that nobody collected, and that somebody read.
func listed(t *testing.T) []Listed {
	t.Helper()
	var out []Listed
	if err := read(filepath.Join("testdata", "charts.yaml"), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// claims are all that the project shows and tests, by file and name.
func claims(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	out := map[string]*unstructured.Unstructured{}
	for _, glob := range []string{filepath.Join(root, "examples", "*.yaml"), filepath.Join("testdata", "claims", "*.yaml")} {
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for doc := range strings.SplitSeq("\n"+string(b), "\n---\n") {
				u := &unstructured.Unstructured{}
				if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
					t.Fatal(err)
				}
				if len(u.Object) == 0 || !strings.HasPrefix(u.GetAPIVersion(), "observe-k8s.io/") {
					continue
				}
				out[filepath.Base(f)+"/"+u.GetKind()+"/"+u.GetName()] = u
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no claim to render")
	}
	return out
}

// simulation of a claim. Namespaces that take the management cluster are allowed
// to.
func simulation(t *testing.T, claim *unstructured.Unstructured) *simulate.Simulation {
	t.Helper()
	s, err := simulate.New(compose.Settings{ManagementClusterNamespaces: []string{"*"}}, claim)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rendered are the objects of a claim, fully converged.
func rendered(t *testing.T, claim *unstructured.Unstructured) []*unstructured.Unstructured {
	t.Helper()
	s := simulation(t, claim)
	if _, err := s.Converge(); err != nil {
		t.Fatal(err)
	}
	return s.Composed()
}

// TestRenderedObjects judges every object that every claim becomes, and the
// claims themselves, after each round: nothing on the way is refused either.
func TestRenderedObjects(t *testing.T) {
	for origin, folders := range origins() {
		t.Run(origin, func(t *testing.T) {
			set := load(t, folders...)
			for name, claim := range claims(t) {
				t.Run(name, func(t *testing.T) { judgeRounds(t, set, claim) })
			}
		})
	}
}

// judgeRounds judges a claim, and after each round everything below it.
func judgeRounds(t *testing.T, set *Set, claim *unstructured.Unstructured) {
	t.Helper()
	for _, err := range set.Validate(t.Context(), claim.Object) {
		t.Error(err)
	}
	s := simulation(t, claim)
	judged := map[string]bool{}
	for round := range simulate.MaxRounds {
		changed, err := s.Reconcile()
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range s.Composed() {
			// What did not change since the last round was judged then.
			b, err := o.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			if judged[string(b)] {
				continue
			}
			judged[string(b)] = true
			for _, err := range set.Validate(t.Context(), o.Object) {
				t.Errorf("round %d: %v", round, err)
			}
		}
		if !changed {
			return
		}
	}
	t.Error("does not settle")
}

// TestStatusIsDeclared judges the status that composers write: Crossplane drops
// the whole status when one field is not declared.
func TestStatusIsDeclared(t *testing.T) {
	set := load(t)
	for name, claim := range claims(t) {
		t.Run(name, func(t *testing.T) {
			s := simulation(t, claim)
			judged := map[string]bool{}
			for range simulate.MaxRounds {
				changed, err := s.Reconcile()
				if err != nil {
					t.Fatal(err)
				}
				var walk func(n simulate.Node)
				walk = func(n simulate.Node) {
					if n.IsLeaf() {
						return
					}
					// Crossplane writes the conditions, with their times.
					o := n.Object.DeepCopy()
					unstructured.RemoveNestedField(o.Object, "status", "conditions")
					b, err := o.MarshalJSON()
					if err != nil {
						t.Fatal(err)
					}
					if !judged[string(b)] {
						judged[string(b)] = true
						for _, err := range set.Validate(t.Context(), o.Object) {
							t.Error(err)
						}
					}
					for _, c := range n.Children {
						walk(c)
					}
				}
				for _, n := range s.Trees() {
					walk(n)
				}
				if !changed {
					return
				}
			}
		})
	}
}

// TestValues judges the values of every chart by the chart's own, whatever deployer
// deploys it.
func TestValues(t *testing.T) {
	charts := newShelf(t)
	var used []Free
	for name, claim := range claims(t) {
		for _, o := range rendered(t, claim) {
			c, values, err := charts.of(o)
			if err != nil {
				t.Errorf("%s/%s: %v", name, o.GetName(), err)
			}
			if c == nil {
				continue
			}
			errs, f := c.Check(values, free())
			used = append(used, f...)
			for _, err := range errs {
				t.Errorf("%s/%s: %v", name, o.GetName(), err)
			}
		}
	}
	for _, f := range free() {
		if !slices.Contains(used, f) {
			t.Errorf("%s of chart %s is listed as free but nobody sets it: remove it from the list", f.Path, f.Chart)
		}
	}
}

// TestActivationPolicy proves that exactly the managed resources that are
// composed are activated.
func TestActivationPolicy(t *testing.T) {
	composed := map[string]bool{}
	for _, claim := range claims(t) {
		for _, o := range rendered(t, claim) {
			group := o.GroupVersionKind().Group
			_, managed, _ := unstructured.NestedMap(o.Object, "spec", "forProvider")
			if managed && (strings.Contains(group, ".m.") || group == "local.observe-k8s.io") {
				composed[plural(o.GetKind())+"."+group] = true
			}
		}
	}
	if diff := cmp.Diff(activated(t), slices.Sorted(maps.Keys(composed))); diff != "" {
		t.Errorf("managed resources: -activated, +composed:\n%s", diff)
	}
}

// activated are the kinds that our policy activates, as names of CRDs.
func activated(t *testing.T) []string {
	t.Helper()
	policy := struct{ Spec struct{ Activate []string } }{}
	if err := read(filepath.Join(root, "package", "activation-policy.yaml"), &policy); err != nil {
		t.Fatal(err)
	}
	return policy.Spec.Activate
}

// providerOf is the name of the provider's package that serves an API group:
// ec2.aws.m.upbound.io is served by provider-aws-ec2, azure.m.upbound.io by
// provider-family-azure.
func providerOf(group string) string {
	group = strings.TrimSuffix(strings.TrimSuffix(group, ".m.upbound.io"), ".m.crossplane.io")
	switch service, cloud, ok := strings.Cut(group, "."); {
	case group == "local.observe-k8s.io":
		return "provider-local"
	case ok:
		return "provider-" + cloud + "-" + service
	case group == "helm", group == "kubernetes", group == "k3s":
		return "provider-" + group
	default:
		return "provider-family-" + group
	}
}

// dependencies of the Configuration on providers: ranges of versions, by the name of
// the package.
func dependencies(t *testing.T) map[string]string {
	t.Helper()
	configuration := struct {
		Spec struct {
			DependsOn []struct{ Kind, Package, Version string }
		}
	}{}
	if err := read(filepath.Join(root, "crossplane.yaml"), &configuration); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, d := range configuration.Spec.DependsOn {
		if d.Kind == "Provider" {
			out[path.Base(d.Package)] = d.Version
		}
	}
	return out
}

// TestProvidersAreInstalled proves that the Configuration brings a provider for every
// kind that is activated, and none besides.
func TestProvidersAreInstalled(t *testing.T) {
	want := map[string]bool{}
	for _, name := range activated(t) {
		_, group, _ := strings.Cut(name, ".")
		want[providerOf(group)] = true
	}
	got := slices.Sorted(maps.Keys(dependencies(t)))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
		t.Errorf("providers: -activated, +installed:\n%s", diff)
	}
}

// plural of a kind, as CRDs have it.
func plural(kind string) string {
	k := strings.ToLower(kind)
	if stem, ok := strings.CutSuffix(k, "y"); ok && !strings.ContainsAny(stem[len(stem)-1:], "aeiou") {
		return stem + "ies"
	}
	if strings.HasSuffix(k, "s") {
		return k + "es"
	}
	return k + "s"
}
