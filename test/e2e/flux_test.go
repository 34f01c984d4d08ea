// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// helmReleases are Flux's on the remote cluster.
var helmReleases = schema.GroupVersionKind{Group: "helm.toolkit.fluxcd.io", Version: "v2", Kind: "HelmRelease"}

// withOwn is the example with the profile Standard, which takes Flux and Argo CD by
// itself, and with components of the team's own.
func withOwn(t *testing.T, components ...any) *unstructured.Unstructured {
	t.Helper()
	o := example(t, "gitops.yaml")
	unstructured.RemoveNestedField(o.Object, "spec", "stack", "deployer")
	if err := unstructured.SetNestedField(o.Object, "Standard", "spec", "stack", "profile"); err != nil {
		t.Fatal(err)
	}
	workloads := []any{
		map[string]any{"name": "podinfo", "app": "podinfo"},
		map[string]any{"name": "by-flux", "app": "podinfo", "deployer": "Flux"},
	}
	for _, f := range []struct {
		value []any
		path  []string
	}{{workloads, []string{"spec", "workloads"}}, {components, []string{"spec", "stack", "components"}}} {
		if err := unstructured.SetNestedSlice(o.Object, f.value, f.path...); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// own is a component of the team: a chart of which there is a stand-in.
func own(name, version string, values map[string]any, needs ...string) map[string]any {
	c := map[string]any{
		"name": name, "targetNamespace": name, "values": values,
		"chart": map[string]any{"repository": "oci://ghcr.io/stefanprodan/charts", "name": "podinfo", "version": version},
	}
	var deps []any
	for _, n := range needs {
		deps = append(deps, map[string]any{"name": n})
	}
	if len(deps) > 0 {
		c["dependsOn"] = deps
	}
	return c
}

// TestFlux takes the whole Standard profile through Flux's real controllers: it
// comes up in order, what is broken says why and stops nobody else, it recovers by
// itself, and nothing is left of it. A workload goes through a SIMULATED Argo CD.
func TestFlux(t *testing.T) {
	const version = "6.9.1"
	platform := ours("ObservabilityPlatform")
	fine := map[string]any{"replicaCount": int64(1)}
	opens := breakerOpens(t)

	o := withOwn(t, own("first", version, fine), own("second", version, fine, "first", "kube-prometheus-stack"))
	claim(t, o)
	measured(t, "Standard by Flux Ready after kubectl apply", ready(t, platform, "gitops"), 0)
	t.Log("\n" + kubectl(t, "-n", namespace, "get", "components"))
	inOrder(t)
	fluxed(t)
	if got := breakerOpens(t) - opens; got != 0 {
		t.Errorf("circuit_breaker_opens_total rose by %v with the burst that our install sets, want 0", got)
	}

	t.Run("BrokenValues", func(t *testing.T) {
		untouched := helmReleaseVersions(t)
		apply(t, withOwn(t,
			own("first", version, fine), own("second", version, fine, "first", "kube-prometheus-stack"),
			own("broken", version, map[string]any{"standInFail": "replicas must be a number"}),
			own("peer", version, fine)))
		measured(t, "the claim says why a component fails in Flux",
			says(t, platform, "gitops", "StackReady", "False", "broken", "replicas must be a number"), time.Minute)
		t.Log(conditions(get(t, platform, "gitops")))
		eventually(t, hang, "an independent component works meanwhile", func() (bool, string) {
			row := componentRow(t, "peer")
			return row["ready"] == true, fmt.Sprint(row)
		})
		if row := componentRow(t, "broken"); row["ready"] == true || row["reason"] == "" {
			t.Errorf("want the broken component's row to say that it is not ready, and why: %v", row)
		}
		// What runs goes on, the workloads too, which come after the whole stack.
		if s, _, msg := kube.Condition(get(t, platform, "gitops"), "WorkloadsReady"); s != "True" {
			t.Errorf("want the workloads to go on, but WorkloadsReady is %s: %s", s, msg)
		}
		for name, was := range untouched {
			// It depends on what is new in the stack, as soon as that works.
			if strings.Contains(name, "by-flux") {
				continue
			}
			if now := helmReleaseVersions(t)[name]; now != was {
				t.Errorf("HelmRelease %s was touched: %s before, %s after", name, was, now)
			}
		}
	})
	t.Run("Recovers", func(t *testing.T) {
		apply(t, withOwn(t,
			own("first", version, fine), own("second", version, fine, "first", "kube-prometheus-stack"),
			own("broken", version, fine), own("peer", version, fine)))
		measured(t, "recovered from wrong values", works(t, "gitops"), time.Minute)
	})
	t.Run("ChartThatDoesNotExist", func(t *testing.T) {
		apply(t, withOwn(t,
			own("first", version, fine), own("second", version, fine, "first", "kube-prometheus-stack"),
			own("broken", "9.9.9", fine), own("peer", version, fine)))
		measured(t, "the claim says that Flux cannot find a chart",
			says(t, platform, "gitops", "StackReady", "False", "broken", "OCIRepository", "9.9.9"), time.Minute)
		t.Log(conditions(get(t, platform, "gitops")))
		apply(t, withOwn(t,
			own("first", version, fine), own("second", version, fine, "first", "kube-prometheus-stack"),
			own("broken", version, fine), own("peer", version, fine)))
		measured(t, "recovered from a chart that does not exist", works(t, "gitops"), time.Minute)
	})
	t.Run("RemovesOne", func(t *testing.T) {
		apply(t, withOwn(t, own("first", version, fine), own("second", version, fine, "first", "kube-prometheus-stack"), own("peer", version, fine)))
		eventually(t, hang, "the HelmRelease of a removed component is gone", func() (bool, string) {
			names := slices.Sorted(maps.Keys(helmReleaseVersions(t)))
			return !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "broken") }), fmt.Sprint(names)
		})
		works(t, "gitops")
	})
	remove(t, background, 2*time.Minute, o)
}

