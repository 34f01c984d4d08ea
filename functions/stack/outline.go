// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// An Summary is what those beside a stack need to know of it.
type Summary struct {
	// TopLevelComponents are the components that no other needs. Whoever waits for them waits for
	// the whole stack. Who lodges with whom makes no difference: it depends on
	// history, which only the stack knows.
	TopLevelComponents []string

	// Namespaces that the components live in, with the component that makes each.
	Namespaces map[string]string

	// HasIngress says that the stack brings an ingress of its own.
	HasIngress bool

	// Environment are what workloads find on the cluster.
	Environment v1alpha1.WorkloadEnvironment
}

// SummaryOf a stack with deployers.
func SummaryOf(p v1alpha1.StackParameters, deployers []v1alpha1.Deployer) (Summary, error) {
	all, _, err := selection(p, deployers, nil)
	if err != nil {
		return Summary{}, err
	}
	return Summary{
		TopLevelComponents: topLevelComponents(all),
		Namespaces:         namespaces(all),
		HasIngress:         slices.ContainsFunc(all, func(s selected) bool { return s.Name == ingress }),
		Environment:        environment(all),
	}, nil
}

func topLevelComponents(all []selected) []string {
	needed := map[string]bool{}
	for _, s := range all {
		for _, n := range s.startAfter {
			needed[n] = true
		}
		if s.deployerComponent != "" {
			needed[s.deployerComponent] = true
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
		if s.namespaceOwner == "" {
			out[s.Namespace] = s.Name
		}
	}
	return out
}

func environment(all []selected) v1alpha1.WorkloadEnvironment {
	in := make(map[string]string, len(all))
	for _, s := range all {
		in[s.Name] = s.Namespace
	}
	out := v1alpha1.WorkloadEnvironment{}
	// The agent of the pod's own node, or else who takes from all of them. Services have the
	// names of their components.
	for _, name := range []string{"collector-gateway", "collector-agent"} {
		if namespace, ok := in[name]; ok {
			out.OTLPHost = name + "." + namespace
		}
	}
	for _, f := range []struct {
		component string
		feature   v1alpha1.Capability
	}{
		{"chaos-mesh", v1alpha1.CapabilityChaosMesh},
		{"linkerd-control-plane", v1alpha1.CapabilityMesh},
		{"prometheus-operator-crds", v1alpha1.CapabilityPrometheus},
	} {
		if _, ok := in[f.component]; ok {
			out.Capabilities = append(out.Capabilities, f.feature)
		}
	}
	return out
}
