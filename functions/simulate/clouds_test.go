// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// moreClaims are claims beyond the examples, for what is optional.
const moreClaims = "../../test/schemas/testdata/claims"

// clouds are the examples of clouds, by provider.
func clouds(tb testing.TB) map[string]string {
	tb.Helper()
	out := map[string]string{}
	for _, p := range []string{"aks", "eks", "gke"} {
		f := filepath.Join(examples, p+".yaml")
		if _, err := os.Stat(f); err == nil {
			out[p] = f
		}
	}
	if len(out) < 2 {
		tb.Fatal("there are no examples of clouds")
	}
	return out
}

// randomCluster is a cluster anywhere.
func randomCluster(r *rand.Rand, existing map[string]any) map[string]any {
	provider := pick(r, []string{"Existing", "Existing", "EKS", "AKS", "GKE", "Kind", "K3d", "K3s"})
	c := map[string]any{"provider": provider}
	if provider == "Existing" {
		c["existing"] = existing
		return c
	}
	c["region"] = pick(r, []string{"europe-west", "us-east", "nowhere"})
	if chance(r, 0.5) {
		c["version"] = "1.34"
	}
	if chance(r, 0.5) {
		c["nodes"] = map[string]any{"instanceSize": "Large", "architecture": "arm64", "capacityType": pick(r, []string{"OnDemand", "Spot"})}
	}
	if chance(r, 0.3) {
		c["tags"] = map[string]any{"team": "a"}
	}
	if chance(r, 0.3) {
		c["managementPolicies"] = []any{"Observe", "Create", "Update"}
	}
	if block := randomLocal(r, provider); block != nil {
		c[sectionOf(provider)] = block
	}
	if provider == "AKS" && chance(r, 0.7) {
		c["aks"] = randomAKS(r)
	}
	if provider == "EKS" && chance(r, 0.5) {
		c["eks"] = map[string]any{
			"encryptSecrets": chance(r, 0.5),
			"natGatewayMode": pick(r, []string{"Single", "PerZone"}),
			"adminRoleARN":   "arn:aws:iam::123456789012:role/admins",
		}
	}
	return c
}

// sectionOf a provider is the field with what only that provider has.
func sectionOf(provider string) string {
	if provider == "Kind" {
		return "kindCluster"
	}
	return strings.ToLower(provider)
}

