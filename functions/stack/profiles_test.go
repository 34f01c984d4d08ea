// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// TestProfiles shows what each profile is, and that each holds the one before.
func TestProfiles(t *testing.T) {
	entries, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	of := func(p v1alpha1.Profile) []string {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(entries)), func(n string) bool { return !entries[n].in(p) })
	}
	// Deployers come with what they deploy.
	minimal := []string{"cert-manager", "content", "kube-prometheus-stack", "perses", "perses-operator", "prometheus-operator-crds"}
	if diff := cmp.Diff(minimal, of(v1alpha1.ProfileMinimal)); diff != "" {
		t.Errorf("Minimal is metrics and dashboards: -want, +got:\n%s", diff)
	}
	for _, pair := range [][2]v1alpha1.Profile{{v1alpha1.ProfileMinimal, v1alpha1.ProfileStandard}, {v1alpha1.ProfileStandard, v1alpha1.ProfileFull}} {
		for _, n := range of(pair[0]) {
			if !entries[n].in(pair[1]) {
				t.Errorf("%s is in %s and not in %s", n, pair[0], pair[1])
			}
		}
	}
	for name, c := range entries {
		if !c.nonCNCF() && c.ProvidesDeployer == "" && !c.in(v1alpha1.ProfileFull) {
			t.Errorf("Full is everything that is CNCF, but lacks %s", name)
		}
		if c.nonCNCF() && len(c.Profiles) > 0 {
			t.Errorf("%s is beyond the CNCF and in a profile", name)
		}
	}
}

// minimalRequests is what the Minimal profile may ask for, so that it fits a
// cluster of 4 GiB beside the cluster's own pods.
const minimalRequests = "1536Mi"

// TestMinimalRequests adds up the memory that Minimal asks for on one node. That
// every container has requests is proven against the charts' values, in
// test/schemas.
func TestMinimalRequests(t *testing.T) {
	c := claim()
	c.Spec.Components = nil
	all, problems, err := selection(c.Spec.StackParameters, nil, nil)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	w := computedValues{capabilities: capabilities(), stack: c.Spec.StackParameters, parts: map[string]selected{}}
	for _, s := range all {
		w.parts[s.Name] = s
	}
	total := resource.Quantity{}
	for _, s := range all {
		sum := requests(t, s.Values)
		sum.Add(requests(t, w.valuesOf(s.Name)))
		t.Logf("%-26s %8s", s.Name, sum.String())
		total.Add(sum)
	}
	t.Logf("%-26s %8s of %s", "Minimal", total.String(), minimalRequests)
	if total.Cmp(resource.MustParse(minimalRequests)) > 0 {
		t.Errorf("Minimal asks for %s of memory, want at most %s", total.String(), minimalRequests)
	}
	if total.Cmp(resource.MustParse("512Mi")) < 0 {
		t.Errorf("Minimal asks for %s of memory: that cannot be all of it", total.String())
	}
}

// requests adds up the memory of everything below requests.
func requests(t *testing.T, v any) resource.Quantity {
	t.Helper()
	sum := resource.Quantity{}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			sum.Add(requests(t, e))
		}
	case map[string]any:
		for k, e := range v {
			m, ok := e.(map[string]any)
			if memory, has := m["memory"].(string); ok && has && k == "requests" {
				q, err := resource.ParseQuantity(memory)
				if err != nil {
					t.Fatal(err)
				}
				sum.Add(q)
				continue
			}
			sum.Add(requests(t, e))
		}
	}
	return sum
}
