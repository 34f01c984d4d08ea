package stack

import "github.com/observe-k8s/observe-k8s/apis/v1alpha1"

// wire gives a component the values that depend on the cluster: one row per
// component that has any.
func wire(component string, a *v1alpha1.Access) map[string]any {
	wires := map[string]func(*v1alpha1.Access) map[string]any{
		"kube-prometheus-stack": wirePrometheus,
	}
	if w, ok := wires[component]; ok {
		return w(a)
	}
	return nil
}

// wirePrometheus leaves out targets that nobody can reach, whose alerts would
// fire for ever, and keeps metrics on volumes where a storage class is given.
func wirePrometheus(a *v1alpha1.Access) map[string]any {
	v := map[string]any{}
	if !a.ControlPlaneScrapable {
		for _, target := range []string{"kubeControllerManager", "kubeEtcd", "kubeProxy", "kubeScheduler"} {
			v[target] = map[string]any{"enabled": false}
		}
	}
	if a.StorageClass != "" {
		v["prometheus"] = map[string]any{"prometheusSpec": map[string]any{"storageSpec": map[string]any{
			"volumeClaimTemplate": map[string]any{"spec": map[string]any{
				"storageClassName": a.StorageClass,
				"accessModes":      []any{"ReadWriteOnce"},
				"resources":        map[string]any{"requests": map[string]any{"storage": "20Gi"}},
			}},
		}}}
	}
	return v
}
