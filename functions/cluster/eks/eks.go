// SPDX-License-Identifier: Apache-2.0

// Package eks makes clusters on Amazon Elastic Kubernetes Service.
package eks

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// API versions of the AWS providers' namespaced kinds.
const (
	ec2APIVersion = "ec2.aws.m.upbound.io/v1beta1"
	eksAPIVersion = "eks.aws.m.upbound.io/v1beta1"
	iamAPIVersion = "iam.aws.m.upbound.io/v1beta1"
	kmsAPIVersion = "kms.aws.m.upbound.io/v1beta1"
)

// Names of composed resources. They are API.
const (
	eksVPC            = "vpc"
	eksGateway        = "internet-gateway"
	eksAddress        = "nat-address"
	eksNAT            = "nat-gateway"
	eksPublicTable    = "route-table-public"
	eksPublicRoute    = "route-public"
	eksPrivateRoute   = "route-private"
	eksClusterRole    = "role-cluster"
	eksNodeRole       = "role-nodes"
	eksVolumeRole     = "role-volumes"
	eksKey            = "encryption-key"
	eksCluster        = "cluster"
	eksTemplate       = "launch-template"
	eksNodes          = "nodes"
	eksAuth           = "cluster-auth"
	eksVolumeIdentity = "pod-identity-volumes"
	eksAdminEntry     = "access-admin"
	eksAdminPolicy    = "access-policy-admin"
	eksStorageClass   = "storage-class"

	eksAddonNetwork  = "addon-vpc-cni"
	eksAddonProxy    = "addon-kube-proxy"
	eksAddonIdentity = "addon-pod-identity"
	eksAddonDNS      = "addon-coredns"
	eksAddonVolumes  = "addon-ebs-csi"
)

// eksClass is the storage class that is made.
const eksClass = "gp3"

// eksDevice is the root disk of Amazon Linux 2023.
const eksDevice = "/dev/xvda"

//go:embed tables.yaml
var file string

// tables of AWS's counterparts of neutral names.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var tables = sync.OnceValues(func() (eksTables, error) { return backend.Tables[eksTables](file) })

// eksTables are what the file says.
type eksTables struct {
	Regions       map[v1alpha1.Region]eksRegion             `json:"regions"`
	Sizes         map[v1alpha1.InstanceSize]string          `json:"sizes"`
	Architectures map[v1alpha1.Architecture]eksArchitecture `json:"architectures"`
}

// An eksRegion is a region of AWS with the zones that are used.
type eksRegion struct {
	Name  string   `json:"name"`
	Zones []string `json:"zones"`
}

// An eksArchitecture is what depends on the CPU.
type eksArchitecture struct {
	Image  string   `json:"image"`
	Family string   `json:"family"`
	Spare  []string `json:"spare"`
}

// A Backend is a cluster on Amazon Elastic Kubernetes Service.
type Backend struct{}

// Describe the place. Nothing adds nodes beyond nodes.minCount yet. They are counted
// up to nodes.maxCount all the same, so that what fits is the same on every cloud.
func (Backend) Describe(p v1alpha1.ClusterParameters) backend.Facts {
	region, machines := "", ""
	if b := p.EKS; b != nil {
		region = b.Region
		if len(b.InstanceTypes) > 0 {
			machines = "eks.instanceTypes"
		}
	}
	return backend.InCloud(p, region, machines)
}

// Plan says what makes the cluster and how it is reached.
func (Backend) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (backend.Cluster, error) {
	t, err := tables()
	if err != nil {
		return backend.Cluster{}, err
	}
	p, problems := newEKSPlan(in, t)
	if len(problems) > 0 {
		return p.Refused(problems...), nil
	}
	if p.Adopted() {
		return p.adopt(), nil
	}
	if err := p.network(); err != nil {
		return backend.Cluster{}, err
	}
	if err := p.identities(); err != nil {
		return backend.Cluster{}, err
	}
	p.controlPlane()
	p.nodes()
	p.addons()
	p.storage()
	p.protection()
	return p.cluster(eksNodes), nil
}

