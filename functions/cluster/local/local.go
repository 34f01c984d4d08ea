// SPDX-License-Identifier: Apache-2.0

// Package local makes clusters of containers on this machine, with kind and k3d.
package local

import (
	"cmp"
	"fmt"
	"maps"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

const localAPIVersion = "local.observe-k8s.io/v1alpha1"

// resourceLocal is the name of the one composed resource that is the cluster. It
// is API.
const resourceLocal = "cluster"

// localVersions are the versions that our provider has images of nodes for, by
// neutral version, in the releases of kind and k3d that it is built of.
func localVersions() map[string]string {
	return map[string]string{"1.34": "1.34", "1.35": "1.35", "1.36": "1.36", "1.37": "1.37"}
}

// httpsPort is where NGINX listens on a node.
const httpsPort = 443

// local makes a cluster of containers: one object of our own provider. What the
// provider cannot change the schema does not let change either.
func local(in compose.TypedRequest[v1alpha1.KubernetesCluster], kind string, nodes v1alpha1.LocalNodes, extra map[string]any) backend.Cluster {
	c := backend.Cloud{In: in}
	ref := v1alpha1.SecretKeyReference{Name: c.Name("kubeconfig"), Key: "kubeconfig"}
	out := backend.Cluster{
		Parts: []string{backend.PartControlPlane},
		Requirements: []compose.Requirement{{
			Name: backend.RequirementKubeconfig, APIVersion: "v1", Kind: "Secret", Namespace: in.Claim.Namespace, ObjectName: ref.Name,
		}},
	}
	f := localNodes(nodes)
	maps.Copy(f, extra)
	if v := in.Claim.Spec.Version; nodes.Image == "" && v != "" {
		version, p := backend.Lookup("version", localVersions(), v, in.Claim.Spec.Provider)
		if p != nil {
			p.ConditionType = backend.PartControlPlane
			out.Problems, out.Waiting = []compose.Problem{*p}, p.Message
			return out
		}
		f["version"] = version
	}
	out.Resources = []compose.Resource{c.Resource(backend.Managed{
		Name: resourceLocal, Part: backend.PartControlPlane, APIVersion: localAPIVersion, Kind: kind, ForProvider: f, ConnectionSecret: "kubeconfig",
	})}
	out.ProtectedRefs = []v1alpha1.ObjectReference{c.Reference(localAPIVersion, kind, resourceLocal)}
	c.Reach(&out, c.After(resourceLocal), ref)
	if out.Access != nil {
		was := v1alpha1.Capabilities{}
		if c := in.Claim.Status.Capabilities; c != nil {
			was = *c
		}
		// That of the engine's machine, whatever the claim says of nodes.
		out.Access.Architecture = cmp.Or(v1alpha1.Architecture(c.Observed(resourceLocal, "status", "atProvider", "architecture")), was.Architecture)
		// Every name below it is this machine: RFC 6761, section 6.3.
		for _, p := range nodes.Ports {
			if p.ContainerPort == httpsPort && p.Protocol != "UDP" {
				out.Access.DefaultDomain, out.Access.IngressHTTPSPort = "localhost", p.HostPort
			}
		}
	}
	return out
}

// describe containers on this machine, of which it is not known what they have.
func describe(block string, nodes v1alpha1.LocalNodes) backend.Facts {
	n := max(nodes.ControlPlanes, 1) + nodes.Workers
	return backend.Facts{
		Place: backend.PlaceLocal,
		Pools: []backend.Pool{{Field: block, Count: fmt.Sprintf("%[1]s.controlPlanes and %[1]s.workers together", block), Min: n, Max: n}},
	}
}

// localNodes are the nodes as our provider has them.
func localNodes(n v1alpha1.LocalNodes) map[string]any {
	f := map[string]any{"controlPlanes": max(n.ControlPlanes, 1), "workers": n.Workers}
	if n.Image != "" {
		f["image"] = n.Image
	}
	if len(n.Ports) > 0 {
		ports := make([]any, 0, len(n.Ports))
		for _, p := range n.Ports {
			ports = append(ports, map[string]any{
				"hostPort": p.HostPort, "containerPort": p.ContainerPort, "listenAddress": p.ListenAddress, "protocol": p.Protocol,
			})
		}
		f["ports"] = ports
	}
	if len(n.RegistryMirrors) > 0 {
		mirrors := make([]any, 0, len(n.RegistryMirrors))
		for _, m := range n.RegistryMirrors {
			endpoints := make([]any, 0, len(m.Endpoints))
			for _, e := range m.Endpoints {
				endpoints = append(endpoints, string(e))
			}
			mirrors = append(mirrors, map[string]any{"registry": m.Registry, "endpoints": endpoints})
		}
		f["registryMirrors"] = mirrors
	}
	if len(n.Labels) > 0 {
		labels := make(map[string]any, len(n.Labels))
		for k, v := range n.Labels {
			labels[k] = string(v)
		}
		f["labels"] = labels
	}
	return f
}
