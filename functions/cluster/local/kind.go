// SPDX-License-Identifier: Apache-2.0

package local

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// kindClass is the storage class that kind brings: folders on the nodes.
// https://kind.sigs.k8s.io/docs/user/quick-start, as of February 2026.
const kindClass = "standard"

// Kind makes a cluster of containers with kind.
type Kind struct{}

// Describe the place.
func (Kind) Describe(p v1alpha1.ClusterParameters) backend.Facts {
	f := describe("kindCluster", v1alpha1.LocalNodes{})
	if p.KindCluster != nil {
		f = describe("kindCluster", p.KindCluster.LocalNodes)
	}
	f.HostPorts = true
	return f
}

// Plan the one object that is the cluster.
func (Kind) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (backend.Cluster, error) {
	block := v1alpha1.KindCluster{}
	if b := in.Claim.Spec.KindCluster; b != nil {
		block = *b
	}
	c := local(in, "KindCluster", block.LocalNodes, nil)
	if c.Access != nil {
		c.Access.StorageClassName = kindClass
	}
	return c, nil
}
