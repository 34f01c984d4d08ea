// SPDX-License-Identifier: Apache-2.0

package gke

import (
	"maps"
	"math/rand"
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

// gkeClaim is a claim on GKE, changed by fs.
func gkeClaim(fs ...func(*v1alpha1.KubernetesCluster)) *v1alpha1.KubernetesCluster {
	return backendtest.Claim(v1alpha1.ProviderGKE, fs...)
}

func gkeBlock(b v1alpha1.GKECluster) func(*v1alpha1.KubernetesCluster) {
	return func(c *v1alpha1.KubernetesCluster) { c.Spec.GKE = &b }
}

// gkeVariants are claims that differ in what is composed.
func gkeVariants() map[string]*v1alpha1.KubernetesCluster {
	existing := v1alpha1.GKECluster{
		ExistingNetwork:  &v1alpha1.GKENetwork{Name: "prod", Subnetwork: "nodes", PodRangeName: "p", ServiceRangeName: "s"},
		ControlPlaneCIDR: "172.16.1.0/28",
	}
	return map[string]*v1alpha1.KubernetesCluster{
		"Plain":           gkeClaim(),
		"Key":             gkeClaim(gkeBlock(v1alpha1.GKECluster{Authentication: v1alpha1.GKEAuthenticationServiceAccountKey})),
		"ExistingNetwork": gkeClaim(gkeBlock(existing)),
		"Project":         gkeClaim(gkeBlock(v1alpha1.GKECluster{ProjectID: "my-project-1"})),
		"Adopted": gkeClaim(func(c *v1alpha1.KubernetesCluster) {
			c.Spec.ExternalName = "prod-1"
			c.Spec.ManagementPolicies = []v1alpha1.ManagementPolicy{v1alpha1.ManageObserve}
		}),
	}
}

// TestGKEGrowth shows which resources appear in which round.
func TestGKEGrowth(t *testing.T) {
	roles := []string{"node-role-images", "node-role-logs", "node-role-metadata", "node-role-metrics"}
	roleUsages := []string{
		"usage-node-identity-node-role-images", "usage-node-identity-node-role-logs",
		"usage-node-identity-node-role-metadata", "usage-node-identity-node-role-metrics",
	}
	configs := []string{"provider-config-helm", "provider-config-kubernetes"}
	keepers := func(n string) []string {
		return []string{"usage-keeper-" + n + "-helm", "usage-keeper-" + n + "-kubernetes"}
	}
	concat := func(ss ...[]string) []string { out := slices.Concat(ss...); slices.Sort(out); return out }
	cases := map[string]struct {
		reason string
		want   [][]string
	}{
		"Plain": {
			reason: "Network and identity first, then what needs them, the nodes last; access as soon as the API server is there.",
			want: [][]string{
				{"network", "node-identity"},
				concat(roles, []string{"router", "subnetwork"}),
				concat([]string{"cluster", "firewall", "router-nat", "usage-network-router", "usage-network-subnetwork"}, roleUsages),
				concat(configs, []string{"node-pool", "usage-network-firewall", "usage-router-router-nat", "usage-subnetwork-cluster"}),
				concat([]string{"api-server", "usage-cluster-node-pool", "usage-firewall-node-pool", "usage-node-identity-node-pool", "usage-router-nat-node-pool"}, keepers("0"), keepers("1")),
				{"usage-provider-config-kubernetes"},
			},
		},
		"ExistingNetwork": {
			reason: "A network that exists is not made.",
			want: [][]string{
				{"node-identity"},
				concat(roles, []string{"cluster"}),
				concat(configs, roleUsages, []string{"node-pool"}),
				concat([]string{"api-server", "usage-cluster-node-pool", "usage-node-identity-node-pool"}, keepers("0"), keepers("1")),
				{"usage-provider-config-kubernetes"},
			},
		},
		"Adopted": {
			reason: "A cluster that is adopted is looked at, and nothing is made.",
			want: [][]string{
				{"cluster"},
				configs,
				concat([]string{"api-server"}, keepers("0")),
				{"usage-provider-config-kubernetes"},
			},
		},
		"Key": {
			reason: "A key is made with an identity and a role of its own, and both outlive the access that they give.",
			want: [][]string{
				{"access-identity", "network", "node-identity"},
				concat(roles, []string{"access-key", "access-role", "router", "subnetwork"}),
				concat([]string{"cluster", "firewall", "router-nat", "usage-access-identity-access-key", "usage-access-identity-access-role", "usage-network-router", "usage-network-subnetwork"}, roleUsages),
				concat(configs, []string{"node-pool", "usage-network-firewall", "usage-router-router-nat", "usage-subnetwork-cluster"}),
				concat([]string{"api-server", "usage-cluster-node-pool", "usage-firewall-node-pool", "usage-node-identity-node-pool", "usage-router-nat-node-pool"}, keepers("0"), keepers("1"), keepers("2"), keepers("3")),
				{"usage-provider-config-kubernetes"},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			worlds, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, gkeVariants()[name]))
			got := backendtest.Added(worlds, results)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nnames by round: -want, +got:\n%s", tc.reason, diff)
			}
			if n := len(backendtest.Last(results).Resources); n > 45 {
				t.Errorf("%d composed resources, want 45 at most", n)
			}
		})
	}
}

