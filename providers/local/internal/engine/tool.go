// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"strings"

	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
)

// A Tool is what tells clusters of kind from those of k3d.
type Tool struct {
	// Name of the tool.
	Name string

	// clusterLabel of a container holds the name of its cluster.
	clusterLabel string
	// roleLabel of a container holds the role of its node, by the tool's name.
	roleLabel string
	// roles by the tool's name of them.
	roles map[string]string
	// kubeconfig of an admin on a control plane.
	kubeconfig string
	// files to write to every node of a cluster, by path.
	files func(Request) map[string]string
}

// Names of the tools.
const (
	KindName = "kind"
	K3dName  = "k3d"
)

// Kind makes clusters with kubeadm.
func Kind() Tool {
	return Tool{
		Name:         KindName,
		clusterLabel: "io.x-k8s.kind.cluster",
		roleLabel:    "io.x-k8s.kind.role",
		roles:        map[string]string{"control-plane": roleControlPlane, "worker": roleWorker, "external-load-balancer": roleLoadBalancer},
		kubeconfig:   "/etc/kubernetes/admin.conf",
		files:        containerdMirrors,
	}
}

// K3d makes clusters of k3s. Its registry mirrors are part of its configuration.
func K3d() Tool {
	return Tool{
		Name:         K3dName,
		clusterLabel: "k3d.cluster",
		roleLabel:    "k3d.role",
		roles:        map[string]string{"server": roleControlPlane, "agent": roleWorker, "loadbalancer": roleLoadBalancer},
		kubeconfig:   "/output/kubeconfig.yaml",
		files:        func(Request) map[string]string { return nil },
	}
}

// role of a container. Helpers of a tool keep its own name for them.
func (t Tool) role(labels map[string]string) string {
	if r, ok := t.roles[labels[t.roleLabel]]; ok {
		return r
	}
	return "helper"
}

// containerdMirrors are containerd's files for registry mirrors. kind's node
// images read them from this folder, from v0.27 on (node image release notes,
// read 2026-11).
func containerdMirrors(r Request) map[string]string {
	files := map[string]string{}
	for _, m := range r.Nodes.RegistryMirrors {
		dir := m.Registry
		if dir == anyRegistry {
			dir = "_default"
		}
		b := &strings.Builder{}
		for _, e := range m.Endpoints {
			b.WriteString("[host.\"" + e + "\"]\n  capabilities = [\"pull\", \"resolve\"]\n")
			// Endpoints may have a path of their own.
			if strings.Count(e, "/") > 2 {
				b.WriteString("  override_path = true\n")
			}
		}
		files["/etc/containerd/certs.d/"+dir+"/hosts.toml"] = b.String()
	}
	return files
}

// anyRegistry stands for every registry.
const anyRegistry = "*"

// labels of nodes as the tools' types have them.
func labels(n v1alpha1.NodeParameters) map[string]string {
	if len(n.Labels) == 0 {
		return nil
	}
	out := make(map[string]string, len(n.Labels))
	for k, v := range n.Labels {
		out[k] = string(v)
	}
	return out
}
