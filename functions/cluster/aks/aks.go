// SPDX-License-Identifier: Apache-2.0

// Package aks makes clusters on Azure Kubernetes Service.
package aks

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"sync"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// APIs of what makes an AKS cluster.
const (
	aksGroupAPI     = "azure.m.upbound.io/v1beta1"
	aksNetworkAPI   = "network.azure.m.upbound.io/v1beta1"
	aksIdentityAPI  = "managedidentity.azure.m.upbound.io/v1beta1"
	aksRoleAPI      = "authorization.azure.m.upbound.io/v1beta1"
	aksContainerAPI = "containerservice.azure.m.upbound.io/v1beta1"
)

// Names of composed resources. They are API.
const (
	resourceAKSGroup    = "resource-group"
	resourceAKSNetwork  = "virtual-network"
	resourceAKSSubnet   = "subnet"
	resourceAKSIdentity = "identity"
	resourceAKSRole     = "identity-on-subnet"
	resourceAKSCluster  = "cluster"
	resourceAKSPool     = "node-pool"
)

// What a claim gets that says nothing of it. The schema knows the ranges too,
// since they cannot change. RFC 6598 sets them apart, so they overlap with no
// private network. https://learn.microsoft.com/azure/aks/concepts-network-azure-cni-overlay
// (2024-05-14) takes that for pods.
const (
	aksPodCIDR     = "100.64.0.0/12"
	aksServiceCIDR = "100.80.0.0/16"
)

// A production cluster has two system nodes at the least, of four CPUs or more:
// https://learn.microsoft.com/azure/aks/use-system-pools (2026-04-30).
const (
	aksSystemMin  = 2
	aksSystemMax  = 3
	aksSystemSize = v1alpha1.InstanceSizeMedium
)

// aksLongestDNSPrefix is what Azure allows before it adds its own part.
const aksLongestDNSPrefix = 54

//go:embed tables.yaml
var file string

// tables of Azure's counterparts of neutral names.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var tables = sync.OnceValues(func() (aksTables, error) { return backend.Tables[aksTables](file) })

// aksTables are what the file says.
type aksTables struct {
	Regions  map[v1alpha1.Region]string                                 `json:"regions"`
	Machines map[v1alpha1.Architecture]map[v1alpha1.InstanceSize]string `json:"machines"`
}

// A Backend is a cluster on Azure Kubernetes Service.
type Backend struct{}

// Describe the place. Workloads run on the system pool only beside spot nodes,
// which Azure taints, and then they run nowhere else.
func (Backend) Describe(p v1alpha1.ClusterParameters) backend.Facts {
	b := v1alpha1.AKSCluster{}
	if p.AKS != nil {
		b = *p.AKS
	}
	machines := ""
	if b.VMSize != "" {
		machines = "aks.vmSize"
	}
	f := backend.InCloud(p, b.Region, machines)
	if f.Adopted {
		return f
	}
	effective := systemPool(b, p.Nodes)
	system := backend.Pool{Field: "aks.systemPool", Min: effective.MinCount, Max: effective.MaxCount, Scales: true, Reserved: p.Nodes.CapacityType != v1alpha1.CapacityTypeSpot}
	if asked := b.SystemPool; asked != nil {
		system.Size, system.Count = asked.InstanceSize, "aks.systemPool.maxCount"
		if asked.VMSize != "" {
			system.Machines = "aks.systemPool.vmSize"
		}
	}
	if system.Machines == "" {
		system.Node = backend.NodeOf(effective.InstanceSize)
	}
	f.Pools[0].Reserved = p.Nodes.CapacityType == v1alpha1.CapacityTypeSpot
	f.Pools = append(f.Pools, system)
	return f
}