// An eksPlan is a plan on its way.
type eksPlan struct {
	backend.Cloud

	tables        eksTables
	spec          v1alpha1.EKSCluster
	region        eksRegion
	instanceTypes []any
	architecture  eksArchitecture
	resources     []compose.Resource
}

// newEKSPlan looks up what AWS has for what the claim says in neutral words.
func newEKSPlan(in compose.TypedRequest[v1alpha1.KubernetesCluster], t eksTables) (*eksPlan, []compose.Problem) {
	s := in.Claim.Spec
	p := &eksPlan{Cloud: backend.Cloud{In: in}, tables: t}
	if s.EKS != nil {
		p.spec = *s.EKS
	}
	var problems []compose.Problem
	add := func(pr *compose.Problem) {
		if pr != nil {
			problems = append(problems, *pr)
		}
	}

	var pr *compose.Problem
	p.region, pr = p.findRegion()
	add(pr)
	p.architecture, pr = backend.Lookup("nodes.architecture", p.tables.Architectures, s.Nodes.Architecture, s.Provider)
	add(pr)
	size, pr := backend.Lookup("nodes.instanceSize", p.tables.Sizes, s.Nodes.InstanceSize, s.Provider)
	add(pr)
	p.instanceTypes = []any{p.architecture.Family + "." + size}
	if s.Nodes.CapacityType == v1alpha1.CapacityTypeSpot {
		for _, f := range p.architecture.Spare {
			p.instanceTypes = append(p.instanceTypes, f+"."+size)
		}
	}
	if len(p.spec.InstanceTypes) > 0 {
		p.instanceTypes = make([]any, 0, len(p.spec.InstanceTypes))
		for _, t := range p.spec.InstanceTypes {
			p.instanceTypes = append(p.instanceTypes, string(t))
		}
	}
	return p, problems
}

// findRegion by its own name or by the neutral one.
func (p *eksPlan) findRegion() (eksRegion, *compose.Problem) {
	zones := make([]string, 0, len(p.spec.ZoneIDs))
	for _, z := range p.spec.ZoneIDs {
		zones = append(zones, string(z))
	}
	if p.spec.Region == "" {
		r, pr := backend.Lookup("region", p.tables.Regions, p.In.Claim.Spec.Region, p.In.Claim.Spec.Provider)
		if len(zones) > 0 {
			r.Zones = zones
		}
		return r, pr
	}
	if len(zones) > 0 || p.spec.ExistingNetwork != nil || p.Adopted() {
		return eksRegion{p.spec.Region, zones}, nil
	}
	for _, r := range p.tables.Regions {
		if r.Name == p.spec.Region {
			return r, nil
		}
	}
	return eksRegion{}, &compose.Problem{ConditionType: backend.PartNetwork, Reason: "ZonesUnknown", Message: fmt.Sprintf(
		"The zones of region %s are not in the table of this version. Name two or three by ID in eks.zoneIDs", p.spec.Region)}
}

// add a managed resource with what all of them have.
func (p *eksPlan) add(m backend.Managed) { p.resources = append(p.resources, p.Resource(m)) }

// private and public subnets, by number of the zone.
func eksSubnet(kind string, zone int) string { return fmt.Sprintf("subnet-%s-%d", kind, zone) }

