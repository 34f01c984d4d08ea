// SPDX-License-Identifier: Apache-2.0

// Package gke makes clusters on Google Kubernetes Engine.
package gke

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
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

//go:embed tables.yaml
var file string

// tables of Google Cloud's counterparts of neutral names.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var tables = sync.OnceValues(func() (gkeTables, error) { return backend.Tables[gkeTables](file) })

// gkeTables are what the file says.
type gkeTables struct {
	Regions   map[v1alpha1.Region]string                                 `json:"regions"`
	Zones     map[string]string                                          `json:"zones"`
	ArmZones  map[string]string                                          `json:"armZones"`
	Machines  map[v1alpha1.Architecture]map[v1alpha1.InstanceSize]string `json:"machines"`
	NodeRoles map[string]string                                          `json:"nodeRoles"`
}

// A Backend makes a cluster of Google Kubernetes Engine.
type Backend struct{}

// Describe the place.
func (Backend) Describe(p v1alpha1.ClusterParameters) backend.Facts {
	region, machines := "", ""
	if b := p.GKE; b != nil {
		region = b.Region
		if b.MachineType != "" {
			machines = "gke.machineType"
		}
	}
	return backend.InCloud(p, region, machines)
}

// Plan the network, the identities, the control plane and the nodes.
func (Backend) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (backend.Cluster, error) {
	t, err := tables()
	if err != nil {
		return backend.Cluster{}, err
	}
	g := &gkePlan{Cloud: backend.Cloud{In: in}, tables: t}
	if b := in.Claim.Spec.GKE; b != nil {
		g.block = *b
	}
	if p := g.place(); p != nil {
		return g.Refused(*p), nil
	}
	g.project = g.knownProject()

	out := backend.Cluster{Parts: backend.CloudParts()}
	plan := func(ms ...backend.Managed) {
		for _, m := range ms {
			out.Resources = append(out.Resources, g.Resource(m))
		}
	}
	protect := func(part string, of backend.Managed, by ...backend.Managed) {
		for _, b := range by {
			out.Resources = append(out.Resources, g.Protect("usage-"+of.Name+"-"+b.Name, part, of, b))
		}
	}

	network, subnetwork, router, nat := g.network()
	firewall := g.firewall()
	identity, roles := g.nodeIdentity()
	cluster := g.cluster()
	pool := g.nodePool(roles)
	out.ProtectedRefs = []v1alpha1.ObjectReference{g.keeper(cluster)}
	if g.Adopted() {
		plan(cluster)
		g.access(&out, nil)
		return out, nil
	}

	if g.block.ExistingNetwork == nil {
		plan(network, subnetwork, router, nat, firewall)
		protect(backend.PartNetwork, network, subnetwork, router, firewall)
		protect(backend.PartNetwork, router, nat)
		protect(backend.PartNodes, nat, pool)
		protect(backend.PartNodes, firewall, pool)
		protect(backend.PartControlPlane, subnetwork, cluster)
	}
	plan(identity)
	plan(roles...)
	plan(cluster, pool)
	// A role that is bound to nobody any more cannot be taken back.
	protect(backend.PartNetwork, identity, roles...)
	protect(backend.PartNodes, identity, pool)
	protect(backend.PartNodes, cluster, pool)
	// What a chart runs when it is uninstalled needs nodes.
	out.ProtectedRefs = append(out.ProtectedRefs, g.keeper(pool))

	var key []backend.Managed
	if g.block.Authentication == v1alpha1.GKEAuthenticationServiceAccountKey {
		account, role, k := g.accessIdentity()
		key = []backend.Managed{role, k}
		plan(account, role, k)
		protect(backend.PartAccess, account, role, k)
		out.ProtectedRefs = append(out.ProtectedRefs, g.keeper(role), g.keeper(k))
	}
	g.access(&out, key)
	return out, nil
}

// A gkePlan is what is known while a cluster is planned.
type gkePlan struct {
	backend.Cloud

	tables gkeTables
	block  v1alpha1.GKECluster

	// region and zones by Google Cloud's names; machine is the type of the nodes.
	region  string
	zones   []string
	machine string

	// project of the cluster; empty until known.
	project string
}

