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
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// profiled is the example with another profile, deployed by a deployer, with
// values of one component.
func profiled(t *testing.T, profile, deployer, component string, values map[string]any) *unstructured.Unstructured {
	t.Helper()
	o := example(t, "existing.yaml")
	stack := map[string]any{
		"profile": profile, "deployer": deployer, "domain": "demo.example.org",
		"components": []any{map[string]any{"name": component, "values": values}},
	}
	if err := unstructured.SetNestedMap(o.Object, stack, "spec", "stack"); err != nil {
		t.Fatal(err)
	}
	return o
}

// rows of the claim's components by name: empty when ready, else the reason.
func rows(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	o := get(t, ours("ObservabilityPlatform"), "demo")
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "components")
	for _, r := range list {
		m, _ := r.(map[string]any)
		name, _ := m["name"].(string)
		out[name], _ = m["reason"].(string)
		if m["ready"] != true && out[name] == "" {
			out[name] = "NotReady"
		}
	}
	return out
}

// TestProfiles brings whole profiles up, with one component that is broken from
// the beginning: its reason is in the claim's status, its peers work, and it
// recovers without help. In the end nothing is left.
func TestProfiles(t *testing.T) {
	for _, tc := range []struct{ profile, deployer string }{{"Standard", "Helm"}, {"Standard", "Flux"}, {"Full", "Flux"}} {
		t.Run(tc.profile+"/"+tc.deployer, func(t *testing.T) { bringUp(t, tc.profile, tc.deployer) })
	}
}

func bringUp(t *testing.T, profile, deployer string) {
	t.Helper()
	opens := breakerOpens(t)
	platform := ours("ObservabilityPlatform")

	claim(t, profiled(t, profile, deployer, "opencost", map[string]any{"standInFail": "prices are missing"}))
	start := time.Now()
	measured(t, "reason of a broken component in the claim's status", says(t, platform, "demo", "StackReady", "False", "opencost", "prices are missing"), time.Minute)
	eventually(t, hang, "all components but the broken one", func() (bool, string) {
		waiting := []string{}
		all := rows(t)
		for name, reason := range all {
			if reason != "" && name != "opencost" {
				waiting = append(waiting, name+": "+reason)
			}
		}
		return len(all) > 15 && len(waiting) == 0, strings.Join(waiting, ", ")
	})
	measured(t, fmt.Sprintf("%d components work beside the broken one", len(rows(t))-1), time.Since(start), 0)

	fixed := profiled(t, profile, deployer, "opencost", map[string]any{"loglevel": "info"})
	apply(t, fixed)
	measured(t, "the broken component repaired", works(t, "demo"), 0)
	o := get(t, platform, "demo")
	urls, _, _ := unstructured.NestedSlice(o.Object, "status", "urls")
	warnings, _, _ := unstructured.NestedSlice(o.Object, "status", "warnings")
	t.Logf("urls: %v\nwarnings: %v", urls, warnings)
	if len(urls) == 0 || len(warnings) == 0 {
		t.Error("the claim says nothing of its views, or of what one should know")
	}
	if got := breakerOpens(t) - opens; got != 0 {
		t.Errorf("circuit_breaker_opens_total rose by %v with the burst that our install sets, want 0", got)
	}
	remove(t, background, 0, fixed)
}

