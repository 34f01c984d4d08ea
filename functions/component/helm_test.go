// SPDX-License-Identifier: Apache-2.0

package component

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestRelease looks at the composed Release in full.
func TestRelease(t *testing.T) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	name := compose.Name("team-a", "shop", "release")
	// release with parameters over those that all have.
	release := func(externalName string, parameters map[string]any) map[string]any {
		p := map[string]any{
			"chart":               map[string]any{"repository": "https://charts.example.org", "name": "shop", "version": "1.2.3"},
			"namespace":           "shops",
			"skipCreateNamespace": true,
			"wait":                true,
			"waitTimeout":         "5m",
			"maxHistory":          int64(5),
		}
		maps.Copy(p, parameters)
		return map[string]any{
			"apiVersion": "helm.m.crossplane.io/v1beta1",
			"kind":       "Release",
			"metadata": map[string]any{
				"name": name, "namespace": "team-a",
				"annotations": map[string]any{"crossplane.io/external-name": externalName, "crossplane.io/poll-interval": "30s"},
			},
			"spec": map[string]any{
				"rollbackLimit":     int64(10000),
				"providerConfigRef": map[string]any{"kind": "ProviderConfig", "name": "helm-config"},
				"forProvider":       p,
			},
		}
	}
	own := compose.Name("team-a", "shop")
	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.Component
		settings compose.Settings
		want     map[string]any
	}{
		"Plain": {
			reason: "It waits until the chart's workloads work, and tries again after a failure.",
			claim:  claim(),
			want:   release(own, nil),
		},
		"ReleaseName": {
			reason: "A team may say what the release is called.",
			claim:  claim(func(c *v1alpha1.Component) { c.Spec.ReleaseName = "my-shop" }),
			want:   release("my-shop", nil),
		},
		"Timeout": {
			reason: "A team may say how long one attempt waits.",
			claim:  claim(func(c *v1alpha1.Component) { c.Spec.Timeout = "90s" }),
			want:   release(own, map[string]any{"waitTimeout": "90s"}),
		},
		"Digest": {
			reason: "What is fetched must match the digest.",
			claim:  claim(func(c *v1alpha1.Component) { c.Spec.Source.Chart.Digest = digest }),
			want: release(own, map[string]any{
				"chart": map[string]any{"repository": "https://charts.example.org", "name": "shop", "version": "1.2.3", "digest": digest},
			}),
		},
		"Values": {
			reason: "Values are passed on as they are.",
			claim: claim(func(c *v1alpha1.Component) {
				c.Spec.Values = &runtime.RawExtension{Raw: []byte(`{"replicas": 2, "tags": ["a"], "extra": null}`)}
			}),
			want: release(own, map[string]any{
				"values": map[string]any{"replicas": float64(2), "tags": []any{"a"}, "extra": nil},
			}),
		},
		"ValuesFrom": {
			reason: "References keep their order, kind, key and whether they may be missing.",
			claim: claim(func(c *v1alpha1.Component) {
				c.Spec.ValuesFrom = []v1alpha1.ValuesReference{
					{Kind: v1alpha1.ValuesFromSecret, Name: "passwords", Key: "p.yaml"},
					{Kind: v1alpha1.ValuesFromConfigMap, Name: "settings", Key: "s.yaml", Optional: true},
				}
			}),
			want: release(own, map[string]any{"valuesFrom": []any{
				map[string]any{"secretKeyRef": map[string]any{"name": "passwords", "key": "p.yaml"}},
				map[string]any{"configMapKeyRef": map[string]any{"name": "settings", "key": "s.yaml", "optional": true}},
			}}),
		},
		"Mirror": {
			reason:   "A mirror serves the chart below its own host and path.",
			claim:    claim(),
			settings: compose.Settings{ChartMirror: &compose.Mirror{Prefix: "mirror.example.org/charts"}},
			want: release(own, map[string]any{
				"chart": map[string]any{"repository": "oci://mirror.example.org/charts/charts.example.org", "name": "shop", "version": "1.2.3"},
			}),
		},
		"PlainMirror": {
			reason:   "The provider has to be told that a mirror has no TLS.",
			claim:    claim(),
			settings: compose.Settings{ChartMirror: &compose.Mirror{Prefix: "127.0.0.1:5000", PlainHTTP: true}},
			want: release(own, map[string]any{
				"chart":     map[string]any{"repository": "oci://127.0.0.1:5000/charts.example.org", "name": "shop", "version": "1.2.3"},
				"plainHTTP": true,
			}),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			withoutNamespace(tc.claim)
			res := run(t, compose.Request{XR: toUnstructured(t, tc.claim), Required: answers("cluster", reachable("True")), Settings: tc.settings})
			got := res.Resources["release"].Object
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nrelease: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestReleaseName is the name of the release on the cluster, which Helm limits.
func TestReleaseName(t *testing.T) {
	long := claim(func(c *v1alpha1.Component) { c.Name = strings.Repeat("a", 63) })
	withoutNamespace(long)
	res := run(t, compose.Request{XR: toUnstructured(t, long), Required: answers("cluster", reachable("True"))})
	o := unstructured.Unstructured{Object: res.Resources["release"].Object}
	if n := o.GetAnnotations()["crossplane.io/external-name"]; n == "" || len(n) > 53 {
		t.Errorf("Helm takes names of at most 53 characters, got %d: %q", len(n), n)
	}
	if n := o.GetName(); len(n) > 63 {
		t.Errorf("labels take values of at most 63 characters, got %d: %q", len(n), n)
	}
}

// TestInvalidValues are refused by the API server; here they are an error.
func TestInvalidValues(t *testing.T) {
	xr := toUnstructured(t, claim(withoutNamespace))
	xr.Object["spec"].(map[string]any)["values"] = "all of them"
	_, err := compose.Run(compose.Request{XR: xr, Required: answers("cluster", reachable("True"))}, compose.For(Compose))
	if err == nil {
		t.Error("want an error for values that are no object")
	}
}
