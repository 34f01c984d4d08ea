// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// API versions of Google Cloud's managed resources.
const (
	gcpCompute   = "compute.gcp.m.upbound.io/v1beta1"
	gcpIdentity  = "cloudplatform.gcp.m.upbound.io/v1beta1"
	gcpContainer = "container.gcp.m.upbound.io/v1beta1"
)

// Names of composed resources. They are API.
const (
	gkeNetwork      = "network"
	gkeSubnetwork   = "subnetwork"
	gkeRouter       = "router"
	gkeNAT          = "router-nat"
	gkeFirewall     = "firewall"
	gkeControlPlane = "cluster"
	gkeNodePool     = "node-pool"
	gkeNodeIdentity = "node-identity"
	gkeNodeRole     = "node-role-"
	gkeIdentity     = "access-identity"
	gkeRole         = "access-role"
	gkeKey          = "access-key"
)

const (
	// gkeMaxName is the longest name of a cluster and of a node pool.
	gkeMaxName = 40
	// gkeMaxIdentity is the longest name of a service account.
	gkeMaxIdentity = 30
	// gkeZones is over how many zones the nodes of a region are spread.
	gkeZones = 3
	// Pods and Services take shared address space, which GKE supports and no
	// private network overlaps with.
	// https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips, as of
	// February 2026.
	gkePodCIDR     = "100.64.0.0/14"
	gkeServiceCIDR = "100.68.0.0/20"
	// Names of the ranges in a subnetwork that is made.
	gkeRangePods     = "pods"
	gkeRangeServices = "services"
)

// gkeRegions are Google Cloud's regions by neutral name: those with Arm machines
// where there is a choice.
// https://cloud.google.com/compute/docs/regions-zones, as of February 2026.
func gkeRegions() map[v1alpha1.Region]string {
	return map[v1alpha1.Region]string{
		v1alpha1.RegionUSEast:             "us-east1",
		v1alpha1.RegionUSCentral:          "us-central1",
		v1alpha1.RegionUSWest:             "us-west1",
		v1alpha1.RegionCanadaCentral:      "northamerica-northeast1",
		v1alpha1.RegionBrazilSouth:        "southamerica-east1",
		v1alpha1.RegionEuropeWest:         "europe-west4",
		v1alpha1.RegionEuropeCentral:      "europe-west3",
		v1alpha1.RegionEuropeNorth:        "europe-north1",
		v1alpha1.RegionUKSouth:            "europe-west2",
		v1alpha1.RegionIndiaWest:          "asia-south1",
		v1alpha1.RegionAsiaSoutheast:      "asia-southeast1",
		v1alpha1.RegionAsiaNortheast:      "asia-northeast1",
		v1alpha1.RegionAustraliaSoutheast: "australia-southeast1",
	}
}

// gcpZones are the letters of the zones of every region of Google Cloud.
// https://cloud.google.com/compute/docs/regions-zones, as of February 2026.
func gcpZones() map[string]string {
	zones := map[string]string{"us-central1": "abcf", "us-east1": "bcd", "europe-west1": "bcd"}
	for _, r := range []string{
		"africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1", "asia-south2",
		"asia-southeast1", "asia-southeast2", "asia-southeast3", "australia-southeast1", "australia-southeast2", "europe-central2",
		"europe-north1", "europe-north2", "europe-southwest1", "europe-west10", "europe-west12", "europe-west2", "europe-west3",
		"europe-west4", "europe-west6", "europe-west8", "europe-west9", "me-central1", "me-central2", "me-west1",
		"northamerica-northeast1", "northamerica-northeast2", "northamerica-south1", "southamerica-east1", "southamerica-west1",
		"us-east4", "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
	} {
		zones[r] = "abc"
	}
	return zones
}

// gkeArmZones are the letters of the zones with T2A machines, the only Arm
// machines that take the disks of standard-rwo.
// https://cloud.google.com/compute/docs/regions-zones, as of February 2026.
func gkeArmZones() map[string]string {
	return map[string]string{"us-central1": "abf", "europe-west4": "abc", "asia-southeast1": "bc"}
}

