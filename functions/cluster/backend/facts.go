// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"cmp"
	"fmt"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// A Place is a kind of place where clusters are.
type Place string

// Places of clusters.
const (
	// PlaceCloud is an account of a cloud.
	PlaceCloud Place = "Cloud"
	// PlaceHosts is hosts that a team has.
	PlaceHosts Place = "Hosts"
	// PlaceLocal is the machine of the management cluster: the cluster ends with it.
	PlaceLocal Place = "Local"
	// PlaceExisting is wherever a cluster is already, reached with its kubeconfig.
	PlaceExisting Place = "Existing"
)

// Facts of a cluster by what is asked for: all that policies, the capacity check,
// the platform, the command line and simulations know of its place. The zero value
// is a place of which nothing is known, and what limits places refuses it.
type Facts struct {
	// Place where the cluster is; empty when it is not known.
	Place Place

	// Account names the ProviderConfig with the credentials for a cloud.
	Account string

	// Region of a cloud: by its own name where the parameters give that, or else the
	// neutral one.
	Region string

	// Adopted says that the cluster exists already. It has no Pools: its nodes are
	// not made here, so nothing is judged about them.
	Adopted bool

	// Pools of nodes that are made.
	Pools []Pool

	// Architecture that is asked for; empty where the place decides.
	Architecture v1alpha1.Architecture

	// HostPorts says that people reach the ports 80 and 443 of the nodes themselves.
	HostPorts bool

	// PortConflict says what keeps these ports from an ingress of the stack; empty
	// when nothing does.
	PortConflict string
}

// A Pool is nodes of one kind.
type Pool struct {
	// Field of the parameters that asks for the pool, such as nodes.
	Field string

	// Size that the parameters name; empty when they name none.
	Size v1alpha1.InstanceSize

	// Machines is the field by which the parameters name machines that are not
	// neutral; empty when they do not.
	Machines string

	// Min and Max are how many nodes there may be. Count is the field that says so;
	// empty when the parameters say nothing of it.
	Min, Max int64
	Count    string

	// Scales says that something adds nodes, up to Max, as pods need them.
	Scales bool

	// Reserved says that workloads do not run there.
	Reserved bool

	// Node is what one of the nodes has; nil when it is not known.
	Node *Node
}

// A Node of a pool.
type Node struct {
	// Name for a person, such as size Medium.
	Name string

	// CPUs and GiB of memory.
	CPUs, GiB int64
}

// NodeOf a neutral size; nil when there is no such size.
func NodeOf(size v1alpha1.InstanceSize) *Node {
	cpus, ok := map[v1alpha1.InstanceSize]int64{
		v1alpha1.InstanceSizeSmall: 2, v1alpha1.InstanceSizeMedium: 4, v1alpha1.InstanceSizeLarge: 8, v1alpha1.InstanceSizeXLarge: 16,
	}[size]
	if !ok {
		return nil
	}
	return &Node{Name: fmt.Sprintf("size %s", size), CPUs: cpus, GiB: 4 * cpus}
}

// DiskGiB is the size of a node's disk in GiB. The schema admits whole GiB only.
func DiskGiB(n v1alpha1.Nodes) int64 {
	q, err := resource.ParseQuantity(n.DiskSize)
	if err != nil {
		return 0
	}
	return q.Value() >> 30
}

// InCloud are the facts of a cluster in a cloud, by what the provider's section says:
// the region by the cloud's own name, and the field that names machines.
func InCloud(p v1alpha1.ClusterParameters, region, machines string) Facts {
	f := Facts{
		Place:        PlaceCloud,
		Account:      p.ProviderConfigRef.Name,
		Region:       cmp.Or(region, string(p.Region)),
		Adopted:      p.ExternalName != "",
		Architecture: p.Nodes.Architecture,
	}
	if f.Adopted {
		return f
	}
	pool := Pool{
		Field: "nodes", Size: p.Nodes.InstanceSize, Machines: machines, Min: p.Nodes.MinCount, Max: p.Nodes.MaxCount, Count: "nodes.maxCount", Scales: true,
	}
	if machines == "" {
		pool.Node = NodeOf(p.Nodes.InstanceSize)
	}
	f.Pools = []Pool{pool}
	return f
}