// TestFull brings everything that is CNCF up, by each deployer and with workloads by
// all of them, with the burst that our install sets and with Crossplane's default
// flags. Then one value of one component changes one object, and a component that
// is removed takes nothing else along.
func TestFull(t *testing.T) {
	for _, deployer := range []string{"Helm", "Flux"} {
		t.Run(deployer, func(t *testing.T) {
			opens := breakerOpens(t)
			o := fullBy(t, deployer)
			claim(t, o)
			measured(t, "Full by "+deployer+" Ready after kubectl apply", ready(t, o.GroupVersionKind(), o.GetName()), 0)
			t.Logf("%d components, workloads by Helm, Flux and Argo CD (SIMULATED)", len(rows(t)))
			if got := breakerOpens(t) - opens; got != 0 {
				t.Errorf("circuit_breaker_opens_total rose by %v with the burst that our install sets, want 0", got)
			}
			if deployer == "Flux" {
				onlyOne(t, deployer)
			}
			remove(t, background, 0, o)
		})
	}
	t.Run("DefaultFlags", func(t *testing.T) {
		t.Cleanup(func() {
			if err := w.cp.Restart(context.Background(), controlplane.ProcessCrossplane); err != nil {
				t.Error(err)
			}
		})
		if err := w.cp.Restart(t.Context(), controlplane.ProcessCrossplane, "--circuit-breaker-burst=100"); err != nil {
			t.Fatal(err)
		}
		o := fullBy(t, "Flux")
		claim(t, o)
		measured(t, "Full by Flux Ready after kubectl apply, default flags", ready(t, o.GroupVersionKind(), o.GetName()), 0)
		t.Logf("circuit_breaker_opens_total with Crossplane's default flags: %v", breakerOpens(t))
		latest := map[string]time.Duration{}
		for _, xr := range composites(t) {
			latest[xr.GetKind()] = max(latest[xr.GetKind()], readyAt(&xr).Sub(lastChild(t, &xr)))
		}
		for _, kind := range slices.Sorted(maps.Keys(latest)) {
			measured(t, "Full: slowest "+kind+" Ready after its last resource, default flags", latest[kind], 15*time.Second)
		}
		remove(t, background, 0, o)
	})
}

// fullBy is the example with everything, by a deployer, and with a workload by each
// of them. Components are changed as given.
func fullBy(t *testing.T, deployer string, components ...any) *unstructured.Unstructured {
	t.Helper()
	o := example(t, "existing.yaml")
	stack := map[string]any{"profile": "Full", "deployer": deployer, "domain": "demo.example.org"}
	if len(components) > 0 {
		stack["components"] = components
	}
	var workloads []any
	for _, e := range []string{"Helm", "Flux", "ArgoCD"} {
		workloads = append(workloads, map[string]any{"name": "by-" + strings.ToLower(e), "app": "podinfo", "deployer": e})
	}
	if err := unstructured.SetNestedMap(o.Object, stack, "spec", "stack"); err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedSlice(o.Object, workloads, "spec", "workloads"); err != nil {
		t.Fatal(err)
	}
	return o
}

// onlyOne changes one value of a component and then removes another one, and sees
// what Flux has to do.
func onlyOne(t *testing.T, deployer string) {
	t.Helper()
	before := helmReleaseVersions(t)
	differs := func() (changed, gone []string) {
		now := helmReleaseVersions(t)
		for name, was := range before {
			switch {
			case now[name] == "":
				gone = append(gone, name)
			case now[name] != was:
				changed = append(changed, name)
			}
		}
		return changed, gone
	}
	value := map[string]any{"name": "opencost", "values": map[string]any{"loglevel": "debug"}}
	apply(t, fullBy(t, deployer, value))
	eventually(t, hang, "one value is changed", func() (bool, string) {
		changed, gone := differs()
		return len(changed) > 0, fmt.Sprint(changed, gone)
	})
	works(t, "demo")
	if changed, gone := differs(); len(changed) != 1 || len(gone) != 0 || !strings.Contains(changed[0], "opencost") {
		t.Errorf("one value of opencost changed the HelmReleases %v, and removed %v", changed, gone)
	}
	before = helmReleaseVersions(t)
	apply(t, fullBy(t, deployer, value, map[string]any{"name": "ebpf-instrumentation", "enabled": false}))
	eventually(t, hang, "one component is removed", func() (bool, string) {
		changed, gone := differs()
		return len(gone) > 0, fmt.Sprint(changed, gone)
	})
	works(t, "demo")
	changed, gone := differs()
	// What depends on the whole stack is told what that is now.
	changed = slices.DeleteFunc(changed, func(n string) bool { return strings.Contains(n, "by-flux") })
	if len(changed) != 0 || len(gone) != 1 || !strings.Contains(gone[0], "ebpf-instrumentation") {
		t.Errorf("without ebpf-instrumentation the HelmReleases %v changed, and %v went", changed, gone)
	}
	t.Log("one value changed one HelmRelease, and one component went alone")
}