// gkeMachines are the machine types by neutral size: 2, 4, 8 and 16 CPUs with
// 4 GiB of memory each.
// https://cloud.google.com/compute/docs/general-purpose-machines, as of
// February 2026.
func gkeMachines(a v1alpha1.Architecture) map[v1alpha1.InstanceSize]string {
	series := "e2-standard-"
	if a == v1alpha1.ArchitectureARM64 {
		series = "t2a-standard-"
	}
	return map[v1alpha1.InstanceSize]string{
		v1alpha1.InstanceSizeSmall:  series + "2",
		v1alpha1.InstanceSizeMedium: series + "4",
		v1alpha1.InstanceSizeLarge:  series + "8",
		v1alpha1.InstanceSizeXLarge: series + "16",
	}
}

// gkeNodeRoles are the least that nodes need: to write logs and metrics, and to
// pull images.
// https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster,
// as of February 2026.
func gkeNodeRoles() map[string]string {
	return map[string]string{
		"logs":     "roles/logging.logWriter",
		"metrics":  "roles/monitoring.metricWriter",
		"metadata": "roles/stackdriver.resourceMetadata.writer",
		"images":   "roles/artifactregistry.reader",
	}
}

// gke makes a cluster of Google Kubernetes Engine.
type gke struct{}

// Plan the network, the identities, the control plane and the nodes.
func (gke) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (Cluster, error) {
	g := &gkePlan{cloud: cloud{in: in}}
	if b := in.Claim.Spec.GKE; b != nil {
		g.block = *b
	}
	if p := g.place(); p != nil {
		return g.refused(*p), nil
	}
	g.project = g.knownProject()

	out := Cluster{Parts: cloudParts()}
	plan := func(ms ...managed) {
		for _, m := range ms {
			out.Resources = append(out.Resources, g.resource(m))
		}
	}
	protect := func(part string, of managed, by ...managed) {
		for _, b := range by {
			out.Resources = append(out.Resources, g.protect("usage-"+of.Name+"-"+b.Name, part, of, b))
		}
	}

	network, subnetwork, router, nat := g.network()
	firewall := g.firewall()
	identity, roles := g.nodeIdentity()
	cluster := g.cluster()
	pool := g.nodePool(roles)
	out.Keepers = []v1alpha1.ObjectReference{g.keeper(cluster)}
	if g.adopted() {
		plan(cluster)
		g.access(&out, nil)
		return out, nil
	}

	if g.block.ExistingNetwork == nil {
		plan(network, subnetwork, router, nat, firewall)
		protect(ConditionNetworkReady, network, subnetwork, router, firewall)
		protect(ConditionNetworkReady, router, nat)
		protect(ConditionNodesReady, nat, pool)
		protect(ConditionNodesReady, firewall, pool)
		protect(ConditionControlPlaneReady, subnetwork, cluster)
	}
	plan(identity)
	plan(roles...)
	plan(cluster, pool)
	// A role that is bound to nobody any more cannot be taken back.
	protect(ConditionNetworkReady, identity, roles...)
	protect(ConditionNodesReady, identity, pool)
	protect(ConditionNodesReady, cluster, pool)
	// What a chart runs when it is uninstalled needs nodes.
	out.Keepers = append(out.Keepers, g.keeper(pool))

	var key []managed
	if g.block.ServiceAccountKey {
		account, role, k := g.accessIdentity()
		key = []managed{role, k}
		plan(account, role, k)
		protect(ConditionAccessReady, account, role, k)
		out.Keepers = append(out.Keepers, g.keeper(role), g.keeper(k))
	}
	g.access(&out, key)
	return out, nil
}

// A gkePlan is what is known while a cluster is planned.
type gkePlan struct {
	cloud

	block v1alpha1.GKECluster

	// region and zones by Google Cloud's names; machine is the type of the nodes.
	region  string
	zones   []string
	machine string

	// project of the cluster; empty until known.
	project string
}