// Plan makes a cluster with nodes for what Azure runs on it and nodes for
// everything else, in a resource group and a network of its own or in ones that
// exist. A cluster that is there already is only looked at.
func (Backend) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (backend.Cluster, error) {
	a := aksPlan{Cloud: backend.Cloud{In: in}}
	if b := in.Claim.Spec.AKS; b != nil {
		a.block = *b
	}
	if a.Adopted() {
		return a.observe(), nil
	}
	t, err := tables()
	if err != nil {
		return backend.Cluster{}, err
	}
	if problems := a.translate(t); len(problems) > 0 {
		return a.Refused(problems...), nil
	}
	return a.build()
}

// An aksPlan is one cluster in Azure's own words.
type aksPlan struct {
	backend.Cloud

	// block of the claim; empty when it has none.
	block v1alpha1.AKSCluster

	// location is Azure's name of the region.
	location string

	// nodes and system are Azure's names of the sizes.
	nodes, system string

	// zones that nodes are spread over.
	zones []v1alpha1.AKSZone
}

// translate neutral names into Azure's.
func (a *aksPlan) translate(t aksTables) []compose.Problem {
	var problems []compose.Problem
	note := func(p *compose.Problem) {
		if p != nil {
			problems = append(problems, *p)
		}
	}
	spec := a.In.Claim.Spec

	a.location, a.zones = a.block.Region, a.block.Zones
	if a.location == "" {
		var p *compose.Problem
		a.location, p = backend.Lookup("region", t.Regions, spec.Region, v1alpha1.ProviderAKS)
		note(p)
		if len(a.zones) == 0 {
			a.zones = []v1alpha1.AKSZone{"1", "2", "3"}
		}
	}
	size := func(own v1alpha1.AKSVMSize, neutral v1alpha1.InstanceSize) string {
		if own != "" {
			return string(own)
		}
		s, p := backend.Lookup("size", t.Machines[spec.Nodes.Architecture], neutral, v1alpha1.ProviderAKS)
		note(p)
		return s
	}
	system := a.systemPool()
	a.nodes = size(a.block.VMSize, spec.Nodes.InstanceSize)
	a.system = size(system.VMSize, system.InstanceSize)
	return problems
}

// systemPool is that of the claim, completed.
func (a *aksPlan) systemPool() v1alpha1.AKSSystemPool {
	return systemPool(a.block, a.In.Claim.Spec.Nodes)
}

func systemPool(b v1alpha1.AKSCluster, nodes v1alpha1.Nodes) v1alpha1.AKSSystemPool {
	p := v1alpha1.AKSSystemPool{}
	if s := b.SystemPool; s != nil {
		p = *s
	}
	p.InstanceSize = cmp.Or(p.InstanceSize, aksSystemSize)
	p.MinCount = cmp.Or(p.MinCount, aksSystemMin)
	p.MaxCount = cmp.Or(p.MaxCount, max(p.MinCount, aksSystemMax))
	if nodes.CapacityType == v1alpha1.CapacityTypeSpot {
		p.MaxCount = max(p.MaxCount, nodes.MaxCount)
	}
	return p
}

// observe plans a cluster that is there already.
func (a *aksPlan) observe() backend.Cluster {
	c := a.cluster()
	c.ExternalName = a.ClusterName()
	c.ForProvider = map[string]any{"resourceGroupName": a.block.ResourceGroupName}
	out := a.connectionFromKubeconfig()
	out.Parts = []string{backend.PartControlPlane}
	out.Resources = []compose.Resource{a.Resource(c)}
	out.ProtectedRefs = []v1alpha1.ObjectReference{a.Reference(c.APIVersion, c.Kind, c.Name)}
	return out
}

