// SPDX-License-Identifier: Apache-2.0

package eks

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend/backendtest"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// eksClaim is a claim on EKS, changed by fs.
func eksClaim(fs ...func(*v1alpha1.ClusterParameters)) *v1alpha1.KubernetesCluster {
	c := backendtest.Claim(v1alpha1.ProviderEKS)
	for _, f := range fs {
		f(&c.Spec)
	}
	return c
}

// eksConverge brings a claim to its end, with what AWS reports.
func eksConverge(t *testing.T, c *v1alpha1.KubernetesCluster) map[string]*unstructured.Unstructured {
	t.Helper()
	worlds, _ := backendtest.Rounds(t, Backend{}, backendtest.World(t, c))
	return backendtest.Last(worlds).Observed
}

// report sets what a provider says of a resource, if that is there.
func report(t *testing.T, observed map[string]*unstructured.Unstructured, name string, v any, field string) {
	t.Helper()
	if o := observed[name]; o != nil {
		if err := unstructured.SetNestedField(o.Object, v, "status", "atProvider", field); err != nil {
			t.Fatal(err)
		}
	}
}

func eksAt(o *unstructured.Unstructured, path ...string) any {
	if o == nil {
		return nil
	}
	v, _, _ := unstructured.NestedFieldNoCopy(o.Object, append([]string{"spec"}, path...)...)
	return v
}

// TestEKS looks at what options make of single fields.
func TestEKS(t *testing.T) {
	block := func(b v1alpha1.EKSCluster) func(*v1alpha1.ClusterParameters) {
		return func(s *v1alpha1.ClusterParameters) { s.EKS = &b }
	}
	type field struct {
		resource string
		path     string
		want     any
	}
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.KubernetesCluster
		want   []field
		absent []string
	}{
		"Plain": {
			reason: "What everybody gets is safe.",
			claim:  eksClaim(),
			want: []field{
				{eksCluster, "forProvider.version", "1.34"},
				{eksCluster, "forProvider.accessConfig.authenticationMode", "API"},
				{eksCluster, "forProvider.vpcConfig.endpointPrivateAccess", true},
				{eksTemplate, "forProvider.metadataOptions.httpTokens", "required"},
				{eksNodes, "forProvider.capacityType", "ON_DEMAND"},
				{eksNodes, "forProvider.instanceTypes", []any{"m6i.xlarge"}},
				{eksNodes, "forProvider.scalingConfig.desiredSize", nil},
				{eksNodes, "initProvider.scalingConfig.desiredSize", int64(2)},
				{eksNodes, "managementPolicies", []any{"Observe", "Create", "Update", "Delete"}},
				{eksAddonNetwork, "managementPolicies", []any{"Observe", "Create", "Update", "LateInitialize"}},
				{eksPrivateRoute, "forProvider.routeTableId", "rtb-0123456789abcdef0"},
				{eksNAT, "forProvider.availabilityMode", nil},
			},
			absent: []string{eksKey, eksAdminEntry, eksAdminPolicy},
		},
		"Spot": {
			reason: "Spare capacity of several families, for Arm.",
			claim: eksClaim(func(s *v1alpha1.ClusterParameters) {
				s.Nodes.CapacityType, s.Nodes.Architecture, s.Nodes.InstanceSize = v1alpha1.CapacityTypeSpot, v1alpha1.ArchitectureARM64, v1alpha1.InstanceSizeSmall
			}),
			want: []field{
				{eksNodes, "forProvider.capacityType", "SPOT"},
				{eksNodes, "forProvider.amiType", "AL2023_ARM_64_STANDARD"},
				{eksNodes, "forProvider.instanceTypes", []any{"m6g.large", "m7g.large"}},
			},
		},
		"Encrypted": {
			reason: "The key is one of the cluster's own.",
			claim:  eksClaim(block(v1alpha1.EKSCluster{EncryptSecrets: true})),
			want: []field{
				{eksCluster, "forProvider.encryptionConfig.provider.keyArn", "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"},
				{eksKey, "forProvider.enableKeyRotation", true},
			},
		},
		"PerZone": {
			reason: "One regional gateway, which needs no address.",
			claim:  eksClaim(block(v1alpha1.EKSCluster{NATGatewayMode: v1alpha1.NATGatewayPerZone})),
			want:   []field{{eksNAT, "forProvider.availabilityMode", "regional"}},
			absent: []string{eksAddress},
		},
		"Allowed": {
			reason: "Only who is allowed reaches the API server from outside.",
			claim: eksClaim(func(s *v1alpha1.ClusterParameters) {
				s.Network = &v1alpha1.Network{APIServerAllowedCIDRs: []v1alpha1.CIDR{"203.0.113.0/24"}}
			}),
			want: []field{{eksCluster, "forProvider.vpcConfig.publicAccessCidrs", []any{"203.0.113.0/24"}}},
		},
		"ExistingNetwork": {
			reason: "Nothing of a network is made.",
			claim: eksClaim(block(v1alpha1.EKSCluster{ExistingNetwork: &v1alpha1.EKSNetwork{
				PrivateSubnetIDs: []v1alpha1.SubnetID{"subnet-1", "subnet-2"}, PublicSubnetIDs: []v1alpha1.SubnetID{"subnet-3"},
			}})),
			want: []field{
				{eksCluster, "forProvider.vpcConfig.subnetIds", []any{"subnet-1", "subnet-2", "subnet-3"}},
				{eksNodes, "forProvider.subnetIds", []any{"subnet-1", "subnet-2"}},
			},
			absent: []string{eksVPC, eksNAT, eksGateway, "usage-nat-gateway"},
		},
		"Kept": {
			reason: "Without Delete nothing is deleted, and the kubeconfig is managed all the same.",
			claim: eksClaim(func(s *v1alpha1.ClusterParameters) {
				s.ManagementPolicies = []v1alpha1.ManagementPolicy{v1alpha1.ManageObserve, v1alpha1.ManageCreate, v1alpha1.ManageUpdate}
			}),
			want: []field{
				{eksVPC, "managementPolicies", []any{"Observe", "Create", "Update"}},
				{eksNodes, "managementPolicies", []any{"Observe", "Create", "Update"}},
				{eksAuth, "managementPolicies", []any{"*"}},
			},
		},
		"Adopted": {
			reason: "A cluster that is there is looked at, and reached.",
			claim: eksClaim(func(s *v1alpha1.ClusterParameters) {
				s.ExternalName, s.ManagementPolicies = "Production_1", []v1alpha1.ManagementPolicy{v1alpha1.ManageObserve}
			}),
			want: []field{
				{eksCluster, "managementPolicies", []any{"Observe"}},
				{eksAuth, "forProvider.clusterName", "Production_1"},
			},
			absent: []string{eksVPC, eksNodes, eksClusterRole, eksStorageClass},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := eksConverge(t, tc.claim)
			for _, f := range tc.want {
				if diff := cmp.Diff(f.want, eksAt(got[f.resource], strings.Split(f.path, ".")...)); diff != "" {
					t.Errorf("\n%s\n%s %s: -want, +got:\n%s", tc.reason, f.resource, f.path, diff)
				}
			}
			for _, r := range tc.absent {
				if got[r] != nil {
					t.Errorf("\n%s\nthere is %s", tc.reason, r)
				}
			}
		})
	}
}

