// SPDX-License-Identifier: Apache-2.0

package aks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend/backendtest"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// IDs of what exists in Azure already, and of the subnet that is made.
var (
	aksMadeSubnet  = "/subscriptions/simulated/resourceGroups/simulated/providers/Microsoft.Network/virtualNetworks/simulated/subnets/" + compose.Name("team-a", "demo", "subnet")
	aksOldSubnet   = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/nodes"
	aksOldIdentity = "/subscriptions/s/resourceGroups/net/providers/Microsoft.ManagedIdentity/userAssignedIdentities/aks"
)

// An aksChange changes a claim.
type aksChange func(*v1alpha1.ClusterParameters)

// aksClaim is a claim on AKS, changed by fs.
func aksClaim(fs ...aksChange) *v1alpha1.KubernetesCluster {
	c := backendtest.Claim(v1alpha1.ProviderAKS)
	for _, f := range fs {
		f(&c.Spec)
	}
	return c
}

// block gives a claim a block aks.
func block(b v1alpha1.AKSCluster) aksChange {
	return func(s *v1alpha1.ClusterParameters) { s.AKS = &b }
}

// aksBlocks are blocks with different things that exist already.
func aksBlocks() map[string]v1alpha1.AKSCluster {
	return map[string]v1alpha1.AKSCluster{
		"Made":           {},
		"Group":          {ResourceGroupName: "old"},
		"VirtualNetwork": {ExistingNetwork: &v1alpha1.AKSNetwork{VirtualNetwork: &v1alpha1.AKSVirtualNetwork{ResourceGroupName: "net", Name: "hub", SubnetCIDR: "10.9.0.0/22"}}},
		"Subnet":         {ExistingNetwork: &v1alpha1.AKSNetwork{SubnetID: aksOldSubnet}},
		"Identity":       {UserAssignedIdentityID: aksOldIdentity},
		"SubnetIdentity": {ExistingNetwork: &v1alpha1.AKSNetwork{SubnetID: aksOldSubnet}, UserAssignedIdentityID: aksOldIdentity},
		"Everything":     {ResourceGroupName: "old", ExistingNetwork: &v1alpha1.AKSNetwork{SubnetID: aksOldSubnet}, UserAssignedIdentityID: aksOldIdentity},
	}
}

// aksConverge runs until the cluster is ready.
func aksConverge(t *testing.T, c *v1alpha1.KubernetesCluster) (compose.Request, compose.Result) {
	t.Helper()
	worlds, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, c))
	return backendtest.Last(worlds), backendtest.Last(results)
}

