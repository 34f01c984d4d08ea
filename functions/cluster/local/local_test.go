// SPDX-License-Identifier: Apache-2.0

package local

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend/backendtest"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// backendOf a claim.
func backendOf(c *v1alpha1.KubernetesCluster) backend.Backend {
	if c.Spec.Provider == v1alpha1.ProviderK3d {
		return K3d{}
	}
	return Kind{}
}

// TestLocal looks at what a claim on containers comes to.
func TestLocal(t *testing.T) {
	nodes := v1alpha1.LocalNodes{
		Image: "registry.example.org/node:v1", ControlPlanes: 3, Workers: 2,
		Ports:           []v1alpha1.LocalPort{{HostPort: 8080, ContainerPort: 30080, ListenAddress: "127.0.0.1", Protocol: "TCP"}},
		RegistryMirrors: []v1alpha1.RegistryMirror{{Registry: "docker.io", Endpoints: []v1alpha1.MirrorEndpoint{"http://registry:5000"}}},
		Labels:          map[string]v1alpha1.LocalLabel{"rack": "a"},
	}
	composed := func(more map[string]any) map[string]any {
		m := map[string]any{
			"image": "registry.example.org/node:v1", "controlPlanes": int64(3), "workers": int64(2),
			"ports":           []any{map[string]any{"hostPort": int64(8080), "containerPort": int64(30080), "listenAddress": "127.0.0.1", "protocol": "TCP"}},
			"registryMirrors": []any{map[string]any{"registry": "docker.io", "endpoints": []any{"http://registry:5000"}}},
			"labels":          map[string]any{"rack": "a"},
		}
		maps.Copy(m, more)
		return m
	}
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.KubernetesCluster
		kind   string
		want   map[string]any
		class  string
	}{
		"Kind": {
			reason: "One line is enough: one node of the version.",
			claim:  backendtest.Claim(v1alpha1.ProviderKind),
			kind:   "KindCluster", class: "standard",
			want: map[string]any{"version": "1.34", "controlPlanes": int64(1), "workers": int64(0)},
		},
		"KindNodes": {
			reason: "An image has its version.",
			claim:  backendtest.Claim(v1alpha1.ProviderKind, func(c *v1alpha1.KubernetesCluster) { c.Spec.KindCluster = &v1alpha1.KindCluster{LocalNodes: nodes} }),
			kind:   "KindCluster", class: "standard",
			want: composed(nil),
		},
		"K3d": {
			reason: "What the stack brings k3s need not.",
			claim:  backendtest.Claim(v1alpha1.ProviderK3d),
			kind:   "K3dCluster", class: "local-path",
			want: map[string]any{"version": "1.34", "controlPlanes": int64(1), "workers": int64(0), "disable": []any{"servicelb", "traefik"}},
		},
		"K3dNodes": {
			reason: "Who wants what k3s brings gets it.",
			claim: backendtest.Claim(v1alpha1.ProviderK3d, func(c *v1alpha1.KubernetesCluster) {
				c.Spec.K3d = &v1alpha1.K3dCluster{LocalNodes: nodes, Traefik: true}
			}),
			kind: "K3dCluster", class: "local-path",
			want: composed(map[string]any{"disable": []any{"servicelb"}}),
		},
		"Newest": {
			reason: "Without a version the tool knows its newest.",
			claim:  backendtest.Claim(v1alpha1.ProviderKind, func(c *v1alpha1.KubernetesCluster) { c.Spec.Version = "" }),
			kind:   "KindCluster", class: "standard",
			want: map[string]any{"controlPlanes": int64(1), "workers": int64(0)},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			worlds, results := backendtest.Rounds(t, backendOf(tc.claim), backendtest.World(t, tc.claim))
			added, res := backendtest.Added(worlds, results), backendtest.Last(results)
			want := [][]string{
				{"cluster"},
				{"provider-config-helm", "provider-config-kubernetes"},
				{"api-server", "usage-keeper-0-helm", "usage-keeper-0-kubernetes"},
				{"usage-provider-config-kubernetes"},
			}
			if diff := cmp.Diff(want, added); diff != "" {
				t.Errorf("names by round: -want, +got:\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, backendtest.ForProvider(res, "cluster")); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
			if got := res.Resources["cluster"].Object["kind"]; got != tc.kind {
				t.Errorf("kind %v, want %s", got, tc.kind)
			}
			status := backendtest.Status(t, res)
			if a := backend.AccessOf(status); a == nil || a.StorageClassName != tc.class || a.APIServerURL != "https://one.example.org:6443" {
				t.Errorf("access %+v, want storage class %s", a, tc.class)
			}
		})
	}
}

// TestLocalVersion shows that a version without images is a condition, and that
// what is there stays.
func TestLocalVersion(t *testing.T) {
	_, results := backendtest.Rounds(t, Kind{}, backendtest.World(t, backendtest.Claim(v1alpha1.ProviderKind)))
	w := backendtest.World(t, backendtest.Claim(v1alpha1.ProviderKind, func(c *v1alpha1.KubernetesCluster) { c.Spec.Version = "1.20" }))
	w.Observed = backendtest.Observe(t, backendtest.Last(results), nil)
	got := backendtest.Run(t, Kind{}, w)
	want := compose.Condition{Type: backend.PartControlPlane, Reason: "UnsupportedValue", Message: `Provider Kind has nothing for version "1.20". Valid: 1.34, 1.35, 1.36, 1.37`}
	if diff := cmp.Diff(want, got.Conditions[0]); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	for n := range w.Observed {
		if _, ok := got.Resources[n]; !ok {
			t.Errorf("%s is there and would be deleted", n)
		}
	}
}

// TestLocalArchitecture proves that the engine knows best, and is remembered.
func TestLocalArchitecture(t *testing.T) {
	_, results := backendtest.Rounds(t, Kind{}, backendtest.World(t, backendtest.Claim(v1alpha1.ProviderKind)))
	c := backendtest.Claim(v1alpha1.ProviderKind)
	for _, says := range []string{"arm64", ""} {
		w := backendtest.World(t, c)
		w.Observed = backendtest.Observe(t, backendtest.Last(results), nil)
		w.Observed["cluster"].Object["status"].(map[string]any)["atProvider"] = map[string]any{"architecture": says}
		got := backendtest.Run(t, Kind{}, w)
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(got.Status, &c.Status); err != nil {
			t.Fatal(err)
		}
		if a := c.Status.Capabilities.Architecture; a != v1alpha1.ArchitectureARM64 {
			t.Errorf("the engine says %q: %s, want arm64", says, a)
		}
	}
}

// TestLocalVersions proves that a neutral version is refused here exactly where
// our provider would refuse it.
func TestLocalVersions(t *testing.T) {
	for _, kind := range []string{"kindclusters", "k3dclusters"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "..", "providers", "local", "package", "crds", "local.observe-k8s.io_"+kind+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		crd := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(b, &crd.Object); err != nil {
			t.Fatal(err)
		}
		versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
		schema, _ := versions[0].(map[string]any)
		want, _, err := unstructured.NestedStringSlice(schema, "schema", "openAPIV3Schema", "properties", "spec", "properties", "forProvider", "properties", "version", "enum")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(localVersions()))); diff != "" {
			t.Errorf("versions of %s: -provider, +composer:\n%s", kind, diff)
		}
	}
}
