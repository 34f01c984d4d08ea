// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// summary of a stack, for workloads on its cluster. Which component shares whose
// namespace makes no difference to the top-level components: that depends on history.
func summary(xr v1alpha1.ObservabilityStack, capabilities *v1alpha1.Capabilities, all []selected) v1alpha1.StackSummary {
	environment := environment(all)
	if capabilities != nil {
		environment.Architecture = capabilities.Architecture
	}
	out := v1alpha1.StackSummary{
		Environment: &environment,
		HasIngress:  slices.ContainsFunc(all, func(s selected) bool { return s.Name == ingress }),
	}
	for _, r := range topLevelComponents(all) {
		out.TopLevelComponents = append(out.TopLevelComponents, v1alpha1.LocalReference{Name: ComponentName(xr.Namespace, xr.Name, r)})
	}
	owners := namespaces(all)
	for _, n := range sortedKeys(owners) {
		out.Namespaces = append(out.Namespaces, v1alpha1.StackNamespace{Name: n, Component: owners[n]})
	}
	return out
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