// TestGKEFlap disturbs every stage at random: nothing that was composed is ever
// left out, and nothing that identifies the real thing changes.
func TestGKEFlap(t *testing.T) {
	for name, c := range gkeVariants() {
		t.Run(name, func(t *testing.T) {
			worlds, _ := backendtest.Rounds(t, Backend{}, backendtest.World(t, c))
			r := rand.New(rand.NewSource(1))
			for range 500 {
				w := worlds[r.Intn(len(worlds))]
				w.Observed = maps.Clone(w.Observed)
				for n, o := range w.Observed {
					switch r.Intn(6) {
					case 0:
						o = o.DeepCopy()
						delete(o.Object, "status")
					case 1:
						o = o.DeepCopy()
						o.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "False", "message": "no"}, map[string]any{"type": "Synced", "status": "False", "message": "no"}}}
					case 2:
						o = o.DeepCopy()
						unstructured.RemoveNestedField(o.Object, "status", "atProvider")
					}
					w.Observed[n] = o
				}
				switch r.Intn(3) {
				case 0:
					w.Required = nil
				case 1:
					w.Required = map[string][]*unstructured.Unstructured{backend.RequirementKubeconfig: {}}
				}
				res := backendtest.Run(t, Backend{}, w)
				for n, o := range w.Observed {
					d, ok := res.Resources[n]
					if !ok {
						t.Fatalf("%s is there and would be deleted", n)
					}
					want, _, _ := unstructured.NestedFieldNoCopy(o.Object, "spec")
					if diff := cmp.Diff(want, d.Object["spec"]); diff != "" {
						t.Fatalf("spec of %s changes when the world flaps: -was, +is:\n%s", n, diff)
					}
				}
			}
		})
	}
}