// TestEKSProblems shows what a person reads when AWS has nothing for a claim.
func TestEKSProblems(t *testing.T) {
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.KubernetesCluster
		why    string
		says   string
	}{
		"Region": {
			reason: "Valid regions are listed.",
			claim:  eksClaim(func(s *v1alpha1.ClusterParameters) { s.Region = "mars-north" }),
			why:    "UnsupportedValue",
			says:   `region "mars-north". Valid: asia-northeast, asia-southeast`,
		},
		"Size": {
			reason: "Valid sizes are listed.",
			claim:  eksClaim(func(s *v1alpha1.ClusterParameters) { s.Nodes.InstanceSize = "Huge" }),
			why:    "UnsupportedValue",
			says:   "Valid: Large, Medium, Small, XLarge",
		},
		"Zones": {
			reason: "Zones are never guessed.",
			claim:  eksClaim(func(s *v1alpha1.ClusterParameters) { s.EKS = &v1alpha1.EKSCluster{Region: "eu-west-3"} }),
			why:    "ZonesUnknown",
			says:   "Name two or three by ID in eks.zoneIDs",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			exists := eksConverge(t, eksClaim())
			res := backendtest.Run(t, Backend{}, compose.Request{XR: backendtest.ToUnstructured(t, tc.claim), Observed: exists})
			c := res.Conditions[0]
			if c.Ready || c.Reason != tc.why || !strings.Contains(c.Message, tc.says) {
				t.Errorf("\n%s\n%s=%v %s: %s", tc.reason, c.Type, c.Ready, c.Reason, c.Message)
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(exists)), slices.Sorted(maps.Keys(res.Resources))); diff != "" {
				t.Errorf("what exists is not kept: -want, +got:\n%s", diff)
			}
		})
	}
}

