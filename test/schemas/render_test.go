// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"os"
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
	for origin, loaded := range origins() {
		t.Run(origin, func(t *testing.T) {
			set := loaded(t)
			// No program of the control plane brings the CRDs of clouds, hosts and Argo CD.
			lacksClouds := origin == pinned
			if lacksClouds {
				t.Log("SKIPPED: objects of the providers of clouds and hosts, and of Argo CD, are NOT checked against pinned schemas, only against collected ones")
			}
			for name, claim := range claims(t) {
				t.Run(name, func(t *testing.T) { judgeRounds(t, set, claim, lacksClouds) })
			}
		})
	}
}

// judgeRounds judges a claim, and after each round everything below it. Objects
// of cloud providers are left out where the set lacks their schemas.
func judgeRounds(t *testing.T, set *Set, claim *unstructured.Unstructured, lacksClouds bool) {
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
			group := o.GroupVersionKind().Group
			if lacksClouds && (strings.HasSuffix(group, ".m.upbound.io") || group == "k3s.m.crossplane.io" || wraps(o, "argoproj.io/")) {
				continue
			}
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

// wraps says whether an object is to be created on a cluster, of some API group.
func wraps(o *unstructured.Unstructured, group string) bool {
	v, _, _ := unstructured.NestedString(o.Object, "spec", "forProvider", "manifest", "apiVersion")
	return strings.HasPrefix(v, group)
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
	collected := filepath.Join(folder(t), "charts")
	if _, err := os.Stat(collected); err != nil {
		t.Skipf("SKIPPED: the folder in %s has no values of charts: they were NOT checked", Env)
	}
	loaded := map[string]*Chart{}
	var used []Free
	for name, claim := range claims(t) {
		for _, o := range rendered(t, claim) {
			if o.GetKind() != "Component" {
				continue
			}
			chart, ok, _ := unstructured.NestedString(o.Object, "spec", "source", "chart", "name")
			if !ok {
				continue
			}
			version, _, _ := unstructured.NestedString(o.Object, "spec", "source", "chart", "version")
			repository, _, _ := unstructured.NestedString(o.Object, "spec", "source", "chart", "repository")
			values, _, _ := unstructured.NestedMap(o.Object, "spec", "values")
			t.Run(name+"/"+o.GetName(), func(t *testing.T) {
				c := loaded[chart]
				if c == nil {
					folder := collected
					if repository == ourCharts {
						folder = filepath.Join(root, "package", "charts")
					}
					var err error
					if c, err = LoadChart(folder, chart, listed(t)...); err != nil {
						t.Fatal(err)
					}
					loaded[chart] = c
				}
				if c.Version != "" {
					if diff := cmp.Diff(c.Version, version); diff != "" {
						t.Errorf("the values that are checked are not of the version that is installed: -want, +got:\n%s", diff)
					}
				}
				errs, f := c.Check(plain(t, values), free())
				used = append(used, f...)
				for _, err := range errs {
					t.Error(err)
				}
			})
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
	b, err := os.ReadFile(filepath.Join(root, "package", "activation-policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	policy := struct{ Spec struct{ Activate []string } }{}
	if err := yaml.Unmarshal(b, &policy); err != nil {
		t.Fatal(err)
	}

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
	got := []string{}
	for name := range composed {
		got = append(got, name)
	}
	slices.Sort(got)
	if diff := cmp.Diff(policy.Spec.Activate, got); diff != "" {
		t.Errorf("managed resources: -activated, +composed:\n%s", diff)
	}
}

// TestCloudProviders proves that the Configuration brings a provider for every kind
// of a cloud that is activated, and none besides.
func TestCloudProviders(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "package", "activation-policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	policy := struct{ Spec struct{ Activate []string } }{}
	if err := yaml.Unmarshal(b, &policy); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, name := range policy.Spec.Activate {
		_, group, _ := strings.Cut(name, ".")
		switch group {
		case "k3s.m.crossplane.io":
			want["xpkg.crossplane.io/crossplane-contrib/provider-k3s"] = true
			continue
		case "local.observe-k8s.io":
			want["xpkg.crossplane.io/observe-k8s/provider-local"] = true
			continue
		}
		group, ok := strings.CutSuffix(group, ".m.upbound.io")
		if !ok {
			continue
		}
		// ec2.aws is served by provider-aws-ec2, azure by provider-family-azure.
		provider := "provider-family-" + group
		if service, cloud, ok := strings.Cut(group, "."); ok {
			provider = "provider-" + cloud + "-" + service
		}
		want["xpkg.crossplane.io/crossplane-contrib/"+provider] = true
	}

	if b, err = os.ReadFile(filepath.Join(root, "crossplane.yaml")); err != nil {
		t.Fatal(err)
	}
	configuration := struct {
		Spec struct {
			DependsOn []struct{ Package string } `json:"dependsOn"`
		}
	}{}
	if err := yaml.Unmarshal(b, &configuration); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, d := range configuration.Spec.DependsOn {
		if strings.HasSuffix(d.Package, "/provider-k3s") || strings.HasSuffix(d.Package, "/provider-local") {
			got[d.Package] = true
		}
		for _, cloud := range []string{"aws", "azure", "gcp"} {
			if strings.Contains(d.Package, "/provider-"+cloud+"-") || strings.HasSuffix(d.Package, "/provider-family-"+cloud) {
				got[d.Package] = true
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
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

// plain values as YAML has them: Go's types of numbers do not matter.
func plain(t *testing.T, values map[string]any) map[string]any {
	t.Helper()
	b, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return object(t, string(b))
}
