// SPDX-License-Identifier: Apache-2.0

package local

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/k3s"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// K3d makes a cluster of containers with k3s in them with k3d.
type K3d struct{}

// Describe the place.
func (K3d) Describe(p v1alpha1.ClusterParameters) backend.Facts {
	b := v1alpha1.K3dCluster{}
	if p.K3d != nil {
		b = *p.K3d
	}
	f := describe("k3d", b.LocalNodes)
	f.HostPorts, f.PortConflict = !b.ServiceLB, k3s.PortConflict("k3d", b.Traefik, b.ServiceLB)
	return f
}

// Plan the one object that is the cluster.
func (K3d) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (backend.Cluster, error) {
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
		c.Access.StorageClassName, c.Access.CRISocket = k3s.StorageClass, k3s.ContainerdSocket
	}
	return c, nil
}
