// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/cel-go/cel"
	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// deployed is a cluster with a component for every deployer and every source that
// the deployer takes, all of them deployed.
func deployed(t *testing.T) *simulate.Simulation {
	t.Helper()
	parse := func(doc string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: object(t, doc)}
	}
	claims := []*unstructured.Unstructured{parse(`
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: demo, namespace: team-a}
spec: {provider: Existing, existing: {kubeconfigSecretRef: {name: k}}}
`)}
	const kustomize = `{images: [{name: web, newTag: v2}], patches: [{patch: "- {op: remove, path: /spec/replicas}", target: {kind: Deployment, name: web}}]}`
	sources := map[string]string{
		"http":      `{chart: {repository: 'https://charts.example.org', name: web, version: 1.2.3}}`,
		"oci":       `{chart: {repository: 'oci://registry.example.org/charts', name: web, version: 1.2.3+build}}`,
		"manifests": `{manifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: web}}]}`,
		"private":   `{git: {url: 'https://git.example.org/web.git', ref: {branch: main}, secretRef: {name: git}}}`,
		"branch":    `{git: {url: 'https://git.example.org/web.git', ref: {branch: main}, path: deploy, kustomize: ` + kustomize + `}}`,
		"tag":       `{git: {url: 'https://git.example.org/web.git', ref: {tag: v1}}}`,
		"semver":    `{git: {url: 'https://git.example.org/web.git', ref: {semver: '>=1.0.0 <2.0.0'}}}`,
		"commit":    `{git: {url: 'https://git.example.org/web.git', ref: {commit: 0123456789abcdef0123456789abcdef01234567}}}`,
	}
	for deployer, takes := range map[string][]string{
		"Helm":   {"http", "oci", "manifests"},
		"Flux":   {"http", "oci", "manifests", "branch", "tag", "semver", "commit", "private"},
		"ArgoCD": {"http", "oci", "manifests", "branch", "tag", "semver", "commit"},
	} {
		for _, source := range takes {
			name := map[string]string{"Helm": "helm", "Flux": "flux", "ArgoCD": "argo"}[deployer] + "-" + source
			values := ""
			if source == "http" || source == "oci" {
				values = "values: {replicas: 2}, "
			}
			depends := ""
			if source == "oci" {
				depends = "dependsOn: [{name: " + name[:5] + "http}], "
			}
			claims = append(claims, parse(fmt.Sprintf(`
apiVersion: observe-k8s.io/v1alpha1
kind: Component
metadata: {name: %s, namespace: team-a}
spec: {clusterRef: {name: demo}, targetNamespace: %s, deployer: %s, %s%ssource: %s}
`, name, name, deployer, values, depends, sources[source])))
		}
	}
	s, err := simulate.New(compose.Settings{}, claims...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Converge(); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDeployers judges what every deployer makes of every source by the deployers' own
// schemas, and shows that each source becomes Ready through each.
func TestDeployers(t *testing.T) {
	set := load(t, installed()...)
	s := deployed(t)
	for _, n := range s.Trees() {
		for _, err := range set.Validate(t.Context(), applied(n.Object).Object) {
			t.Error(err)
		}
		for _, c := range n.Conditions {
			if !c.Ready {
				t.Errorf("%s %s: %s: %s %s", n.Object.GetKind(), n.Object.GetName(), c.Type, c.Reason, c.Message)
			}
		}
	}
	kinds := map[string]int{}
	for _, o := range s.Composed() {
		for _, err := range set.Validate(t.Context(), o.Object) {
			t.Error(err)
		}
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "forProvider", "manifest", "kind")
		if kind != "" {
			kinds[kind]++
		}
	}
	want := map[string]int{
		"Namespace": 19, "HelmRepository": 1, "OCIRepository": 2, "HelmRelease": 3, "GitRepository": 5, "Kustomization": 5, "Application": 7,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("objects on the cluster: -want, +got:\n%s", diff)
	}
}

