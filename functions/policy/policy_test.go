// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	clusters "github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// world in which requirements were answered with EnvironmentConfigs, given by
// the data of the one for all and of the one for the namespace.
func world(t *testing.T, all, own string) compose.Request {
	t.Helper()
	w := compose.Request{Required: map[string][]*unstructured.Unstructured{requirementAll: nil, requirementNamespace: nil}}
	for requirement, data := range map[string]string{requirementAll: all, requirementNamespace: own} {
		if data == "" {
			continue
		}
		m := map[string]any{}
		if err := yaml.Unmarshal([]byte(data), &m); err != nil {
			t.Fatal(err)
		}
		o := &unstructured.Unstructured{Object: map[string]any{"data": m}}
		o.SetName(requirement)
		w.Required[requirement] = []*unstructured.Unstructured{o}
	}
	return w
}

func TestRead(t *testing.T) {
	yes := true
	cases := map[string]struct {
		reason string
		w      compose.Request
		want   Policy
		known  bool
		err    string
	}{
		"NotAnswered": {
			reason: "What forbids may not have been read yet.",
		},
		"None": {
			reason: "A platform team need not say anything.",
			w:      world(t, "", ""),
			known:  true,
		},
		"All": {
			reason: "What holds for all holds for a namespace.",
			w:      world(t, "limits: {maxNodes: 3}", ""),
			want:   Policy{Limits: Limits{MaxNodes: 3}},
			known:  true,
		},
		"FieldByField": {
			reason: "A namespace's own policy replaces the fields that it has and leaves the others.",
			w:      world(t, "{limits: {maxNodes: 3, allowedProviders: [EKS], enforcedTags: {team: all}}, defaults: {lifetime: 8h}}", "limits: {maxNodes: 9, allowManagementCluster: true}"),
			want: Policy{
				Limits:   Limits{MaxNodes: 9, AllowedProviders: []v1alpha1.Provider{v1alpha1.ProviderEKS}, AllowManagementCluster: &yes, EnforcedTags: map[string]v1alpha1.TagValue{"team": "all"}},
				Defaults: Defaults{Lifetime: "8h"},
			},
			known: true,
		},
		"Misspelt": {
			reason: "A limit that is misspelt would not limit.",
			w:      world(t, "limits: {maxnodes: 3}", ""),
			known:  true,
			err:    `EnvironmentConfig policy: unknown field "limits.maxnodes"`,
		},
		"WrongType": {
			reason: "The message names the EnvironmentConfig.",
			w:      world(t, "", "limits: {maxNodes: many}"),
			known:  true,
			err:    "EnvironmentConfig policy-namespace",
		},
		"NoSection": {
			reason: "A section is an object.",
			w:      world(t, "limits: 3", ""),
			known:  true,
			err:    "EnvironmentConfig policy",
		},
		"Mirror": {
			reason: "A mirror that cannot be used is the platform team's to mend.",
			w:      world(t, "defaults: {chartMirror: mirror.example.org}", ""),
			want:   Policy{Defaults: Defaults{ChartMirror: "mirror.example.org"}},
			known:  true,
			err:    "defaults.chartMirror must be",
		},
		"Lifetimes": {
			reason: "A default goes within the limit.",
			w:      world(t, "{limits: {maxLifetime: 4h}, defaults: {lifetime: 8h}}", ""),
			want:   Policy{Limits: Limits{MaxLifetime: "4h"}, Defaults: Defaults{Lifetime: "8h"}},
			known:  true,
			err:    "defaults.lifetime 8h must be at most limits.maxLifetime, 4h",
		},
		"Deployer": {
			reason: "Argo CD is for workloads.",
			w:      world(t, "defaults: {stackDeployer: ArgoCD}", ""),
			want:   Policy{Defaults: Defaults{StackDeployer: "ArgoCD"}},
			known:  true,
			err:    `defaults.stackDeployer "ArgoCD" must be Helm or Flux`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, known, err := Read(tc.w)
			if known != tc.known {
				t.Errorf("\n%s\nRead(...): known is %v, want %v", tc.reason, known, tc.known)
			}
			if (err == nil) != (tc.err == "") || (err != nil && !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("\n%s\nRead(...): error is %v, want one with %q", tc.reason, err, tc.err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nRead(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestDocs sees that the policy in the docs is one.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, block := range strings.Split(string(b), "```")[1:] {
		text, ok := strings.CutPrefix(block, "yaml\n")
		if !ok {
			continue
		}
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		if o.GetKind() != "EnvironmentConfig" {
			continue
		}
		found++
		w := compose.Request{Required: map[string][]*unstructured.Unstructured{requirementAll: {o}, requirementNamespace: nil}}
		if _, _, err := Read(w); err != nil {
			t.Error(err)
		}
	}
	if found < 2 {
		t.Errorf("docs/policies.md has %d EnvironmentConfigs, want at least 2", found)
	}
}

// cluster in a cloud, changed by fs.
func cluster(fs ...func(*v1alpha1.ClusterParameters)) v1alpha1.ClusterParameters {
	c := v1alpha1.ClusterParameters{
		Provider:          v1alpha1.ProviderEKS,
		Region:            v1alpha1.RegionEuropeWest,
		Nodes:             v1alpha1.Nodes{InstanceSize: v1alpha1.InstanceSizeMedium, MinCount: 1, MaxCount: 3},
		ProviderConfigRef: v1alpha1.ProviderConfigReference{Kind: "ClusterProviderConfig", Name: "default"},
	}
	for _, f := range fs {
		f(&c)
	}
	return c
}

func TestRefusals(t *testing.T) {
	limits := Policy{
		Limits: Limits{
			AllowedProviders:       []v1alpha1.Provider{v1alpha1.ProviderEKS, v1alpha1.ProviderAKS, v1alpha1.ProviderGKE, v1alpha1.ProviderExisting},
			AllowedRegions:         []string{"europe-west", "eu-south-2"},
			AllowedInstanceSizes:   []v1alpha1.InstanceSize{v1alpha1.InstanceSizeSmall, v1alpha1.InstanceSizeMedium},
			MaxNodes:               5,
			AllowedProviderConfigs: []string{"default"},
			EnforcedTags:           map[string]v1alpha1.TagValue{"owner": "platform"},
		},
	}
	tags := Policy{Limits: Limits{RequiredTags: []string{"cost-center", "owner"}, EnforcedTags: limits.Limits.EnforcedTags}}
	cases := map[string]struct {
		reason string
		policy Policy
		c      v1alpha1.ClusterParameters
		want   []string
	}{
		"NoPolicy": {
			reason: "What is not limited is allowed.",
			c:      cluster(),
		},
		"Within": {
			reason: "A claim within all limits is allowed.",
			policy: limits,
			c:      cluster(),
		},
		"OwnRegion": {
			reason: "A cloud's own region may be allowed as well.",
			policy: limits,
			c:      cluster(func(c *v1alpha1.ClusterParameters) { c.EKS = &v1alpha1.EKSCluster{Region: "eu-south-2"} }),
		},
		"Everything": {
			reason: "A person learns all that is wrong at once, and what would be right.",
			policy: limits,
			c: cluster(func(c *v1alpha1.ClusterParameters) {
				c.Region, c.Nodes.InstanceSize, c.Nodes.MaxCount, c.ProviderConfigRef.Name = v1alpha1.RegionUSEast, v1alpha1.InstanceSizeXLarge, 6, "admin"
				c.EKS = &v1alpha1.EKSCluster{InstanceTypes: []v1alpha1.InstanceType{"m7i.48xlarge"}}
				c.Tags = map[string]v1alpha1.TagValue{"owner": "me"}
			}),
			want: []string{
				"region us-east is not allowed here. Allowed: europe-west, eu-south-2",
				"providerConfigRef admin is not allowed here. Allowed: default",
				"eks.instanceTypes is not allowed here. Give nodes.instanceSize instead: Small, Medium",
				"nodes.instanceSize XLarge is not allowed here. Allowed: Small, Medium",
				"nodes.maxCount 6 is not allowed here. Allowed: at most 5",
				"tag owner is platform here and cannot be me",
			},
		},
		"RegionPastTheNeutralOne": {
			reason: "A cloud's own region counts, not the neutral one beside it.",
			policy: limits,
			c:      cluster(func(c *v1alpha1.ClusterParameters) { c.EKS = &v1alpha1.EKSCluster{Region: "us-east-1"} }),
			want:   []string{"region us-east-1 is not allowed here. Allowed: europe-west, eu-south-2"},
		},
		"Provider": {
			reason: "A provider has to be allowed.",
			policy: Policy{Limits: Limits{AllowedProviders: []v1alpha1.Provider{v1alpha1.ProviderKind}}},
			c:      cluster(),
			want:   []string{"provider EKS is not allowed here. Allowed: Kind"},
		},
		"Existing": {
			reason: "Nobody makes the nodes of an existing cluster, nor in a region.",
			policy: limits,
			c:      v1alpha1.ClusterParameters{Provider: v1alpha1.ProviderExisting, Nodes: v1alpha1.Nodes{InstanceSize: v1alpha1.InstanceSizeXLarge, MaxCount: 100}},
		},
		"Adopted": {
			reason: "Nothing is judged about nodes that are there already. Account and region are the cloud's still.",
			policy: limits,
			c: cluster(func(c *v1alpha1.ClusterParameters) {
				c.ExternalName, c.Nodes.InstanceSize, c.Nodes.MaxCount, c.ProviderConfigRef.Name = "prod-1", v1alpha1.InstanceSizeXLarge, 100, "admin"
				c.EKS = &v1alpha1.EKSCluster{InstanceTypes: []v1alpha1.InstanceType{"m7i.48xlarge"}}
			}),
			want: []string{"providerConfigRef admin is not allowed here. Allowed: default"},
		},
		"Hosts": {
			reason: "Hosts are nodes as well, and have no neutral size.",
			policy: Policy{Limits: Limits{MaxNodes: 1, AllowedInstanceSizes: limits.Limits.AllowedInstanceSizes}},
			c: cluster(func(c *v1alpha1.ClusterParameters) {
				c.Provider, c.Nodes.InstanceSize, c.K3s = v1alpha1.ProviderK3s, v1alpha1.InstanceSizeXLarge, &v1alpha1.K3sCluster{Hosts: make([]v1alpha1.K3sHost, 2)}
			}),
			want: []string{"k3s.hosts 2 is not allowed here. Allowed: at most 1"},
		},
		"Containers": {
			reason: "So are containers.",
			policy: Policy{Limits: Limits{MaxNodes: 1}},
			c: cluster(func(c *v1alpha1.ClusterParameters) {
				c.Provider, c.KindCluster = v1alpha1.ProviderKind, &v1alpha1.KindCluster{LocalNodes: v1alpha1.LocalNodes{Workers: 2}}
			}),
			want: []string{"kindCluster.controlPlanes and kindCluster.workers together 3 is not allowed here. Allowed: at most 1"},
		},
		"Unknown": {
			reason: "What is unknown is refused, never allowed.",
			policy: Policy{Limits: Limits{MaxNodes: 5}},
			c:      cluster(func(c *v1alpha1.ClusterParameters) { c.Provider = "Nomad" }),
			want:   []string{"provider Nomad is not known here, so that it cannot be told what is within the limits"},
		},
		"UnknownWithoutLimits": {
			reason: "Where no place is limited there is nothing to refuse.",
			policy: Policy{Limits: Limits{MaxLifetime: "8h"}},
			c:      cluster(func(c *v1alpha1.ClusterParameters) { c.Provider = "Nomad" }),
		},
		"AKSSystemMachine": {
			reason: "Machines of the system pool as well, and its nodes when only their least number is given.",
			policy: limits,
			c: cluster(func(c *v1alpha1.ClusterParameters) {
				c.Provider = v1alpha1.ProviderAKS
				c.AKS = &v1alpha1.AKSCluster{SystemPool: &v1alpha1.AKSSystemPool{VMSize: "Standard_M64", MinCount: 6}}
			}),
			want: []string{
				"aks.systemPool.vmSize is not allowed here. Give aks.systemPool.instanceSize instead: Small, Medium",
				"aks.systemPool.maxCount 6 is not allowed here. Allowed: at most 5",
			},
		},
		"AKSMachine": {
			reason: "Machines by a cloud's types would go past the sizes.",
			policy: limits,
			c: cluster(func(c *v1alpha1.ClusterParameters) {
				c.Provider, c.AKS = v1alpha1.ProviderAKS, &v1alpha1.AKSCluster{VMSize: "Standard_M64"}
			}),
			want: []string{"aks.vmSize is not allowed here. Give nodes.instanceSize instead: Small, Medium"},
		},
		"AKSSystemPool": {
			reason: "The system pool is nodes as well.",
			policy: limits,
			c: cluster(func(c *v1alpha1.ClusterParameters) {
				c.Provider = v1alpha1.ProviderAKS
				c.AKS = &v1alpha1.AKSCluster{SystemPool: &v1alpha1.AKSSystemPool{InstanceSize: v1alpha1.InstanceSizeLarge, MaxCount: 7}}
			}),
			want: []string{
				"aks.systemPool.instanceSize Large is not allowed here. Allowed: Small, Medium",
				"aks.systemPool.maxCount 7 is not allowed here. Allowed: at most 5",
			},
		},
		"GKEMachine": {
			reason: "Machines by a cloud's types would go past the sizes.",
			policy: limits,
			c: cluster(func(c *v1alpha1.ClusterParameters) {
				c.Provider, c.GKE = v1alpha1.ProviderGKE, &v1alpha1.GKECluster{MachineType: "m3-ultramem-128"}
			}),
			want: []string{"gke.machineType is not allowed here. Give nodes.instanceSize instead: Small, Medium"},
		},
		"RequiredTag": {
			reason: "A required tag that is inherited need not be given.",
			policy: tags,
			c:      cluster(),
			want:   []string{"tag cost-center is required here: give it in cluster.tags"},
		},
		"TagGiven": {
			reason: "A required tag may have any value.",
			policy: tags,
			c:      cluster(func(c *v1alpha1.ClusterParameters) { c.Tags = map[string]v1alpha1.TagValue{"cost-center": "42"} }),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.policy.Violations(tc.c, clusters.Describe(tc.c))); diff != "" {
				t.Errorf("\n%s\nRefusals(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCluster(t *testing.T) {
	observed := map[string]any{"apiVersion": "v1", "kind": "Thing", "metadata": map[string]any{"name": "old"}, "spec": map[string]any{"tags": "old"}}
	allowed := world(t, "{defaults: {chartMirror: 'https://mirror.example.org'}, limits: {allowManagementCluster: true, enforcedTags: {owner: platform}}}", "")
	cases := map[string]struct {
		reason  string
		w       compose.Request
		want    map[string]compose.Desired
		problem string
		mirror  string
		allowed []string
	}{
		"Unknown": {
			reason: "Until the policy was read nothing new is made, and what exists goes on.",
			w:      compose.Request{},
			want:   map[string]compose.Desired{"old": {Object: map[string]any{"tags": "claim"}, Ready: true}},
		},
		"Inherited": {
			reason:  "The claim's tags, the mirror and the permission come from the policy.",
			w:       allowed,
			want:    map[string]compose.Desired{"old": {Object: map[string]any{"tags": "claim,platform"}, Ready: true}, "new": {Object: map[string]any{"apiVersion": "v1", "kind": "New", "metadata": map[string]any{"name": "new"}}}},
			mirror:  "https://mirror.example.org",
			allowed: []string{"*"},
		},
		"Forbidden": {
			reason:  "The policy has the last word over the function's flag, and refuses what goes beyond; what runs stays as it is.",
			w:       world(t, "limits: {allowManagementCluster: false, maxNodes: 2}", ""),
			want:    map[string]compose.Desired{"old": {Object: compose.Preserve(&unstructured.Unstructured{Object: observed}), Ready: true}},
			problem: "NotAllowed",
		},
		"Invalid": {
			reason:  "A policy that cannot be read may be the one that forbids.",
			w:       world(t, "limit: {}", ""),
			want:    map[string]compose.Desired{"old": {Object: compose.Preserve(&unstructured.Unstructured{Object: observed}), Ready: true}},
			problem: "InvalidPolicy",
			allowed: []string{"team-b"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := compose.TypedRequest[v1alpha1.KubernetesCluster]{Request: tc.w}
			in.XR = &unstructured.Unstructured{Object: map[string]any{}}
			in.Observed = map[string]*unstructured.Unstructured{"old": {Object: observed}}
			in.Settings.ManagementClusterNamespaces = []string{"team-b"}
			in.Claim.Spec = cluster(func(c *v1alpha1.ClusterParameters) { c.Tags = map[string]v1alpha1.TagValue{"by": "claim"} })
			var settings compose.Settings
			p, err := Cluster(func(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (compose.Plan, error) {
				settings = in.Settings
				tags := string(in.Claim.Spec.Tags["by"])
				if o := in.Claim.Spec.Tags["owner"]; o != "" {
					tags += "," + string(o)
				}
				return compose.Plan{ConditionTypes: []string{"AccessReady"}, Resources: []compose.Resource{
					{Name: "old", ConditionType: "AccessReady", Object: map[string]any{"tags": tags}, Ready: compose.Exists},
					{Name: "new", ConditionType: "AccessReady", Object: map[string]any{"apiVersion": "v1", "kind": "New", "metadata": map[string]any{"name": "new"}}, Ready: compose.Exists},
				}}, nil
			})(in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Requirements(""), p.Requirements); diff != "" {
				t.Errorf("\n%s\nrequirements: -want, +got:\n%s", tc.reason, diff)
			}
			if p.Problems != nil != (tc.problem != "") || (tc.problem != "" && p.Problems[0].Reason != tc.problem) {
				t.Errorf("\n%s\nproblems are %v, want reason %q", tc.reason, p.Problems, tc.problem)
			}
			res, err := compose.Resolve(in.Request, p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, res.Resources); diff != "" {
				t.Errorf("\n%s\nresources: -want, +got:\n%s", tc.reason, diff)
			}
			if name == "Unknown" {
				return
			}
			if diff := cmp.Diff(tc.allowed, settings.ManagementClusterNamespaces); diff != "" {
				t.Errorf("\n%s\nmanagement cluster: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.mirror, settings.ChartMirror.String()); diff != "" {
				t.Errorf("\n%s\nmirror: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