// TestGKEUpgrade shows that the control plane goes first, and that the nodes are
// left to GKE once they are there.
func TestGKEUpgrade(t *testing.T) {
	worlds, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, gkeClaim()))
	observed := backendtest.Observe(t, backendtest.Last(results), backendtest.Last(worlds).Observed)
	at := func(resource, field, version string) {
		if err := unstructured.SetNestedField(observed[resource].Object, version, "status", "atProvider", field); err != nil {
			t.Fatal(err)
		}
	}
	type want struct {
		master, nodes any
		ready         bool
	}
	run := func() want {
		w := backendtest.World(t, gkeClaim(func(c *v1alpha1.KubernetesCluster) { c.Spec.Version = "1.35" }))
		w.Observed, w.Required = observed, map[string][]*unstructured.Unstructured{backend.RequirementKubeconfig: {backendtest.KubeconfigSecret(t, nil)}}
		res := backendtest.Run(t, Backend{}, w)
		for n, d := range res.Resources {
			observed[n].Object["spec"] = runtime.DeepCopyJSON(d.Object)["spec"]
		}
		return want{backendtest.ForProvider(res, gkeControlPlane)["minMasterVersion"], backendtest.ForProvider(res, gkeNodePool)["version"], res.Ready}
	}
	steps := []struct {
		reason string
		before func()
		want   want
	}{
		{"A newer version is asked of the control plane only.", func() {}, want{"1.35", nil, false}},
		{"A patch of the old version is not it.", func() { at(gkeControlPlane, "masterVersion", "1.34.9-gke.1") }, want{"1.35", nil, false}},
		{"Once the control plane has it, the nodes follow.", func() { at(gkeControlPlane, "masterVersion", "1.35.0-gke.7") }, want{"1.35", "1.35.0-gke.7", false}},
		{"While they do, nothing changes.", func() { unstructured.RemoveNestedField(observed[gkeNodePool].Object, "status", "atProvider") }, want{"1.35", "1.35.0-gke.7", true}},
		{"Once they have it, GKE patches them in its own time.", func() {
			observed[gkeNodePool].Object["status"].(map[string]any)["atProvider"] = map[string]any{"version": "1.35.0-gke.7"}
		}, want{"1.35", nil, true}},
		{"GKE goes further by itself.", func() { at(gkeControlPlane, "masterVersion", "1.36.1-gke.2") }, want{"1.35", nil, true}},
	}
	for _, s := range steps {
		s.before()
		if diff := cmp.Diff(s.want, run(), cmp.AllowUnexported(want{})); diff != "" {
			t.Errorf("\n%s\n-want, +got:\n%s", s.reason, diff)
		}
	}
}