// build plans everything that makes a cluster.
func (a *aksPlan) build() (backend.Cluster, error) {
	network, err := netip.ParsePrefix(a.CIDR())
	if err != nil {
		return backend.Cluster{}, fmt.Errorf("network.cidr: %w", err)
	}
	services, err := netip.ParsePrefix(cmp.Or(string(a.block.ServiceCIDR), aksServiceCIDR))
	if err != nil {
		return backend.Cluster{}, fmt.Errorf("aks.serviceCIDR: %w", err)
	}
	cluster, pool := a.cluster(), a.pool()
	cluster.ForProvider, cluster.InitProvider = a.controlPlane(services), a.systemCount()

	// What is made, and what each needs for as long as it exists.
	made := map[string]backend.Managed{}
	out := a.connectionFromKubeconfig()
	out.Parts = backend.CloudParts()
	add := func(m backend.Managed, needs ...string) {
		made[m.Name] = m
		out.Resources = append(out.Resources, a.Resource(m))
		for _, n := range needs {
			if of, ok := made[n]; ok {
				out.Resources = append(out.Resources, a.Protect("usage-"+n+"-"+m.Name, m.Part, of, m))
			}
		}
	}
	if a.makesGroup() {
		add(a.group())
	}
	if a.makesNetwork() {
		add(a.network(network), resourceAKSGroup)
	}
	if a.makesIdentity() {
		add(a.identity(), resourceAKSGroup)
	}
	if a.makesSubnet() {
		add(a.subnet(network), resourceAKSNetwork)
	}
	if a.makesIdentity() {
		add(a.role(), resourceAKSSubnet, resourceAKSIdentity)
	}
	// A load balancer of the cluster goes with the cluster, and for that the
	// cluster's identity must still be allowed to change the subnet.
	add(cluster, resourceAKSGroup, resourceAKSSubnet, resourceAKSRole)
	add(pool, resourceAKSCluster)
	out.ProtectedRefs = []v1alpha1.ObjectReference{
		a.Reference(cluster.APIVersion, cluster.Kind, cluster.Name),
		// What is uninstalled from the cluster needs nodes to do so.
		a.Reference(pool.APIVersion, pool.Kind, pool.Name),
	}
	return out, nil
}

func (a *aksPlan) makesGroup() bool    { return a.block.ResourceGroupName == "" }
func (a *aksPlan) makesSubnet() bool   { return a.existing().SubnetID == "" }
func (a *aksPlan) makesNetwork() bool  { return a.makesSubnet() && a.existing().VirtualNetwork == nil }
func (a *aksPlan) makesIdentity() bool { return a.block.UserAssignedIdentityID == "" }

// existing is the network that exists already; empty when one is made.
func (a *aksPlan) existing() v1alpha1.AKSNetwork {
	if n := a.block.ExistingNetwork; n != nil {
		return *n
	}
	return v1alpha1.AKSNetwork{}
}

// group is the resource group, which everything else is in.
func (a *aksPlan) group() backend.Managed {
	return backend.Managed{
		Name: resourceAKSGroup, Part: backend.PartNetwork, APIVersion: aksGroupAPI, Kind: "ResourceGroup",
		ForProvider: map[string]any{"location": a.location, "tags": a.Tags(nil)},
	}
}

// network is the virtual network.
func (a *aksPlan) network(cidr netip.Prefix) backend.Managed {
	return backend.Managed{
		Name: resourceAKSNetwork, Part: backend.PartNetwork, APIVersion: aksNetworkAPI, Kind: "VirtualNetwork",
		Gate: a.afterGroup(),
		ForProvider: a.inGroup(map[string]any{
			"location":     a.location,
			"addressSpace": []any{cidr.String()},
			"tags":         a.Tags(nil),
		}),
	}
}

// subnet is where the nodes are: the first half of the network, so that there is
// room for what else a team puts there, or a part of a network that exists.
func (a *aksPlan) subnet(network netip.Prefix) backend.Managed {
	m := backend.Managed{Name: resourceAKSSubnet, Part: backend.PartNetwork, APIVersion: aksNetworkAPI, Kind: "Subnet"}
	if v := a.existing().VirtualNetwork; v != nil {
		m.ForProvider = map[string]any{
			"resourceGroupName":  v.ResourceGroupName,
			"virtualNetworkName": v.Name,
			"addressPrefixes":    []any{string(v.SubnetCIDR)},
		}
		return m
	}
	m.Gate = a.After(resourceAKSNetwork)
	m.ForProvider = a.inGroup(map[string]any{
		"virtualNetworkNameRef": a.Ref(resourceAKSNetwork),
		"addressPrefixes":       []any{netip.PrefixFrom(network.Addr(), network.Bits()+1).String()},
	})
	return m
}

