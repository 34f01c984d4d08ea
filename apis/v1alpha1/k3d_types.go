// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// A K3dCluster says what has no neutral name: nodes are containers of a container
// engine with k3s in them, made by k3d. k3d cannot change a cluster that exists.
type K3dCluster struct {
	LocalNodes `json:",inline"`

	// Traefik keeps the ingress controller that k3s brings. With serviceLB it takes
	// the ports 80 and 443, so a stack with component ingress refuses both.
	// +optional
	Traefik bool `json:"traefik,omitempty"`

	// ServiceLB keeps the load balancer that k3s brings: Services of type
	// LoadBalancer then get the nodes' addresses.
	// +optional
	ServiceLB bool `json:"serviceLB,omitempty"`
}
