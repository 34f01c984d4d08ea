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

func TestClusterAccess(t *testing.T) {
	type want struct {
		access *v1alpha1.Access
		err    error
	}
	cases := map[string]struct {
		reason  string
		cluster *unstructured.Unstructured
		want    want
	}{
		"NoCluster": {
			reason: "No cluster, no way to it.",
		},
		"NoStatus": {
			reason:  "A new cluster does not say yet.",
			cluster: &unstructured.Unstructured{Object: map[string]any{}},
		},
		"NoAccess": {
			reason:  "A cluster that is being made does not say yet.",
			cluster: withStatus(map[string]any{"phase": "Pending"}),
		},
		"Access": {
			reason: "Everything that a cluster says of itself is read.",
			cluster: withStatus(map[string]any{"access": map[string]any{
				"helmProviderConfig":           "a",
				"kubernetesProviderConfig":     "b",
				"kubeconfigSecretRef":          map[string]any{"name": "s", "key": "k"},
				"apiServerURL":                 "https://example.org",
				"architecture":                 "arm64",
				"storageClassName":             "fast",
				"controlPlaneMetricsReachable": true,
				"managedGatewayAPI":            true,
			}}),
			want: want{access: &v1alpha1.Access{
				HelmProviderConfig:           "a",
				KubernetesProviderConfig:     "b",
				KubeconfigSecretRef:          &v1alpha1.SecretKeyReference{Name: "s", Key: "k"},
				APIServerURL:                 "https://example.org",
				Architecture:                 v1alpha1.ArchitectureARM64,
				StorageClassName:             "fast",
				ControlPlaneMetricsReachable: true,
				ManagedGatewayAPI:            true,
			}},
		},
		"NoHelm": {
			reason:  "An access without a ProviderConfig leads nowhere.",
			cluster: withStatus(map[string]any{"access": map[string]any{"kubernetesProviderConfig": "b"}}),
			want:    want{err: cmpopts.AnyError},
		},
		"NoKubernetes": {
			reason:  "An access without a ProviderConfig leads nowhere.",
			cluster: withStatus(map[string]any{"access": map[string]any{"helmProviderConfig": "a"}}),
			want:    want{err: cmpopts.AnyError},
		},
		"MalformedStatus": {
			reason:  "What is not a status is no reason to panic.",
			cluster: withStatus("fine"),
			want:    want{err: cmpopts.AnyError},
		},
		"MalformedAccess": {
			reason:  "What is not an access is no reason to panic.",
			cluster: withStatus(map[string]any{"access": map[string]any{"helmProviderConfig": map[string]any{}}}),
			want:    want{err: cmpopts.AnyError},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ClusterAccess(tc.cluster)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nClusterAccess(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.access, got); diff != "" {
				t.Errorf("\n%s\nClusterAccess(...): -want, +got:\n%s", tc.reason, diff)
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
