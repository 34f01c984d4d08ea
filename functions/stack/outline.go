// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// An Outline is what those beside a stack need to know of it.
type Outline struct {
	// Roots are the components that no other needs. Whoever waits for them waits for
	// the whole stack. Who lodges with whom makes no difference: it depends on
	// history, which only the stack knows.
	Roots []string

	// Namespaces that the components live in, with the component that makes each.
	Namespaces map[string]string

	// HasIngress says that the stack brings an ingress of its own.
	HasIngress bool

	// Surroundings are what workloads find on the cluster.
	Surroundings v1alpha1.WorkloadSurroundings
}

// OutlineOf a stack with engines.
func OutlineOf(p v1alpha1.StackParameters, engines []v1alpha1.Delivery) (Outline, error) {
	all, _, err := selection(p, engines, nil)
	if err != nil {
		return Outline{}, err
	}
	return Outline{
		Roots:        roots(all),
		Namespaces:   namespaces(all),
		HasIngress:   slices.ContainsFunc(all, func(s selected) bool { return s.Name == ingress }),
		Surroundings: surroundings(all),
	}, nil
}

func roots(all []selected) []string {
	needed := map[string]bool{}
	for _, s := range all {
		for _, n := range s.follows {
			needed[n] = true
		}
		if s.engineHost != "" {
			needed[s.engineHost] = true
		}
	}
	var out []string
	for _, s := range all {
		if !needed[s.Name] {
			out = append(out, s.Name)
		}
	}
	return out
}

func namespaces(all []selected) map[string]string {
	out := make(map[string]string, len(all))
	for _, s := range all {
		if s.lodgesWith == "" {
			out[s.Namespace] = s.Name
		}
	}
	return out
}

func surroundings(all []selected) v1alpha1.WorkloadSurroundings {
	in := make(map[string]string, len(all))
	for _, s := range all {
		in[s.Name] = s.Namespace
	}
	out := v1alpha1.WorkloadSurroundings{}
	// The agent of the pod's own node, or else who takes from all of them. Services have the
	// names of their components.
	for _, name := range []string{"collector-gateway", "collector-agent"} {
		if namespace, ok := in[name]; ok {
			out.Collector = name + "." + namespace
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
		if _, ok := in[f.component]; ok {
			out.Features = append(out.Features, f.feature)
		}
	}
	return out
}
