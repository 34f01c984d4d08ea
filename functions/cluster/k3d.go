// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// k3d makes a cluster of containers with k3s in them with k3d.
type k3d struct{}

// Plan the one object that is the cluster.
func (k3d) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (Cluster, error) {
	block := v1alpha1.K3dCluster{}
	if b := in.Claim.Spec.K3d; b != nil {
		block = *b
	}
	extra := map[string]any{}
	var disable []any
	if !block.ServiceLB {
		disable = append(disable, "servicelb")
	}
	if !block.Traefik {
		disable = append(disable, "traefik")
	}
	if len(disable) > 0 {
		extra["disable"] = disable
	}
	c := local(in, "K3dCluster", block.LocalNodes, extra)
	if c.Access != nil {
		c.Access.StorageClassName, c.Access.CRISocket = k3sClass, k3sContainerd
		c.Access.HostPorts = !block.ServiceLB
	}
	return c, nil
}