// network makes a VPC whose private subnets reach the internet through a NAT
// gateway and whose public ones hold that and load balancers.
//
// The private subnets use the VPC's main route table, so one that somebody adds
// is private until said otherwise. Routes and associations die with tables and
// subnets, which AWS does not give up while something is in them: so the way out
// stays for as long as there are nodes.
func (p *eksPlan) network() error {
	if p.spec.ExistingNetwork != nil {
		return nil
	}
	private, public, err := eksSubnetCIDRs(p.CIDR(), len(p.region.Zones))
	if err != nil {
		return err
	}
	p.add(p.ec2(eksVPC, "VPC", compose.Gate{}, map[string]any{
		"cidrBlock":          p.CIDR(),
		"enableDnsSupport":   true,
		"enableDnsHostnames": true,
		"tags":               p.named(eksVPC, nil),
	}))
	inVPC := p.After(eksVPC)
	p.add(p.ec2(eksGateway, "InternetGateway", inVPC, map[string]any{
		"vpcIdRef": p.Ref(eksVPC),
		"tags":     p.named(eksGateway, nil),
	}))
	for i, zone := range p.region.Zones {
		p.subnet(eksSubnet("private", i), zone, private[i], inVPC, map[string]any{
			"kubernetes.io/role/internal-elb": "1",
			"karpenter.sh/discovery":          p.ClusterName(),
		})
		p.subnet(eksSubnet("public", i), zone, public[i], inVPC, map[string]any{"kubernetes.io/role/elb": "1"})
	}

	withGateway := p.After(eksGateway)
	p.add(p.ec2(eksPublicTable, "RouteTable", withGateway, map[string]any{
		"vpcIdRef": p.Ref(eksVPC),
		"tags":     p.named(eksPublicTable, nil),
	}))
	p.add(diesWithParent(p.ec2(eksPublicRoute, "Route", p.After(eksPublicTable), map[string]any{
		"destinationCidrBlock": "0.0.0.0/0",
		"gatewayIdRef":         p.Ref(eksGateway),
		"routeTableIdRef":      p.Ref(eksPublicTable),
	})))
	for i := range p.region.Zones {
		subnet := eksSubnet("public", i)
		p.add(diesWithParent(p.ec2("route-table-association-"+subnet, "RouteTableAssociation", p.After(eksPublicTable, subnet), map[string]any{
			"routeTableIdRef": p.Ref(eksPublicTable),
			"subnetIdRef":     p.Ref(subnet),
		})))
	}
	p.nat(withGateway)
	return nil
}

// nat makes the private subnets' way out.
func (p *eksPlan) nat(gate compose.Gate) {
	nat := map[string]any{"connectivityType": "public", "tags": p.named(eksNAT, nil)}
	if p.spec.NATGatewayMode == v1alpha1.NATGatewayPerZone {
		nat["availabilityMode"] = "regional"
		nat["vpcIdRef"] = p.Ref(eksVPC)
	} else {
		p.add(p.ec2(eksAddress, "EIP", gate, map[string]any{"domain": "vpc", "tags": p.named(eksAddress, nil)}))
		nat["allocationIdRef"] = p.Ref(eksAddress)
		nat["subnetIdRef"] = p.Ref(eksSubnet("public", 0))
		gate = p.After(eksAddress, eksPublicRoute, "route-table-association-"+eksSubnet("public", 0))
	}
	p.add(p.ec2(eksNAT, "NATGateway", gate, nat))

	route := diesWithParent(p.ec2(eksPrivateRoute, "Route", p.After(eksNAT), nil))
	// Nobody can refer to the main table: the VPC says which it is.
	table := p.Observed(eksVPC, "status", "atProvider", "mainRouteTableId")
	if table == "" {
		table = p.Observed(eksPrivateRoute, "spec", "forProvider", "routeTableId")
	}
	if table != "" {
		route.ForProvider = p.inRegion(map[string]any{
			"destinationCidrBlock": "0.0.0.0/0",
			"natGatewayIdRef":      p.Ref(eksNAT),
			"routeTableId":         table,
		})
	}
	p.add(route)
}

// subnet in one zone, with the tags that load balancers and autoscalers look
// for.
func (p *eksPlan) subnet(name, zone, cidr string, gate compose.Gate, tags map[string]any) {
	tags["kubernetes.io/cluster/"+p.ClusterName()] = "shared"
	p.add(p.ec2(name, "Subnet", gate, map[string]any{
		"availabilityZoneId": zone,
		"cidrBlock":          cidr,
		"vpcIdRef":           p.Ref(eksVPC),
		"tags":               p.named(name, tags),
	}))
}

// eksSubnetCIDRs divides a network: a quarter of it for the private subnet of
// each zone, and of the last quarter a quarter for each public one.
func eksSubnetCIDRs(cidr string, zones int) (private, public []string, err error) {
	network, err := netip.ParsePrefix(cidr)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read network.cidr: %w", err)
	}
	last := eksQuarter(network, 3)
	for i := range zones {
		private = append(private, eksQuarter(network, i).String())
		public = append(public, eksQuarter(last, i).String())
	}
	return private, public, nil
}

