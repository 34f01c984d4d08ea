// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
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

// An eksRegion is a region of AWS with the zones that are used.
type eksRegion struct {
	name  string
	zones []string
}

// eksRegions are AWS's counterparts of the neutral regions, with three zones
// each, by ID, since zones' names mean another zone in every account.
//
// Regions and zones: https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html.
// Zones without EKS (use1-az3, usw1-az2, cac1-az3): https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html.
// Both as of 2026-11-22.
func eksRegions() map[v1alpha1.Region]eksRegion {
	return map[v1alpha1.Region]eksRegion{
		v1alpha1.RegionUSEast:             {"us-east-1", []string{"use1-az2", "use1-az4", "use1-az6"}},
		v1alpha1.RegionUSCentral:          {"us-east-2", []string{"use2-az1", "use2-az2", "use2-az3"}},
		v1alpha1.RegionUSWest:             {"us-west-2", []string{"usw2-az1", "usw2-az2", "usw2-az3"}},
		v1alpha1.RegionCanadaCentral:      {"ca-central-1", []string{"cac1-az1", "cac1-az2", "cac1-az4"}},
		v1alpha1.RegionBrazilSouth:        {"sa-east-1", []string{"sae1-az1", "sae1-az2", "sae1-az3"}},
		v1alpha1.RegionEuropeWest:         {"eu-west-1", []string{"euw1-az1", "euw1-az2", "euw1-az3"}},
		v1alpha1.RegionEuropeCentral:      {"eu-central-1", []string{"euc1-az1", "euc1-az2", "euc1-az3"}},
		v1alpha1.RegionEuropeNorth:        {"eu-north-1", []string{"eun1-az1", "eun1-az2", "eun1-az3"}},
		v1alpha1.RegionUKSouth:            {"eu-west-2", []string{"euw2-az1", "euw2-az2", "euw2-az3"}},
		v1alpha1.RegionIndiaWest:          {"ap-south-1", []string{"aps1-az1", "aps1-az2", "aps1-az3"}},
		v1alpha1.RegionAsiaSoutheast:      {"ap-southeast-1", []string{"apse1-az1", "apse1-az2", "apse1-az3"}},
		v1alpha1.RegionAsiaNortheast:      {"ap-northeast-1", []string{"apne1-az1", "apne1-az2", "apne1-az4"}},
		v1alpha1.RegionAustraliaSoutheast: {"ap-southeast-2", []string{"apse2-az1", "apse2-az2", "apse2-az3"}},
	}
}

// eksSizes are the sizes within a family of general-purpose instances. Their
// CPUs and memory are those of the neutral sizes:
// https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html, as of 2026-11-22.
func eksSizes() map[v1alpha1.InstanceSize]string {
	return map[v1alpha1.InstanceSize]string{
		v1alpha1.InstanceSizeSmall:  "large",
		v1alpha1.InstanceSizeMedium: "xlarge",
		v1alpha1.InstanceSizeLarge:  "2xlarge",
		v1alpha1.InstanceSizeXLarge: "4xlarge",
	}
}

// An eksArchitecture is what depends on the CPU.
type eksArchitecture struct {
	// image type of the nodes.
	image string
	// family of instances.
	family string
	// spare families, for spot nodes only: the more there are, the less often
	// all are taken back at once.
	spare []string
}

func eksArchitectures() map[v1alpha1.Architecture]eksArchitecture {
	return map[v1alpha1.Architecture]eksArchitecture{
		v1alpha1.ArchitectureAMD64: {"AL2023_x86_64_STANDARD", "m6i", []string{"m6a", "m5"}},
		v1alpha1.ArchitectureARM64: {"AL2023_ARM_64_STANDARD", "m6g", []string{"m7g"}},
	}
}

// eks is a cluster on Amazon Elastic Kubernetes Service.
type eks struct{}

