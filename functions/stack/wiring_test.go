package stack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

func TestWire(t *testing.T) {
	off := map[string]any{"enabled": false}
	volume := map[string]any{"prometheusSpec": map[string]any{"storageSpec": map[string]any{
		"volumeClaimTemplate": map[string]any{"spec": map[string]any{
			"storageClassName": "fast",
			"accessModes":      []any{"ReadWriteOnce"},
			"resources":        map[string]any{"requests": map[string]any{"storage": "20Gi"}},
		}},
	}}}
	cases := map[string]struct {
		reason    string
		component string
		access    v1alpha1.Access
		want      map[string]any
	}{
		"Indifferent": {
			reason:    "Most components are the same on every cluster.",
			component: "cert-manager",
			access:    v1alpha1.Access{StorageClass: "fast"},
		},
		"ManagedControlPlane": {
			reason:    "What nobody can reach is not scraped.",
			component: "kube-prometheus-stack",
			want:      map[string]any{"kubeControllerManager": off, "kubeEtcd": off, "kubeProxy": off, "kubeScheduler": off},
		},
		"OwnControlPlane": {
			reason:    "What can be reached is scraped.",
			component: "kube-prometheus-stack",
			access:    v1alpha1.Access{ControlPlaneScrapable: true},
			want:      map[string]any{},
		},
		"StorageClass": {
			reason:    "Metrics outlive a pod where a storage class is given.",
			component: "kube-prometheus-stack",
			access:    v1alpha1.Access{ControlPlaneScrapable: true, StorageClass: "fast"},
			want:      map[string]any{"prometheus": volume},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, wire(tc.component, &tc.access)); diff != "" {
				t.Errorf("\n%s\nwire(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestWiringIsMerged proves that wiring and the values of the catalog meet.
func TestWiringIsMerged(t *testing.T) {
	res := run(t, settle(t, compose.World{XR: toUnstructured(t, claim()), Required: cluster(map[string]any{
		"helmProviderConfig": "h", "kubernetesProviderConfig": "k", "storageClass": "fast",
	})}))
	values := res.Resources["kube-prometheus-stack"].Object["spec"].(map[string]any)["values"].(map[string]any)
	type want struct {
		fromCatalog, ofCluster any
	}
	prometheus := values["prometheus"].(map[string]any)["prometheusSpec"].(map[string]any)
	_, stored := prometheus["storageSpec"]
	got := want{fromCatalog: prometheus["enableOTLPReceiver"], ofCluster: stored}
	if diff := cmp.Diff(want{fromCatalog: true, ofCluster: true}, got, cmp.AllowUnexported(want{})); diff != "" {
		t.Errorf("\nWhat the cluster asks for comes beside what the catalog says.\nvalues: -want, +got:\n%s", diff)
	}
}