// identity is what the control plane acts as in Azure.
func (a *aksPlan) identity() backend.Managed {
	return backend.Managed{
		Name: resourceAKSIdentity, Part: backend.PartNetwork, APIVersion: aksIdentityAPI, Kind: "UserAssignedIdentity",
		Gate: a.afterGroup(),
		ForProvider: a.inGroup(map[string]any{
			"name":     a.Name(resourceAKSIdentity),
			"location": a.location,
			"tags":     a.Tags(nil),
		}),
	}
}

// role lets the control plane put nodes and load balancers into the subnet. It
// cannot refer to what it needs, so it waits for the IDs.
func (a *aksPlan) role() backend.Managed {
	m := backend.Managed{Name: resourceAKSRole, Part: backend.PartNetwork, APIVersion: aksRoleAPI, Kind: "RoleAssignment"}
	scope, needs := a.existing().SubnetID, []string{resourceAKSIdentity}
	if a.makesSubnet() {
		scope, needs = a.Observed(resourceAKSSubnet, "status", "atProvider", "id"), append(needs, resourceAKSSubnet)
	}
	principal := a.Observed(resourceAKSIdentity, "status", "atProvider", "principalId")
	m.Gate = a.After(needs...)
	if scope == "" || principal == "" {
		return m
	}
	m.ForProvider = map[string]any{
		"scope":              scope,
		"principalId":        principal,
		"principalType":      "ServicePrincipal",
		"roleDefinitionName": "Network Contributor",
		// A new identity is not known everywhere at once.
		"skipServicePrincipalAadCheck": true,
	}
	return m
}

// cluster is the control plane, and with it the system pool.
func (a *aksPlan) cluster() backend.Managed {
	m := backend.Managed{
		Name: resourceAKSCluster, Part: backend.PartControlPlane, APIVersion: aksContainerAPI, Kind: "KubernetesCluster",
		ConnectionSecret: "kubeconfig",
	}
	switch {
	case a.Adopted():
	case a.makesIdentity():
		m.Gate = a.afterGroup().And(a.After(resourceAKSRole))
	case a.makesSubnet():
		m.Gate = a.afterGroup().And(a.After(resourceAKSSubnet))
	default:
		m.Gate = a.afterGroup()
	}
	return m
}

// controlPlane is what is wanted of the cluster.
func (a *aksPlan) controlPlane(services netip.Prefix) map[string]any {
	spec := a.In.Claim.Spec
	out := a.inGroup(map[string]any{
		"location":  a.location,
		"dnsPrefix": compose.NameMax(aksLongestDNSPrefix, a.In.Claim.Namespace, a.In.Claim.Name),
		// Azure's own choice could be the same for two clusters.
		"nodeResourceGroup": a.Name("nodes"),
		"skuTier":           string(cmp.Or(a.block.Tier, v1alpha1.AKSTierStandard)),
		// Patches of the minor version that is asked for, and new images of nodes.
		"automaticUpgradeChannel": "patch",
		"nodeOsUpgradeChannel":    "NodeImage",
		"oidcIssuerEnabled":       true,
		"workloadIdentityEnabled": true,
		"identity":                a.controlPlaneIdentity(),
		"networkProfile": map[string]any{
			"networkPlugin":     "azure",
			"networkPluginMode": "overlay",
			"networkDataPlane":  "cilium",
			"networkPolicy":     "cilium",
			"loadBalancerSku":   "standard",
			"outboundType":      "loadBalancer",
			"podCidr":           cmp.Or(string(a.block.PodCIDR), aksPodCIDR),
			"serviceCidr":       services.String(),
			"dnsServiceIp":      clusterDNSAddress(services),
		},
		"defaultNodePool": a.systemNodes(),
		"tags":            a.Tags(nil),
	})
	if spec.Version != "" {
		out["kubernetesVersion"] = spec.Version
	}
	if ranges := a.Allowed(); len(ranges) > 0 {
		out["apiServerAccessProfile"] = map[string]any{"authorizedIpRanges": ranges}
	}
	return out
}