// TestGKEChange shows that a change changes only what it must.
func TestGKEChange(t *testing.T) {
	worlds, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, gkeClaim()))
	before := backendtest.Last(results)
	cases := map[string]struct {
		reason string
		change func(*v1alpha1.KubernetesCluster)
		want   []string
	}{
		"Nothing": {"The same claim is the same.", func(*v1alpha1.KubernetesCluster) {}, nil},
		"Version": {
			"A version is the control plane's first.",
			func(c *v1alpha1.KubernetesCluster) { c.Spec.Version = "1.35" },
			[]string{"cluster.minMasterVersion"},
		},
		"Nodes": {
			"Limits of the autoscaler; where the nodes are, they stay.",
			func(c *v1alpha1.KubernetesCluster) { c.Spec.Nodes.MinCount, c.Spec.Nodes.MaxCount = 1, 1 },
			[]string{"node-pool.autoscaling"},
		},
		"Size":    {"Size is the machine type.", func(c *v1alpha1.KubernetesCluster) { c.Spec.Nodes.InstanceSize = v1alpha1.InstanceSizeLarge }, []string{"node-pool.nodeConfig"}},
		"Tags":    {"Tags are labels of what costs money.", func(c *v1alpha1.KubernetesCluster) { c.Spec.Tags = map[string]v1alpha1.TagValue{"team": "a"} }, []string{"cluster.resourceLabels", "node-pool.nodeConfig"}},
		"Channel": {"The channel is the control plane's.", gkeBlock(v1alpha1.GKECluster{ReleaseChannel: "Rapid"}), []string{"cluster.releaseChannel"}},
		"Allowed": {
			"Who may reach the API server is the control plane's.",
			func(c *v1alpha1.KubernetesCluster) {
				c.Spec.Network = &v1alpha1.Network{APIServerAllowedCIDRs: []v1alpha1.CIDR{"198.51.100.0/24"}}
			},
			[]string{"cluster.masterAuthorizedNetworksConfig"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := backendtest.Last(worlds)
			w.XR = backendtest.World(t, gkeClaim(tc.change)).XR
			after := backendtest.Run(t, Backend{}, w)
			var got []string
			for _, n := range slices.Sorted(maps.Keys(before.Resources)) {
				was, is := backendtest.ForProvider(before, n), backendtest.ForProvider(after, n)
				fields := maps.Clone(was)
				if fields == nil {
					fields = map[string]any{}
				}
				maps.Copy(fields, is)
				for _, f := range slices.Sorted(maps.Keys(fields)) {
					if !cmp.Equal(was[f], is[f]) {
						got = append(got, n+"."+f)
					}
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nfields that change: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(before.Resources)), slices.Sorted(maps.Keys(after.Resources))); diff != "" {
				t.Errorf("\n%s\nresources: -before, +after:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestGKENames shows that no two claims share a name in the cloud, and that the
// cloud takes every name.
func TestGKENames(t *testing.T) {
	names := func(namespace, name string) map[string]string {
		_, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, gkeClaim(gkeBlock(v1alpha1.GKECluster{Authentication: v1alpha1.GKEAuthenticationServiceAccountKey}), func(c *v1alpha1.KubernetesCluster) {
			c.Namespace, c.Name = namespace, name
		})))
		out := map[string]string{}
		for n, d := range backendtest.Last(results).Resources {
			o := unstructured.Unstructured{Object: d.Object}
			if e := o.GetAnnotations()[compose.AnnotationExternalName]; e != "" {
				out[o.GetKind()+"/"+e] = n
				limit := gkeMaxName
				if o.GetKind() == "ServiceAccount" {
					limit = gkeMaxIdentity
				}
				if len(e) > limit || e[0] < 'a' || e[0] > 'z' || strings.ContainsAny(e, "._") {
					t.Errorf("Google Cloud does not take %q as a name of a %s", e, o.GetKind())
				}
			}
		}
		return out
	}
	seen := map[string]string{}
	for _, c := range [][2]string{{"team-a", "demo"}, {"team-b", "demo"}, {"team", "a-demo"}, {"team-a", "1.2.3"}, {"team-a", strings.Repeat("x", 63)}, {"team-a", strings.Repeat("x", 62) + "y"}} {
		for n := range names(c[0], c[1]) {
			if other, ok := seen[n]; ok {
				t.Errorf("%s of %v is that of %s too", n, c, other)
			}
			seen[n] = c[0] + "/" + c[1]
		}
	}
}

// TestGKETeardown shows that everything that another resource refers to is kept
// until that one is gone, and that what gives access is kept until it is not
// used any more.
func TestGKETeardown(t *testing.T) {
	for name, c := range gkeVariants() {
		t.Run(name, func(t *testing.T) {
			_, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, c))
			id := func(kind, name string) string { return kind + "/" + name }
			uses := map[string][]string{}
			refers := map[string][]string{}
			names := map[string]string{}
			for _, d := range backendtest.Last(results).Resources {
				o := unstructured.Unstructured{Object: d.Object}
				names[o.GetName()] = id(o.GetKind(), o.GetName())
			}
			for _, d := range backendtest.Last(results).Resources {
				o := unstructured.Unstructured{Object: d.Object}
				if o.GetKind() == "Usage" {
					end := func(f string) string {
						kind, _, _ := unstructured.NestedString(d.Object, "spec", f, "kind")
						n, _, _ := unstructured.NestedString(d.Object, "spec", f, "resourceRef", "name")
						return id(kind, n)
					}
					uses[end("by")] = append(uses[end("by")], end("of"))
					continue
				}
				var walk func(v any)
				walk = func(v any) {
					m, ok := v.(map[string]any)
					if !ok {
						return
					}
					for k, v := range m {
						if ref, ok := v.(map[string]any); ok && strings.HasSuffix(k, "Ref") && k != "secretRef" {
							n, _ := ref["name"].(string)
							refers[id(o.GetKind(), o.GetName())] = append(refers[id(o.GetKind(), o.GetName())], names[n])
						}
						walk(v)
					}
				}
				walk(backendtest.ForProvider(compose.Result{Resources: map[string]compose.Desired{"": d}}, ""))
			}
			var reaches func(from, to string) bool
			reaches = func(from, to string) bool {
				return slices.ContainsFunc(uses[from], func(n string) bool { return n == to || reaches(n, to) })
			}
			for by, ofs := range refers {
				for _, of := range ofs {
					if !reaches(by, of) {
						t.Errorf("%s refers to %s, which is not kept for it", by, of)
					}
				}
			}
			for _, kind := range []string{"Cluster", "NodePool", "ServiceAccountKey"} {
				for _, n := range names {
					if strings.HasPrefix(n, kind+"/") && !reaches(id("ProviderConfig", compose.Name("team-a", "demo", "access")), n) {
						t.Errorf("%s is not kept for the access that needs it", n)
					}
				}
			}
		})
	}
}

// TestGKEObjects looks at what matters in the composed objects.
func TestGKEObjects(t *testing.T) {
	arm := func(c *v1alpha1.KubernetesCluster) { c.Spec.Nodes.Architecture = v1alpha1.ArchitectureARM64 }
	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.KubernetesCluster
		resource string
		// want is what the fields at these paths of the spec must be.
		want map[string]any
	}{
		"Cluster": {
			reason:   "Private nodes, the version asked for, workload identity of the provider's own project, and nothing that keeps it from being deleted.",
			claim:    gkeClaim(),
			resource: gkeControlPlane,
			want: map[string]any{
				"forProvider.location":                                     "europe-west4",
				"forProvider.minMasterVersion":                             "1.34",
				"forProvider.deletionProtection":                           false,
				"forProvider.removeDefaultNodePool":                        true,
				"forProvider.datapathProvider":                             "ADVANCED_DATAPATH",
				"forProvider.networkingMode":                               "VPC_NATIVE",
				"forProvider.releaseChannel.channel":                       "REGULAR",
				"forProvider.gatewayApiConfig.channel":                     "CHANNEL_DISABLED",
				"forProvider.workloadIdentityConfig.workloadPool":          "simulated.svc.id.goog",
				"forProvider.privateClusterConfig.enablePrivateNodes":      true,
				"forProvider.privateClusterConfig.enablePrivateEndpoint":   false,
				"forProvider.privateClusterConfig.masterIpv4CidrBlock":     "172.16.0.0/28",
				"forProvider.ipAllocationPolicy.clusterSecondaryRangeName": "pods",
				"forProvider.project":                                      nil,
			},
		},
		"Webhooks": {
			reason:   "The control plane, and nobody else, reaches webhooks on every port.",
			claim:    gkeClaim(),
			resource: gkeFirewall,
			want: map[string]any{
				"forProvider.direction":    "INGRESS",
				"forProvider.sourceRanges": []any{"172.16.0.0/28"},
				"forProvider.allow":        []any{map[string]any{"protocol": "tcp"}},
			},
		},
		"Zonal": {
			reason:   "A zone takes the place of the region, in a project and a channel of one's own.",
			claim:    gkeClaim(gkeBlock(v1alpha1.GKECluster{ProjectID: "my-project-1", Location: "europe-west4-b", ReleaseChannel: "Stable", GatewayAPI: "Standard"})),
			resource: gkeControlPlane,
			want: map[string]any{
				"forProvider.location":                            "europe-west4-b",
				"forProvider.project":                             "my-project-1",
				"forProvider.workloadIdentityConfig.workloadPool": "my-project-1.svc.id.goog",
				"forProvider.releaseChannel.channel":              "STABLE",
				"forProvider.gatewayApiConfig.channel":            "CHANNEL_STANDARD",
			},
		},
		"OtherRange": {
			reason:   "The control plane is outside of whatever the network has.",
			claim:    gkeClaim(func(c *v1alpha1.KubernetesCluster) { c.Spec.Network = &v1alpha1.Network{CIDR: "172.16.0.0/16"} }),
			resource: gkeControlPlane,
			want:     map[string]any{"forProvider.privateClusterConfig.masterIpv4CidrBlock": "192.168.0.0/28"},
		},
		"ExistingNetwork": {
			reason:   "A network that exists is named, with its ranges.",
			claim:    gkeVariants()["ExistingNetwork"],
			resource: gkeControlPlane,
			want: map[string]any{
				"forProvider.network":    "prod",
				"forProvider.subnetwork": "nodes",
				"forProvider.networkRef": nil,
				"forProvider.ipAllocationPolicy.clusterSecondaryRangeName":  "p",
				"forProvider.ipAllocationPolicy.servicesSecondaryRangeName": "s",
			},
		},
		"Adopted": {
			reason:   "A cluster that is adopted is only looked at.",
			claim:    gkeVariants()["Adopted"],
			resource: gkeControlPlane,
			want: map[string]any{
				"forProvider":        map[string]any{"location": "europe-west4"},
				"managementPolicies": []any{"Observe"},
			},
		},
		"Nodes": {
			reason:   "The autoscaler owns the number of nodes, and nobody notes what it chose.",
			claim:    gkeClaim(func(c *v1alpha1.KubernetesCluster) { c.Spec.Nodes.CapacityType = v1alpha1.CapacityTypeSpot }),
			resource: gkeNodePool,
			want: map[string]any{
				"forProvider.autoscaling":                            map[string]any{"totalMinNodeCount": int64(2), "totalMaxNodeCount": int64(5), "locationPolicy": "ANY"},
				"forProvider.nodeConfig.machineType":                 "e2-standard-4",
				"forProvider.nodeConfig.diskSizeGb":                  int64(50),
				"forProvider.nodeConfig.spot":                        true,
				"forProvider.nodeConfig.shieldedInstanceConfig":      map[string]any{"enableSecureBoot": true, "enableIntegrityMonitoring": true},
				"forProvider.nodeConfig.workloadMetadataConfig.mode": "GKE_METADATA",
				"forProvider.nodeLocations":                          []any{"europe-west4-a", "europe-west4-b", "europe-west4-c"},
				"forProvider.nodeCount":                              nil,
				"forProvider.initialNodeCount":                       nil,
				"initProvider.initialNodeCount":                      int64(1),
				"managementPolicies":                                 []any{"Observe", "Create", "Update", "Delete"},
			},
		},
		"Exactly4": {
			reason:   "As many zones as can begin with the same number of nodes between the limits.",
			claim:    gkeClaim(func(c *v1alpha1.KubernetesCluster) { c.Spec.Nodes.MinCount, c.Spec.Nodes.MaxCount = 4, 4 }),
			resource: gkeNodePool,
			want:     map[string]any{"forProvider.nodeLocations": []any{"europe-west4-a", "europe-west4-b"}, "initProvider.initialNodeCount": int64(2)},
		},
		"ZonalNodes": {
			reason:   "In one zone all nodes are there.",
			claim:    gkeClaim(gkeBlock(v1alpha1.GKECluster{Location: "europe-west4-b"})),
			resource: gkeNodePool,
			want:     map[string]any{"forProvider.nodeLocations": nil, "forProvider.location": "europe-west4-b", "initProvider.initialNodeCount": int64(2)},
		},
		"OwnZones": {
			reason:   "A team may say where its nodes are.",
			claim:    gkeClaim(gkeBlock(v1alpha1.GKECluster{NodeLocations: []string{"europe-west4-c", "europe-west4-a"}})),
			resource: gkeNodePool,
			want:     map[string]any{"forProvider.nodeLocations": []any{"europe-west4-c", "europe-west4-a"}, "forProvider.location": "europe-west4"},
		},
		"Arm": {
			reason:   "Arm nodes are the only ones, so nothing is kept off them; they are where there are such machines.",
			claim:    gkeClaim(arm, func(c *v1alpha1.KubernetesCluster) { c.Spec.Region = v1alpha1.RegionUSCentral }),
			resource: gkeNodePool,
			want: map[string]any{
				"forProvider.nodeConfig.machineType":            "t2a-standard-4",
				"forProvider.nodeConfig.taintConfig":            map[string]any{"architectureTaintBehavior": "NONE"},
				"forProvider.nodeConfig.shieldedInstanceConfig": nil,
				"forProvider.nodeLocations":                     []any{"us-central1-a", "us-central1-b", "us-central1-f"},
			},
		},
		"OwnMachines": {
			reason:   "Other Arm machines are there for those who name them.",
			claim:    gkeClaim(arm, gkeBlock(v1alpha1.GKECluster{Region: "us-east1", MachineType: "c4a-standard-4", DiskType: "hyperdisk-balanced"})),
			resource: gkeNodePool,
			want: map[string]any{
				"forProvider.nodeConfig.machineType": "c4a-standard-4",
				"forProvider.nodeConfig.diskType":    "hyperdisk-balanced",
				"forProvider.nodeLocations":          []any{"us-east1-b", "us-east1-c", "us-east1-d"},
			},
		},
		"Role": {
			reason:   "A role is bound to the nodes' identity in the provider's own project.",
			claim:    gkeClaim(),
			resource: "node-role-logs",
			want: map[string]any{"forProvider": map[string]any{
				"project": "simulated", "role": "roles/logging.logWriter",
				"member": "serviceAccount:" + (&gkePlan{Cloud: backend.Cloud{In: compose.TypedRequest[v1alpha1.KubernetesCluster]{Claim: *gkeClaim()}}}).identityName(gkeNodeIdentity) + "@simulated.iam.gserviceaccount.com",
			}},
		},
		"OwnIdentity": {
			reason:   "The cluster is reached with the identity of the providers' pods.",
			claim:    gkeClaim(),
			resource: backend.ResourceHelm,
			want: map[string]any{
				"identity":              map[string]any{"type": "GoogleApplicationCredentials", "source": "InjectedIdentity"},
				"credentials.secretRef": map[string]any{"name": compose.Name("team-a", "demo", "kubeconfig"), "namespace": "team-a", "key": "kubeconfig"},
			},
		},
		"Key": {
			reason:   "The stated fallback is a key.",
			claim:    gkeVariants()["Key"],
			resource: backend.ResourceKubernetes,
			want: map[string]any{"identity": map[string]any{
				"type": "GoogleApplicationCredentials", "source": "Secret",
				"secretRef": map[string]any{"name": compose.Name("team-a", "demo", "access-key"), "namespace": "team-a", "key": "private_key"},
			}},
		},
		"Policies": {
			reason: "What Crossplane may not do, it may not do with anything in the cloud.",
			claim: gkeClaim(func(c *v1alpha1.KubernetesCluster) {
				c.Spec.ManagementPolicies = []v1alpha1.ManagementPolicy{v1alpha1.ManageObserve, v1alpha1.ManageCreate, v1alpha1.ManageUpdate}
			}),
			resource: gkeNetwork,
			want:     map[string]any{"managementPolicies": []any{"Observe", "Create", "Update"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, tc.claim))
			got := map[string]any{}
			for path := range tc.want {
				v, _, err := unstructured.NestedFieldNoCopy(backendtest.Last(results).Resources[tc.resource].Object, append([]string{"spec"}, strings.Split(path, ".")...)...)
				if err != nil {
					t.Fatal(err)
				}
				got[path] = v
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\n%s: -want, +got:\n%s", tc.reason, tc.resource, diff)
			}
		})
	}
}