// place finds region, zones and machine type.
func (g *gkePlan) place() *compose.Problem {
	spec := g.In.Claim.Spec
	g.region = g.block.Region
	var p *compose.Problem
	if g.region == "" {
		if g.region, p = backend.Lookup("region", g.tables.Regions, spec.Region, v1alpha1.ProviderGKE); p != nil {
			return p
		}
	}
	letters, p := backend.Lookup("gke.region", g.tables.Zones, g.region, v1alpha1.ProviderGKE)
	if p != nil {
		return p
	}
	g.machine = g.block.MachineType
	if g.machine == "" {
		if g.machine, p = backend.Lookup("nodes.instanceSize", g.tables.Machines[spec.Nodes.Architecture], spec.Nodes.InstanceSize, v1alpha1.ProviderGKE); p != nil {
			return p
		}
		if spec.Nodes.Architecture == v1alpha1.ArchitectureARM64 && !g.Adopted() {
			if letters, p = backend.Lookup("nodes.architecture arm64 in region", g.tables.ArmZones, g.region, v1alpha1.ProviderGKE); p != nil {
				p.Message += ". Elsewhere give gke.machineType, gke.diskType and gke.storageClass, for example of c4a machines"
				return p
			}
		}
	}
	for _, l := range letters {
		g.zones = append(g.zones, g.region+"-"+string(l))
	}
	if z := append(slices.Clone(g.block.NodeLocations), g.block.Location); !g.has(z) {
		return &compose.Problem{ConditionType: backend.PartNetwork, Reason: "UnsupportedValue", Message: fmt.Sprintf(
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
	return g.Observed(gkeNodeIdentity, "status", "atProvider", "project")
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
	return compose.NameMax(gkeMaxName, g.In.Claim.Namespace, "observe", g.In.Claim.Name, resource)
}

func (g *gkePlan) identityName(resource string) string {
	return compose.NameMax(gkeMaxIdentity, g.In.Claim.Namespace, "observe", g.In.Claim.Name, resource)
}

// labels of what costs money.
func (g *gkePlan) labels() map[string]any {
	return g.Tags(map[string]any{"observe-k8s": g.gcpName(gkeControlPlane)})
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

func (g *gkePlan) keeper(m backend.Managed) v1alpha1.ObjectReference {
	return g.Reference(m.APIVersion, m.Kind, m.Name)
}

// network for a cluster that has none yet: private, with one way out.
func (g *gkePlan) network() (network, subnetwork, router, nat backend.Managed) {
	pods, services := gkePodCIDR, gkeServiceCIDR
	if c := g.block.PodCIDR; c != "" {
		pods = string(c)
	}
	if c := g.block.ServiceCIDR; c != "" {
		services = string(c)
	}
	network = backend.Managed{
		Name: gkeNetwork, Part: backend.PartNetwork, APIVersion: gcpCompute, Kind: "Network", ExternalName: g.gcpName(gkeNetwork),
		ForProvider: g.with(map[string]any{"autoCreateSubnetworks": false, "routingMode": "REGIONAL"}),
	}
	subnetwork = backend.Managed{
		Name: gkeSubnetwork, Part: backend.PartNetwork, APIVersion: gcpCompute, Kind: "Subnetwork", ExternalName: g.gcpName(gkeSubnetwork),
		Gate: g.After(gkeNetwork),
		ForProvider: g.with(map[string]any{
			"region":                g.region,
			"networkRef":            g.Ref(gkeNetwork),
			"ipCidrRange":           g.CIDR(),
			"privateIpGoogleAccess": true,
			"secondaryIpRange": []any{
				map[string]any{"rangeName": gkeRangePods, "ipCidrRange": pods},
				map[string]any{"rangeName": gkeRangeServices, "ipCidrRange": services},
			},
		}),
	}
	router = backend.Managed{
		Name: gkeRouter, Part: backend.PartNetwork, APIVersion: gcpCompute, Kind: "Router", ExternalName: g.gcpName(gkeRouter),
		Gate:        g.After(gkeNetwork),
		ForProvider: g.with(map[string]any{"region": g.region, "networkRef": g.Ref(gkeNetwork)}),
	}
	nat = backend.Managed{
		Name: gkeNAT, Part: backend.PartNetwork, APIVersion: gcpCompute, Kind: "RouterNAT", ExternalName: g.gcpName(gkeNAT),
		Gate: g.After(gkeRouter, gkeSubnetwork),
		ForProvider: g.with(map[string]any{
			"region":                        g.region,
			"routerRef":                     g.Ref(gkeRouter),
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
func (g *gkePlan) firewall() backend.Managed {
	return backend.Managed{
		Name: gkeFirewall, Part: backend.PartNetwork, APIVersion: gcpCompute, Kind: "Firewall", ExternalName: g.gcpName(gkeFirewall),
		Gate: g.After(gkeSubnetwork),
		ForProvider: g.with(map[string]any{
			"networkRef":   g.Ref(gkeNetwork),
			"direction":    "INGRESS",
			"sourceRanges": []any{g.controlPlaneCIDR()},
			"allow":        []any{map[string]any{"protocol": "tcp"}},
		}),
	}
}

// nodeIdentity is who the nodes are, with nothing but what nodes need. Google's
// default for nodes may change everything in the project.
func (g *gkePlan) nodeIdentity() (identity backend.Managed, roles []backend.Managed) {
	identity = backend.Managed{
		Name: gkeNodeIdentity, Part: backend.PartNetwork, APIVersion: gcpIdentity, Kind: "ServiceAccount", ExternalName: g.identityName(gkeNodeIdentity),
		ForProvider: g.with(map[string]any{"displayName": "Nodes of " + g.gcpName(gkeControlPlane)}),
	}
	for _, name := range slices.Sorted(maps.Keys(g.tables.NodeRoles)) {
		roles = append(roles, g.grant(gkeNodeRole+name, backend.PartNetwork, gkeNodeIdentity, g.tables.NodeRoles[name]))
	}
	return identity, roles
}

// grant a role to an identity.
func (g *gkePlan) grant(name, part, identity, role string) backend.Managed {
	m := backend.Managed{Name: name, Part: part, APIVersion: gcpIdentity, Kind: "ProjectIAMMember", Gate: g.After(identity)}
	if g.project != "" {
		m.ForProvider = map[string]any{"project": g.project, "role": role, "member": "serviceAccount:" + g.email(identity)}
	}
	return m
}

// cluster is the control plane. The node pool that GKE makes with it goes at
// once: it could not be changed without a new cluster.
func (g *gkePlan) cluster() backend.Managed {
	m := backend.Managed{
		Name: gkeControlPlane, Part: backend.PartControlPlane, APIVersion: gcpContainer, Kind: "Cluster",
		ExternalName: g.gcpName(gkeControlPlane), ConnectionSecret: "kubeconfig",
		Ready: g.atVersion("masterVersion"),
	}
	if g.Adopted() {
		m.ExternalName = g.ClusterName()
		m.ForProvider = g.with(map[string]any{"location": g.location()})
		m.Ready = compose.Managed
		return m
	}
	m.Gate = g.After(gkeNodeIdentity)
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
			"enablePrivateEndpoint": g.block.EndpointAccess == v1alpha1.EndpointAccessPrivate,
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
	m.InitProvider = map[string]any{"nodeConfig": map[string]any{"serviceAccountRef": g.Ref(gkeNodeIdentity)}}
	if v := g.In.Claim.Spec.Version; v != "" {
		m.ForProvider["minMasterVersion"] = v
	}
	if n := g.block.ExistingNetwork; n != nil {
		m.ForProvider["network"], m.ForProvider["subnetwork"] = n.Name, n.Subnetwork
		m.ForProvider["ipAllocationPolicy"] = map[string]any{"clusterSecondaryRangeName": n.PodRangeName, "servicesSecondaryRangeName": n.ServiceRangeName}
		return m
	}
	m.Gate = m.Gate.And(g.After(gkeSubnetwork))
	m.ForProvider["networkRef"], m.ForProvider["subnetworkRef"] = g.Ref(gkeNetwork), g.Ref(gkeSubnetwork)
	m.ForProvider["ipAllocationPolicy"] = map[string]any{"clusterSecondaryRangeName": gkeRangePods, "servicesSecondaryRangeName": gkeRangeServices}
	return m
}

// authorized are the ranges that may reach the API server, in order: the same
// claim gives the same bytes.
func (g *gkePlan) authorized() map[string]any {
	blocks := []any{}
	for _, c := range g.Allowed() {
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
	if strings.HasPrefix(g.CIDR(), "172.16.") {
		return "192.168.0.0/28"
	}
	return "172.16.0.0/28"
}

// nodePool is the only one, scaled by GKE between the claim's limits.
func (g *gkePlan) nodePool(roles []backend.Managed) backend.Managed {
	n := g.In.Claim.Spec.Nodes
	needs := []string{gkeControlPlane}
	if g.block.ExistingNetwork == nil {
		needs = append(needs, gkeNAT, gkeFirewall)
	}
	for _, r := range roles {
		needs = append(needs, r.Name)
	}
	node := map[string]any{
		"machineType":            g.machine,
		"diskSizeGb":             backend.DiskGiB(n),
		"diskType":               cmp.Or(g.block.DiskType, "pd-balanced"),
		"imageType":              "COS_CONTAINERD",
		"oauthScopes":            []any{"https://www.googleapis.com/auth/cloud-platform"},
		"serviceAccountRef":      g.Ref(gkeNodeIdentity),
		"workloadMetadataConfig": map[string]any{"mode": "GKE_METADATA"},
		"resourceLabels":         g.labels(),
		"spot":                   n.CapacityType == v1alpha1.CapacityTypeSpot,
	}
	if n.Architecture == v1alpha1.ArchitectureARM64 {
		// GKE would keep everything off that does not tolerate Arm, and there are
		// no other nodes.
		node["taintConfig"] = map[string]any{"architectureTaintBehavior": "NONE"}
	} else {
		node["shieldedInstanceConfig"] = map[string]any{"enableSecureBoot": true, "enableIntegrityMonitoring": true}
	}
	policy := "BALANCED"
	if n.CapacityType == v1alpha1.CapacityTypeSpot {
		// Spare capacity is where it is.
		policy = "ANY"
	}
	zones, initial := g.zonesAndInitialCount()
	pool := map[string]any{
		"location":        g.location(),
		"clusterRef":      g.Ref(gkeControlPlane),
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
	return backend.Managed{
		Name: gkeNodePool, Part: backend.PartNodes, APIVersion: gcpContainer, Kind: "NodePool", ExternalName: g.gcpName(gkeNodePool),
		Gate: g.After(needs...), ForProvider: g.with(pool),
		InitProvider: map[string]any{"initialNodeCount": initial},
		Ready:        g.atVersion("version"),
	}
}

// zonesAndInitialCount says in which zones the nodes are, and with how many in each they
// begin: as many zones as can begin with the same number between the limits.
// Where they are already, they stay.
func (g *gkePlan) zonesAndInitialCount() (zones []any, initial int64) {
	n := g.In.Claim.Spec.Nodes
	if was := g.In.Observed[gkeNodePool]; was != nil && len(g.block.NodeLocations) == 0 {
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
	want := minor(g.In.Claim.Spec.Version)
	master := g.Observed(gkeControlPlane, "status", "atProvider", "masterVersion")
	nodes := g.Observed(gkeNodePool, "status", "atProvider", "version")
	switch {
	case want == 0 || nodes == "" || master == "":
		return g.Observed(gkeNodePool, "spec", "forProvider", "version")
	case minor(nodes) >= want:
		return ""
	case minor(master) < want:
		return g.Observed(gkeNodePool, "spec", "forProvider", "version")
	}
	return master
}

// atVersion judges something that is ready when it has the version asked for.
func (g *gkePlan) atVersion(field string) func(*unstructured.Unstructured) compose.Health {
	want := g.In.Claim.Spec.Version
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
func (g *gkePlan) accessIdentity() (account, role, key backend.Managed) {
	account = backend.Managed{
		Name: gkeIdentity, Part: backend.PartAccess, APIVersion: gcpIdentity, Kind: "ServiceAccount", ExternalName: g.identityName(gkeIdentity),
		ForProvider: g.with(map[string]any{"displayName": "Access to " + g.gcpName(gkeControlPlane)}),
	}
	role = g.grant(gkeRole, backend.PartAccess, gkeIdentity, "roles/container.admin")
	key = backend.Managed{
		Name: gkeKey, Part: backend.PartAccess, APIVersion: gcpIdentity, Kind: "ServiceAccountKey", ConnectionSecret: gkeKey,
		Gate:        g.After(gkeIdentity),
		ForProvider: map[string]any{"serviceAccountIdRef": g.Ref(gkeIdentity)},
	}
	return account, role, key
}

// access says how to reach the cluster. Its kubeconfig says where it is and
// whom to trust; who asks is the identity of the providers' pods, or that of a
// key.
func (g *gkePlan) access(out *backend.Cluster, key []backend.Managed) {
	ref := v1alpha1.SecretKeyReference{Name: g.Name("kubeconfig"), Key: "kubeconfig"}
	out.Requirements = append(out.Requirements, compose.Requirement{
		Name: backend.RequirementKubeconfig, APIVersion: "v1", Kind: "Secret", Namespace: g.In.Claim.Namespace, ObjectName: ref.Name,
	})
	identity := map[string]any{"type": "GoogleApplicationCredentials", "source": "InjectedIdentity"}
	if len(key) > 0 {
		identity = map[string]any{
			"type":      "GoogleApplicationCredentials",
			"source":    "Secret",
			"secretRef": map[string]any{"name": g.Name(gkeKey), "namespace": g.In.Claim.Namespace, "key": "private_key"},
		}
	}
	out.Config = backend.SecretConfig(g.In.Claim.Namespace, ref)
	out.Config["identity"] = identity

	needs := []string{gkeControlPlane}
	for _, m := range key {
		needs = append(needs, m.Name)
	}
	out.Waiting = g.After(needs...).Waiting
	secret := g.In.RequiredObject(backend.RequirementKubeconfig)
	if secret == nil {
		out.Waiting = "Waiting for the cluster's kubeconfig"
		return
	}
	server, err := backend.KubeconfigServer(secret, ref)
	if err != nil {
		out.Waiting = err.Message
		return
	}
	out.Access = &backend.Access{
		Connection:   v1alpha1.Connection{KubeconfigSecretRef: &ref, APIServerURL: server},
		Capabilities: v1alpha1.Capabilities{Architecture: g.In.Claim.Spec.Nodes.Architecture, StorageClassName: cmp.Or(g.block.StorageClassName, "standard-rwo")},
	}
	if g.block.GatewayAPI == "Standard" {
		out.Access.GatewayAPICRDs = v1alpha1.GatewayAPICRDsPreinstalled
	}
}
