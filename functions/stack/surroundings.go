package stack

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// Surroundings are what workloads find on the cluster of a stack.
func Surroundings(p v1alpha1.StackParameters) (v1alpha1.WorkloadSurroundings, error) {
	all, _, err := selection(p, nil, nil)
	if err != nil {
		return v1alpha1.WorkloadSurroundings{}, err
	}
	parts := make(map[string]selected, len(all))
	for _, s := range all {
		parts[s.Name] = s
	}
	out := v1alpha1.WorkloadSurroundings{}
	// The agent of the pod's own node, or else who takes from all of them. Services have the
	// names of their components.
	for _, name := range []string{"collector-gateway", "collector-agent"} {
		if c, ok := parts[name]; ok {
			out.Collector = name + "." + c.Namespace
		}
	}
	for _, f := range []struct {
		component string
		feature   v1alpha1.WorkloadFeature
	}{
		{"chaos-mesh", v1alpha1.FeatureChaosMesh},
		{"linkerd-control-plane", v1alpha1.FeatureMesh},
		{"prometheus-operator-crds", v1alpha1.FeaturePrometheus},
	} {
		if _, ok := parts[f.component]; ok {
			out.Features = append(out.Features, f.feature)
		}
	}
	return out, nil
}