// place finds region, zones and machine type.
func (g *gkePlan) place() *compose.Problem {
	spec := g.in.Claim.Spec
	g.region = g.block.Region
	var p *compose.Problem
	if g.region == "" {
		if g.region, p = lookup("region", gkeRegions(), spec.Region, v1alpha1.ProviderGKE); p != nil {
			return p
		}
	}
	letters, p := lookup("gke.region", gcpZones(), g.region, v1alpha1.ProviderGKE)
	if p != nil {
		return p
	}
	g.machine = g.block.MachineType
	if g.machine == "" {
		if g.machine, p = lookup("nodes.size", gkeMachines(spec.Nodes.Architecture), spec.Nodes.InstanceSize, v1alpha1.ProviderGKE); p != nil {
			return p
		}
		if spec.Nodes.Architecture == v1alpha1.ArchitectureARM64 && !g.adopted() {
			if letters, p = lookup("nodes.architecture arm64 in region", gkeArmZones(), g.region, v1alpha1.ProviderGKE); p != nil {
				p.Message += ". Elsewhere give gke.machineType, gke.diskType and gke.storageClass, for example of c4a machines"
				return p
			}
		}
	}
	for _, l := range letters {
		g.zones = append(g.zones, g.region+"-"+string(l))
	}
	if z := append(slices.Clone(g.block.NodeLocations), g.block.Location); !g.has(z) {
		return &compose.Problem{ConditionType: ConditionNetworkReady, Reason: "UnsupportedValue", Message: fmt.Sprintf(
			"Provider GKE has nothing for %s in region %s. Valid: %s", strings.Trim(strings.Join(z, ", "), ", "), g.region, strings.Join(g.zones, ", "))}
	}
	return nil
}

// has says whether all zones that are given can be used.
func (g *gkePlan) has(zones []string) bool {
	for _, z := range zones {
		if z != "" && !slices.Contains(g.zones, z) {
			return false
		}
	}
	return true
}

// knownProject is the project that was asked for, or else the one in which the
// provider made the nodes' identity: only the provider knows its own default.
func (g *gkePlan) knownProject() string {
	if g.block.ProjectID != "" {
		return g.block.ProjectID
	}
	return g.observed(gkeNodeIdentity, "status", "atProvider", "project")
}

// email of a service account; empty until the project is known.
func (g *gkePlan) email(resource string) string {
	if g.project == "" {
		return ""
	}
	return g.identityName(resource) + "@" + g.project + ".iam.gserviceaccount.com"
}

// gcpName is a name in Google Cloud, which has to begin with a letter.
func (g *gkePlan) gcpName(resource string) string {
	return compose.NameMax(gkeMaxName, g.in.Claim.Namespace, "observe", g.in.Claim.Name, resource)
}

func (g *gkePlan) identityName(resource string) string {
	return compose.NameMax(gkeMaxIdentity, g.in.Claim.Namespace, "observe", g.in.Claim.Name, resource)
}

// labels of what costs money.
func (g *gkePlan) labels() map[string]any {
	return g.tags(map[string]any{"observe-k8s": g.gcpName(gkeControlPlane)})
}

// with puts a project that was asked for into what is wanted of a resource.
func (g *gkePlan) with(forProvider map[string]any) map[string]any {
	if g.block.ProjectID != "" {
		forProvider["project"] = g.block.ProjectID
	}
	return forProvider
}

// location of the control plane: the region, or one zone of it.
func (g *gkePlan) location() string {
	if g.block.Location != "" {
		return g.block.Location
	}
	return g.region
}

func (g *gkePlan) keeper(m managed) v1alpha1.ObjectReference {
	return g.reference(m.APIVersion, m.Kind, m.Name)
}