// TestOneLine proves the promise: between two clouds, or a cloud and a laptop,
// one line changes.
func TestOneLine(t *testing.T) {
	lines := func(p string) []string {
		raw, err := os.ReadFile(filepath.Join(examples, p+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(string(raw), "\n")
	}
	base := lines("eks")
	for p, provider := range map[string]string{"aks": "AKS", "gke": "GKE", "kind": "Kind", "k3d": "K3d"} {
		other := lines(p)
		if len(base) != len(other) {
			t.Errorf("eks.yaml has %d lines and %s.yaml %d", len(base), p, len(other))
			continue
		}
		var got []string
		for i := range base {
			if base[i] != other[i] {
				got = append(got, other[i])
			}
		}
		if diff := cmp.Diff([]string{"    provider: " + provider}, got); diff != "" {
			t.Errorf("%s.yaml differs from eks.yaml in more than the provider: -want, +got:\n%s", p, diff)
		}
	}
}

// TestHostsAreAdded proves that hosts of one's own need nothing but the same line
// and which hosts they are.
func TestHostsAreAdded(t *testing.T) {
	want, got := read(t, filepath.Join(examples, "eks.yaml"))[0], read(t, filepath.Join(examples, "k3s.yaml"))[0]
	cluster, _, _ := unstructured.NestedMap(got.Object, "spec", "cluster")
	if cluster["provider"] != "K3s" || cluster["k3s"] == nil {
		t.Errorf("k3s.yaml has cluster %v", cluster)
	}
	delete(cluster, "k3s")
	cluster["provider"] = "EKS"
	if err := unstructured.SetNestedMap(got.Object, cluster, "spec", "cluster"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Object, got.Object); diff != "" {
		t.Errorf("k3s.yaml differs from eks.yaml in more than the provider and its hosts: -want, +got:\n%s", diff)
	}
}

// clusterClaims are all clusters that examples and tests claim, by file and
// name.
func clusterClaims(tb testing.TB) map[string]*unstructured.Unstructured {
	tb.Helper()
	out := map[string]*unstructured.Unstructured{}
	for _, folder := range []string{examples, moreClaims} {
		files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range files {
			for _, c := range read(tb, f) {
				if k := c.GetKind(); k == v1alpha1.ObservabilityPlatformKind || k == v1alpha1.KubernetesClusterKind {
					out[filepath.Base(f)+"/"+c.GetName()] = c
				}
			}
		}
	}
	return out
}

// TestClusterSize proves that no cluster is made of more than 45 resources.
func TestClusterSize(t *testing.T) {
	const most = 45
	for name, claim := range clusterClaims(t) {
		t.Run(name, func(t *testing.T) {
			s := start(t, everyone, claim)
			converge(t, s)
			for k, children := range s.children {
				if k.kind != v1alpha1.KubernetesClusterKind {
					continue
				}
				t.Logf("%d resources", len(children))
				if len(children) > most {
					t.Errorf("%d resources, and %d at most are allowed:\n%s", len(children), most, strings.Join(slices.Sorted(maps.Keys(children)), "\n"))
				}
			}
		})
	}
}

// TestChanges compares what a change of a claim changes, round by round, with
// what it changed when somebody last looked.
func TestChanges(t *testing.T) {
	changes := map[string]struct {
		reason string
		change func(cluster map[string]any)
	}{
		"version": {
			reason: "The control plane first, then the nodes, nothing else.",
			change: func(c map[string]any) { c["version"] = "1.35" },
		},
		"nodes": {
			reason: "Only the nodes' number, not what the autoscaler made of it.",
			change: func(c map[string]any) { c["nodes"].(map[string]any)["maxCount"] = int64(9) },
		},
		"tags": {
			reason: "Only what takes tags, and nothing but its tags.",
			change: func(c map[string]any) { c["tags"] = map[string]any{"team": "a"} },
		},
	}
	for provider, file := range clouds(t) {
		got := map[string]string{}
		for name, tc := range changes {
			claim := read(t, file)[0]
			s := start(t, everyone, claim)
			converge(t, s)
			c, _, _ := unstructured.NestedMap(claim.Object, "spec", "cluster")
			tc.change(c)
			if err := unstructured.SetNestedMap(claim.Object, c, "spec", "cluster"); err != nil {
				t.Fatal(err)
			}
			before := flattened(t, s)
			s.Apply(claim)
			b := &strings.Builder{}
			fmt.Fprintf(b, "# %s\n", tc.reason)
			for n := 1; n < MaxRounds; n++ {
				changed, err := s.Reconcile()
				if err != nil {
					t.Fatal(err)
				}
				now := flattened(t, s)
				for _, line := range differences(before, now) {
					fmt.Fprintf(b, "round %d: %s\n", n, line)
				}
				before = now
				if !changed {
					break
				}
			}
			got[name+".txt"] = b.String()
		}
		t.Run(provider, func(t *testing.T) { golden(t, filepath.Join("testdata", "changes", provider), got) })
	}
}

// flattened are all leaves of all objects that are composed, by object and path.
func flattened(t *testing.T, s *Simulation) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, o := range s.Composed() {
		if o.GetAPIVersion() == v1alpha1.APIVersion {
			continue
		}
		var walk func(path string, v any)
		walk = func(path string, v any) {
			if m, ok := v.(map[string]any); ok {
				for k, x := range m {
					walk(path+"."+k, x)
				}
				return
			}
			raw, err := yaml.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out[o.GetKind()+" "+o.GetName()+" "+path] = strings.TrimSpace(string(raw))
		}
		walk("", o.Object)
	}
	return out
}

func differences(before, after map[string]string) []string {
	all := maps.Clone(before)
	maps.Copy(all, after)
	var out []string
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if before[k] != after[k] {
			out = append(out, fmt.Sprintf("%s: %q -> %q", k, before[k], after[k]))
		}
	}
	return out
}

// TestNamesakes proves that two claims of one name in two namespaces have no
// name in common, neither here nor in a cloud.
func TestNamesakes(t *testing.T) {
	for name, claim := range clusterClaims(t) {
		if c, _, _ := unstructured.NestedString(claim.Object, "spec", "externalName"); c != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for _, ns := range []string{"team-a", "team-b"} {
				c := claim.DeepCopy()
				c.SetNamespace(ns)
				s := start(t, everyone, c)
				converge(t, s)
				for _, o := range s.Composed() {
					if !isMade(o.GroupVersionKind().Group) {
						continue
					}
					for _, n := range cloudNames(o) {
						if was, ok := got[n]; ok && was != ns {
							t.Errorf("%s is in both namespaces", n)
						}
						got[n] = ns
					}
				}
			}
		})
	}
}

// isMade says whether objects of a group stand for what a cluster is made of.
func isMade(group string) bool {
	return strings.HasSuffix(group, ".m.upbound.io") || group == "k3s.m.crossplane.io" || group == "local.observe-k8s.io"
}

// cloudNames are the names that the real thing behind an object may have.
func cloudNames(o *unstructured.Unstructured) []string {
	out := []string{o.GetName()}
	// A pool's name counts within its cluster only.
	if n := o.GetAnnotations()["crossplane.io/external-name"]; n != "" && !strings.HasSuffix(o.GetKind(), "NodePool") {
		out = append(out, n)
	}
	for _, field := range []string{"name", "accountId", "dnsPrefix", "nodeResourceGroup"} {
		n, ok, _ := unstructured.NestedString(o.Object, "spec", "forProvider", field)
		if ok {
			out = append(out, field+"="+n)
		}
	}
	return out
}