// systemNodes is the system pool.
func (a *aksPlan) systemNodes() map[string]any {
	p := a.systemPool()
	out := a.onNodes(map[string]any{
		"name":                     "system",
		"temporaryNameForRotation": "systemtmp",
		"type":                     "VirtualMachineScaleSets",
		"vmSize":                   a.system,
		"minCount":                 p.MinCount,
		"maxCount":                 p.MaxCount,
		// Spot nodes are tainted, so all that does not tolerate it must run here.
		"onlyCriticalAddonsEnabled": a.In.Claim.Spec.Nodes.CapacityType != v1alpha1.CapacityTypeSpot,
		"upgradeSettings":           map[string]any{"maxSurge": "33%"},
	})
	if v := a.systemVersion(); v != "" {
		out["orchestratorVersion"] = v
	}
	return out
}

// systemCount is with how many nodes the system pool starts.
func (a *aksPlan) systemCount() map[string]any {
	return map[string]any{"defaultNodePool": map[string]any{"nodeCount": a.systemPool().MinCount}}
}

// pool is where everything else runs.
func (a *aksPlan) pool() backend.Managed {
	n := a.In.Claim.Spec.Nodes
	wanted := a.onNodes(map[string]any{
		"kubernetesClusterIdRef":   a.Ref(resourceAKSCluster),
		"mode":                     "User",
		"temporaryNameForRotation": "usertmp",
		"vmSize":                   a.nodes,
		"minCount":                 n.MinCount,
		"maxCount":                 n.MaxCount,
	})
	if v := a.poolVersion(); v != "" {
		wanted["orchestratorVersion"] = v
	}
	// https://learn.microsoft.com/azure/aks/spot-node-pool (2025-04-06): no surge
	// nodes; Azure adds label and taint, and what it adds must be asked for, or it
	// would be taken away again and again.
	if n.CapacityType == v1alpha1.CapacityTypeSpot {
		wanted["priority"] = "Spot"
		wanted["evictionPolicy"] = "Delete"
		wanted["spotMaxPrice"] = int64(-1)
		wanted["nodeLabels"] = map[string]any{"kubernetes.azure.com/scalesetpriority": "spot"}
		wanted["nodeTaints"] = []any{"kubernetes.azure.com/scalesetpriority=spot:NoSchedule"}
	} else {
		wanted["upgradeSettings"] = map[string]any{"maxSurge": "33%"}
	}
	return backend.Managed{
		Name: resourceAKSPool, Part: backend.PartNodes, APIVersion: aksContainerAPI, Kind: "KubernetesClusterNodePool",
		Gate:         a.After(resourceAKSCluster),
		ExternalName: "user",
		ForProvider:  wanted,
		InitProvider: map[string]any{"nodeCount": n.MinCount},
	}
}

// onNodes adds what all nodes have.
func (a *aksPlan) onNodes(pool map[string]any) map[string]any {
	pool["autoScalingEnabled"] = true
	pool["osDiskSizeGb"] = backend.DiskGiB(a.In.Claim.Spec.Nodes)
	pool["tags"] = a.Tags(nil)
	if a.makesSubnet() {
		pool["vnetSubnetIdRef"] = a.Ref(resourceAKSSubnet)
	} else {
		pool["vnetSubnetId"] = a.existing().SubnetID
	}
	if len(a.zones) > 0 {
		zones := make([]any, 0, len(a.zones))
		for _, z := range a.zones {
			zones = append(zones, string(z))
		}
		pool["zones"] = zones
	}
	return pool
}