// network for a cluster that has none yet: private, with one way out.
func (g *gkePlan) network() (network, subnetwork, router, nat managed) {
	pods, services := gkePodCIDR, gkeServiceCIDR
	if c := g.block.PodCIDR; c != "" {
		pods = string(c)
	}
	if c := g.block.ServiceCIDR; c != "" {
		services = string(c)
	}
	network = managed{
		Name: gkeNetwork, Part: ConditionNetworkReady, APIVersion: gcpCompute, Kind: "Network", ExternalName: g.gcpName(gkeNetwork),
		ForProvider: g.with(map[string]any{"autoCreateSubnetworks": false, "routingMode": "REGIONAL"}),
	}
	subnetwork = managed{
		Name: gkeSubnetwork, Part: ConditionNetworkReady, APIVersion: gcpCompute, Kind: "Subnetwork", ExternalName: g.gcpName(gkeSubnetwork),
		Gate: g.after(gkeNetwork),
		ForProvider: g.with(map[string]any{
			"region":                g.region,
			"networkRef":            g.ref(gkeNetwork),
			"ipCidrRange":           g.cidr(),
			"privateIpGoogleAccess": true,
			"secondaryIpRange": []any{
				map[string]any{"rangeName": gkeRangePods, "ipCidrRange": pods},
				map[string]any{"rangeName": gkeRangeServices, "ipCidrRange": services},
			},
		}),
	}
	router = managed{
		Name: gkeRouter, Part: ConditionNetworkReady, APIVersion: gcpCompute, Kind: "Router", ExternalName: g.gcpName(gkeRouter),
		Gate:        g.after(gkeNetwork),
		ForProvider: g.with(map[string]any{"region": g.region, "networkRef": g.ref(gkeNetwork)}),
	}
	nat = managed{
		Name: gkeNAT, Part: ConditionNetworkReady, APIVersion: gcpCompute, Kind: "RouterNAT", ExternalName: g.gcpName(gkeNAT),
		Gate: g.after(gkeRouter, gkeSubnetwork),
		ForProvider: g.with(map[string]any{
			"region":                        g.region,
			"routerRef":                     g.ref(gkeRouter),
			"natIpAllocateOption":           "AUTO_ONLY",
			"sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
			"logConfig":                     map[string]any{"enable": true, "filter": "ERRORS_ONLY"},
		}),
	}
	return network, subnetwork, router, nat
}

// firewall lets the control plane reach the webhooks that charts bring. By itself
// GKE opens ports 443 and 10250 only, and a webhook on any other one would make
// the API server refuse what it watches over.
// https://cloud.google.com/kubernetes-engine/docs/how-to/private-clusters, as of
// February 2026.
func (g *gkePlan) firewall() managed {
	return managed{
		Name: gkeFirewall, Part: ConditionNetworkReady, APIVersion: gcpCompute, Kind: "Firewall", ExternalName: g.gcpName(gkeFirewall),
		Gate: g.after(gkeSubnetwork),
		ForProvider: g.with(map[string]any{
			"networkRef":   g.ref(gkeNetwork),
			"direction":    "INGRESS",
			"sourceRanges": []any{g.controlPlaneCIDR()},
			"allow":        []any{map[string]any{"protocol": "tcp"}},
		}),
	}
}

// nodeIdentity is who the nodes are, with nothing but what nodes need. Google's
// default for nodes may change everything in the project.
func (g *gkePlan) nodeIdentity() (identity managed, roles []managed) {
	identity = managed{
		Name: gkeNodeIdentity, Part: ConditionNetworkReady, APIVersion: gcpIdentity, Kind: "ServiceAccount", ExternalName: g.identityName(gkeNodeIdentity),
		ForProvider: g.with(map[string]any{"displayName": "Nodes of " + g.gcpName(gkeControlPlane)}),
	}
	for _, name := range slices.Sorted(maps.Keys(gkeNodeRoles())) {
		roles = append(roles, g.grant(gkeNodeRole+name, ConditionNetworkReady, gkeNodeIdentity, gkeNodeRoles()[name]))
	}
	return identity, roles
}

// grant a role to an identity.
func (g *gkePlan) grant(name, part, identity, role string) managed {
	m := managed{Name: name, Part: part, APIVersion: gcpIdentity, Kind: "ProjectIAMMember", Gate: g.after(identity)}
	if g.project != "" {
		m.ForProvider = map[string]any{"project": g.project, "role": role, "member": "serviceAccount:" + g.email(identity)}
	}
	return m
}

