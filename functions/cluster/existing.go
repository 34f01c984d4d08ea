// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

const requirementKubeconfig = "kubeconfig"

// existing is a cluster that is there already: reached with a kubeconfig from a
// Secret of the claim's namespace, or the management cluster itself.
type existing struct{}

// Plan says how to reach the cluster; there is nothing to make.
func (existing) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (Cluster, error) {
	spec := in.Claim.Spec.Existing
	switch {
	case spec == nil:
		return problem("InvalidSpec", "Provider Existing needs the block existing"), nil
	case spec.ManagementCluster:
		return management(in), nil
	case spec.KubeconfigSecretRef == nil:
		return problem("InvalidSpec", "Provider Existing needs existing.kubeconfigSecretRef or existing.managementCluster"), nil
	}

	ref := *spec.KubeconfigSecretRef
	c := Cluster{
		Requirements: []compose.Requirement{{
			Name: requirementKubeconfig, APIVersion: "v1", Kind: "Secret", Namespace: in.Claim.Namespace, ObjectName: ref.Name,
		}},
		Config:  secretConfig(in.Claim.Namespace, ref),
		Guarded: []v1alpha1.ObjectReference{{APIVersion: "v1", Kind: "Secret", Name: ref.Name}},
	}
	if !in.IsResolved(requirementKubeconfig) {
		c.Waiting = "Waiting for Secret " + ref.Name + " to be read"
		return c, nil
	}
	server, err := kubeconfigServer(in.RequiredObject(requirementKubeconfig), ref)
	if err != nil {
		c.Problems = []compose.Problem{{ConditionType: ConditionAccessReady, Reason: err.reason, Message: err.message}}
		c.Waiting = err.message
		return c, nil
	}
	c.Access = facts(in.Claim.Spec)
	c.Access.KubeconfigSecretRef = &ref
	c.Access.APIServerURL = server
	return c, nil
}

// management is the cluster that Crossplane runs on, reached with the
// providers' own identity, where the platform team allows that.
func management(in compose.TypedRequest[v1alpha1.KubernetesCluster]) Cluster {
	allowed := in.Settings.ManagementClusterNamespaces
	if !slices.Contains(allowed, "*") && !slices.Contains(allowed, in.Claim.Namespace) {
		return problem("ManagementClusterNotAllowed", fmt.Sprintf(
			"The platform team has not allowed namespace %s to use the management cluster. Give a kubeconfig in existing.kubeconfigSecretRef, or ask for the namespace to be added to the function's --management-cluster-namespaces", in.Claim.Namespace))
	}
	return Cluster{
		Access: facts(in.Claim.Spec),
		Config: map[string]any{"credentials": map[string]any{"source": "InjectedIdentity"}},
	}
}

// facts are what the claim says about a cluster that nobody can ask.
func facts(s v1alpha1.ClusterParameters) *v1alpha1.Access {
	return &v1alpha1.Access{
		Architecture:                 s.Nodes.Architecture,
		StorageClassName:             s.Existing.StorageClassName,
		ControlPlaneMetricsReachable: s.Existing.ControlPlaneMetricsReachable,
		ManagedGatewayAPI:            s.Existing.ManagedGatewayAPI,
		HostPorts:                    s.Existing.HostPorts,
	}
}

func problem(reason, message string) Cluster {
	return Cluster{
		Waiting:  message,
		Problems: []compose.Problem{{ConditionType: ConditionAccessReady, Reason: reason, Message: message}},
	}
}
