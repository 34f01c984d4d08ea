// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestBadInput applies claims that cannot work. The API server itself refuses
// each, with a message that names the field and what would be right.
func TestBadInput(t *testing.T) {
	const platform = `
apiVersion: observe-k8s.io/v1alpha1
kind: ObservabilityPlatform
metadata: {name: bad, namespace: team-a}
spec:
`
	const cluster = `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: bad, namespace: team-a}
spec:
`
	const component = `
apiVersion: observe-k8s.io/v1alpha1
kind: Component
metadata: {name: bad, namespace: team-a}
spec:
`
	const workload = `
apiVersion: observe-k8s.io/v1alpha1
kind: Workload
metadata: {name: bad, namespace: team-a}
spec:
`
	const existing = `existing: {kubeconfigSecretRef: {name: remote-kubeconfig}}`
	const chart = `source: {chart: {repository: "oci://example.org/charts", name: app, version: 1.0.0}}`

	cases := map[string]struct {
		reason string
		yaml   string
		want   []string
	}{
		"NoCluster":               {"A claim without a cluster is no claim.", platform + "  stack: {profile: Minimal}", []string{"spec.cluster", "Required"}},
		"NoProvider":              {"The provider is the one thing that everybody says.", platform + "  cluster: {" + existing + "}", []string{"spec.cluster.provider", "Required"}},
		"UnknownProvider":         {"A typing error.", platform + "  cluster: {provider: Existing2, " + existing + "}", []string{"spec.cluster.provider", `"Existing"`}},
		"ProviderNotYet":          {"The schema admits only what works.", platform + "  cluster: {provider: Nomad}", []string{"spec.cluster.provider", `"Existing"`}},
		"ProviderInLowerCase":     {"Names of providers are exact.", platform + "  cluster: {provider: existing, " + existing + "}", []string{"spec.cluster.provider", `"Existing"`}},
		"ExistingWithoutBlock":    {"Nobody knows which cluster.", platform + "  cluster: {provider: Existing}", []string{"spec.cluster", "needs the section existing"}},
		"NeitherSecretNorSelf":    {"Nobody knows which cluster.", platform + "  cluster: {provider: Existing, existing: {}}", []string{"spec.cluster.existing", "exactly one of"}},
		"SecretAndSelf":           {"Two clusters at once.", platform + "  cluster: {provider: Existing, existing: {managementCluster: true, kubeconfigSecretRef: {name: a}}}", []string{"spec.cluster.existing", "exactly one of"}},
		"SecretWithoutName":       {"A reference needs a name.", cluster + "  provider: Existing\n  existing: {kubeconfigSecretRef: {key: kubeconfig}}", []string{"kubeconfigSecretRef.name", "Required"}},
		"SecretNameWithSlash":     {"A reference stays in its namespace.", cluster + "  provider: Existing\n  existing: {kubeconfigSecretRef: {name: team-b/kubeconfig}}", []string{"kubeconfigSecretRef.name"}},
		"SecretInOtherNamespace":  {"There is no such field, and it is not silently dropped.", cluster + "  provider: Existing\n  existing: {kubeconfigSecretRef: {name: a, namespace: team-b}}", []string{"unknown field", "namespace"}},
		"UnknownRegion":           {"Regions are neutral names.", cluster + "  provider: Existing\n  region: EU West\n  " + existing, []string{"spec.region", `"europe-west"`}},
		"VersionAsPatch":          {"Only the minor version is chosen.", cluster + "  provider: Existing\n  version: 1.34.2\n  " + existing, []string{"spec.version"}},
		"VersionAsNumber":         {"1.30 without quotes is the number 1.3.", cluster + "  provider: Existing\n  version: 1.30\n  " + existing, []string{"spec.version", "string"}},
		"MinAboveMax":             {"No such number of nodes.", cluster + "  provider: Existing\n  nodes: {minCount: 5, maxCount: 2}\n  " + existing, []string{"spec.nodes", "nodes.minCount must not be greater than nodes.maxCount"}},
		"NoNodes":                 {"A cluster has a node.", cluster + "  provider: Existing\n  nodes: {minCount: 0}\n  " + existing, []string{"spec.nodes.minCount", "greater than or equal to 1"}},
		"UnknownSize":             {"Sizes are neutral names.", cluster + "  provider: Existing\n  nodes: {instanceSize: m5.large}\n  " + existing, []string{"spec.nodes.instanceSize", `"Medium"`}},
		"UnknownArchitecture":     {"Architectures have their OCI names.", cluster + "  provider: Existing\n  nodes: {architecture: x86_64}\n  " + existing, []string{"spec.nodes.architecture", `"amd64"`}},
		"SmallDisk":               {"Images have to fit.", cluster + "  provider: Existing\n  nodes: {diskSize: 5Gi}\n  " + existing, []string{"spec.nodes.diskSize", "20"}},
		"UnknownProfile":          {"The schema admits only what works.", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {profile: Everything}", []string{"spec.stack.profile", `"Minimal"`}},
		"UnknownDeployer":         {"The schema admits only what works.", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {deployer: Kustomize}", []string{"spec.stack.deployer", `"Helm"`}},
		"DomainWithScheme":        {"A domain is no URL.", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {domain: \"https://demo.example.org\"}", []string{"spec.stack.domain", "DNS name"}},
		"ComponentTwice":          {"Which of them?", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {components: [{name: a}, {name: a}]}", []string{"spec.stack.components", "Duplicate"}},
		"ComponentValuesList":     {"Values are an object.", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {components: [{name: cert-manager, values: [a]}]}", []string{"values", "object"}},
		"OwnComponentNoNamespace": {"Where should it go?", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {components: [{name: mine, chart: {repository: \"oci://example.org/c\", name: c, version: 1.0.0}}]}", []string{"spec.stack.components[0]", "needs a targetNamespace"}},
		"OwnComponentTwoVersions": {"Which of them?", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {components: [{name: mine, targetNamespace: shop, version: 2.0.0, chart: {repository: \"oci://example.org/c\", name: c, version: 1.0.0}}]}", []string{"spec.stack.components[0]", "chart.version"}},
		"CatalogNamespace":        {"The catalog says where its components go.", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {components: [{name: cert-manager, targetNamespace: elsewhere}]}", []string{"spec.stack.components[0]", "targetNamespace is for a component of your own"}},
		"CatalogDependsOn":        {"The catalog knows its dependencies.", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {components: [{name: cert-manager, dependsOn: [{name: a}]}]}", []string{"spec.stack.components[0]", "dependsOn is for a component of your own"}},
		"VersionRange":            {"The same claim gives the same platform tomorrow.", platform + "  cluster: {provider: Existing, " + existing + "}\n  stack: {components: [{name: cert-manager, version: \">=1.0.0\"}]}", []string{"version", "one exact version"}},
		"WorkloadAppAndChart":     {"Which of them?", platform + "  cluster: {provider: Existing, " + existing + "}\n  workloads: [{name: a, app: podinfo, chart: {repository: \"oci://example.org/c\", name: c, version: 1.0.0}}]", []string{"spec.workloads[0]", "exactly one of app"}},
		"WorkloadNothing":         {"Nobody knows what to run.", platform + "  cluster: {provider: Existing, " + existing + "}\n  workloads: [{name: a}]", []string{"spec.workloads[0]", "exactly one of app"}},
		"UnknownApp":              {"The schema admits only what works.", platform + "  cluster: {provider: Existing, " + existing + "}\n  workloads: [{name: a, app: wordpress}]", []string{"spec.workloads[0].app", `"podinfo"`}},
		"WorkloadNameTooLong":     {"Names become parts of names.", platform + "  cluster: {provider: Existing, " + existing + "}\n  workloads: [{name: " + strings.Repeat("a", 41) + ", app: podinfo}]", []string{"spec.workloads[0].name", "40"}},
		"WorkloadsShareNamespace": {"One would take the other along.", platform + "  cluster: {provider: Existing, " + existing + "}\n  workloads: [{name: a, app: podinfo, targetNamespace: shop}, {name: b, app: podinfo, targetNamespace: shop}]", []string{"spec.workloads", "namespace of its own"}},
		"WorkloadInKubeSystem":    {"It belongs to the cluster.", platform + "  cluster: {provider: Existing, " + existing + "}\n  workloads: [{name: a, app: podinfo, targetNamespace: kube-system}]", []string{"spec.workloads[0].targetNamespace", "belong"}},
		"UnknownField":            {"A typing error is not silently dropped.", platform + "  cluster: {provider: Existing, " + existing + "}\n  workload: []", []string{"unknown field", "workload"}},
		"ChartOverHTTP":           {"Charts come over TLS.", component + "  clusterRef: {name: c}\n  targetNamespace: shop\n  source: {chart: {repository: \"http://example.org\", name: c, version: 1.0.0}}", []string{"repository", "oci://HOST/PATH or https://HOST/PATH"}},
		"ChartWithCredentials":    {"Secrets do not stand in specs.", component + "  clusterRef: {name: c}\n  targetNamespace: shop\n  source: {chart: {repository: \"https://user:password@example.org\", name: c, version: 1.0.0}}", []string{"repository", "without user names"}},
		"ChartWithoutVersion":     {"The same claim gives the same platform tomorrow.", component + "  clusterRef: {name: c}\n  targetNamespace: shop\n  source: {chart: {repository: \"oci://example.org\", name: c}}", []string{"version", "Required"}},
		"ChartLatest":             {"The same claim gives the same platform tomorrow.", component + "  clusterRef: {name: c}\n  targetNamespace: shop\n  source: {chart: {repository: \"oci://example.org\", name: c, version: latest}}", []string{"version", "one exact version"}},
		"ChartDigest":             {"A digest is exact.", component + "  clusterRef: {name: c}\n  targetNamespace: shop\n  source: {chart: {repository: \"oci://example.org\", name: c, version: 1.0.0, digest: \"sha256:abc\"}}", []string{"digest", "64 hexadecimal digits"}},
		"ComponentInDefault":      {"That namespace is not ours to make.", component + "  clusterRef: {name: c}\n  targetNamespace: default\n  " + chart, []string{"createNamespace"}},
		"ComponentNoSource":       {"Nothing to deploy.", component + "  clusterRef: {name: c}\n  targetNamespace: shop", []string{"spec.source", "Required"}},
		"ComponentDeployer":       {"The schema admits only what works.", component + "  clusterRef: {name: c}\n  targetNamespace: shop\n  deployer: Kustomize\n  " + chart, []string{"spec.deployer", `"Helm"`}},
		"TimeoutWithoutUnit":      {"Of what?", component + "  clusterRef: {name: c}\n  targetNamespace: shop\n  timeout: \"300\"\n  " + chart, []string{"spec.timeout", "90s or 5m"}},
		"LongReleaseName":         {"Helm allows 53 characters.", component + "  clusterRef: {name: c}\n  targetNamespace: shop\n  releaseName: " + strings.Repeat("a", 54) + "\n  " + chart, []string{"spec.releaseName", "53"}},
		"ValuesFromPod":           {"Values come from Secrets and ConfigMaps.", component + "  clusterRef: {name: c}\n  targetNamespace: shop\n  valuesFrom: [{kind: Pod, name: a}]\n  " + chart, []string{"valuesFrom[0].kind", `"ConfigMap"`}},
		"WorkloadNoCluster":       {"Nobody knows where.", workload + "  app: podinfo", []string{"spec.clusterRef", "Required"}},
		"GKENoRegion":             {"A cluster is somewhere.", gkeCluster("provider: GKE"), []string{"region is required"}},
		"GKEUnknownRegion":        {"Neutral regions are a list.", gkeCluster("provider: GKE, region: europe-west4"), []string{"spec.region", `"europe-west"`}},
		"GKEZoneAsRegion":         {"A zone is no region.", gkeCluster("provider: GKE, gke: {region: europe-west4-a}"), []string{"gke.region must be a region of Google Cloud"}},
		"GKERegionAsZone":         {"A region is no zone.", gkeCluster("provider: GKE, region: europe-west, gke: {location: europe-west4}"), []string{"gke.location must be a zone of Google Cloud"}},
		"GKEZoneElsewhere":        {"A zone is in its region.", gkeCluster("provider: GKE, gke: {region: us-east1, location: europe-west4-a}"), []string{"gke.location must be a zone of gke.region"}},
		"GKEZoneAndZones":         {"One zone, or some?", gkeCluster("provider: GKE, region: europe-west, gke: {location: europe-west4-a, nodeLocations: [europe-west4-b]}"), []string{"give only one of them"}},
		"GKEProjectName":          {"Projects have IDs.", gkeCluster("provider: GKE, region: europe-west, gke: {projectID: My Project}"), []string{"gke.projectID must be a project ID"}},
		"GKEProjectNumber":        {"A number is no ID.", gkeCluster("provider: GKE, region: europe-west, gke: {projectID: \"123456789012\"}"), []string{"gke.projectID must be a project ID"}},
		"GKENetworkAndCIDR":       {"One network, or another?", gkeCluster("provider: GKE, region: europe-west, network: {cidr: 10.128.0.0/16}, gke: {controlPlaneCIDR: 172.16.0.0/28, existingNetwork: {name: a, subnetwork: b, podRangeName: c, serviceRangeName: d}}"), []string{"not both"}},
		"GKENetworkAndPods":       {"A network that exists has its ranges.", gkeCluster("provider: GKE, region: europe-west, gke: {podCIDR: 100.64.0.0/14, controlPlaneCIDR: 172.16.0.0/28, existingNetwork: {name: a, subnetwork: b, podRangeName: c, serviceRangeName: d}}"), []string{"has its ranges already"}},
		"GKENetworkAlone":         {"Two clusters in one network would have one range.", gkeCluster("provider: GKE, region: europe-west, gke: {existingNetwork: {name: a, subnetwork: b, podRangeName: c, serviceRangeName: d}}"), []string{"gke.existingNetwork needs gke.controlPlaneCIDR"}},
		"GKENetworkHalf":          {"A network alone says nothing of where in it.", gkeCluster("provider: GKE, region: europe-west, gke: {controlPlaneCIDR: 172.16.0.0/28, existingNetwork: {name: a}}"), []string{"subnetwork", "Required"}},
		"GKERangeAsName":          {"Ranges of a network that exists have names.", gkeCluster("provider: GKE, region: europe-west, gke: {controlPlaneCIDR: 172.16.0.0/28, existingNetwork: {name: a, subnetwork: b, podRangeName: 10.0.0.0/14, serviceRangeName: d}}"), []string{"gke.existingNetwork.podRangeName must be the name"}},
		"GKEPodsTooSmall":         {"Each node takes a part of it.", gkeCluster("provider: GKE, region: europe-west, nodes: {maxCount: 20}, gke: {podCIDR: 100.64.0.0/20}"), []string{"gke.podCIDR is too small for nodes.maxCount"}},
		"GKEPodsTiny":             {"Not even one node.", gkeCluster("provider: GKE, region: europe-west, gke: {podCIDR: 100.64.0.0/25}"), []string{"gke.podCIDR must be between /9 and /21"}},
		"GKEServicesTiny":         {"GKE needs some addresses.", gkeCluster("provider: GKE, region: europe-west, gke: {serviceCIDR: 100.68.0.0/29}"), []string{"gke.serviceCIDR must be between /16 and /27"}},
		"GKEOverlap":              {"An address belongs to one range.", gkeCluster("provider: GKE, region: europe-west, gke: {podCIDR: 10.0.0.0/14}"), []string{"gke.podCIDR must not overlap with network.cidr"}},
		"GKEPodsOverServices":     {"An address belongs to one range.", gkeCluster("provider: GKE, region: europe-west, gke: {serviceCIDR: 100.65.0.0/20}"), []string{"gke.podCIDR and gke.serviceCIDR must not overlap"}},
		"GKEControlPlaneSize":     {"GKE takes exactly this size.", gkeCluster("provider: GKE, region: europe-west, gke: {controlPlaneCIDR: 172.16.0.0/24}"), []string{"gke.controlPlaneCIDR must be exactly a /28"}},
		"GKEControlPlaneInNodes":  {"An address belongs to one range.", gkeCluster("provider: GKE, region: europe-west, gke: {controlPlaneCIDR: 10.0.0.0/28}"), []string{"gke.controlPlaneCIDR must not overlap with network.cidr"}},
		"GKEPrivateForNobody":     {"Somebody has to reach it.", gkeCluster("provider: GKE, region: europe-west, gke: {endpointAccess: Private}"), []string{"gke.endpointAccess: Private needs network.apiServerAllowedCIDRs"}},
		"GKEChannel":              {"Channels have names.", gkeCluster("provider: GKE, region: europe-west, gke: {releaseChannel: stable}"), []string{"releaseChannel", `"Stable"`}},
		"GKEMachine":              {"A size is no machine type.", gkeCluster("provider: GKE, region: europe-west, gke: {machineType: Large}"), []string{"gke.machineType must be a machine type"}},
		"GKEDisk":                 {"Disks have types.", gkeCluster("provider: GKE, region: europe-west, gke: {diskType: ssd}"), []string{"diskType", `"pd-ssd"`}},
		"GKEBlockOfOther":         {"A section belongs to its provider.", gkeCluster("provider: GKE, region: europe-west, eks: {region: eu-west-1}"), []string{"the section eks is for provider EKS only"}},
		"GKEBlockElsewhere":       {"A section belongs to its provider.", gkeCluster("provider: Existing, existing: {managementCluster: true}, gke: {releaseChannel: Stable}"), []string{"the section gke is for provider GKE only"}},
		"GKEAdoptedWithKey":       {"Nothing is made for a cluster that is adopted.", gkeCluster("provider: GKE, region: europe-west, externalName: prod, managementPolicies: [Observe], gke: {authentication: ServiceAccountKey}"), []string{"nothing is made for that one"}},
		"AKSNoRegion":             {"A cluster has to be somewhere.", cluster + "  provider: AKS", []string{"region is required"}},
		"AKSNetworkTwice":         {"A network is made or exists.", cluster + "  provider: AKS\n  region: europe-west\n  network: {cidr: 10.1.0.0/16}\n  aks: {existingNetwork: {subnetID: /subscriptions/s/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/hub/subnets/nodes}}", []string{"or aks.existingNetwork for one that exists, not both"}},
		"AKSSubnetTwice":          {"A subnet is made or exists.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {existingNetwork: {subnetID: /subscriptions/s/resourceGroups/n/providers/Microsoft.Network/virtualNetworks/hub/subnets/nodes, virtualNetwork: {resourceGroupName: net, name: hub, subnetCIDR: 10.9.0.0/22}}}", []string{"aks.existingNetwork needs exactly one of"}},
		"AKSSubnetByName":         {"A name alone does not say which network it is in.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {existingNetwork: {subnetID: nodes}}", []string{"aks.existingNetwork.subnetID must be the full ID of a subnet"}},
		"AKSSubnetTooSmall":       {"Every node needs an address.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {existingNetwork: {virtualNetwork: {resourceGroupName: net, name: hub, subnetCIDR: 10.9.0.0/28}}}", []string{"must be between /9 and /26"}},
		"AKSGroupByID":            {"A resource group is found by its name.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {resourceGroupName: /subscriptions/s/resourceGroups/a}", []string{"aks.resourceGroupName must be the name of a resource group"}},
		"AKSIdentityByName":       {"A name alone does not say which identity.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {userAssignedIdentityID: mine}", []string{"aks.userAssignedIdentityID must be the full ID of a managed identity"}},
		"AKSPodsTooFew":           {"Every node takes a /24.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {podCIDR: 10.200.0.0/22}", []string{"aks.podCIDR must be between /9 and /18"}},
		"AKSPodsOverlapServices":  {"An address is a pod's or a service's.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {podCIDR: 100.80.0.0/14}", []string{"must not overlap"}},
		"AKSPodsOverlapNetwork":   {"An address is a pod's or a node's.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {podCIDR: 10.0.0.0/14}", []string{"must not overlap with network.cidr"}},
		"AKSRegionDisplayName":    {"Azure's API has another name for it.", cluster + "  provider: AKS\n  aks: {region: West Europe}", []string{"aks.region must be a region as Azure's API writes it"}},
		"AKSVMSize":               {"Sizes have Azure's own names.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {vmSize: m5.large}", []string{"must be a size as Azure writes it"}},
		"AKSSystemPoolSmall":      {"Azure wants four CPUs for its own pods.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {systemPool: {instanceSize: Small}}", []string{"aks.systemPool.instanceSize must be Medium or larger"}},
		"AKSSystemPoolMinMax":     {"The least cannot be more than the most.", cluster + "  provider: AKS\n  region: europe-west\n  aks: {systemPool: {minCount: 4, maxCount: 3}}", []string{"must not be greater than aks.systemPool.maxCount"}},
		"AKSDiskTooSmall":         {"Azure's images have to fit.", cluster + "  provider: AKS\n  region: europe-west\n  nodes: {diskSize: 20Gi}", []string{"nodes.diskSize must be between 30Gi and 2048Gi on AKS"}},
		"AKSPodsForTooFewNodes":   {"Every node takes a /24.", cluster + "  provider: AKS\n  region: europe-west\n  nodes: {maxCount: 50}\n  aks: {podCIDR: 10.200.0.0/18}", []string{"aks.podCIDR is too small for nodes.maxCount"}},
		"AKSAdoptedNowhere":       {"A name alone does not say which cluster.", cluster + "  provider: AKS\n  region: europe-west\n  externalName: theirs\n  managementPolicies: [Observe]", []string{"an existing AKS cluster is found by externalName and aks.resourceGroupName"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := tryKubectl(t, tc.yaml, "apply", "--dry-run=server", "-f", "-")
			if err == nil {
				t.Fatalf("%s: accepted: %s", tc.reason, out)
			}
			t.Logf("%s", strings.TrimSpace(out))
			for _, want := range tc.want {
				if !strings.Contains(out, want) {
					t.Errorf("%s: the message does not say %q:\n%s", tc.reason, want, out)
				}
			}
		})
	}
}

// TestRefused asks the real API server what test/schemas judges within a second
// with its code: that it refuses the same claims, with the same words.
func TestRefused(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "schemas", "testdata", "refused.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Reason, Message string
		Claim, Old            map[string]any
	}
	if err := yaml.UnmarshalStrict(b, &cases); err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			if tc.Old == nil {
				t.Parallel()
			} else {
				// Paused, so that nothing comes of it.
				old := &unstructured.Unstructured{Object: tc.Old}
				old.SetAnnotations(map[string]string{"crossplane.io/paused": "true"})
				kubectlApply(t, manifest(t, tc.Old))
				t.Cleanup(func() {
					kubectl(t, "-n", namespace, "delete", strings.ToLower(old.GetKind())+".observe-k8s.io", old.GetName(), "--timeout="+hang.String())
				})
			}
			out, err := tryKubectl(t, manifest(t, tc.Claim), "apply", "--dry-run=server", "-f", "-")
			if err == nil {
				t.Fatalf("%s: accepted: %s", tc.Reason, out)
			}
			t.Logf("%s", strings.TrimSpace(out))
			if !strings.Contains(out, tc.Message) {
				t.Errorf("%s: the message does not say %q:\n%s", tc.Reason, tc.Message, out)
			}
		})
	}
}

func manifest(t *testing.T, object map[string]any) string {
	t.Helper()
	b, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// gkeCluster is a KubernetesCluster with a spec in one line.
func gkeCluster(spec string) string {
	return "{apiVersion: observe-k8s.io/v1alpha1, kind: KubernetesCluster, metadata: {name: bad, namespace: team-a}, spec: {" + spec + "}}"
}

// TestImmutable changes what cannot change. It is refused with what to do
// instead, and nothing happens to what exists.
func TestImmutable(t *testing.T) {
	const base = `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: fixed, namespace: team-a}
spec: {provider: Existing, region: europe-west, existing: {kubeconfigSecretRef: {name: nowhere}}}
`
	const component = `
apiVersion: observe-k8s.io/v1alpha1
kind: Component
metadata: {name: fixed, namespace: team-a}
spec:
  clusterRef: {name: nowhere}
  targetNamespace: shop
  source: {chart: {repository: "oci://example.org/charts", name: app, version: 1.0.0}}
`
	// By kubectl, which notes what it applied: or else it would not take a field
	// away.
	claim(t)
	kubectlApply(t, base)
	kubectlApply(t, component)
	cases := map[string]struct {
		yaml string
		want string
	}{
		"Region":            {strings.Replace(base, "europe-west", "us-east", 1), "region cannot change"},
		"RegionRemoved":     {strings.Replace(base, "region: europe-west, ", "", 1), "region cannot change"},
		"Secret":            {strings.Replace(base, "name: nowhere", "name: elsewhere", 1), "kubeconfigSecretRef cannot change"},
		"ManagementCluster": {strings.Replace(base, "kubeconfigSecretRef: {name: nowhere}", "managementCluster: true", 1), "cannot change"},
		"ClusterRef":        {strings.Replace(component, "name: nowhere", "name: elsewhere", 1), "clusterRef cannot change"},
		"Namespace":         {strings.Replace(component, "targetNamespace: shop", "targetNamespace: shop2", 1), "targetNamespace cannot change"},
		"ReleaseName":       {component + "  releaseName: other\n", "releaseName cannot change"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := tryKubectl(t, tc.yaml, "apply", "-f", "-")
			if err == nil {
				t.Fatalf("accepted: %s", out)
			}
			t.Logf("%s", strings.TrimSpace(out))
			if !strings.Contains(out, tc.want) {
				t.Errorf("the message does not say %q:\n%s", tc.want, out)
			}
		})
	}
	remove(t, background, 0, parse(t, base), parse(t, component))
}

func kubectlApply(t *testing.T, manifest string) {
	t.Helper()
	if out, err := tryKubectl(t, manifest, "apply", "-f", "-"); err != nil {
		t.Fatal(out)
	}
}