// eksQuarter is the nth quarter of a network.
func eksQuarter(network netip.Prefix, n int) netip.Prefix {
	bits := network.Bits() + 2
	a := network.Addr().As4()
	v := uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
	v += uint32(n) << (32 - bits) //nolint:gosec // n is 0 to 3.
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), bits)
}

// identities of the control plane, the nodes and the volumes' driver. A role
// brings its policies itself: one that goes takes them along, not before.
func (p *eksPlan) identities() error {
	roles := []struct {
		name, service string
		actions       []string
		policies      []any
	}{
		{eksClusterRole, "eks.amazonaws.com", []string{"sts:AssumeRole"}, []any{
			"arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",
		}},
		{eksNodeRole, "ec2.amazonaws.com", []string{"sts:AssumeRole"}, []any{
			"arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
			"arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
			"arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy",
		}},
		{eksVolumeRole, "pods.eks.amazonaws.com", []string{"sts:AssumeRole", "sts:TagSession"}, []any{
			"arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy",
		}},
	}
	for _, r := range roles {
		trust, err := json.Marshal(map[string]any{
			"Version": "2012-10-17",
			"Statement": []any{map[string]any{
				"Action": r.actions, "Effect": "Allow", "Principal": map[string]any{"Service": r.service},
			}},
		})
		if err != nil {
			return fmt.Errorf("cannot write the trust policy of %s: %w", r.name, err)
		}
		p.add(backend.Managed{Name: r.name, Part: backend.PartNetwork, APIVersion: iamAPIVersion, Kind: "Role", ForProvider: map[string]any{
			"assumeRolePolicy":    string(trust),
			"forceDetachPolicies": true,
			"managedPolicyArns":   r.policies,
			"tags":                p.Tags(nil),
		}})
	}
	if p.spec.EncryptSecrets {
		p.add(backend.Managed{Name: eksKey, Part: backend.PartNetwork, APIVersion: kmsAPIVersion, Kind: "Key", ForProvider: p.inRegion(map[string]any{
			"description":          "Secrets of Kubernetes cluster " + p.ClusterName(),
			"deletionWindowInDays": int64(7),
			"enableKeyRotation":    true,
			"tags":                 p.Tags(nil),
		})})
	}
	return nil
}

// controlPlane makes the cluster and the ways into it.
func (p *eksPlan) controlPlane() {
	gate := p.After(eksClusterRole).And(p.After(p.ownSubnets()...))
	vpc := map[string]any{
		"endpointPrivateAccess": true,
		"endpointPublicAccess":  p.spec.EndpointAccess != v1alpha1.EndpointAccessPrivate,
	}
	if p.spec.EndpointAccess != v1alpha1.EndpointAccessPrivate {
		vpc["publicAccessCidrs"] = p.Allowed()
		if len(p.Allowed()) == 0 {
			vpc["publicAccessCidrs"] = []any{"0.0.0.0/0"}
		}
	}
	p.inSubnets(vpc, true)
	c := p.inRegion(map[string]any{
		"accessConfig": map[string]any{
			"authenticationMode": "API",
			// Whoever makes it is Crossplane, which has to install into it.
			"bootstrapClusterCreatorAdminPermissions": true,
		},
		// Add-ons that EKS does not manage would not be upgraded by it.
		"bootstrapSelfManagedAddons": false,
		"roleArnRef":                 p.Ref(eksClusterRole),
		"vpcConfig":                  vpc,
		"tags":                       p.Tags(nil),
	})
	if v := p.In.Claim.Spec.Version; v != "" {
		c["version"] = v
	}
	if len(p.spec.ControlPlaneLogs) > 0 {
		logs := make([]any, 0, len(p.spec.ControlPlaneLogs))
		for _, l := range p.spec.ControlPlaneLogs {
			logs = append(logs, string(l))
		}
		c["enabledClusterLogTypes"] = logs
	}
	if p.spec.EncryptSecrets {
		// There is no reference to a key: its provider says what it is called.
		arn := p.Observed(eksKey, "status", "atProvider", "arn")
		if arn == "" {
			arn = p.Observed(eksCluster, "spec", "forProvider", "encryptionConfig", "provider", "keyArn")
		}
		gate = gate.And(compose.WaitFor(arn != "", "Waiting for "+eksKey))
		c["encryptionConfig"] = map[string]any{"provider": map[string]any{"keyArn": arn}, "resources": []any{"secrets"}}
		if arn == "" {
			// What exists is kept as it is.
			c = nil
		}
	}
	p.add(backend.Managed{Name: eksCluster, Part: backend.PartControlPlane, APIVersion: eksAPIVersion, Kind: "Cluster", Gate: gate, ForProvider: c})
	p.auth(p.After(eksCluster), map[string]any{"clusterNameRef": p.Ref(eksCluster)})
	if p.spec.AdminRoleARN == "" {
		return
	}
	p.add(diesWithParent(p.inEKS(eksAdminEntry, "AccessEntry", backend.PartControlPlane, p.After(eksCluster), map[string]any{
		"principalArn": p.spec.AdminRoleARN,
		"type":         "STANDARD",
		"tags":         p.Tags(nil),
	})))
	p.add(diesWithParent(p.inEKS(eksAdminPolicy, "AccessPolicyAssociation", backend.PartControlPlane, p.After(eksAdminEntry), map[string]any{
		"accessScope":  map[string]any{"type": "cluster"},
		"policyArn":    "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
		"principalArn": p.spec.AdminRoleARN,
	})))
}