// cluster is the control plane. The node pool that GKE makes with it goes at
// once: it could not be changed without a new cluster.
func (g *gkePlan) cluster() managed {
	m := managed{
		Name: gkeControlPlane, Part: ConditionControlPlaneReady, APIVersion: gcpContainer, Kind: "Cluster",
		ExternalName: g.gcpName(gkeControlPlane), ConnectionSecret: "kubeconfig",
		Ready: g.atVersion("masterVersion"),
	}
	if g.adopted() {
		m.ExternalName = g.clusterName()
		m.ForProvider = g.with(map[string]any{"location": g.location()})
		m.Ready = compose.Managed
		return m
	}
	m.Gate = g.after(gkeNodeIdentity)
	if g.project == "" {
		return m
	}
	m.ForProvider = g.with(map[string]any{
		"location":                       g.location(),
		"networkingMode":                 "VPC_NATIVE",
		"datapathProvider":               "ADVANCED_DATAPATH",
		"deletionProtection":             false,
		"removeDefaultNodePool":          true,
		"initialNodeCount":               int64(1),
		"enableShieldedNodes":            true,
		"releaseChannel":                 map[string]any{"channel": strings.ToUpper(cmp.Or(g.block.ReleaseChannel, "Regular"))},
		"workloadIdentityConfig":         map[string]any{"workloadPool": g.project + ".svc.id.goog"},
		"masterAuthorizedNetworksConfig": g.authorized(),
		"privateClusterConfig": map[string]any{
			"enablePrivateNodes":    true,
			"enablePrivateEndpoint": g.block.PrivateEndpoint,
			"masterIpv4CidrBlock":   g.controlPlaneCIDR(),
		},
		"gatewayApiConfig": map[string]any{"channel": "CHANNEL_" + strings.ToUpper(cmp.Or(g.block.GatewayAPI, "Disabled"))},
		// The stack brings its own Prometheus; Google's would collect, and charge
		// for, everything a second time.
		"monitoringConfig": map[string]any{
			"enableComponents":  []any{"SYSTEM_COMPONENTS"},
			"managedPrometheus": map[string]any{"enabled": false},
		},
		"resourceLabels": g.labels(),
	})
	// The pool that goes at once must not need Google's default identity, which
	// many organizations take away.
	m.InitProvider = map[string]any{"nodeConfig": map[string]any{"serviceAccountRef": g.ref(gkeNodeIdentity)}}
	if v := g.in.Claim.Spec.Version; v != "" {
		m.ForProvider["minMasterVersion"] = v
	}
	if n := g.block.ExistingNetwork; n != nil {
		m.ForProvider["network"], m.ForProvider["subnetwork"] = n.Name, n.Subnetwork
		m.ForProvider["ipAllocationPolicy"] = map[string]any{"clusterSecondaryRangeName": n.PodRangeName, "servicesSecondaryRangeName": n.ServiceRangeName}
		return m
	}
	m.Gate = m.Gate.And(g.after(gkeSubnetwork))
	m.ForProvider["networkRef"], m.ForProvider["subnetworkRef"] = g.ref(gkeNetwork), g.ref(gkeSubnetwork)
	m.ForProvider["ipAllocationPolicy"] = map[string]any{"clusterSecondaryRangeName": gkeRangePods, "servicesSecondaryRangeName": gkeRangeServices}
	return m
}

// authorized are the ranges that may reach the API server, in order: the same
// claim gives the same bytes.
func (g *gkePlan) authorized() map[string]any {
	blocks := []any{}
	for _, c := range g.allowed() {
		blocks = append(blocks, map[string]any{"cidrBlock": c})
	}
	if len(blocks) == 0 {
		// Without any, GKE would let nobody in from outside, Crossplane included.
		blocks = append(blocks, map[string]any{"cidrBlock": "0.0.0.0/0", "displayName": "everybody with credentials"})
	}
	return map[string]any{"cidrBlocks": blocks}
}

// controlPlaneCIDR is a range that the network does not have.
func (g *gkePlan) controlPlaneCIDR() string {
	if c := g.block.ControlPlaneCIDR; c != "" {
		return string(c)
	}
	if strings.HasPrefix(g.cidr(), "172.16.") {
		return "192.168.0.0/28"
	}
	return "172.16.0.0/28"
}

