// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// withStatus is an object that says no more than its status.
func withStatus(status any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"status": status}}
}

func TestClusterConnection(t *testing.T) {
	ref := func(name string) map[string]any { return map[string]any{"name": name} }
	type want struct {
		connection *v1alpha1.Connection
		err        error
	}
	cases := map[string]struct {
		reason  string
		cluster *unstructured.Unstructured
		want    want
	}{
		"NoCluster": {
			reason: "No cluster, no connection.",
		},
		"NoStatus": {
			reason:  "A new cluster does not say yet.",
			cluster: &unstructured.Unstructured{Object: map[string]any{}},
		},
		"NoConnection": {
			reason:  "A cluster that is being made does not say yet.",
			cluster: withStatus(map[string]any{"phase": "Pending"}),
		},
		"Connection": {
			reason: "Everything that a cluster says of its connection is read.",
			cluster: withStatus(map[string]any{"connection": map[string]any{
				"helmProviderConfigRef":       ref("a"),
				"kubernetesProviderConfigRef": ref("b"),
				"kubeconfigSecretRef":         map[string]any{"name": "s", "key": "k"},
				"apiServerURL":                "https://example.org",
				"chartMirror":                 "https://mirror.example.org",
			}}),
			want: want{connection: &v1alpha1.Connection{
				HelmProviderConfigRef:       v1alpha1.LocalReference{Name: "a"},
				KubernetesProviderConfigRef: v1alpha1.LocalReference{Name: "b"},
				KubeconfigSecretRef:         &v1alpha1.SecretKeyReference{Name: "s", Key: "k"},
				APIServerURL:                "https://example.org",
				ChartMirror:                 "https://mirror.example.org",
			}},
		},
		"NoHelm": {
			reason:  "A connection without a ProviderConfig leads nowhere.",
			cluster: withStatus(map[string]any{"connection": map[string]any{"kubernetesProviderConfigRef": ref("b")}}),
			want:    want{err: cmpopts.AnyError},
		},
		"NoKubernetes": {
			reason:  "A connection without a ProviderConfig leads nowhere.",
			cluster: withStatus(map[string]any{"connection": map[string]any{"helmProviderConfigRef": ref("a")}}),
			want:    want{err: cmpopts.AnyError},
		},
		"MalformedStatus": {
			reason:  "What is not a status is no reason to panic.",
			cluster: withStatus("fine"),
			want:    want{err: cmpopts.AnyError},
		},
		"MalformedConnection": {
			reason:  "What is not a connection is no reason to panic.",
			cluster: withStatus(map[string]any{"connection": map[string]any{"helmProviderConfigRef": "a"}}),
			want:    want{err: cmpopts.AnyError},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ClusterConnection(tc.cluster)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nClusterConnection(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.connection, got); diff != "" {
				t.Errorf("\n%s\nClusterConnection(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestClusterCapabilities(t *testing.T) {
	type want struct {
		capabilities *v1alpha1.Capabilities
		err          error
	}
	cases := map[string]struct {
		reason  string
		cluster *unstructured.Unstructured
		want    want
	}{
		"NoCluster": {
			reason: "No cluster, no capabilities.",
		},
		"NoCapabilities": {
			reason:  "A cluster that is being made does not say yet.",
			cluster: withStatus(map[string]any{"phase": "Pending"}),
		},
		"Capabilities": {
			reason: "Everything that a cluster says of its capabilities is read.",
			cluster: withStatus(map[string]any{"capabilities": map[string]any{
				"architecture":                 "arm64",
				"storageClassName":             "fast",
				"controlPlaneMetricsReachable": true,
				"gatewayAPICRDs":               "Preinstalled",
				"ingressExposure":              "HostPort",
			}}),
			want: want{capabilities: &v1alpha1.Capabilities{
				Architecture:                 v1alpha1.ArchitectureARM64,
				StorageClassName:             "fast",
				ControlPlaneMetricsReachable: true,
				GatewayAPICRDs:               v1alpha1.GatewayAPICRDsPreinstalled,
				IngressExposure:              v1alpha1.IngressExposureHostPort,
			}},
		},
		"Malformed": {
			reason:  "What is no capability is no reason to panic.",
			cluster: withStatus(map[string]any{"capabilities": map[string]any{"architecture": map[string]any{}}}),
			want:    want{err: cmpopts.AnyError},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ClusterCapabilities(tc.cluster)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nClusterCapabilities(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.capabilities, got); diff != "" {
				t.Errorf("\n%s\nClusterCapabilities(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLeaves(t *testing.T) {
	cases := map[string]struct {
		reason    string
		component *unstructured.Unstructured
		want      []v1alpha1.ObjectReference
	}{
		"NoComponent": {
			reason: "A component that is not there has no leaves.",
		},
		"NoStatus": {
			reason:    "A new component does not say yet.",
			component: &unstructured.Unstructured{Object: map[string]any{}},
		},
		"MalformedStatus": {
			reason:    "What is not a status is no reason to panic.",
			component: withStatus("fine"),
		},
		"Leaves": {
			reason: "What is not a reference is left out.",
			component: withStatus(map[string]any{"resourceRefs": []any{
				"fine",
				map[string]any{"apiVersion": HelmAPIVersion, "kind": "Release", "name": "a"},
			}}),
			want: []v1alpha1.ObjectReference{{APIVersion: HelmAPIVersion, Kind: "Release", Name: "a"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, ManagedRefs(tc.component), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nLeaves(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRewrite(t *testing.T) {
	type want struct {
		repository string
		plain      bool
	}
	cases := map[string]struct {
		reason     string
		mirror     *Mirror
		repository string
		want       want
	}{
		"NoMirror": {
			reason:     "Without a mirror nothing changes.",
			repository: "https://charts.example.org/stable",
			want:       want{repository: "https://charts.example.org/stable"},
		},
		"HTTP": {
			reason:     "A repository of files is served by the mirror as OCI.",
			mirror:     &Mirror{Prefix: "mirror.example.org/charts"},
			repository: "https://charts.example.org/stable/",
			want:       want{repository: "oci://mirror.example.org/charts/charts.example.org/stable"},
		},
		"OCI": {
			reason:     "An OCI repository keeps its path.",
			mirror:     &Mirror{Prefix: "mirror.example.org"},
			repository: "oci://ghcr.io/prometheus-community/charts",
			want:       want{repository: "oci://mirror.example.org/ghcr.io/prometheus-community/charts"},
		},
		"Port": {
			reason:     "No path of a registry may have a colon.",
			mirror:     &Mirror{Prefix: "127.0.0.1:5000", PlainHTTP: true},
			repository: "oci://charts.example.org:8443/a",
			want:       want{repository: "oci://127.0.0.1:5000/charts.example.org-8443/a", plain: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			repository, plain := tc.mirror.Rewrite(tc.repository)
			got := want{repository: repository, plain: plain}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nRewrite(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