// auth writes the kubeconfig. Nothing in AWS stands for it.
func (p *eksPlan) auth(gate compose.Gate, cluster map[string]any) {
	cluster["refreshPeriod"] = "10m0s"
	p.add(backend.Managed{
		Name: eksAuth, Part: backend.PartControlPlane, APIVersion: eksAPIVersion, Kind: "ClusterAuth", Gate: gate,
		ForProvider: p.inRegion(cluster), ConnectionSecret: "kubeconfig", IgnoreManagementPolicies: true,
	})
}

// nodes make the node group and what its machines look like.
func (p *eksPlan) nodes() {
	s := p.In.Claim.Spec.Nodes
	tags := p.named(eksNodes, nil)
	name := p.Name(eksTemplate)
	p.add(backend.Managed{Name: eksTemplate, Part: backend.PartNodes, APIVersion: ec2APIVersion, Kind: "LaunchTemplate", Gate: p.After(eksCluster), ForProvider: p.inRegion(map[string]any{
		"name": name,
		"blockDeviceMappings": []any{map[string]any{
			"deviceName": eksDevice,
			"ebs":        map[string]any{"deleteOnTermination": "true", "encrypted": "true", "volumeSize": backend.DiskGiB(s), "volumeType": "gp3"},
		}},
		// With one hop no pod gets the node's credentials.
		"metadataOptions": map[string]any{"httpEndpoint": "enabled", "httpPutResponseHopLimit": int64(1), "httpTokens": "required"},
		"tagSpecifications": []any{
			map[string]any{"resourceType": "instance", "tags": tags},
			map[string]any{"resourceType": "volume", "tags": tags},
		},
		"tags": p.Tags(nil),
	})})

	group := map[string]any{
		"amiType":        p.architecture.Image,
		"capacityType":   "ON_DEMAND",
		"instanceTypes":  p.instanceTypes,
		"launchTemplate": map[string]any{"name": name, "version": p.templateVersion()},
		"nodeRoleArnRef": p.Ref(eksNodeRole),
		"scalingConfig":  map[string]any{"maxSize": s.MaxCount, "minSize": s.MinCount},
		"tags":           p.Tags(nil),
		"updateConfig":   map[string]any{"maxUnavailablePercentage": int64(33)},
	}
	if s.CapacityType == v1alpha1.CapacityTypeSpot {
		group["capacityType"] = "SPOT"
	}
	p.inSubnets(group, false)
	if v := p.nodeVersion(); v != "" {
		group["version"] = v
	}
	gate := p.After(eksCluster, eksTemplate, eksNodeRole).And(compose.WaitFor(p.In.IsObserved(eksAddonNetwork), "Waiting for "+eksAddonNetwork))
	if p.spec.ExistingNetwork == nil {
		// Without a way out they would never join.
		gate = gate.And(p.After(eksPrivateRoute))
	}
	m := p.inEKS(eksNodes, "NodeGroup", backend.PartNodes, gate, group)
	// From then on the autoscaler decides.
	m.InitProvider = map[string]any{"scalingConfig": map[string]any{"desiredSize": s.MinCount}}
	p.add(m)
}