// nodePool is the only one, scaled by GKE between the claim's limits.
func (g *gkePlan) nodePool(roles []managed) managed {
	n := g.in.Claim.Spec.Nodes
	needs := []string{gkeControlPlane}
	if g.block.ExistingNetwork == nil {
		needs = append(needs, gkeNAT, gkeFirewall)
	}
	for _, r := range roles {
		needs = append(needs, r.Name)
	}
	node := map[string]any{
		"machineType":            g.machine,
		"diskSizeGb":             n.DiskGiB,
		"diskType":               cmp.Or(g.block.DiskType, "pd-balanced"),
		"imageType":              "COS_CONTAINERD",
		"oauthScopes":            []any{"https://www.googleapis.com/auth/cloud-platform"},
		"serviceAccountRef":      g.ref(gkeNodeIdentity),
		"workloadMetadataConfig": map[string]any{"mode": "GKE_METADATA"},
		"resourceLabels":         g.labels(),
		"spot":                   n.Spot,
	}
	if n.Architecture == v1alpha1.ArchitectureARM64 {
		// GKE would keep everything off that does not tolerate Arm, and there are
		// no other nodes.
		node["taintConfig"] = map[string]any{"architectureTaintBehavior": "NONE"}
	} else {
		node["shieldedInstanceConfig"] = map[string]any{"enableSecureBoot": true, "enableIntegrityMonitoring": true}
	}
	policy := "BALANCED"
	if n.Spot {
		// Spare capacity is where it is.
		policy = "ANY"
	}
	zones, initial := g.spread()
	pool := map[string]any{
		"location":        g.location(),
		"clusterRef":      g.ref(gkeControlPlane),
		"autoscaling":     map[string]any{"totalMinNodeCount": n.MinCount, "totalMaxNodeCount": n.MaxCount, "locationPolicy": policy},
		"management":      map[string]any{"autoRepair": true, "autoUpgrade": true},
		"upgradeSettings": map[string]any{"strategy": "SURGE", "maxSurge": int64(1), "maxUnavailable": int64(0)},
		"nodeConfig":      node,
	}
	if len(zones) > 0 {
		pool["nodeLocations"] = zones
	}
	if v := g.nodeVersion(); v != "" {
		pool["version"] = v
	}
	return managed{
		Name: gkeNodePool, Part: ConditionNodesReady, APIVersion: gcpContainer, Kind: "NodePool", ExternalName: g.gcpName(gkeNodePool),
		Gate: g.after(needs...), ForProvider: g.with(pool),
		InitProvider: map[string]any{"initialNodeCount": initial},
		Ready:        g.atVersion("version"),
	}
}

// spread says in which zones the nodes are, and with how many in each they
// begin: as many zones as can begin with the same number between the limits.
// Where they are already, they stay.
func (g *gkePlan) spread() (zones []any, initial int64) {
	n := g.in.Claim.Spec.Nodes
	if was := g.in.Observed[gkeNodePool]; was != nil && len(g.block.NodeLocations) == 0 {
		zones, _, _ = unstructured.NestedSlice(was.Object, "spec", "forProvider", "nodeLocations")
		if i, ok, err := unstructured.NestedInt64(was.Object, "spec", "initProvider", "initialNodeCount"); ok && err == nil {
			return zones, i
		}
	}
	if g.block.Location != "" {
		return nil, n.MinCount
	}
	if len(g.block.NodeLocations) > 0 {
		for _, z := range g.block.NodeLocations {
			zones = append(zones, z)
		}
		return zones, (n.MinCount + int64(len(zones)) - 1) / int64(len(zones))
	}
	for count := int64(min(gkeZones, len(g.zones))); count > 0; count-- {
		initial = (n.MinCount + count - 1) / count
		if initial*count > n.MaxCount && count > 1 {
			continue
		}
		zones = nil
		for _, z := range g.zones[:count] {
			zones = append(zones, z)
		}
		break
	}
	return zones, initial
}

// nodeVersion that nodes are to be brought to. Nothing at the start, when GKE
// gives them that of the control plane, nor once they are where they were asked
// to be: from then on GKE patches them in its own time. Control plane first.
func (g *gkePlan) nodeVersion() string {
	want := minor(g.in.Claim.Spec.Version)
	master := g.observed(gkeControlPlane, "status", "atProvider", "masterVersion")
	nodes := g.observed(gkeNodePool, "status", "atProvider", "version")
	switch {
	case want == 0 || nodes == "" || master == "":
		return g.observed(gkeNodePool, "spec", "forProvider", "version")
	case minor(nodes) >= want:
		return ""
	case minor(master) < want:
		return g.observed(gkeNodePool, "spec", "forProvider", "version")
	}
	return master
}