// TestEKSNodesFollow shows when nodes and add-ons get what changes under them.
func TestEKSNodesFollow(t *testing.T) {
	cases := map[string]struct {
		reason   string
		change   func(t *testing.T, observed map[string]*unstructured.Unstructured)
		version  string
		template string
		proxy    string
	}{
		"ControlPlaneIsOld": {
			reason:   "Nodes are never newer than the control plane.",
			change:   func(*testing.T, map[string]*unstructured.Unstructured) {},
			version:  "1.34",
			template: "1",
			proxy:    "v1.34.0-eksbuild.2",
		},
		"ControlPlaneIsNew": {
			reason: "Then nodes follow.",
			change: func(t *testing.T, o map[string]*unstructured.Unstructured) {
				t.Helper()
				report(t, o, eksCluster, "1.35", "version")
			},
			version:  "1.35",
			template: "1",
			proxy:    "v1.35.0-eksbuild.2",
		},
		"Template": {
			reason: "A new version of the template replaces the nodes.",
			change: func(t *testing.T, o map[string]*unstructured.Unstructured) {
				t.Helper()
				report(t, o, eksTemplate, int64(3), "latestVersion")
			},
			version:  "1.34",
			template: "3",
			proxy:    "v1.34.0-eksbuild.2",
		},
		"NothingReported": {
			reason: "A status that is gone changes nothing.",
			change: func(t *testing.T, o map[string]*unstructured.Unstructured) {
				t.Helper()
				delete(o[eksCluster].Object, "status")
				delete(o[eksTemplate].Object, "status")
			},
			version:  "1.34",
			template: "1",
			proxy:    "v1.34.0-eksbuild.2",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			observed := eksConverge(t, eksClaim(proxyVersion("v1.34.0-eksbuild.2")))
			tc.change(t, observed)
			newer := eksClaim(func(s *v1alpha1.ClusterParameters) { s.Version = "1.35" }, proxyVersion("v1.35.0-eksbuild.2"))
			res := backendtest.Run(t, Backend{}, compose.Request{XR: backendtest.ToUnstructured(t, newer), Observed: observed})
			nodes := &unstructured.Unstructured{Object: res.Resources[eksNodes].Object}
			if diff := cmp.Diff(tc.version, eksAt(nodes, "forProvider", "version")); diff != "" {
				t.Errorf("\n%s\nversion: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.template, eksAt(nodes, "forProvider", "launchTemplate", "version")); diff != "" {
				t.Errorf("\n%s\ntemplate: -want, +got:\n%s", tc.reason, diff)
			}
			proxy := &unstructured.Unstructured{Object: res.Resources[eksAddonProxy].Object}
			if diff := cmp.Diff(tc.proxy, eksAt(proxy, "forProvider", "addonVersion")); diff != "" {
				t.Errorf("\n%s\nkube-proxy: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// proxyVersion asks for a version of kube-proxy.
func proxyVersion(v v1alpha1.AddonVersion) func(*v1alpha1.ClusterParameters) {
	return func(s *v1alpha1.ClusterParameters) {
		s.EKS = &v1alpha1.EKSCluster{Addons: []v1alpha1.EKSAddon{{Name: "kube-proxy", Version: v}}}
	}
}

// TestEKSSubnetCIDRs divides networks.
func TestEKSSubnetCIDRs(t *testing.T) {
	cases := map[string]struct {
		reason          string
		cidr            string
		private, public []string
	}{
		"Largest": {
			reason:  "Three quarters are private, the last holds what is public.",
			cidr:    "10.0.0.0/16",
			private: []string{"10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18"},
			public:  []string{"10.0.192.0/20", "10.0.208.0/20", "10.0.224.0/20"},
		},
		"Smallest": {
			reason:  "There is still room for a thousand pods in a zone.",
			cidr:    "192.168.16.0/20",
			private: []string{"192.168.16.0/22", "192.168.20.0/22", "192.168.24.0/22"},
			public:  []string{"192.168.28.0/24", "192.168.29.0/24", "192.168.30.0/24"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			private, public, err := eksSubnetCIDRs(tc.cidr, 3)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]string{tc.private, tc.public}, [][]string{private, public}); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