// templateVersion is the newest one, by number: a change of the template then
// replaces the nodes. While it is not reported, the nodes keep theirs.
func (p *eksPlan) templateVersion() string {
	if o := p.In.Observed[eksTemplate]; o != nil {
		if v, ok, err := unstructured.NestedInt64(o.Object, "status", "atProvider", "latestVersion"); ok && err == nil {
			return fmt.Sprintf("%d", v)
		}
	}
	if v := p.Observed(eksNodes, "spec", "forProvider", "launchTemplate", "version"); v != "" {
		return v
	}
	return "1"
}

// nodeVersion is the version asked for, as soon as the control plane has it:
// nodes may be older, never newer.
func (p *eksPlan) nodeVersion() string {
	has := p.Observed(eksNodes, "spec", "forProvider", "version")
	if has == "" || p.upgraded() {
		return p.In.Claim.Spec.Version
	}
	return has
}

// upgraded says that the control plane has the version that was asked for.
func (p *eksPlan) upgraded() bool {
	want := p.In.Claim.Spec.Version
	return p.Observed(eksCluster, "status", "atProvider", "version") == want && compose.IsReady(p.In.Observed[eksCluster])
}

// addons of EKS. They die with the cluster: deleted on their own they would take
// network and volumes from what is still being taken down.
func (p *eksPlan) addons() {
	p.addon(eksAddonNetwork, "vpc-cni", p.After(eksCluster))
	p.addon(eksAddonProxy, "kube-proxy", p.After(eksCluster))
	p.addon(eksAddonIdentity, "eks-pod-identity-agent", p.After(eksCluster))
	p.add(diesWithParent(p.inEKS(eksVolumeIdentity, "PodIdentityAssociation", backend.PartNodes, p.After(eksCluster, eksVolumeRole), map[string]any{
		"namespace":      "kube-system",
		"roleArnRef":     p.Ref(eksVolumeRole),
		"serviceAccount": "ebs-csi-controller-sa",
		"tags":           p.Tags(nil),
	})))
	p.addon(eksAddonDNS, "coredns", p.After(eksNodes))
	// A pod gets an identity only when it starts.
	p.addon(eksAddonVolumes, "aws-ebs-csi-driver", p.After(eksNodes, eksAddonIdentity, eksVolumeIdentity))
}

func (p *eksPlan) addon(name, addon string, gate compose.Gate) {
	forProvider := map[string]any{
		"addonName": addon,
		// Nobody else configures them, and what a cluster brings itself gives way.
		"resolveConflictsOnCreate": "OVERWRITE",
		"resolveConflictsOnUpdate": "OVERWRITE",
		"tags":                     p.Tags(nil),
	}
	if v := p.addonVersion(name, addon); v != "" {
		forProvider["addonVersion"] = v
	}
	p.add(diesWithParent(p.inEKS(name, "Addon", backend.PartNodes, gate, forProvider)))
}

// addonVersion is the version asked for, if any, as soon as the control plane
// has the one that was asked for: EKS refuses what does not fit it.
func (p *eksPlan) addonVersion(name, addon string) string {
	want := ""
	for _, a := range p.spec.Addons {
		if string(a.Name) == addon {
			want = string(a.Version)
		}
	}
	has := p.Observed(name, "spec", "forProvider", "addonVersion")
	// Without a version of Kubernetes there is no upgrade to wait for.
	if want == "" || has == "" || p.In.Claim.Spec.Version == "" || p.upgraded() {
		return want
	}
	return has
}

