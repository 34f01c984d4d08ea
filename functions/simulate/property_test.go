// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"flag"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/stack"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var (
	seed   = flag.Int64("seed", 1, "seed of the first random claim; the others follow")
	claims = flag.Int("claims", 10, "number of random claims")
)

// forClaims runs f for random claims, each by a seed of its own, which a
// failure names: go test -run TEST/SEED -seed SEED -claims 1.
func forClaims(t *testing.T, f func(t *testing.T, r *rand.Rand, claim *unstructured.Unstructured)) {
	t.Helper()
	for s := *seed; s < *seed+int64(*claims); s++ {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewSource(s))
			c := &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": v1alpha1.APIVersion,
				"kind":       v1alpha1.ObservabilityPlatformKind,
				"metadata":   map[string]any{"name": "demo", "namespace": "team-a"},
				"spec":       randomSpec(t, r),
			}}
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the claim of seed %d:\n%s", s, render(t, []*unstructured.Unstructured{c}))
				}
			})
			f(t, r, c)
		})
	}
}

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

func pick[T any](r *rand.Rand, from []T) T { return from[r.Intn(len(from))] }

// randomSpec is the spec of a platform that the schema admits; what only a
// composer can know is wrong with some.
func randomSpec(t *testing.T, r *rand.Rand) map[string]any {
	t.Helper()
	existing := map[string]any{"kubeconfigSecretRef": map[string]any{"name": "remote"}}
	if chance(r, 0.2) {
		existing = map[string]any{"managementCluster": true}
	}
	if chance(r, 0.3) {
		existing["storageClassName"] = "fast"
	}
	if chance(r, 0.3) {
		existing["controlPlaneMetricsReachable"] = true
	}
	s := map[string]any{}
	deployer := pick(r, []string{"", "Helm", "Flux", "Flux"})
	if deployer != "" {
		s["deployer"] = deployer
	}
	s["components"] = randomComponents(t, r, deployer)
	return map[string]any{
		"cluster":   randomCluster(r, existing),
		"stack":     s,
		"workloads": randomWorkloads(r),
	}
}

func randomChart(r *rand.Rand, name, deployer string) map[string]any {
	repository := pick(r, []string{"oci://charts.example.org", "https://charts.example.org/stable"})
	c := map[string]any{
		"repository": repository,
		"name":       name,
		"version":    fmt.Sprintf("1.%d.0", r.Intn(3)),
	}
	if strings.HasPrefix(repository, "oci://") && deployer != "ArgoCD" && chance(r, 0.2) {
		c["digest"] = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	}
	return c
}

// randomValues are values and where values come from. Only Helm takes Secrets.
func randomValues(r *rand.Rand, into map[string]any, deployer string) {
	from := []string{"Secret", "ConfigMap"}
	if deployer == "Flux" || deployer == "ArgoCD" {
		from = from[1:]
	}
	if chance(r, 0.4) {
		into["values"] = map[string]any{"replicaCount": int64(r.Intn(5)), "nested": map[string]any{"a": "b"}, "list": []any{"c"}}
	}
	if chance(r, 0.3) {
		into["valuesFrom"] = []any{map[string]any{"kind": pick(r, from), "name": "more", "optional": chance(r, 0.5)}}
	}
}

func randomComponents(t *testing.T, r *rand.Rand, deployer string) []any {
	t.Helper()
	entries, err := stack.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	catalog := slices.Sorted(maps.Keys(entries))
	var out []any
	for _, name := range catalog {
		if chance(r, 0.6) {
			continue
		}
		c := map[string]any{"name": name}
		if chance(r, 0.3) {
			c["version"] = "9.9.9"
		}
		d := deployer
		if chance(r, 0.1) {
			d = pick(r, []string{"Helm", "Flux"})
			c["deployer"] = d
		}
		randomValues(r, c, d)
		if chance(r, 0.15) {
			c["enabled"] = false
		}
		if chance(r, 0.05) {
			c = map[string]any{"name": name, "targetNamespace": "shops", "chart": randomChart(r, name, deployer)}
		}
		out = append(out, c)
	}
	if chance(r, 0.05) {
		out = append(out, map[string]any{"name": "nobody-knows-it"})
	}
	names := []string{"bakery", "bank", "shop", "till"}
	for _, name := range names {
		if chance(r, 0.5) {
			continue
		}
		c := map[string]any{"name": name, "targetNamespace": pick(r, []string{"shops", "monitoring", name}), "chart": randomChart(r, name, deployer)}
		randomValues(r, c, deployer)
		var deps []any
		for _, d := range slices.Concat(catalog, names) {
			if chance(r, 0.12) {
				deps = append(deps, map[string]any{"name": d})
			}
		}
		if len(deps) > 0 {
			c["dependsOn"] = deps
		}
		if chance(r, 0.1) {
			c["enabled"] = false
		}
		out = append(out, c)
	}
	return out
}

