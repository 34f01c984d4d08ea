// SPDX-License-Identifier: Apache-2.0

// Package backendtest helps to test backends of clusters: it has claims,
// kubeconfigs, and a world in which everything that is composed becomes ready.
package backendtest

import (
	"encoding/base64"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/kinds"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// Canary is in every kubeconfig of tests and must not be in any message.
const Canary = "c4n4ry"

// A Kubeconfig as a person has it, for tests to change.
type Kubeconfig struct {
	// Config is all of it.
	Config map[string]any
	// Context, Cluster and User are the ones in use.
	Context, Cluster, User map[string]any
}

// KubeconfigSecret is a Secret with a kubeconfig, changed by f.
func KubeconfigSecret(tb testing.TB, f func(c *Kubeconfig)) *unstructured.Unstructured {
	tb.Helper()
	c := &Kubeconfig{
		Context: map[string]any{"cluster": "one", "user": "two"},
		Cluster: map[string]any{"server": "https://one.example.org:6443"},
		User:    map[string]any{"token": Canary},
	}
	c.Config = map[string]any{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": "three",
		"contexts":        []any{map[string]any{"name": "three", "context": c.Context}},
		"clusters":        []any{map[string]any{"name": "one", "cluster": c.Cluster}},
		"users":           []any{map[string]any{"name": "two", "user": c.User}},
	}
	if f != nil {
		f(c)
	}
	raw, err := yaml.Marshal(c.Config)
	if err != nil {
		tb.Fatal(err)
	}
	return SecretWith(string(raw))
}

// SecretWith holds content below the key kubeconfig.
func SecretWith(content string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata":   map[string]any{"name": "remote", "namespace": "team-a"},
		"data":       map[string]any{"kubeconfig": base64.StdEncoding.EncodeToString([]byte(content))},
	}}
}

// Claim is a claim with what the schema fills in, changed by fs.
func Claim(p v1alpha1.Provider, fs ...func(*v1alpha1.KubernetesCluster)) *v1alpha1.KubernetesCluster {
	c := &v1alpha1.KubernetesCluster{}
	c.APIVersion, c.Kind = v1alpha1.APIVersion, v1alpha1.KubernetesClusterKind
	c.Namespace, c.Name = "team-a", "demo"
	c.Spec = v1alpha1.ClusterParameters{
		Provider:           p,
		Region:             v1alpha1.RegionEuropeWest,
		Version:            "1.34",
		Nodes:              v1alpha1.Nodes{InstanceSize: v1alpha1.InstanceSizeMedium, MinCount: 2, MaxCount: 5, Architecture: v1alpha1.ArchitectureAMD64, DiskSize: "50Gi", CapacityType: v1alpha1.CapacityTypeOnDemand},
		ManagementPolicies: []v1alpha1.ManagementPolicy{v1alpha1.ManageAll},
		ProviderConfigRef:  v1alpha1.ProviderConfigReference{Kind: "ClusterProviderConfig", Name: "default"},
	}
	for _, f := range fs {
		f(c)
	}
	return c
}

// ToUnstructured is an object as a composer sees it.
func ToUnstructured(tb testing.TB, o any) *unstructured.Unstructured {
	tb.Helper()
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		tb.Fatal(err)
	}
	return &unstructured.Unstructured{Object: m}
}

// World is a claim in a world in which nothing is there yet, and where
// requirements are answered with a kubeconfig.
func World(tb testing.TB, c *v1alpha1.KubernetesCluster) compose.Request {
	tb.Helper()
	return compose.Request{
		XR:       ToUnstructured(tb, c),
		Observed: map[string]*unstructured.Unstructured{},
		Required: map[string][]*unstructured.Unstructured{backend.RequirementKubeconfig: {KubeconfigSecret(tb, nil)}},
	}
}

// Server of clusters, as their providers report it.
const Server = "https://simulated.example.org"

// table of the kinds of all providers, which are folders beside that of the test.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var table = sync.OnceValues(func() (kinds.Table, error) { return kinds.Read(os.DirFS("..")) })

// Observe is what becomes of what is desired: everything is ready, and providers
// report what the files kinds.yaml say.
func Observe(tb testing.TB, res compose.Result, was map[string]*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	tb.Helper()
	known, err := table()
	if err != nil {
		tb.Fatal(err)
	}
	out, byName := map[string]*unstructured.Unstructured{}, map[string]*unstructured.Unstructured{}
	for name, d := range res.Resources {
		o := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(d.Object)}
		o.Object["status"] = map[string]any{}
		if before := was[name]; before != nil {
			o.Object["status"] = runtime.DeepCopyJSONValue(before.Object["status"])
			byName[before.GetName()] = before
		}
		out[name] = o
	}
	for _, o := range out {
		status := map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}, map[string]any{"type": "Synced", "status": "True"}}}
		at := known.Of(o).Reported(o, kinds.Scene{Server: Server, ID: "0123456789abcdef0", Find: func(name string) *unstructured.Unstructured { return byName[name] }})
		if at != nil {
			status["atProvider"] = at
		}
		o.Object["status"] = status
	}
	return out
}

// Run a backend once.
func Run(tb testing.TB, b backend.Backend, w compose.Request) compose.Result {
	tb.Helper()
	res, err := compose.Run(w, compose.For(backend.Compose(b)))
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

// Status of a result.
func Status(tb testing.TB, res compose.Result) v1alpha1.KubernetesClusterStatus {
	tb.Helper()
	s := v1alpha1.KubernetesClusterStatus{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Status, &s); err != nil {
		tb.Fatal(err)
	}
	return s
}

// Rounds run a backend until its cluster is ready, and return every world with
// its result.
func Rounds(tb testing.TB, b backend.Backend, w compose.Request) (worlds []compose.Request, results []compose.Result) {
	tb.Helper()
	for range 20 {
		res := Run(tb, b, w)
		worlds, results = append(worlds, w), append(results, res)
		if res.Ready {
			return worlds, results
		}
		w.XR = w.XR.DeepCopy()
		w.XR.Object["status"] = res.Status
		w.Observed = Observe(tb, res, w.Observed)
	}
	tb.Fatalf("not ready after 20 rounds: %+v", results[len(results)-1].Conditions)
	return nil, nil
}

// Added are the names that each round adds.
func Added(worlds []compose.Request, results []compose.Result) [][]string {
	var out [][]string
	for i, res := range results {
		var added []string
		for _, n := range slices.Sorted(maps.Keys(res.Resources)) {
			if !worlds[i].IsObserved(n) {
				added = append(added, n)
			}
		}
		if len(added) > 0 {
			out = append(out, added)
		}
	}
	return out
}

// ForProvider of a resource, or an empty map.
func ForProvider(res compose.Result, name string) map[string]any {
	m, _, _ := unstructured.NestedMap(res.Resources[name].Object, "spec", "forProvider")
	return m
}

// Last of some.
func Last[T any](s []T) T { return s[len(s)-1] }