// Plan says what makes the cluster and how it is reached.
func (eks) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (Cluster, error) {
	p, problems := newEKSPlan(in)
	if len(problems) > 0 {
		return p.refused(problems...), nil
	}
	if p.adopted() {
		return p.adopt(), nil
	}
	if err := p.network(); err != nil {
		return Cluster{}, err
	}
	if err := p.identities(); err != nil {
		return Cluster{}, err
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
	cloud

	spec          v1alpha1.EKSCluster
	region        eksRegion
	instanceTypes []any
	architecture  eksArchitecture
	resources     []compose.Resource
}

// newEKSPlan looks up what AWS has for what the claim says in neutral words.
func newEKSPlan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (*eksPlan, []compose.Problem) {
	s := in.Claim.Spec
	p := &eksPlan{cloud: cloud{in: in}}
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
	p.architecture, pr = lookup("nodes.architecture", eksArchitectures(), s.Nodes.Architecture, s.Provider)
	add(pr)
	size, pr := lookup("nodes.size", eksSizes(), s.Nodes.InstanceSize, s.Provider)
	add(pr)
	p.instanceTypes = []any{p.architecture.family + "." + size}
	if s.Nodes.Spot {
		for _, f := range p.architecture.spare {
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
		r, pr := lookup("region", eksRegions(), p.in.Claim.Spec.Region, p.in.Claim.Spec.Provider)
		if len(zones) > 0 {
			r.zones = zones
		}
		return r, pr
	}
	if len(zones) > 0 || p.spec.ExistingNetwork != nil || p.adopted() {
		return eksRegion{p.spec.Region, zones}, nil
	}
	for _, r := range eksRegions() {
		if r.name == p.spec.Region {
			return r, nil
		}
	}
	return eksRegion{}, &compose.Problem{ConditionType: ConditionNetworkReady, Reason: "ZonesUnknown", Message: fmt.Sprintf(
		"The zones of region %s are not in the table of this version. Name two or three by ID in eks.zones", p.spec.Region)}
}

// add a managed resource with what all of them have.
func (p *eksPlan) add(m managed) { p.resources = append(p.resources, p.resource(m)) }

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
	private, public, err := eksSubnetCIDRs(p.cidr(), len(p.region.zones))
	if err != nil {
		return err
	}
	p.add(p.ec2(eksVPC, "VPC", compose.Gate{}, map[string]any{
		"cidrBlock":          p.cidr(),
		"enableDnsSupport":   true,
		"enableDnsHostnames": true,
		"tags":               p.named(eksVPC, nil),
	}))
	inVPC := p.after(eksVPC)
	p.add(p.ec2(eksGateway, "InternetGateway", inVPC, map[string]any{
		"vpcIdRef": p.ref(eksVPC),
		"tags":     p.named(eksGateway, nil),
	}))
	for i, zone := range p.region.zones {
		p.subnet(eksSubnet("private", i), zone, private[i], inVPC, map[string]any{
			"kubernetes.io/role/internal-elb": "1",
			"karpenter.sh/discovery":          p.clusterName(),
		})
		p.subnet(eksSubnet("public", i), zone, public[i], inVPC, map[string]any{"kubernetes.io/role/elb": "1"})
	}

	withGateway := p.after(eksGateway)
	p.add(p.ec2(eksPublicTable, "RouteTable", withGateway, map[string]any{
		"vpcIdRef": p.ref(eksVPC),
		"tags":     p.named(eksPublicTable, nil),
	}))
	p.add(diesWithParent(p.ec2(eksPublicRoute, "Route", p.after(eksPublicTable), map[string]any{
		"destinationCidrBlock": "0.0.0.0/0",
		"gatewayIdRef":         p.ref(eksGateway),
		"routeTableIdRef":      p.ref(eksPublicTable),
	})))
	for i := range p.region.zones {
		subnet := eksSubnet("public", i)
		p.add(diesWithParent(p.ec2("route-table-association-"+subnet, "RouteTableAssociation", p.after(eksPublicTable, subnet), map[string]any{
			"routeTableIdRef": p.ref(eksPublicTable),
			"subnetIdRef":     p.ref(subnet),
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
		nat["vpcIdRef"] = p.ref(eksVPC)
	} else {
		p.add(p.ec2(eksAddress, "EIP", gate, map[string]any{"domain": "vpc", "tags": p.named(eksAddress, nil)}))
		nat["allocationIdRef"] = p.ref(eksAddress)
		nat["subnetIdRef"] = p.ref(eksSubnet("public", 0))
		gate = p.after(eksAddress, eksPublicRoute, "route-table-association-"+eksSubnet("public", 0))
	}
	p.add(p.ec2(eksNAT, "NATGateway", gate, nat))

	route := diesWithParent(p.ec2(eksPrivateRoute, "Route", p.after(eksNAT), nil))
	// Nobody can refer to the main table: the VPC says which it is.
	table := p.observed(eksVPC, "status", "atProvider", "mainRouteTableId")
	if table == "" {
		table = p.observed(eksPrivateRoute, "spec", "forProvider", "routeTableId")
	}
	if table != "" {
		route.ForProvider = p.inRegion(map[string]any{
			"destinationCidrBlock": "0.0.0.0/0",
			"natGatewayIdRef":      p.ref(eksNAT),
			"routeTableId":         table,
		})
	}
	p.add(route)
}

// subnet in one zone, with the tags that load balancers and autoscalers look
// for.
func (p *eksPlan) subnet(name, zone, cidr string, gate compose.Gate, tags map[string]any) {
	tags["kubernetes.io/cluster/"+p.clusterName()] = "shared"
	p.add(p.ec2(name, "Subnet", gate, map[string]any{
		"availabilityZoneId": zone,
		"cidrBlock":          cidr,
		"vpcIdRef":           p.ref(eksVPC),
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
		p.add(managed{Name: r.name, Part: ConditionNetworkReady, APIVersion: iamAPIVersion, Kind: "Role", ForProvider: map[string]any{
			"assumeRolePolicy":    string(trust),
			"forceDetachPolicies": true,
			"managedPolicyArns":   r.policies,
			"tags":                p.tags(nil),
		}})
	}
	if p.spec.EncryptSecrets {
		p.add(managed{Name: eksKey, Part: ConditionNetworkReady, APIVersion: kmsAPIVersion, Kind: "Key", ForProvider: p.inRegion(map[string]any{
			"description":          "Secrets of Kubernetes cluster " + p.clusterName(),
			"deletionWindowInDays": int64(7),
			"enableKeyRotation":    true,
			"tags":                 p.tags(nil),
		})})
	}
	return nil
}

// controlPlane makes the cluster and the ways into it.
func (p *eksPlan) controlPlane() {
	gate := p.after(eksClusterRole).And(p.after(p.ownSubnets()...))
	vpc := map[string]any{
		"endpointPrivateAccess": true,
		"endpointPublicAccess":  !p.spec.PrivateEndpointOnly,
	}
	if !p.spec.PrivateEndpointOnly {
		vpc["publicAccessCidrs"] = p.allowed()
		if len(p.allowed()) == 0 {
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
		"roleArnRef":                 p.ref(eksClusterRole),
		"vpcConfig":                  vpc,
		"tags":                       p.tags(nil),
	})
	if v := p.in.Claim.Spec.Version; v != "" {
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
		arn := p.observed(eksKey, "status", "atProvider", "arn")
		if arn == "" {
			arn = p.observed(eksCluster, "spec", "forProvider", "encryptionConfig", "provider", "keyArn")
		}
		gate = gate.And(compose.WaitFor(arn != "", "Waiting for "+eksKey))
		c["encryptionConfig"] = map[string]any{"provider": map[string]any{"keyArn": arn}, "resources": []any{"secrets"}}
		if arn == "" {
			// What exists is kept as it is.
			c = nil
		}
	}
	p.add(managed{Name: eksCluster, Part: ConditionControlPlaneReady, APIVersion: eksAPIVersion, Kind: "Cluster", Gate: gate, ForProvider: c})
	p.auth(p.after(eksCluster), map[string]any{"clusterNameRef": p.ref(eksCluster)})
	if p.spec.AdminRoleARN == "" {
		return
	}
	p.add(diesWithParent(p.inEKS(eksAdminEntry, "AccessEntry", ConditionControlPlaneReady, p.after(eksCluster), map[string]any{
		"principalArn": p.spec.AdminRoleARN,
		"type":         "STANDARD",
		"tags":         p.tags(nil),
	})))
	p.add(diesWithParent(p.inEKS(eksAdminPolicy, "AccessPolicyAssociation", ConditionControlPlaneReady, p.after(eksAdminEntry), map[string]any{
		"accessScope":  map[string]any{"type": "cluster"},
		"policyArn":    "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
		"principalArn": p.spec.AdminRoleARN,
	})))
}

// auth writes the kubeconfig. Nothing in AWS stands for it.
func (p *eksPlan) auth(gate compose.Gate, cluster map[string]any) {
	cluster["refreshPeriod"] = "10m0s"
	p.add(managed{
		Name: eksAuth, Part: ConditionControlPlaneReady, APIVersion: eksAPIVersion, Kind: "ClusterAuth", Gate: gate,
		ForProvider: p.inRegion(cluster), ConnectionSecret: "kubeconfig", ManagedAlways: true,
	})
}

// nodes make the node group and what its machines look like.
func (p *eksPlan) nodes() {
	s := p.in.Claim.Spec.Nodes
	tags := p.named(eksNodes, nil)
	name := p.name(eksTemplate)
	p.add(managed{Name: eksTemplate, Part: ConditionNodesReady, APIVersion: ec2APIVersion, Kind: "LaunchTemplate", Gate: p.after(eksCluster), ForProvider: p.inRegion(map[string]any{
		"name": name,
		"blockDeviceMappings": []any{map[string]any{
			"deviceName": eksDevice,
			"ebs":        map[string]any{"deleteOnTermination": "true", "encrypted": "true", "volumeSize": s.DiskGiB, "volumeType": "gp3"},
		}},
		// With one hop no pod gets the node's credentials.
		"metadataOptions": map[string]any{"httpEndpoint": "enabled", "httpPutResponseHopLimit": int64(1), "httpTokens": "required"},
		"tagSpecifications": []any{
			map[string]any{"resourceType": "instance", "tags": tags},
			map[string]any{"resourceType": "volume", "tags": tags},
		},
		"tags": p.tags(nil),
	})})

	group := map[string]any{
		"amiType":        p.architecture.image,
		"capacityType":   "ON_DEMAND",
		"instanceTypes":  p.instanceTypes,
		"launchTemplate": map[string]any{"name": name, "version": p.templateVersion()},
		"nodeRoleArnRef": p.ref(eksNodeRole),
		"scalingConfig":  map[string]any{"maxSize": s.MaxCount, "minSize": s.MinCount},
		"tags":           p.tags(nil),
		"updateConfig":   map[string]any{"maxUnavailablePercentage": int64(33)},
	}
	if s.Spot {
		group["capacityType"] = "SPOT"
	}
	p.inSubnets(group, false)
	if v := p.nodeVersion(); v != "" {
		group["version"] = v
	}
	gate := p.after(eksCluster, eksTemplate, eksNodeRole).And(compose.WaitFor(p.in.IsObserved(eksAddonNetwork), "Waiting for "+eksAddonNetwork))
	if p.spec.ExistingNetwork == nil {
		// Without a way out they would never join.
		gate = gate.And(p.after(eksPrivateRoute))
	}
	m := p.inEKS(eksNodes, "NodeGroup", ConditionNodesReady, gate, group)
	// From then on the autoscaler decides.
	m.InitProvider = map[string]any{"scalingConfig": map[string]any{"desiredSize": s.MinCount}}
	p.add(m)
}

// templateVersion is the newest one, by number: a change of the template then
// replaces the nodes. While it is not reported, the nodes keep theirs.
func (p *eksPlan) templateVersion() string {
	if o := p.in.Observed[eksTemplate]; o != nil {
		if v, ok, err := unstructured.NestedInt64(o.Object, "status", "atProvider", "latestVersion"); ok && err == nil {
			return fmt.Sprintf("%d", v)
		}
	}
	if v := p.observed(eksNodes, "spec", "forProvider", "launchTemplate", "version"); v != "" {
		return v
	}
	return "1"
}

// nodeVersion is the version asked for, as soon as the control plane has it:
// nodes may be older, never newer.
func (p *eksPlan) nodeVersion() string {
	has := p.observed(eksNodes, "spec", "forProvider", "version")
	if has == "" || p.upgraded() {
		return p.in.Claim.Spec.Version
	}
	return has
}

// upgraded says that the control plane has the version that was asked for.
func (p *eksPlan) upgraded() bool {
	want := p.in.Claim.Spec.Version
	return p.observed(eksCluster, "status", "atProvider", "version") == want && compose.IsReady(p.in.Observed[eksCluster])
}

// addons of EKS. They die with the cluster: deleted on their own they would take
// network and volumes from what is still being taken down.
func (p *eksPlan) addons() {
	p.addon(eksAddonNetwork, "vpc-cni", p.after(eksCluster))
	p.addon(eksAddonProxy, "kube-proxy", p.after(eksCluster))
	p.addon(eksAddonIdentity, "eks-pod-identity-agent", p.after(eksCluster))
	p.add(diesWithParent(p.inEKS(eksVolumeIdentity, "PodIdentityAssociation", ConditionNodesReady, p.after(eksCluster, eksVolumeRole), map[string]any{
		"namespace":      "kube-system",
		"roleArnRef":     p.ref(eksVolumeRole),
		"serviceAccount": "ebs-csi-controller-sa",
		"tags":           p.tags(nil),
	})))
	p.addon(eksAddonDNS, "coredns", p.after(eksNodes))
	// A pod gets an identity only when it starts.
	p.addon(eksAddonVolumes, "aws-ebs-csi-driver", p.after(eksNodes, eksAddonIdentity, eksVolumeIdentity))
}

func (p *eksPlan) addon(name, addon string, gate compose.Gate) {
	forProvider := map[string]any{
		"addonName": addon,
		// Nobody else configures them, and what a cluster brings itself gives way.
		"resolveConflictsOnCreate": "OVERWRITE",
		"resolveConflictsOnUpdate": "OVERWRITE",
		"tags":                     p.tags(nil),
	}
	if v := p.addonVersion(name, addon); v != "" {
		forProvider["addonVersion"] = v
	}
	p.add(diesWithParent(p.inEKS(name, "Addon", ConditionNodesReady, gate, forProvider)))
}

// addonVersion is the version asked for, if any, as soon as the control plane
// has the one that was asked for: EKS refuses what does not fit it.
func (p *eksPlan) addonVersion(name, addon string) string {
	want := string(p.spec.AddonVersions[addon])
	has := p.observed(name, "spec", "forProvider", "addonVersion")
	// Without a version of Kubernetes there is no upgrade to wait for.
	if want == "" || has == "" || p.in.Claim.Spec.Version == "" || p.upgraded() {
		return want
	}
	return has
}

// storage is the class of encrypted volumes. EKS brings none of its own that
// fits.
func (p *eksPlan) storage() {
	ref := v1alpha1.ObjectReference{APIVersion: compose.KubernetesAPIVersion, Kind: "Object", Name: p.name(eksStorageClass)}
	p.resources = append(p.resources, compose.Resource{
		Name:          eksStorageClass,
		ConditionType: ConditionNodesReady,
		Gate:          p.after(eksAddonVolumes).And(compose.WaitFor(p.in.IsObserved(resourceKubernetes), "Waiting for "+resourceKubernetes)),
		Ready:         compose.Managed,
		Object: map[string]any{
			"apiVersion": ref.APIVersion,
			"kind":       ref.Kind,
			"metadata":   map[string]any{"name": ref.Name, "namespace": p.in.Claim.Namespace},
			"spec": map[string]any{
				// It dies with the cluster.
				"managementPolicies": []any{"Observe", "Create", "Update"},
				"providerConfigRef":  map[string]any{"kind": "ProviderConfig", "name": p.name("access")},
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
	auth := managed{APIVersion: eksAPIVersion, Kind: "ClusterAuth", Name: eksAuth}
	nodes := managed{APIVersion: eksAPIVersion, Kind: "NodeGroup", Name: eksNodes}
	c := managed{APIVersion: eksAPIVersion, Kind: "Cluster", Name: eksCluster}
	role := func(name string) managed { return managed{APIVersion: iamAPIVersion, Kind: "Role", Name: name} }

	p.resources = append(p.resources,
		// Uninstalling needs pods, and volumes are given back by one.
		p.protect("usage-nodes", ConditionNodesReady, nodes, auth),
		p.protect("usage-role-volumes", ConditionNodesReady, role(eksVolumeRole), auth),
		p.protect("usage-role-nodes", ConditionNodesReady, role(eksNodeRole), nodes),
		p.protect("usage-role-cluster", ConditionControlPlaneReady, role(eksClusterRole), c),
	)
	if p.spec.ExistingNetwork == nil {
		p.resources = append(p.resources,
			p.protect("usage-nat-gateway", ConditionNodesReady, managed{APIVersion: ec2APIVersion, Kind: "NATGateway", Name: eksNAT}, nodes))
	}
	if p.spec.EncryptSecrets {
		p.resources = append(p.resources,
			p.protect("usage-encryption-key", ConditionControlPlaneReady, managed{APIVersion: kmsAPIVersion, Kind: "Key", Name: eksKey}, c))
	}
}

// adopt looks at a cluster that is there. Only its kubeconfig is made.
func (p *eksPlan) adopt() Cluster {
	p.add(managed{
		Name: eksCluster, Part: ConditionControlPlaneReady, APIVersion: eksAPIVersion, Kind: "Cluster",
		ExternalName: p.clusterName(), ForProvider: p.inRegion(map[string]any{}),
	})
	p.auth(p.after(eksCluster), map[string]any{"clusterName": p.clusterName()})
	c := p.cluster()
	c.Parts = []string{ConditionControlPlaneReady}
	return c
}

// cluster says how to reach it, once needs are ready.
func (p *eksPlan) cluster(needs ...string) Cluster {
	ref := v1alpha1.SecretKeyReference{Name: p.name("kubeconfig"), Key: "kubeconfig"}
	c := Cluster{
		Parts:     cloudParts(),
		Resources: p.resources,
		Config:    secretConfig(p.in.Claim.Namespace, ref),
		Keepers:   []v1alpha1.ObjectReference{p.reference(eksAPIVersion, "ClusterAuth", eksAuth)},
		Waiting:   p.after(append([]string{eksAuth}, needs...)...).Waiting,
	}
	if c.Waiting != "" {
		return c
	}
	c.Access = &v1alpha1.Access{
		KubeconfigSecretRef: &ref,
		APIServerURL:        p.observed(eksCluster, "status", "atProvider", "endpoint"),
		Architecture:        p.in.Claim.Spec.Nodes.Architecture,
		// Of a cluster that is only observed nobody knows which classes it has.
		StorageClassName: "",
	}
	if !p.adopted() {
		c.Access.StorageClassName = eksClass
	}
	if was := p.in.Claim.Status.Access; c.Access.APIServerURL == "" && was != nil {
		c.Access.APIServerURL = was.APIServerURL
	}
	return c
}

// ec2 is a managed resource of the network.
func (p *eksPlan) ec2(name, kind string, gate compose.Gate, forProvider map[string]any) managed {
	return managed{Name: name, Part: ConditionNetworkReady, APIVersion: ec2APIVersion, Kind: kind, Gate: gate, ForProvider: p.inRegion(forProvider)}
}

// inEKS is a managed resource that belongs to the cluster.
func (p *eksPlan) inEKS(name, kind, part string, gate compose.Gate, forProvider map[string]any) managed {
	forProvider["clusterNameRef"] = p.ref(eksCluster)
	return managed{Name: name, Part: part, APIVersion: eksAPIVersion, Kind: kind, Gate: gate, ForProvider: p.inRegion(forProvider)}
}

// inRegion puts a resource into the region.
func (p *eksPlan) inRegion(forProvider map[string]any) map[string]any {
	if forProvider != nil {
		forProvider["region"] = p.region.name
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
	refs := make([]any, 0, 2*len(p.region.zones))
	for i := range p.region.zones {
		refs = append(refs, p.ref(eksSubnet("private", i)))
	}
	if public {
		for i := range p.region.zones {
			refs = append(refs, p.ref(eksSubnet("public", i)))
		}
	}
	forProvider["subnetIdRefs"] = refs
}

// ownSubnets are those that are made.
func (p *eksPlan) ownSubnets() []string {
	if p.spec.ExistingNetwork != nil {
		return nil
	}
	out := make([]string, 0, 2*len(p.region.zones))
	for i := range p.region.zones {
		out = append(out, eksSubnet("private", i), eksSubnet("public", i))
	}
	return out
}

// named are the tags of what AWS shows by its tag Name.
func (p *eksPlan) named(resource string, over map[string]any) map[string]any {
	tags := p.tags(over)
	tags["Name"] = p.clusterName() + "/" + resource
	return tags
}

// diesWithParent marks what AWS removes together with what it belongs to.
func diesWithParent(m managed) managed {
	m.DiesWithParent = true
	return m
}
