package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// profiled is the example with another profile, delivered by an engine, with
// values of one component.
func profiled(t *testing.T, profile, engine, component string, values map[string]any) *unstructured.Unstructured {
	t.Helper()
	o := example(t, "existing.yaml")
	stack := map[string]any{
		"profile": profile, "delivery": engine, "domain": "demo.example.org",
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
	for _, tc := range []struct{ profile, engine string }{{"Standard", "Helm"}, {"Standard", "Flux"}, {"Full", "Flux"}} {
		t.Run(tc.profile+"/"+tc.engine, func(t *testing.T) { bringUp(t, tc.profile, tc.engine) })
	}
}

func bringUp(t *testing.T, profile, engine string) {
	t.Helper()
	opens := breakerOpens(t)
	platform := ours("ObservabilityPlatform")

	claim(t, profiled(t, profile, engine, "opencost", map[string]any{"standInFail": "prices are missing"}))
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

	fixed := profiled(t, profile, engine, "opencost", map[string]any{"loglevel": "info"})
	apply(t, fixed)
	measured(t, "the broken component repaired", works(t, "demo"), 0)
	o := get(t, platform, "demo")
	urls, _, _ := unstructured.NestedSlice(o.Object, "status", "urls")
	notices, _, _ := unstructured.NestedSlice(o.Object, "status", "notices")
	t.Logf("urls: %v\nnotices: %v", urls, notices)
	if len(urls) == 0 || len(notices) == 0 {
		t.Error("the claim says nothing of its views, or of what one should know")
	}
	if got := breakerOpens(t) - opens; got != 0 {
		t.Errorf("circuit_breaker_opens_total rose by %v with the burst that our install sets, want 0", got)
	}
	remove(t, background, 0, fixed)
}