// atVersion judges something that is ready when it has the version asked for.
func (g *gkePlan) atVersion(field string) func(*unstructured.Unstructured) compose.Health {
	want := g.in.Claim.Spec.Version
	return func(o *unstructured.Unstructured) compose.Health {
		v := compose.Managed(o)
		is, _, _ := unstructured.NestedString(o.Object, "status", "atProvider", field)
		if !v.Ready || is == "" || minor(is) >= minor(want) {
			return v
		}
		return compose.Health{Progressing: true, Reason: compose.ReasonUpdating, Message: fmt.Sprintf("%s %s is being upgraded to %s", o.GetKind(), o.GetName(), want)}
	}
}

// minor is the minor version of Kubernetes 1; 0 when there is none.
func minor(version string) int {
	parts := strings.Split(version, ".")
	if len(parts) < 2 || parts[0] != "1" {
		return 0
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	return n
}

// accessIdentity is who Helm and kubectl are on the cluster where the
// providers' pods are nobody on Google Cloud. Nothing less than this role can
// install the definitions and roles that charts bring.
func (g *gkePlan) accessIdentity() (account, role, key managed) {
	account = managed{
		Name: gkeIdentity, Part: ConditionAccessReady, APIVersion: gcpIdentity, Kind: "ServiceAccount", ExternalName: g.identityName(gkeIdentity),
		ForProvider: g.with(map[string]any{"displayName": "Access to " + g.gcpName(gkeControlPlane)}),
	}
	role = g.grant(gkeRole, ConditionAccessReady, gkeIdentity, "roles/container.admin")
	key = managed{
		Name: gkeKey, Part: ConditionAccessReady, APIVersion: gcpIdentity, Kind: "ServiceAccountKey", ConnectionSecret: gkeKey,
		Gate:        g.after(gkeIdentity),
		ForProvider: map[string]any{"serviceAccountIdRef": g.ref(gkeIdentity)},
	}
	return account, role, key
}

// access says how to reach the cluster. Its kubeconfig says where it is and
// whom to trust; who asks is the identity of the providers' pods, or that of a
// key.
func (g *gkePlan) access(out *Cluster, key []managed) {
	ref := v1alpha1.SecretKeyReference{Name: g.name("kubeconfig"), Key: "kubeconfig"}
	out.Requirements = append(out.Requirements, compose.Requirement{
		Name: requirementKubeconfig, APIVersion: "v1", Kind: "Secret", Namespace: g.in.Claim.Namespace, ObjectName: ref.Name,
	})
	identity := map[string]any{"type": "GoogleApplicationCredentials", "source": "InjectedIdentity"}
	if len(key) > 0 {
		identity = map[string]any{
			"type":      "GoogleApplicationCredentials",
			"source":    "Secret",
			"secretRef": map[string]any{"name": g.name(gkeKey), "namespace": g.in.Claim.Namespace, "key": "private_key"},
		}
	}
	out.Config = secretConfig(g.in.Claim.Namespace, ref)
	out.Config["identity"] = identity

	needs := []string{gkeControlPlane}
	for _, m := range key {
		needs = append(needs, m.Name)
	}
	out.Waiting = g.after(needs...).Waiting
	secret := g.in.RequiredObject(requirementKubeconfig)
	if secret == nil {
		out.Waiting = "Waiting for the cluster's kubeconfig"
		return
	}
	server, err := kubeconfigServer(secret, ref)
	if err != nil {
		out.Waiting = err.message
		return
	}
	out.Access = &v1alpha1.Access{
		KubeconfigSecretRef: &ref,
		APIServerURL:        server,
		Architecture:        g.in.Claim.Spec.Nodes.Architecture,
		StorageClassName:    cmp.Or(g.block.StorageClassName, "standard-rwo"),
		ManagedGatewayAPI:   g.block.GatewayAPI == "Standard",
	}
}
