// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// kindClass is the storage class that kind brings: folders on the nodes.
// https://kind.sigs.k8s.io/docs/user/quick-start, as of February 2026.
const kindClass = "standard"

// kind makes a cluster of containers with kind.
type kind struct{}

// Plan the one object that is the cluster.
func (kind) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (Cluster, error) {
	block := v1alpha1.KindCluster{}
	if b := in.Claim.Spec.KindCluster; b != nil {
		block = *b
	}
	c := local(in, "KindCluster", block.LocalNodes, nil)
	if c.Access != nil {
		c.Access.StorageClassName = kindClass
		c.Access.HostPorts = true
	}
	return c, nil
}