// storage is the class of encrypted volumes. EKS brings none of its own that
// fits.
func (p *eksPlan) storage() {
	ref := v1alpha1.ObjectReference{APIVersion: compose.KubernetesAPIVersion, Kind: "Object", Name: p.Name(eksStorageClass)}
	p.resources = append(p.resources, compose.Resource{
		Name:          eksStorageClass,
		ConditionType: backend.PartNodes,
		Gate:          p.After(eksAddonVolumes).And(compose.WaitFor(p.In.IsObserved(backend.ResourceKubernetes), "Waiting for "+backend.ResourceKubernetes)),
		Ready:         compose.Managed,
		Object: map[string]any{
			"apiVersion": ref.APIVersion,
			"kind":       ref.Kind,
			"metadata":   map[string]any{"name": ref.Name, "namespace": p.In.Claim.Namespace},
			"spec": map[string]any{
				// It dies with the cluster.
				"managementPolicies": []any{"Observe", "Create", "Update"},
				"providerConfigRef":  map[string]any{"kind": "ProviderConfig", "name": p.Name("access")},
				"readiness":          map[string]any{"policy": "DeriveFromCelQuery", "celQuery": `object.provisioner == "ebs.csi.aws.com"`},
				"forProvider": map[string]any{"manifest": map[string]any{
					"apiVersion":           "storage.k8s.io/v1",
					"kind":                 "StorageClass",
					"metadata":             map[string]any{"name": eksClass, "annotations": map[string]any{"storageclass.kubernetes.io/is-default-class": "true"}},
					"provisioner":          "ebs.csi.aws.com",
					"parameters":           map[string]any{"type": "gp3", "encrypted": "true"},
					"volumeBindingMode":    "WaitForFirstConsumer",
					"allowVolumeExpansion": true,
				}},
			},
		},
	})
}

// protection keeps what the teardown needs. AWS itself refuses to delete a VPC
// with subnets, a subnet with nodes and a cluster with node groups; it lets go
// of what is protected here.
func (p *eksPlan) protection() {
	auth := backend.Managed{APIVersion: eksAPIVersion, Kind: "ClusterAuth", Name: eksAuth}
	nodes := backend.Managed{APIVersion: eksAPIVersion, Kind: "NodeGroup", Name: eksNodes}
	c := backend.Managed{APIVersion: eksAPIVersion, Kind: "Cluster", Name: eksCluster}
	role := func(name string) backend.Managed {
		return backend.Managed{APIVersion: iamAPIVersion, Kind: "Role", Name: name}
	}

	p.resources = append(p.resources,
		// Uninstalling needs pods, and volumes are given back by one.
		p.Protect("usage-nodes", backend.PartNodes, nodes, auth),
		p.Protect("usage-role-volumes", backend.PartNodes, role(eksVolumeRole), auth),
		p.Protect("usage-role-nodes", backend.PartNodes, role(eksNodeRole), nodes),
		p.Protect("usage-role-cluster", backend.PartControlPlane, role(eksClusterRole), c),
	)
	if p.spec.ExistingNetwork == nil {
		p.resources = append(p.resources,
			p.Protect("usage-nat-gateway", backend.PartNodes, backend.Managed{APIVersion: ec2APIVersion, Kind: "NATGateway", Name: eksNAT}, nodes))
	}
	if p.spec.EncryptSecrets {
		p.resources = append(p.resources,
			p.Protect("usage-encryption-key", backend.PartControlPlane, backend.Managed{APIVersion: kmsAPIVersion, Kind: "Key", Name: eksKey}, c))
	}
}

// adopt looks at a cluster that is there. Only its kubeconfig is made.
func (p *eksPlan) adopt() backend.Cluster {
	p.add(backend.Managed{
		Name: eksCluster, Part: backend.PartControlPlane, APIVersion: eksAPIVersion, Kind: "Cluster",
		ExternalName: p.ClusterName(), ForProvider: p.inRegion(map[string]any{}),
	})
	p.auth(p.After(eksCluster), map[string]any{"clusterName": p.ClusterName()})
	c := p.cluster()
	c.Parts = []string{backend.PartControlPlane}
	return c
}