func randomWorkloads(r *rand.Rand) []any {
	var out []any
	for _, name := range []string{"front", "back", "shop"} {
		if chance(r, 0.5) {
			continue
		}
		w := map[string]any{"name": name}
		deployer := pick(r, []string{"", "Helm", "Flux", "ArgoCD"})
		if deployer != "" {
			w["deployer"] = deployer
		}
		if chance(r, 0.6) {
			w["app"] = "podinfo"
		} else {
			w["chart"] = randomChart(r, name, deployer)
		}
		// What is installed does not move: the API server would refuse it.
		if name == "back" {
			w["targetNamespace"] = "backs"
		}
		randomValues(r, w, deployer)
		out = append(out, w)
	}
	return out
}

// disturber makes the world one that is not to be relied on: conditions turn
// False or Unknown or belong to an older generation, statuses and annotations
// vanish, requirements are not answered, or with less than there is. What
// exists is never hidden: Crossplane sees its own resources or does not run.
func disturber(r *rand.Rand) func(*compose.Request) {
	return func(w *compose.Request) {
		how := pick(r, []float64{0.1, 0.5, 1})
		if chance(r, 0.2) {
			delete(w.XR.Object, "status")
		}
		for _, name := range slices.Sorted(maps.Keys(w.Observed)) {
			if chance(r, how) {
				injectFaults(r, w.Observed[name])
			}
		}
		for _, name := range slices.Sorted(maps.Keys(w.Required)) {
			if !chance(r, how) {
				continue
			}
			switch r.Intn(3) {
			case 0:
				delete(w.Required, name)
			case 1:
				w.Required[name] = []*unstructured.Unstructured{}
			case 2:
				for _, o := range w.Required[name] {
					injectFaults(r, o)
					if o.GetKind() == "Secret" {
						o.Object["data"] = map[string]any{"kubeconfig": pick(r, []string{"", "!", "e30="})}
					}
				}
			}
		}
	}
}

// injectFaults an object.
func injectFaults(r *rand.Rand, o *unstructured.Unstructured) {
	status, _ := o.Object["status"].(map[string]any)
	conditions, _ := status["conditions"].([]any)
	switch r.Intn(6) {
	case 0:
		delete(o.Object, "status")
	case 1:
		delete(status, "conditions")
	case 2:
		for _, k := range slices.Sorted(maps.Keys(status)) {
			if k != "conditions" && chance(r, 0.5) {
				delete(status, k)
			}
		}
	case 3:
		o.SetAnnotations(nil)
	case 4:
		o.SetGeneration(2)
		for _, c := range conditions {
			c.(map[string]any)["observedGeneration"] = int64(1)
		}
	case 5:
		for _, c := range conditions {
			if m := c.(map[string]any); chance(r, 0.5) {
				m["status"] = pick(r, []string{"False", "Unknown"})
				m["reason"] = pick(r, []string{"", "Waiting", "Broken"})
				m["message"] = pick(r, []string{"", "it broke"})
			}
		}
	}
}

// composition is what a composite consists of, by composition-resource-name.
func composition(s *Simulation) map[key]map[string]key {
	out := map[key]map[string]key{}
	for k, children := range s.children {
		out[k] = maps.Clone(children)
	}
	return out
}

// kept compares compositions: nothing of the first may be missing, or be
// something else, in the second.
func kept(t *testing.T, before, after map[key]map[string]key) {
	t.Helper()
	for k, children := range before {
		for name, child := range children {
			now, ok := after[k][name]
			switch {
			case !ok:
				t.Errorf("%s %s dropped %s, its %s %s", k.kind, k.name, name, child.kind, child.name)
			case now != child:
				t.Errorf("%s %s: %s was %s %s and is %s %s", k.kind, k.name, name, child.kind, child.name, now.kind, now.name)
			}
		}
	}
}

// complete proves that a composite that is Ready has all of its children.
func complete(t *testing.T, s *Simulation, all map[key]map[string]key) {
	t.Helper()
	for k, o := range s.objects {
		if k.apiVersion != v1alpha1.APIVersion || !compose.IsReady(o) {
			continue
		}
		for name := range all[k] {
			if _, ok := s.children[k][name]; !ok {
				t.Errorf("%s %s is Ready without %s", k.kind, k.name, name)
			}
		}
	}
}