// TestFluxDefaultFlags runs Crossplane without our install's burst: breakers may
// open, but nobody may be late because of it. It ends in the foreground cascade.
func TestFluxDefaultFlags(t *testing.T) {
	const late = 15 * time.Second
	t.Cleanup(func() {
		if err := w.cp.Restart(context.Background(), controlplane.ProcessCrossplane); err != nil {
			t.Error(err)
		}
	})
	if err := w.cp.Restart(t.Context(), controlplane.ProcessCrossplane, "--circuit-breaker-burst=100"); err != nil {
		t.Fatal(err)
	}
	o := example(t, "gitops.yaml")
	claim(t, o)
	ready(t, o.GroupVersionKind(), o.GetName())
	t.Logf("circuit_breaker_opens_total with Crossplane's default flags: %v", breakerOpens(t))
	for _, xr := range composites(t) {
		measured(t, fmt.Sprintf("%s %s Ready after its last resource", xr.GetKind(), xr.GetName()), readyAt(&xr).Sub(lastChild(t, &xr)), late)
	}
	remove(t, foreground, 0, o)
}

// inOrder sees that every component was deployed after what it depends on had
// become Ready.
func inOrder(t *testing.T) {
	t.Helper()
	components, err := w.management.List(t.Context(), ours("Component"), namespace)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]unstructured.Unstructured{}
	for _, c := range components {
		byName[c.GetName()] = c
	}
	checked := 0
	for _, c := range components {
		leaves, _, _ := unstructured.NestedSlice(c.Object, "status", "resourceRefs")
		first, _ := leaves[0].(map[string]any)
		gv, _ := schema.ParseGroupVersion(first["apiVersion"].(string))
		leaf := get(t, gv.WithKind(first["kind"].(string)), first["name"].(string))
		deps, _, _ := unstructured.NestedSlice(c.Object, "spec", "dependsOn")
		for _, d := range deps {
			dep := byName[d.(map[string]any)["name"].(string)]
			if at := readyAt(&dep); leaf.GetCreationTimestamp().Time.Before(at) {
				t.Errorf("%s was deployed at %s, before %s was Ready at %s", c.GetName(), leaf.GetCreationTimestamp(), dep.GetName(), at)
			}
			checked++
		}
	}
	if checked == 0 {
		t.Error("no component depends on another")
	}
	t.Logf("%d dependencies of %d components were Ready first", checked, len(components))
}

// fluxed sees that Flux installed what it was to deploy, and that nothing else
// did.
func fluxed(t *testing.T) {
	t.Helper()
	components, err := w.management.List(t.Context(), ours("Component"), namespace)
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, c := range components {
		if deployer, _, _ := unstructured.NestedString(c.Object, "spec", "deployer"); deployer == "Flux" {
			want++
		}
	}
	objs, err := w.remote.List(t.Context(), helmReleases, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(objs) != want || want < 10 {
		t.Errorf("want %d HelmReleases, and more than ten, got %d", want, len(objs))
	}
	for _, o := range objs {
		s, _, _ := kube.Condition(&o, "Ready")
		history, _, _ := unstructured.NestedSlice(o.Object, "status", "history")
		if s != "True" || len(history) == 0 {
			t.Errorf("HelmRelease %s/%s does not work:%s", o.GetNamespace(), o.GetName(), conditions(&o))
		}
	}
	deployments, err := w.remote.List(t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deployments {
		if by := d.GetLabels()["helm.toolkit.fluxcd.io/name"]; by == "" && !slices.Contains([]string{"flux-system", "argocd"}, d.GetNamespace()) {
			t.Errorf("Deployment %s/%s was not deployed by Flux", d.GetNamespace(), d.GetName())
		}
	}
}

// helmReleaseVersions are the generations of all HelmReleases, by name.
func helmReleaseVersions(t *testing.T) map[string]string {
	t.Helper()
	objs, err := w.remote.List(t.Context(), helmReleases, "")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range objs {
		out[o.GetName()] = fmt.Sprintf("%s/%d", o.GetUID(), o.GetGeneration())
	}
	return out
}

// componentRow is what the claim says of a component in its table.
func componentRow(t *testing.T, name string) map[string]any {
	t.Helper()
	rows, _, _ := unstructured.NestedSlice(get(t, ours("ObservabilityPlatform"), "gitops").Object, "status", "components")
	for _, r := range rows {
		if m, ok := r.(map[string]any); ok && m["name"] == name {
			return m
		}
	}
	return nil
}