// systemVersion is the one asked for as soon as the control plane runs it. Until
// then the nodes keep theirs: they cannot be newer than the control plane.
func (a *aksPlan) systemVersion() string {
	asked := a.In.Claim.Spec.Version
	if !a.In.IsObserved(resourceAKSCluster) || a.runs(asked) {
		return asked
	}
	return a.Observed(resourceAKSCluster, "spec", "forProvider", "defaultNodePool", "orchestratorVersion")
}

// poolVersion is the same for the other nodes.
func (a *aksPlan) poolVersion() string {
	if !a.In.IsObserved(resourceAKSPool) || a.runs(a.In.Claim.Spec.Version) {
		return a.systemVersion()
	}
	return a.Observed(resourceAKSPool, "spec", "forProvider", "orchestratorVersion")
}

// runs says whether the control plane runs a minor version.
func (a *aksPlan) runs(minor string) bool {
	return strings.HasPrefix(a.Observed(resourceAKSCluster, "status", "atProvider", "currentKubernetesVersion")+".", minor+".")
}

// controlPlaneIdentity is the identity of the control plane.
func (a *aksPlan) controlPlaneIdentity() map[string]any {
	if a.makesIdentity() {
		return map[string]any{"type": "UserAssigned", "identityIdsRefs": []any{a.Ref(resourceAKSIdentity)}}
	}
	return map[string]any{"type": "UserAssigned", "identityIds": []any{a.block.UserAssignedIdentityID}}
}

// inGroup adds the resource group.
func (a *aksPlan) inGroup(forProvider map[string]any) map[string]any {
	out := maps.Clone(forProvider)
	if a.makesGroup() {
		out["resourceGroupNameRef"] = a.Ref(resourceAKSGroup)
		return out
	}
	out["resourceGroupName"] = a.block.ResourceGroupName
	return out
}

// afterGroup is open when there is a resource group.
func (a *aksPlan) afterGroup() compose.Gate {
	if a.makesGroup() {
		return a.After(resourceAKSGroup)
	}
	return compose.Gate{}
}

// connectionFromKubeconfig is how the cluster is reached: with the kubeconfig that the provider
// writes.
func (a *aksPlan) connectionFromKubeconfig() backend.Cluster {
	secret := v1alpha1.SecretKeyReference{Name: a.Name("kubeconfig"), Key: "kubeconfig"}
	out := backend.Cluster{
		Config:  backend.SecretConfig(a.In.Claim.Namespace, secret),
		Waiting: a.After(resourceAKSCluster).Waiting,
	}
	host := cmp.Or(a.Observed(resourceAKSCluster, "status", "atProvider", "fqdn"), a.Observed(resourceAKSCluster, "status", "atProvider", "privateFqdn"))
	switch {
	case out.Waiting != "":
	case host == "":
		out.Waiting = "Waiting for the address of the API server"
	default:
		out.Access = &backend.Access{
			Connection: v1alpha1.Connection{KubeconfigSecretRef: &secret, APIServerURL: "https://" + host + ":443"},
			// ControlPlaneMetricsReachable is false: Azure hides them. GatewayAPICRDs is
			// Install: https://learn.microsoft.com/azure/aks/managed-gateway-api
			// (2025-10-21) installs them only where that is asked for.
			Capabilities: v1alpha1.Capabilities{Architecture: a.In.Claim.Spec.Nodes.Architecture, StorageClassName: "managed-csi"},
		}
	}
	return out
}

// clusterDNSAddress address of a range, where a cluster's DNS is by custom. Ranges of
// services are so large that this cannot overflow.
func clusterDNSAddress(p netip.Prefix) string {
	b := p.Addr().As4()
	b[len(b)-1] += 10
	return netip.AddrFrom4(b).String()
}