// at finds a value below an object by a path with dots.
func at(o map[string]any, path string) any {
	var v any = o
	for key := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// TestAKSGrowth shows which resources appear in which round: small layers, and
// nothing before what it needs.
func TestAKSGrowth(t *testing.T) {
	configs := []string{"provider-config-helm", "provider-config-kubernetes"}
	keepers := []string{"api-server", "usage-keeper-0-helm", "usage-keeper-0-kubernetes", "usage-keeper-1-helm", "usage-keeper-1-kubernetes"}
	cases := map[string]struct {
		reason string
		block  v1alpha1.AKSCluster
		want   [][]string
	}{
		"Made": {
			reason: "Everything is made, from the outside in.",
			want: [][]string{
				{"resource-group"},
				{"identity", "virtual-network"},
				{"subnet", "usage-resource-group-identity", "usage-resource-group-virtual-network"},
				{"identity-on-subnet", "usage-virtual-network-subnet"},
				{"cluster", "usage-identity-identity-on-subnet", "usage-subnet-identity-on-subnet"},
				append([]string{"node-pool"}, append(configs, "usage-identity-on-subnet-cluster", "usage-resource-group-cluster", "usage-subnet-cluster")...),
				append(slices.Clone(keepers[:1]), append([]string{"usage-cluster-node-pool"}, keepers[1:]...)...),
				{"usage-provider-config-kubernetes"},
			},
		},
		"Existing": {
			reason: "What exists is taken, and nothing waits for it.",
			block:  aksBlocks()["Everything"],
			want: [][]string{
				{"cluster"},
				append([]string{"node-pool"}, configs...),
				append(slices.Clone(keepers[:1]), append([]string{"usage-cluster-node-pool"}, keepers[1:]...)...),
				{"usage-provider-config-kubernetes"},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			worlds, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, aksClaim(block(tc.block))))
			got := backendtest.Added(worlds, results)
			if n := len(backendtest.Last(results).Resources); n > 45 {
				t.Errorf("%d resources are more than 45", n)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nnames by round: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestAKSObjects looks at what a claim makes of single objects.
func TestAKSObjects(t *testing.T) {
	const (
		wanted = "spec.forProvider."
		nodes  = "spec.forProvider.defaultNodePool."
	)
	name := func(parts ...string) string { return compose.Name("team-a", append([]string{"demo"}, parts...)...) }
	spot := func(s *v1alpha1.ClusterParameters) {
		s.Nodes.CapacityType, s.Nodes.MaxCount = v1alpha1.CapacityTypeSpot, 40
	}
	arm := func(s *v1alpha1.ClusterParameters) { s.Nodes.Architecture = v1alpha1.ArchitectureARM64 }
	cases := map[string]struct {
		reason   string
		changes  []aksChange
		resource string
		// want are values by path; nil for what must not be there.
		want map[string]any
	}{
		"Group": {
			reason:   "The resource group is in Azure's region of the neutral one, with the claim's tags.",
			changes:  []aksChange{func(s *v1alpha1.ClusterParameters) { s.Tags = map[string]v1alpha1.TagValue{"cost": "a"} }},
			resource: resourceAKSGroup,
			want: map[string]any{
				wanted + "location": "westeurope",
				wanted + "tags":     map[string]any{"cost": "a", "observe-k8s": name("cluster")},
			},
		},
		"OwnRegion": {
			reason:   "Azure's own region comes before the neutral one.",
			changes:  []aksChange{block(v1alpha1.AKSCluster{Region: "germanynorth"})},
			resource: resourceAKSGroup,
			want:     map[string]any{wanted + "location": "germanynorth"},
		},
		"Network": {
			reason:   "The network has the claim's range.",
			changes:  []aksChange{func(s *v1alpha1.ClusterParameters) { s.Network = &v1alpha1.Network{CIDR: "10.20.0.0/20"} }},
			resource: resourceAKSNetwork,
			want:     map[string]any{wanted + "addressSpace": []any{"10.20.0.0/20"}, wanted + "resourceGroupNameRef.name": name("resource-group")},
		},
		"NetworkInExistingGroup": {
			reason:   "An existing group is named, not referred to.",
			changes:  []aksChange{block(v1alpha1.AKSCluster{ResourceGroupName: "old"})},
			resource: resourceAKSNetwork,
			want:     map[string]any{wanted + "resourceGroupName": "old", wanted + "resourceGroupNameRef": nil},
		},
		"Subnet": {
			reason:   "The nodes get half of the network; the rest is for what else a team puts there.",
			resource: resourceAKSSubnet,
			want:     map[string]any{wanted + "addressPrefixes": []any{"10.0.0.0/17"}, wanted + "virtualNetworkNameRef.name": name("virtual-network")},
		},
		"SubnetInExistingNetwork": {
			reason:   "A subnet is made where the claim says.",
			changes:  []aksChange{block(aksBlocks()["VirtualNetwork"])},
			resource: resourceAKSSubnet,
			want: map[string]any{
				wanted + "addressPrefixes": []any{"10.9.0.0/22"}, wanted + "virtualNetworkName": "hub", wanted + "resourceGroupName": "net",
				wanted + "virtualNetworkNameRef": nil, wanted + "resourceGroupNameRef": nil,
			},
		},
		"Role": {
			reason:   "The control plane may change the subnet, and nothing else.",
			resource: resourceAKSRole,
			want:     map[string]any{wanted + "scope": aksMadeSubnet, wanted + "principalId": "01234567-89ab-cdef-0123-456789abcdef", wanted + "roleDefinitionName": "Network Contributor"},
		},
		"RoleOnExistingSubnet": {
			reason:   "The same for a subnet that exists.",
			changes:  []aksChange{block(v1alpha1.AKSCluster{ExistingNetwork: &v1alpha1.AKSNetwork{SubnetID: aksOldSubnet}})},
			resource: resourceAKSRole,
			want:     map[string]any{wanted + "scope": aksOldSubnet},
		},
		"ControlPlane": {
			reason:   "What a platform team would choose.",
			resource: resourceAKSCluster,
			want: map[string]any{
				wanted + "kubernetesVersion": "1.34", wanted + "skuTier": "Standard",
				wanted + "oidcIssuerEnabled": true, wanted + "workloadIdentityEnabled": true,
				wanted + "automaticUpgradeChannel": "patch", wanted + "nodeOsUpgradeChannel": "NodeImage",
				wanted + "identity":                         map[string]any{"type": "UserAssigned", "identityIdsRefs": []any{map[string]any{"name": name("identity")}}},
				wanted + "networkProfile.networkPlugin":     "azure",
				wanted + "networkProfile.networkPluginMode": "overlay",
				wanted + "networkProfile.podCidr":           "100.64.0.0/12",
				wanted + "networkProfile.serviceCidr":       "100.80.0.0/16",
				wanted + "networkProfile.dnsServiceIp":      "100.80.0.10",
				wanted + "apiServerAccessProfile":           nil,
				"spec.writeConnectionSecretToRef.name":      name("kubeconfig"),
				"spec.providerConfigRef":                    map[string]any{"kind": "ClusterProviderConfig", "name": "default"},
			},
		},
		"ControlPlaneOptions": {
			reason: "What has no neutral name is in the block.",
			changes: []aksChange{
				block(v1alpha1.AKSCluster{UserAssignedIdentityID: aksOldIdentity, Tier: v1alpha1.AKSTierFree, PodCIDR: "10.128.0.0/16", ServiceCIDR: "10.96.0.0/20"}),
				func(s *v1alpha1.ClusterParameters) {
					s.Network = &v1alpha1.Network{APIServerAllowedCIDRs: []v1alpha1.CIDR{"203.0.113.0/24"}}
				},
			},
			resource: resourceAKSCluster,
			want: map[string]any{
				wanted + "skuTier":                                   "Free",
				wanted + "identity":                                  map[string]any{"type": "UserAssigned", "identityIds": []any{aksOldIdentity}},
				wanted + "networkProfile.podCidr":                    "10.128.0.0/16",
				wanted + "networkProfile.serviceCidr":                "10.96.0.0/20",
				wanted + "networkProfile.dnsServiceIp":               "10.96.0.10",
				wanted + "apiServerAccessProfile.authorizedIpRanges": []any{"203.0.113.0/24"},
			},
		},
		"NoVersion": {
			reason:   "Without a version Azure chooses.",
			changes:  []aksChange{func(s *v1alpha1.ClusterParameters) { s.Version = "" }},
			resource: resourceAKSCluster,
			want:     map[string]any{wanted + "kubernetesVersion": nil, nodes + "orchestratorVersion": nil},
		},
		"SystemPool": {
			reason:   "The system pool is for Azure's own pods; how many nodes it has, the autoscaler decides.",
			resource: resourceAKSCluster,
			want: map[string]any{
				nodes + "vmSize": "Standard_D4s_v5", nodes + "minCount": int64(2), nodes + "maxCount": int64(3), nodes + "nodeCount": nil,
				nodes + "autoScalingEnabled": true, nodes + "onlyCriticalAddonsEnabled": true, nodes + "orchestratorVersion": "1.34",
				nodes + "vnetSubnetIdRef.name": name("subnet"), nodes + "zones": []any{"1", "2", "3"}, nodes + "osDiskSizeGb": int64(50),
				"spec.initProvider":       map[string]any{"defaultNodePool": map[string]any{"nodeCount": int64(2)}},
				"spec.managementPolicies": []any{"Observe", "Create", "Update", "Delete"},
			},
		},
		"SystemPoolOptions": {
			reason: "The system pool can be as a team wants it.",
			changes: []aksChange{arm, block(v1alpha1.AKSCluster{
				Zones: []v1alpha1.AKSZone{"2"}, ExistingNetwork: &v1alpha1.AKSNetwork{SubnetID: aksOldSubnet}, SystemPool: &v1alpha1.AKSSystemPool{InstanceSize: v1alpha1.InstanceSizeLarge, MinCount: 5},
			})},
			resource: resourceAKSCluster,
			want: map[string]any{
				nodes + "vmSize": "Standard_D8ps_v6", nodes + "minCount": int64(5), nodes + "maxCount": int64(5),
				nodes + "zones": []any{"2"}, nodes + "vnetSubnetId": aksOldSubnet, nodes + "vnetSubnetIdRef": nil,
			},
		},
		"SystemPoolBesideSpot": {
			reason:   "Azure taints spot nodes, so what does not tolerate that must find room in the system pool.",
			changes:  []aksChange{spot},
			resource: resourceAKSCluster,
			want:     map[string]any{nodes + "onlyCriticalAddonsEnabled": false, nodes + "maxCount": int64(40)},
		},
		"NoZonesOfUnknownRegion": {
			reason:   "Not every region has zones.",
			changes:  []aksChange{block(v1alpha1.AKSCluster{Region: "germanynorth"})},
			resource: resourceAKSCluster,
			want:     map[string]any{nodes + "zones": nil},
		},
		"NodePool": {
			reason:   "The nodes are as the claim says; how many there are, the autoscaler decides.",
			resource: resourceAKSPool,
			want: map[string]any{
				wanted + "vmSize": "Standard_D4s_v5", wanted + "minCount": int64(2), wanted + "maxCount": int64(5), wanted + "nodeCount": nil,
				wanted + "mode": "User", wanted + "orchestratorVersion": "1.34", wanted + "priority": nil,
				wanted + "kubernetesClusterIdRef.name": name("cluster"),
				"spec.initProvider":                    map[string]any{"nodeCount": int64(2)},
				"spec.managementPolicies":              []any{"Observe", "Create", "Update", "Delete"},
				"metadata.annotations":                 map[string]any{"crossplane.io/external-name": "user"},
			},
		},
		"NodePoolARM": {
			reason:   "The same sizes of the other architecture.",
			changes:  []aksChange{arm, func(s *v1alpha1.ClusterParameters) { s.Nodes.InstanceSize = v1alpha1.InstanceSizeXLarge }},
			resource: resourceAKSPool,
			want:     map[string]any{wanted + "vmSize": "Standard_D16ps_v6"},
		},
		"NodePoolOwnSize": {
			reason:   "Azure's own size comes before the neutral one.",
			changes:  []aksChange{block(v1alpha1.AKSCluster{VMSize: "Standard_E4s_v5"})},
			resource: resourceAKSPool,
			want:     map[string]any{wanted + "vmSize": "Standard_E4s_v5"},
		},
		"NodePoolSpot": {
			reason:   "Spot nodes are evicted for capacity only, and cannot surge.",
			changes:  []aksChange{spot},
			resource: resourceAKSPool,
			want: map[string]any{
				wanted + "priority": "Spot", wanted + "evictionPolicy": "Delete", wanted + "spotMaxPrice": int64(-1), wanted + "upgradeSettings": nil,
				wanted + "nodeTaints": []any{"kubernetes.azure.com/scalesetpriority=spot:NoSchedule"},
			},
		},
		"KeepOnDeletion": {
			reason: "Management policies are passed on.",
			changes: []aksChange{func(s *v1alpha1.ClusterParameters) {
				s.ManagementPolicies = []v1alpha1.ManagementPolicy{v1alpha1.ManageObserve, v1alpha1.ManageCreate, v1alpha1.ManageUpdate}
			}},
			resource: resourceAKSGroup,
			want:     map[string]any{"spec.managementPolicies": []any{"Observe", "Create", "Update"}},
		},
		"Adopted": {
			reason: "A cluster that exists is only looked at.",
			changes: []aksChange{block(v1alpha1.AKSCluster{ResourceGroupName: "old"}), func(s *v1alpha1.ClusterParameters) {
				s.ExternalName, s.ManagementPolicies = "theirs", []v1alpha1.ManagementPolicy{v1alpha1.ManageObserve}
			}},
			resource: resourceAKSCluster,
			want: map[string]any{
				"spec.forProvider":                     map[string]any{"resourceGroupName": "old"},
				"spec.initProvider":                    nil,
				"spec.managementPolicies":              []any{"Observe"},
				"metadata.annotations":                 map[string]any{"crossplane.io/external-name": "theirs"},
				"spec.writeConnectionSecretToRef.name": name("kubeconfig"),
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, res := aksConverge(t, aksClaim(tc.changes...))
			o := res.Resources[tc.resource].Object
			got := map[string]any{}
			for path := range tc.want {
				got[path] = at(o, path)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\n%s: -want, +got:\n%s", tc.reason, tc.resource, diff)
			}
		})
	}
}

// TestAKSAccess is what everybody else gets to know of the cluster.
func TestAKSAccess(t *testing.T) {
	access := compose.Name("team-a", "demo", "access")
	want := &backend.Access{
		Connection: v1alpha1.Connection{
			HelmProviderConfigRef: v1alpha1.LocalReference{Name: access}, KubernetesProviderConfigRef: v1alpha1.LocalReference{Name: access},
			KubeconfigSecretRef: &v1alpha1.SecretKeyReference{Name: compose.Name("team-a", "demo", "kubeconfig"), Key: "kubeconfig"},
			APIServerURL:        backendtest.Server + ":443",
		},
		Capabilities: v1alpha1.Capabilities{Architecture: v1alpha1.ArchitectureAMD64, StorageClassName: "managed-csi"},
	}
	cases := map[string]struct {
		reason string
		change func(w compose.Request)
		want   *backend.Access
	}{
		"Ready":       {reason: "All is known.", change: func(compose.Request) {}, want: want},
		"NoAddress":   {reason: "What was known stays.", change: func(w compose.Request) { delete(w.Observed[resourceAKSCluster].Object, "status") }, want: want},
		"NothingSeen": {reason: "Nothing is made up.", change: func(w compose.Request) { clear(w.Observed); delete(w.XR.Object, "status") }},
		"Private": {reason: "A private cluster has another address.", want: func() *backend.Access {
			p := *want
			p.APIServerURL = "https://private.azmk8s.io:443"
			return &p
		}(), change: func(w compose.Request) {
			w.Observed[resourceAKSCluster].Object["status"].(map[string]any)["atProvider"] = map[string]any{"privateFqdn": "private.azmk8s.io"}
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w, _ := aksConverge(t, aksClaim())
			tc.change(w)
			status := backendtest.Status(t, backendtest.Run(t, Backend{}, w))
			if diff := cmp.Diff(tc.want, backend.AccessOf(status)); diff != "" {
				t.Errorf("\n%s\naccess: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// changed are the paths at which results differ, by resource.
func changed(before, after compose.Result) map[string][]string {
	out := map[string][]string{}
	for name, d := range after.Resources {
		var paths []string
		var walk func(path string, a, b any)
		walk = func(path string, a, b any) {
			am, aok := a.(map[string]any)
			bm, bok := b.(map[string]any)
			if !aok || !bok {
				if !cmp.Equal(a, b) {
					paths = append(paths, strings.TrimPrefix(path, ".spec.forProvider."))
				}
				return
			}
			all := maps.Clone(am)
			maps.Copy(all, bm)
			for k := range all {
				walk(path+"."+k, am[k], bm[k])
			}
		}
		walk("", before.Resources[name].Object, d.Object)
		if len(paths) > 0 {
			slices.Sort(paths)
			out[name] = paths
		}
	}
	for name := range before.Resources {
		if _, ok := after.Resources[name]; !ok {
			out[name] = []string{"is gone"}
		}
	}
	return out
}

// TestAKSFlaps disturbs one resource after the other. Nothing that exists is
// dropped, and none of it changes.
func TestAKSFlaps(t *testing.T) {
	disturbances := map[string]func(o *unstructured.Unstructured){
		"NoStatus":   func(o *unstructured.Unstructured) { delete(o.Object, "status") },
		"NoReported": func(o *unstructured.Unstructured) { delete(o.Object["status"].(map[string]any), "atProvider") },
		"NotReady": func(o *unstructured.Unstructured) {
			o.Object["status"].(map[string]any)["conditions"].([]any)[0].(map[string]any)["status"] = "False"
		},
	}
	for name, b := range aksBlocks() {
		for how, disturb := range disturbances {
			t.Run(name+how, func(t *testing.T) {
				calm, before := aksConverge(t, aksClaim(block(b)))
				for resource, o := range calm.Observed {
					w := calm
					w.Observed = maps.Clone(calm.Observed)
					w.Observed[resource] = o.DeepCopy()
					disturb(w.Observed[resource])
					if diff := cmp.Diff(map[string][]string{}, changed(before, backendtest.Run(t, Backend{}, w))); diff != "" {
						t.Errorf("%s was disturbed, and this changed: -want, +got:\n%s", resource, diff)
					}
				}
			})
		}
	}
}

// TestAKSChanges proves that a change of the claim changes only what it must.
func TestAKSChanges(t *testing.T) {
	cases := map[string]struct {
		reason string
		change aksChange
		want   map[string][]string
	}{
		"Nothing":    {reason: "The same claim.", change: func(*v1alpha1.ClusterParameters) {}, want: map[string][]string{}},
		"Max":        {reason: "More nodes.", change: func(s *v1alpha1.ClusterParameters) { s.Nodes.MaxCount = 9 }, want: map[string][]string{"node-pool": {"maxCount"}}},
		"Size":       {reason: "Larger nodes.", change: func(s *v1alpha1.ClusterParameters) { s.Nodes.InstanceSize = v1alpha1.InstanceSizeLarge }, want: map[string][]string{"node-pool": {"vmSize"}}},
		"Min":        {reason: "The initial count is only looked at once.", change: func(s *v1alpha1.ClusterParameters) { s.Nodes.MinCount = 3 }, want: map[string][]string{"node-pool": {".spec.initProvider.nodeCount", "minCount"}}},
		"Disk":       {reason: "All nodes have the disk.", change: func(s *v1alpha1.ClusterParameters) { s.Nodes.DiskSize = "100Gi" }, want: map[string][]string{"cluster": {"defaultNodePool.osDiskSizeGb"}, "node-pool": {"osDiskSizeGb"}}},
		"Tier":       {reason: "Another tier.", change: block(v1alpha1.AKSCluster{Tier: v1alpha1.AKSTierPremium}), want: map[string][]string{"cluster": {"skuTier"}}},
		"SystemPool": {reason: "More system nodes.", change: block(v1alpha1.AKSCluster{SystemPool: &v1alpha1.AKSSystemPool{MaxCount: 6}}), want: map[string][]string{"cluster": {"defaultNodePool.maxCount"}}},
		"Allowed": {
			reason: "Who may reach the API server.",
			change: func(s *v1alpha1.ClusterParameters) {
				s.Network = &v1alpha1.Network{APIServerAllowedCIDRs: []v1alpha1.CIDR{"203.0.113.0/24"}}
			},
			want: map[string][]string{"cluster": {"apiServerAccessProfile"}},
		},
		"Tags": {
			reason: "What can have tags has them.",
			change: func(s *v1alpha1.ClusterParameters) { s.Tags = map[string]v1alpha1.TagValue{"a": "b"} },
			want: map[string][]string{
				"cluster": {"defaultNodePool.tags.a", "tags.a"}, "identity": {"tags.a"}, "node-pool": {"tags.a"},
				"resource-group": {"tags.a"}, "virtual-network": {"tags.a"},
			},
		},
		"Version": {
			reason: "The control plane comes first, alone.",
			change: func(s *v1alpha1.ClusterParameters) { s.Version = "1.35" },
			want:   map[string][]string{"cluster": {"kubernetesVersion"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w, before := aksConverge(t, aksClaim())
			after := backendtest.World(t, aksClaim(tc.change))
			after.Observed = w.Observed
			if diff := cmp.Diff(tc.want, changed(before, backendtest.Run(t, Backend{}, after))); diff != "" {
				t.Errorf("\n%s\nchanged: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestAKSUpgrade follows an upgrade: nodes never run a version before the
// control plane does, whatever is not known on the way.
func TestAKSUpgrade(t *testing.T) {
	w, _ := aksConverge(t, aksClaim())
	w.XR = backendtest.World(t, aksClaim(func(s *v1alpha1.ClusterParameters) { s.Version = "1.35" })).XR
	versions := func(res compose.Result) [3]any {
		cluster := res.Resources[resourceAKSCluster].Object
		return [3]any{
			at(cluster, "spec.forProvider.kubernetesVersion"),
			at(cluster, "spec.forProvider.defaultNodePool.orchestratorVersion"),
			at(res.Resources[resourceAKSPool].Object, "spec.forProvider.orchestratorVersion"),
		}
	}
	runs := func(version string) func() {
		return func() {
			w.Observed[resourceAKSCluster].Object["status"].(map[string]any)["atProvider"] = map[string]any{"currentKubernetesVersion": version}
		}
	}
	steps := []struct {
		reason string
		then   func()
		want   [3]any
	}{
		{"The control plane is asked first.", runs("1.34.3"), [3]any{"1.35", "1.34", "1.34"}},
		{"Nothing is known of it for a while.", func() { delete(w.Observed[resourceAKSCluster].Object, "status") }, [3]any{"1.35", "1.34", "1.34"}},
		{"1.3 is not 1.35, nor is 1.350.", func() {
			w.Observed[resourceAKSCluster].Object["status"] = map[string]any{"atProvider": map[string]any{"currentKubernetesVersion": "1.350.1"}}
		}, [3]any{"1.35", "1.34", "1.34"}},
		{"It runs the version: the nodes follow.", runs("1.35.1"), [3]any{"1.35", "1.35", "1.35"}},
		{"The nodes do not go back.", func() {
			for _, n := range []string{resourceAKSCluster, resourceAKSPool} {
				delete(w.Observed[n].Object, "status")
			}
		}, [3]any{"1.35", "1.35", "1.35"}},
	}
	for _, s := range steps {
		s.then()
		res := backendtest.Run(t, Backend{}, w)
		if diff := cmp.Diff(s.want, versions(res)); diff != "" {
			t.Errorf("\n%s\nversions of control plane, system pool and pool: -want, +got:\n%s", s.reason, diff)
		}
		for n, d := range res.Resources {
			w.Observed[n].Object["spec"] = runtime.DeepCopyJSON(d.Object)["spec"]
		}
	}
}

// TestAKSRefused is about claims that got past an older schema. They are told
// what is valid, and what exists is kept.
func TestAKSRefused(t *testing.T) {
	cases := map[string]struct {
		reason  string
		changes []aksChange
		want    []string
	}{
		"Region": {
			reason:  "A region that nobody knows.",
			changes: []aksChange{func(s *v1alpha1.ClusterParameters) { s.Region = "moon" }},
			want:    []string{`Provider AKS has nothing for region "moon"`, "asia-northeast", "us-west"},
		},
		"Size": {
			reason:  "A size that nobody knows.",
			changes: []aksChange{func(s *v1alpha1.ClusterParameters) { s.Nodes.InstanceSize = "Huge" }},
			want:    []string{`Provider AKS has nothing for size "Huge"`, "Large, Medium, Small, XLarge"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			there, _ := aksConverge(t, aksClaim())
			w := backendtest.World(t, aksClaim(tc.changes...))
			if res := backendtest.Run(t, Backend{}, w); len(res.Resources) > 0 {
				t.Errorf("%s: %d resources are composed", tc.reason, len(res.Resources))
			}
			w.Observed = there.Observed
			res := backendtest.Run(t, Backend{}, w)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(there.Observed)), slices.Sorted(maps.Keys(res.Resources))); diff != "" {
				t.Errorf("\n%s\nkept: -want, +got:\n%s", tc.reason, diff)
			}
			text := fmt.Sprint(res.Conditions)
			for _, want := range tc.want {
				if !strings.Contains(text, want) {
					t.Errorf("\n%s\nno condition says %q:\n%s", tc.reason, want, text)
				}
			}
		})
	}
}

// TestAKSTeardown deletes everything at once, as plain kubectl delete does, and
// lets go what no Usage protects any more. It must end with nothing left, in an
// order that Azure accepts.
func TestAKSTeardown(t *testing.T) {
	// before says what must be gone before what.
	before := map[string][]string{
		"resource-group":     {"virtual-network", "identity", "cluster"},
		"virtual-network":    {"subnet"},
		"subnet":             {"cluster", "identity-on-subnet"},
		"identity":           {"identity-on-subnet", "cluster"},
		"identity-on-subnet": {"cluster"},
		"cluster":            {"node-pool", "provider-config-helm", "provider-config-kubernetes"},
		"node-pool":          {"provider-config-helm", "provider-config-kubernetes"},
	}
	for name, b := range aksBlocks() {
		t.Run(name, func(t *testing.T) {
			_, res := aksConverge(t, aksClaim(block(b)))
			type id struct{ apiVersion, kind, name string }
			names := map[id]string{}
			uses := map[id][]id{}
			for name, d := range res.Resources {
				u := unstructured.Unstructured{Object: d.Object}
				if u.GetKind() != "Usage" {
					names[id{u.GetAPIVersion(), u.GetKind(), u.GetName()}] = name
					continue
				}
				end := func(which string) id {
					o := d.Object["spec"].(map[string]any)[which].(map[string]any)
					return id{o["apiVersion"].(string), o["kind"].(string), o["resourceRef"].(map[string]any)["name"].(string)}
				}
				uses[end("of")] = append(uses[end("of")], end("by"))
			}
			for of, bys := range uses {
				for _, e := range append(bys, of) {
					if names[e] == "" {
						t.Errorf("a Usage names %v, which is not composed", e)
					}
				}
			}
			gone := map[string]bool{}
			for len(gone) < len(names) {
				var now []string
				for e, name := range names {
					if gone[name] || slices.ContainsFunc(uses[e], func(by id) bool { return !gone[names[by]] }) {
						continue
					}
					now = append(now, name)
				}
				if len(now) == 0 {
					t.Fatalf("stuck, gone are only %v", slices.Sorted(maps.Keys(gone)))
				}
				for _, name := range now {
					for _, first := range before[name] {
						if _, made := res.Resources[first]; made && !gone[first] {
							t.Errorf("%s goes before %s", name, first)
						}
					}
				}
				for _, name := range now {
					gone[name] = true
				}
			}
		})
	}
}

// TestAKSNames proves that claims of one name in two namespaces share no name
// in Azure, and that no name is longer than Azure allows.
func TestAKSNames(t *testing.T) {
	names := func(namespace, claim string) map[string]string {
		c := aksClaim()
		c.Namespace, c.Name = namespace, claim
		_, res := aksConverge(t, c)
		out := map[string]string{}
		for name, d := range res.Resources {
			if d.Object["kind"] != "Usage" {
				out[name] = at(d.Object, "metadata.name").(string)
			}
		}
		cluster := res.Resources[resourceAKSCluster].Object
		out["dnsPrefix"] = at(cluster, "spec.forProvider.dnsPrefix").(string)
		out["nodeResourceGroup"] = at(cluster, "spec.forProvider.nodeResourceGroup").(string)
		out["identity in Azure"] = at(res.Resources[resourceAKSIdentity].Object, "spec.forProvider.name").(string)
		return out
	}
	for _, claim := range []string{"demo", strings.Repeat("long", 15), "with.dots"} {
		a, b := names("team-a", claim), names("team-b", claim)
		for what, name := range a {
			if name == b[what] {
				t.Errorf("%s is %s in both namespaces", what, name)
			}
			if len(name) > 63 || what == "dnsPrefix" && len(name) > 54 {
				t.Errorf("%s is too long: %s", what, name)
			}
		}
	}
}
