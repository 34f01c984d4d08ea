// SPDX-License-Identifier: Apache-2.0

// Package existing takes clusters that are there already.
package existing

import (
	"fmt"
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// A Backend is a cluster that is there already: reached with a kubeconfig from a
// Secret of the claim's namespace, or the management cluster itself.
type Backend struct{}

// Describe the place: nothing is made there.
func (Backend) Describe(p v1alpha1.ClusterParameters) backend.Facts {
	return backend.Facts{Place: backend.PlaceExisting, Adopted: true, HostPorts: p.Existing != nil && p.Existing.IngressExposure == v1alpha1.IngressExposureHostPort}
}

// Plan says how to reach the cluster; there is nothing to make.
func (Backend) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (backend.Cluster, error) {
	spec := in.Claim.Spec.Existing
	switch {
	case spec == nil:
		return backend.Refuse("InvalidSpec", "Provider Existing needs the section existing"), nil
	case spec.ManagementCluster:
		return management(in), nil
	case spec.KubeconfigSecretRef == nil:
		return backend.Refuse("InvalidSpec", "Provider Existing needs existing.kubeconfigSecretRef or existing.managementCluster"), nil
	}

	ref := *spec.KubeconfigSecretRef
	c := backend.Cluster{
		Requirements: []compose.Requirement{{
			Name: backend.RequirementKubeconfig, APIVersion: "v1", Kind: "Secret", Namespace: in.Claim.Namespace, ObjectName: ref.Name,
		}},
		Config:        backend.SecretConfig(in.Claim.Namespace, ref),
		TeamOwnedRefs: []v1alpha1.ObjectReference{{APIVersion: "v1", Kind: "Secret", Name: ref.Name}},
	}
	if !in.IsResolved(backend.RequirementKubeconfig) {
		c.Waiting = "Waiting for Secret " + ref.Name + " to be read"
		return c, nil
	}
	server, err := backend.KubeconfigServer(in.RequiredObject(backend.RequirementKubeconfig), ref)
	if err != nil {
		c.Problems = []compose.Problem{{ConditionType: backend.PartAccess, Reason: err.Reason, Message: err.Message}}
		c.Waiting = err.Message
		return c, nil
	}
	c.Access = declaredFacts(in.Claim.Spec)
	c.Access.KubeconfigSecretRef = &ref
	c.Access.APIServerURL = server
	return c, nil
}

// management is the cluster that Crossplane runs on, reached with the
// providers' own identity, where the platform team allows that.
func management(in compose.TypedRequest[v1alpha1.KubernetesCluster]) backend.Cluster {
	allowed := in.Settings.ManagementClusterNamespaces
	if !slices.Contains(allowed, "*") && !slices.Contains(allowed, in.Claim.Namespace) {
		return backend.Refuse("ManagementClusterNotAllowed", fmt.Sprintf(
			"The platform team has not allowed namespace %s to use the management cluster. Give a kubeconfig in existing.kubeconfigSecretRef, or ask for the namespace to be added to the function's --management-cluster-namespaces", in.Claim.Namespace))
	}
	return backend.Cluster{
		Access: declaredFacts(in.Claim.Spec),
		Config: map[string]any{"credentials": map[string]any{"source": "InjectedIdentity"}},
	}
}

// declaredFacts are what the claim says about a cluster that nobody can ask.
func declaredFacts(s v1alpha1.ClusterParameters) *backend.Access {
	return &backend.Access{Capabilities: v1alpha1.Capabilities{
		Architecture:                 s.Nodes.Architecture,
		StorageClassName:             s.Existing.StorageClassName,
		ControlPlaneMetricsReachable: s.Existing.ControlPlaneMetricsReachable,
		GatewayAPICRDs:               s.Existing.GatewayAPICRDs,
	}}
}