// cluster says how to reach it, once needs are ready.
func (p *eksPlan) cluster(needs ...string) backend.Cluster {
	ref := v1alpha1.SecretKeyReference{Name: p.Name("kubeconfig"), Key: "kubeconfig"}
	c := backend.Cluster{
		Parts:         backend.CloudParts(),
		Resources:     p.resources,
		Config:        backend.SecretConfig(p.In.Claim.Namespace, ref),
		ProtectedRefs: []v1alpha1.ObjectReference{p.Reference(eksAPIVersion, "ClusterAuth", eksAuth)},
		Waiting:       p.After(append([]string{eksAuth}, needs...)...).Waiting,
	}
	if c.Waiting != "" {
		return c
	}
	c.Access = &backend.Access{
		Connection:   v1alpha1.Connection{KubeconfigSecretRef: &ref, APIServerURL: p.Observed(eksCluster, "status", "atProvider", "endpoint")},
		Capabilities: v1alpha1.Capabilities{Architecture: p.In.Claim.Spec.Nodes.Architecture},
	}
	// The classes of a cluster that is only observed are unknown.
	if !p.Adopted() {
		c.Access.StorageClassName = eksClass
	}
	if was := p.In.Claim.Status.Connection; c.Access.APIServerURL == "" && was != nil {
		c.Access.APIServerURL = was.APIServerURL
	}
	return c
}

// ec2 is a managed resource of the network.
func (p *eksPlan) ec2(name, kind string, gate compose.Gate, forProvider map[string]any) backend.Managed {
	return backend.Managed{Name: name, Part: backend.PartNetwork, APIVersion: ec2APIVersion, Kind: kind, Gate: gate, ForProvider: p.inRegion(forProvider)}
}

// inEKS is a managed resource that belongs to the cluster.
func (p *eksPlan) inEKS(name, kind, part string, gate compose.Gate, forProvider map[string]any) backend.Managed {
	forProvider["clusterNameRef"] = p.Ref(eksCluster)
	return backend.Managed{Name: name, Part: part, APIVersion: eksAPIVersion, Kind: kind, Gate: gate, ForProvider: p.inRegion(forProvider)}
}

// inRegion puts a resource into the region.
func (p *eksPlan) inRegion(forProvider map[string]any) map[string]any {
	if forProvider != nil {
		forProvider["region"] = p.region.Name
	}
	return forProvider
}

// inSubnets puts something into the private subnets; the control plane takes the
// public ones too, to know where load balancers may be.
func (p *eksPlan) inSubnets(forProvider map[string]any, public bool) {
	if n := p.spec.ExistingNetwork; n != nil {
		ids := make([]any, 0, len(n.PrivateSubnetIDs)+len(n.PublicSubnetIDs))
		for _, id := range n.PrivateSubnetIDs {
			ids = append(ids, string(id))
		}
		if public {
			for _, id := range n.PublicSubnetIDs {
				ids = append(ids, string(id))
			}
		}
		forProvider["subnetIds"] = ids
		return
	}
	refs := make([]any, 0, 2*len(p.region.Zones))
	for i := range p.region.Zones {
		refs = append(refs, p.Ref(eksSubnet("private", i)))
	}
	if public {
		for i := range p.region.Zones {
			refs = append(refs, p.Ref(eksSubnet("public", i)))
		}
	}
	forProvider["subnetIdRefs"] = refs
}

// ownSubnets are those that are made.
func (p *eksPlan) ownSubnets() []string {
	if p.spec.ExistingNetwork != nil {
		return nil
	}
	out := make([]string, 0, 2*len(p.region.Zones))
	for i := range p.region.Zones {
		out = append(out, eksSubnet("private", i), eksSubnet("public", i))
	}
	return out
}

// named are the tags of what AWS shows by its tag Name.
func (p *eksPlan) named(resource string, over map[string]any) map[string]any {
	tags := p.Tags(over)
	tags["Name"] = p.ClusterName() + "/" + resource
	return tags
}

// diesWithParent marks what AWS removes together with what it belongs to.
func diesWithParent(m backend.Managed) backend.Managed {
	m.DeletedWithParent = true
	return m
}