// everything that there is, with what it says of itself.
func everything(s *Simulation) map[string]any {
	out := map[string]any{}
	for k, o := range s.objects {
		out[k.kind+" "+k.name+" "+k.apiVersion] = o.Object
	}
	return out
}

// TestDisturbed brings random claims to a random stage, disturbs the world for
// some rounds and lets it recover.
func TestDisturbed(t *testing.T) {
	forClaims(t, func(t *testing.T, r *rand.Rand, claim *unstructured.Unstructured) { //nolint:thelper // It is the test.
		calm := start(t, everyone, claim)
		rounds, err := calm.Converge()
		if err != nil {
			t.Fatal(err)
		}
		all := composition(calm)

		s := start(t, everyone, claim)
		for range r.Intn(rounds + 1) {
			if _, err := s.Reconcile(); err != nil {
				t.Fatal(err)
			}
			complete(t, s, all)
		}
		for n := range 1 + r.Intn(8) {
			before := composition(s)
			s.Disturb = disturber(r)
			if _, err := s.Reconcile(); err != nil {
				t.Fatalf("disturbance %d: %v", n, err)
			}
			kept(t, before, composition(s))
			complete(t, s, all)
			if chance(r, 0.3) {
				s.Disturb = nil
				if _, err := s.Reconcile(); err != nil {
					t.Fatal(err)
				}
				complete(t, s, all)
			}
			if t.Failed() {
				t.Fatalf("disturbance %d of %d rounds", n, rounds)
			}
		}
		s.Disturb = nil
		converge(t, s)
		complete(t, s, all)
		if diff := cmp.Diff(everything(calm), everything(s)); diff != "" {
			t.Errorf("after a disturbance it is not as without: -without, +with:\n%s", diff)
		}
	})
}

// TestOrderBeginsFirst proves that at every moment of a provisioning a claim can
// be deleted: nothing that needs something else is on the cluster before a Usage
// keeps what it needs.
func TestOrderBeginsFirst(t *testing.T) {
	forClaims(t, func(t *testing.T, _ *rand.Rand, claim *unstructured.Unstructured) { //nolint:thelper // It is the test.
		s := start(t, everyone, claim)
		for changed := true; changed; {
			var err error
			if changed, err = s.Reconcile(); err != nil {
				t.Fatal(err)
			}
			unprotected(t, s)
			if t.Failed() {
				return
			}
		}
	})
}

func unprotected(t *testing.T, s *Simulation) {
	t.Helper()
	kept := map[string]bool{}
	for k, o := range s.objects {
		if k.kind == "Usage" {
			of, _, _ := unstructured.NestedString(o.Object, "spec", "of", "resourceRef", "name")
			by, _, _ := unstructured.NestedString(o.Object, "spec", "by", "resourceRef", "name")
			kept[of+" before "+by] = true
		}
	}
	for k, o := range s.objects {
		leaves := compose.ManagedRefs(o)
		if k.kind != v1alpha1.ComponentKind || len(leaves) == 0 {
			continue
		}
		leaf := s.objects[key{leaves[0].APIVersion, leaves[0].Kind, k.namespace, leaves[0].Name}]
		if leaf == nil || leaf.GetAnnotations()[compose.AnnotationPaused] == "true" {
			continue
		}
		deps, _, _ := unstructured.NestedSlice(o.Object, "spec", "dependsOn")
		for _, d := range deps {
			dep := s.objects[key{k.apiVersion, k.kind, k.namespace, d.(map[string]any)["name"].(string)}]
			if of := compose.ManagedRefs(dep); len(of) == 0 || !kept[of[0].Name+" before "+leaf.GetName()] {
				t.Errorf("%s may begin, and nothing keeps what it depends on: %s", leaf.GetName(), dep.GetName())
			}
		}
	}
}

