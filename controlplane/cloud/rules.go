// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A rule is how a cloud behaves towards one kind.
type rule struct {
	// create and remove are how long the real thing takes, scaled down from
	// minutes to seconds.
	create, remove time.Duration

	// kubeconfig says that its connection Secret holds one.
	kubeconfig bool

	// noExternalResource says that nothing in the cloud stands for it.
	noExternalResource bool

	// awaits says that its references are waited for and not resolved.
	awaits bool

	// opaque says that nothing in it refers to anything.
	opaque bool

	// allowsUnsafeDelete says that the cloud lets it go while something needs it. That
	// breaks what needs it, so it counts as a violation.
	allowsUnsafeDelete bool

	// neededBy are kinds that need it without referring to it, where the same claim
	// has both.
	neededBy []string

	// diesWith are the kinds with which the cloud removes it. What dies with
	// something needs nobody's patience, except of those in blocks.
	diesWith []string
	blocks   []string

	// report is what its provider says of it.
	report func(o *unstructured.Unstructured, s cloudState) map[string]any
}

// A cloudState is what there is when a provider reports.
type cloudState struct {
	Cluster

	// byName are all objects by namespace and name.
	byName map[string]object
}

// weak things die with others.
func (r rule) weak() bool { return len(r.diesWith) > 0 }

const (
	soon  = 300 * time.Millisecond
	later = 1500 * time.Millisecond
	long  = 4 * time.Second
)

// ruleFor finds how a kind behaves. What is not listed is there soon, and the
// cloud refuses to delete it while something refers to it.
func (s *Simulator) ruleFor(gk schema.GroupKind) rule {
	r := s.rules[kindOf(gk)]
	if r.create == 0 {
		r.create = soon
	}
	if r.remove == 0 {
		r.remove = soon
	}
	return r
}