// applied is an object as a person applied it.
func applied(o *unstructured.Unstructured) *unstructured.Unstructured {
	o = o.DeepCopy()
	delete(o.Object, "status")
	return o
}

// TestReadiness asks every readiness query as provider-kubernetes does: it must
// hold for what works, and neither hold nor fail for anything less.
func TestReadiness(t *testing.T) {
	env, err := cel.NewEnv(cel.Variable("object", cel.AnyType))
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	var walk func(n simulate.Node)
	walk = func(n simulate.Node) {
		for _, c := range n.Children {
			walk(c)
		}
		query, ok, _ := unstructured.NestedString(n.Object.Object, "spec", "readiness", "celQuery")
		remote, _, _ := unstructured.NestedMap(n.Object.Object, "status", "atProvider", "manifest")
		kind, _ := remote["kind"].(string)
		if !ok || asked[kind] {
			return
		}
		asked[kind] = true
		t.Run(kind, func(t *testing.T) {
			ask(t, env, query, true, "what works", remote)
			if kind == "Namespace" {
				return // Its phase is there as soon as it is.
			}
			for reason, change := range map[string]func(o map[string]any){
				"what nobody has looked at yet":        func(o map[string]any) { delete(o, "status") },
				"what has a status without a word":     func(o map[string]any) { o["status"] = map[string]any{} },
				"an older spec":                        func(o map[string]any) { older(o) },
				"what is broken":                       func(o map[string]any) { broken(o) },
				"what is there and has no health":      func(o map[string]any) { unstructured.RemoveNestedField(o, "status", "health"); unready(o) },
				"what was compared, but to what else?": func(o map[string]any) { unstructured.RemoveNestedField(o, "status", "sync", "comparedTo"); unready(o) },
			} {
				o := (&unstructured.Unstructured{Object: remote}).DeepCopy().Object
				change(o)
				ask(t, env, query, false, reason, o)
			}
		})
	}
	for _, n := range deployed(t).Trees() {
		walk(n)
	}
	for _, kind := range []string{"Namespace", "HelmRepository", "OCIRepository", "GitRepository", "HelmRelease", "Kustomization", "Application"} {
		if !asked[kind] {
			t.Errorf("nobody asked whether a %s works", kind)
		}
	}
}

// older makes what a deployer says be about an older spec.
func older(o map[string]any) {
	u := unstructured.Unstructured{Object: o}
	u.SetGeneration(u.GetGeneration() + 1)
	if source, ok, _ := unstructured.NestedMap(o, "spec", "source"); ok {
		source["targetRevision"] = "9.9.9"
		_ = unstructured.SetNestedMap(o, source, "spec", "source")
	}
}

// broken makes a deployer say that something does not work.
func broken(o map[string]any) {
	unready(o)
	if _, ok, _ := unstructured.NestedMap(o, "status", "health"); ok {
		_ = unstructured.SetNestedField(o, "Degraded", "status", "health", "status")
	}
}

// unready turns the condition Ready, where there is one.
func unready(o map[string]any) {
	conditions, ok, _ := unstructured.NestedSlice(o, "status", "conditions")
	if !ok {
		return
	}
	conditions[0].(map[string]any)["status"] = "False"
	_ = unstructured.SetNestedSlice(o, conditions, "status", "conditions")
}

// ask a query about an object as it comes from JSON.
func ask(t *testing.T, env *cel.Env, query string, want bool, reason string, o map[string]any) {
	t.Helper()
	ast, issues := env.Compile(query)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	program, err := env.Program(ast)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(b, &plain); err != nil {
		t.Fatal(err)
	}
	got, _, err := program.Eval(map[string]any{"object": plain})
	if err != nil {
		t.Errorf("%s: %v", reason, err)
		return
	}
	if got.Value() != want {
		t.Errorf("%s: want %v, got %v", reason, want, got.Value())
	}
}