// TestChanged changes random claims again and again while they come up. What
// there is in the end is what the last claim asks for, and a namespace with a
// release in it is never deleted.
func TestChanged(t *testing.T) {
	forClaims(t, func(t *testing.T, r *rand.Rand, claim *unstructured.Unstructured) { //nolint:thelper // It is the test.
		deployer, _, _ := unstructured.NestedString(claim.Object, "spec", "stack", "deployer")
		feasible(claim.Object["spec"].(map[string]any), deployer)
		cluster, _, _ := unstructured.NestedMap(claim.Object, "spec", "cluster")
		s := start(t, everyone, claim)
		for range 4 {
			for range r.Intn(30) {
				before := namespaces(s)
				if _, err := s.Reconcile(); err != nil {
					t.Fatal(err)
				}
				for object, ns := range before {
					if s.objects[object] != nil {
						continue
					}
					if lodgers := releases(s)[ns]; len(lodgers) > 0 {
						t.Fatalf("namespace %s was deleted with releases %v in it", ns, lodgers)
					}
				}
			}
			spec := randomSpec(t, r)
			spec["cluster"] = cluster
			feasible(spec, deployer)
			claim.Object["spec"] = spec
			s.Apply(claim)
		}
		converge(t, s)
		if !compose.IsReady(s.objects[s.roots[0]]) {
			// A claim that cannot be met takes nothing away, so much may be left.
			return
		}
		fresh := start(t, everyone, claim)
		converge(t, fresh)
		if diff := cmp.Diff(chosen(fresh), chosen(s)); diff != "" {
			t.Errorf("after changes there is not what the claim asks for: -want, +got:\n%s", diff)
		}
	})
}

// feasible makes a spec one that can follow every other: components of the team
// always live in the same namespaces, most of them together, and workloads in
// others, and all are always deployed by the same deployer. What is installed does
// not move, and a namespace that goes from a component to a workload in one change
// is not provided for.
func feasible(spec map[string]any, deployer string) {
	plain := func(m map[string]any) {
		from, _ := m["valuesFrom"].([]any)
		for _, v := range from {
			v.(map[string]any)["kind"] = "ConfigMap"
		}
		if chart, ok := m["chart"].(map[string]any); ok {
			delete(chart, "digest")
		}
	}
	workloads, _ := spec["workloads"].([]any)
	for _, w := range workloads {
		m := w.(map[string]any)
		plain(m)
		m["targetNamespace"] = "workload-" + m["name"].(string)
		m["deployer"] = map[string]string{"front": "Flux", "back": "ArgoCD", "shop": "Helm"}[m["name"].(string)]
	}
	components, _, _ := unstructured.NestedSlice(spec, "stack", "components")
	kept := []any{}
	for _, c := range components {
		m := c.(map[string]any)
		plain(m)
		delete(m, "deployer")
		_, own := m["chart"]
		home, known := map[string]string{"bakery": "shops", "bank": "monitoring", "shop": "shops", "till": "shops"}[m["name"].(string)]
		switch {
		case known:
			m["targetNamespace"] = home
		case own || m["name"] == "nobody-knows-it":
			continue
		}
		kept = append(kept, m)
	}
	s := map[string]any{"components": kept}
	if deployer != "" {
		s["deployer"] = deployer
	}
	spec["stack"] = s
}

// chosen are the names of what platforms and stacks consist of.
func chosen(s *Simulation) map[string][]string {
	out := map[string][]string{}
	for k, children := range s.children {
		if k.kind == v1alpha1.ObservabilityPlatformKind || k.kind == v1alpha1.ObservabilityStackKind {
			out[k.kind] = slices.Sorted(maps.Keys(children))
		}
	}
	return out
}

// namespaces are the Objects that make one, with its name on the cluster.
func namespaces(s *Simulation) map[key]string {
	out := map[key]string{}
	for k, o := range s.objects {
		manifest, ok, _ := unstructured.NestedMap(o.Object, "spec", "forProvider", "manifest")
		policies, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "managementPolicies")
		if ok && manifest["kind"] == "Namespace" && slices.Contains(policies, "*") {
			out[k] = (&unstructured.Unstructured{Object: manifest}).GetName()
		}
	}
	return out
}

// releases of every deployer, by their namespace on the cluster.
func releases(s *Simulation) map[string][]string {
	out := map[string][]string{}
	for k, o := range s.objects {
		if k.kind == "Release" {
			ns, _, _ := unstructured.NestedString(o.Object, "spec", "forProvider", "namespace")
			out[ns] = append(out[ns], k.name)
		}
		m, _, _ := unstructured.NestedMap(o.Object, "spec", "forProvider", "manifest")
		switch remote := (&unstructured.Unstructured{Object: m}); remote.GetKind() {
		case "HelmRelease":
			out[remote.GetNamespace()] = append(out[remote.GetNamespace()], k.name)
		case "Application":
			ns, _, _ := unstructured.NestedString(m, "spec", "destination", "namespace")
			out[ns] = append(out[ns], k.name)
		}
	}
	return out
}