func rules() map[string]rule {
	const (
		ec2       = ".ec2.aws.m.upbound.io"
		eks       = ".eks.aws.m.upbound.io"
		aks       = ".containerservice.azure.m.upbound.io"
		container = ".container.gcp.m.upbound.io"
		k3s       = ".k3s.m.crossplane.io"
		local     = ".local.observe-k8s.io"
	)
	engine := rule{create: long, remove: later, kubeconfig: true, report: func(_ *unstructured.Unstructured, c cloudState) map[string]any {
		return map[string]any{"state": "Running", "architecture": "amd64", "endpoint": c.Server}
	}}
	return map[string]rule{
		"VPC" + ec2: {report: func(o *unstructured.Unstructured, _ cloudState) map[string]any {
			return map[string]any{"mainRouteTableId": "rtb-" + digits(o)}
		}},
		// AWS does not detach it while addresses are mapped through it.
		"InternetGateway" + ec2:       {neededBy: []string{"NATGateway" + ec2}},
		"NATGateway" + ec2:            {create: later, remove: later, allowsUnsafeDelete: true, neededBy: []string{"NodeGroup" + eks}},
		"Route" + ec2:                 {diesWith: []string{"RouteTable" + ec2, "VPC" + ec2}},
		"RouteTableAssociation" + ec2: {diesWith: []string{"Subnet" + ec2}, blocks: []string{"RouteTable" + ec2}},
		"LaunchTemplate" + ec2: {allowsUnsafeDelete: true, report: func(*unstructured.Unstructured, cloudState) map[string]any {
			return map[string]any{"latestVersion": int64(1)}
		}},
		"Role.iam.aws.m.upbound.io": {allowsUnsafeDelete: true, report: arn("iam::123456789012:role/")},
		"Key.kms.aws.m.upbound.io":  {allowsUnsafeDelete: true, report: arn("kms:eu-west-1:123456789012:key/")},
		"Cluster" + eks: {create: long, remove: later, report: func(o *unstructured.Unstructured, c cloudState) map[string]any {
			return map[string]any{"endpoint": c.Server, "version": text(o, "version"), "status": "ACTIVE"}
		}},
		"NodeGroup" + eks: {create: long, remove: later, report: func(o *unstructured.Unstructured, _ cloudState) map[string]any {
			return map[string]any{"version": text(o, "version"), "status": "ACTIVE"}
		}},
		"ClusterAuth" + eks:             {kubeconfig: true, noExternalResource: true},
		"Addon" + eks:                   {create: later, diesWith: []string{"Cluster" + eks}},
		"PodIdentityAssociation" + eks:  {diesWith: []string{"Cluster" + eks}},
		"AccessEntry" + eks:             {diesWith: []string{"Cluster" + eks}},
		"AccessPolicyAssociation" + eks: {diesWith: []string{"Cluster" + eks}},

		"Subnet.network.azure.m.upbound.io": {report: func(o *unstructured.Unstructured, _ cloudState) map[string]any {
			return map[string]any{"id": "/subscriptions/simulated/resourceGroups/simulated/providers/Microsoft.Network/virtualNetworks/simulated/subnets/" + o.GetName()}
		}},
		"UserAssignedIdentity.managedidentity.azure.m.upbound.io": {allowsUnsafeDelete: true, report: func(o *unstructured.Unstructured, _ cloudState) map[string]any {
			return map[string]any{"principalId": "01234567-89ab-cdef-0123-" + digits(o)[:12], "clientId": "76543210-89ab-cdef-0123-" + digits(o)[:12]}
		}},
		"RoleAssignment.authorization.azure.m.upbound.io": {allowsUnsafeDelete: true, neededBy: []string{"KubernetesCluster" + aks}},
		"KubernetesCluster" + aks: {create: long, remove: later, kubeconfig: true, report: func(o *unstructured.Unstructured, c cloudState) map[string]any {
			return map[string]any{"fqdn": c.Host, "currentKubernetesVersion": text(o, "kubernetesVersion") + ".9", "kubernetesVersion": text(o, "kubernetesVersion")}
		}},
		"KubernetesClusterNodePool" + aks: {create: long, remove: later},

		"Cluster" + container: {create: long, remove: later, kubeconfig: true, report: func(o *unstructured.Unstructured, c cloudState) map[string]any {
			return map[string]any{"endpoint": c.Host, "masterVersion": text(o, "minMasterVersion") + ".9-gke.100"}
		}},
		"NodePool" + container: {create: long, remove: later, report: func(o *unstructured.Unstructured, c cloudState) map[string]any {
			// It begins with the version of its cluster, and stays with what it has.
			v := text(o, "version")
			if v == "" {
				v, _, _ = unstructured.NestedString(o.Object, "status", "atProvider", "version")
			}
			if master, ok := c.byName[o.GetNamespace()+"/"+text(o, "clusterRef", "name")]; ok && v == "" {
				v, _, _ = unstructured.NestedString(master.Object, "status", "atProvider", "masterVersion")
			}
			return map[string]any{"version": v}
		}},
		"ServiceAccount.cloudplatform.gcp.m.upbound.io": {allowsUnsafeDelete: true, report: func(o *unstructured.Unstructured, _ cloudState) map[string]any {
			email := externalName(o) + "@simulated.iam.gserviceaccount.com"
			return map[string]any{"project": "simulated", "email": email, "member": "serviceAccount:" + email, "name": "projects/simulated/serviceAccounts/" + email}
		}},
		"ProjectIAMMember.cloudplatform.gcp.m.upbound.io": {allowsUnsafeDelete: true},
		// A host lets go of k3s, whatever joined it.
		"Cluster" + k3s: {create: later, remove: later, kubeconfig: true, allowsUnsafeDelete: true, report: func(o *unstructured.Unstructured, _ cloudState) map[string]any {
			return map[string]any{"ready": true, "k3sVersion": text(o, "k3sVersion") + text(o, "k3sChannel")}
		}},
		"Node" + k3s: {create: later, remove: later, awaits: true, report: func(o *unstructured.Unstructured, _ cloudState) map[string]any {
			return map[string]any{"ready": true, "role": text(o, "role")}
		}},
		"KindCluster" + local:                engine,
		"K3dCluster" + local:                 engine,
		"RouterNAT.compute.gcp.m.upbound.io": {allowsUnsafeDelete: true, neededBy: []string{"NodePool" + container}},

		// What provider-helm and provider-kubernetes look after is played only where
		// those do not run: no cluster would take the charts of hundreds of claims.
		"Release.helm.m.crossplane.io": {create: later, opaque: true, report: func(o *unstructured.Unstructured, _ cloudState) map[string]any {
			return map[string]any{"state": "deployed", "revision": int64(1), "version": text(o, "chart", "version"), "releaseDescription": "SIMULATED: nothing is installed"}
		}},
		"Object.kubernetes.m.crossplane.io": {opaque: true, report: func(o *unstructured.Unstructured, _ cloudState) map[string]any {
			manifest, _, _ := unstructured.NestedMap(o.Object, "spec", "forProvider", "manifest")
			if manifest["kind"] == "Namespace" {
				manifest["status"] = map[string]any{"phase": "Active"}
			}
			return map[string]any{"manifest": manifest}
		}},
	}
}

func arn(prefix string) func(*unstructured.Unstructured, cloudState) map[string]any {
	return func(o *unstructured.Unstructured, _ cloudState) map[string]any {
		return map[string]any{"arn": "arn:aws:" + prefix + externalName(o)}
	}
}

// text of a field of what is wanted.
func text(o *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(o.Object, append([]string{"spec", "forProvider"}, path...)...)
	return s
}

// externalName is the name in the cloud, which for most kinds is that of the
// object.
func externalName(o *unstructured.Unstructured) string {
	if n := o.GetAnnotations()[annotationExternalName]; n != "" {
		return n
	}
	return o.GetName()
}

// generated says that the cloud chooses names of a kind.
func generated(gk schema.GroupKind) bool {
	return gk.Group == "ec2.aws.m.upbound.io" || gk.Group == "kms.aws.m.upbound.io" || slices.Contains([]string{"RoleAssignment"}, gk.Kind)
}

// digits are 16 hexadecimal ones that depend on an object's name only.
func digits(o *unstructured.Unstructured) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(o.GetNamespace() + "/" + o.GetName()))
	s := strconv.FormatUint(h.Sum64(), 16)
	for len(s) < 16 {
		s = "0" + s
	}
	return s
}