// TestGKEAccess looks at what others get to know of the cluster.
func TestGKEAccess(t *testing.T) {
	name := compose.Name("team-a", "demo", "access")
	access := func(f func(*backend.Access)) *backend.Access {
		a := &backend.Access{
			Connection: v1alpha1.Connection{
				HelmProviderConfigRef: v1alpha1.LocalReference{Name: name}, KubernetesProviderConfigRef: v1alpha1.LocalReference{Name: name}, APIServerURL: "https://one.example.org:6443",
				KubeconfigSecretRef: &v1alpha1.SecretKeyReference{Name: compose.Name("team-a", "demo", "kubeconfig"), Key: "kubeconfig"},
			},
			Capabilities: v1alpha1.Capabilities{Architecture: v1alpha1.ArchitectureAMD64, StorageClassName: "standard-rwo"},
		}
		f(a)
		return a
	}
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.KubernetesCluster
		want   *backend.Access
	}{
		"Plain": {"What charts need to know, and that nobody can scrape the control plane.", gkeClaim(), access(func(*backend.Access) {})},
		"Other": {
			"What a team chooses, charts know.",
			gkeClaim(gkeBlock(v1alpha1.GKECluster{GatewayAPI: "Standard", StorageClassName: "premium-rwo"}), func(c *v1alpha1.KubernetesCluster) { c.Spec.Nodes.Architecture = v1alpha1.ArchitectureARM64 }),
			access(func(a *backend.Access) {
				a.GatewayAPICRDs, a.StorageClassName, a.Architecture = v1alpha1.GatewayAPICRDsPreinstalled, "premium-rwo", v1alpha1.ArchitectureARM64
			}),
		},
	}
	for n, tc := range cases {
		t.Run(n, func(t *testing.T) {
			_, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, tc.claim))
			st := backendtest.Status(t, backendtest.Last(results))
			if diff := cmp.Diff(tc.want, backend.AccessOf(st)); diff != "" {
				t.Errorf("\n%s\naccess: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestGKEProblems shows what a person reads where GKE has nothing, and that what
// exists stays.
func TestGKEProblems(t *testing.T) {
	arm := func(c *v1alpha1.KubernetesCluster) { c.Spec.Nodes.Architecture = v1alpha1.ArchitectureARM64 }
	worlds, results := backendtest.Rounds(t, Backend{}, backendtest.World(t, gkeClaim()))
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.KubernetesCluster
		want   []string
	}{
		"Region":  {"A neutral region that nobody knows.", gkeClaim(func(c *v1alpha1.KubernetesCluster) { c.Spec.Region = "moon" }), []string{`"moon"`, "europe-west, india-west"}},
		"Own":     {"A region that Google Cloud does not have.", gkeClaim(gkeBlock(v1alpha1.GKECluster{Region: "europe-west7"})), []string{`"europe-west7"`, "europe-west6, europe-west8"}},
		"Size":    {"A size that nobody knows.", gkeClaim(func(c *v1alpha1.KubernetesCluster) { c.Spec.Nodes.InstanceSize = "Huge" }), []string{`"Huge"`, "Large, Medium, Small, XLarge"}},
		"Zone":    {"A zone of another region.", gkeClaim(gkeBlock(v1alpha1.GKECluster{Location: "us-east1-b"})), []string{"us-east1-b in region europe-west4", "europe-west4-a, europe-west4-b, europe-west4-c"}},
		"Arm":     {"A region without Arm machines.", gkeClaim(arm, gkeBlock(v1alpha1.GKECluster{Region: "us-east1"})), []string{`"us-east1"`, "asia-southeast1, europe-west4, us-central1", "gke.machineType"}},
		"ArmZone": {"A zone without Arm machines.", gkeClaim(arm, gkeBlock(v1alpha1.GKECluster{Region: "us-central1", NodeLocations: []string{"us-central1-a", "us-central1-c"}})), []string{"us-central1-c", "us-central1-a, us-central1-b, us-central1-f"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := backendtest.World(t, tc.claim)
			res := backendtest.Run(t, Backend{}, w)
			c := res.Conditions[0]
			if len(res.Resources) > 0 || c.Ready || c.Type != backend.PartNetwork {
				t.Errorf("\n%s\nwant nothing composed, and the network not ready; got %d resources and %+v", tc.reason, len(res.Resources), c)
			}
			for _, want := range tc.want {
				if !strings.Contains(c.Message, want) {
					t.Errorf("\n%s\nwant a message with %q, got: %s", tc.reason, want, c.Message)
				}
			}
			w.Observed = backendtest.Last(worlds).Observed
			res = backendtest.Run(t, Backend{}, w)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(backendtest.Last(results).Resources)), slices.Sorted(maps.Keys(res.Resources))); diff != "" {
				t.Errorf("\n%s\nwhat exists: -before, +after:\n%s", tc.reason, diff)
			}
		})
	}
}

// BenchmarkGKE composes the largest cluster, converged.
func BenchmarkGKE(b *testing.B) {
	worlds, _ := backendtest.Rounds(b, Backend{}, backendtest.World(b, gkeVariants()["Key"]))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := compose.Run(backendtest.Last(worlds), compose.For(backend.Compose(Backend{}))); err != nil {
			b.Fatal(err)
		}
	}
}
