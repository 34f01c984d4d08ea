// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Provider is where a cluster comes from.
type Provider string

// Providers of clusters. The schema admits those that can be composed.
const (
	// ProviderEKS is Amazon Elastic Kubernetes Service.
	ProviderEKS Provider = "EKS"
	// ProviderAKS is Azure Kubernetes Service.
	ProviderAKS Provider = "AKS"
	// ProviderGKE is Google Kubernetes Engine.
	ProviderGKE Provider = "GKE"
	// ProviderKind is kind: nodes as containers.
	ProviderKind Provider = "Kind"
	// ProviderK3d is k3d: k3s nodes as containers.
	ProviderK3d Provider = "K3d"
	// ProviderK3s is k3s on hosts of one's own.
	ProviderK3s Provider = "K3s"
	// ProviderExisting is a cluster that exists already.
	ProviderExisting Provider = "Existing"
)

// A Region is a place by its neutral name. Each cloud's counterpart is in the
// table of its backend; regions that have no neutral name are given in the
// provider's section.
// +kubebuilder:validation:Enum=us-east;us-central;us-west;canada-central;brazil-south;europe-west;europe-central;europe-north;uk-south;india-west;asia-southeast;asia-northeast;australia-southeast
type Region string

// Regions.
const (
	// RegionUSEast is the east of the United States.
	RegionUSEast Region = "us-east"
	// RegionUSCentral is the middle of the United States.
	RegionUSCentral Region = "us-central"
	// RegionUSWest is the west of the United States.
	RegionUSWest Region = "us-west"
	// RegionCanadaCentral is the middle of Canada.
	RegionCanadaCentral Region = "canada-central"
	// RegionBrazilSouth is the south of Brazil.
	RegionBrazilSouth Region = "brazil-south"
	// RegionEuropeWest is the west of the European Union.
	RegionEuropeWest Region = "europe-west"
	// RegionEuropeCentral is Germany.
	RegionEuropeCentral Region = "europe-central"
	// RegionEuropeNorth is the Nordic countries.
	RegionEuropeNorth Region = "europe-north"
	// RegionUKSouth is the south of the United Kingdom.
	RegionUKSouth Region = "uk-south"
	// RegionIndiaWest is the west of India.
	RegionIndiaWest Region = "india-west"
	// RegionAsiaSoutheast is Singapore.
	RegionAsiaSoutheast Region = "asia-southeast"
	// RegionAsiaNortheast is Japan.
	RegionAsiaNortheast Region = "asia-northeast"
	// RegionAustraliaSoutheast is the southeast of Australia.
	RegionAustraliaSoutheast Region = "australia-southeast"
)

// A TagValue is the value of a tag: what every cloud takes.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^[-_a-z0-9]*$')",message="a tag's value has lower-case letters, digits, - and _ only, as every cloud takes it"
type TagValue string

// A ManagementPolicy is something that Crossplane may do with a cloud's
// resources.
// +kubebuilder:validation:Enum=*;Observe;Create;Update;Delete;LateInitialize
type ManagementPolicy string

// Management policies, by Crossplane's names.
const (
	// ManageAll allows everything.
	ManageAll ManagementPolicy = "*"
	// ManageObserve allows to look.
	ManageObserve ManagementPolicy = "Observe"
	// ManageCreate allows to create what is missing.
	ManageCreate ManagementPolicy = "Create"
	// ManageUpdate allows to change what differs.
	ManageUpdate ManagementPolicy = "Update"
	// ManageDelete allows to delete. Without it the real thing stays.
	ManageDelete ManagementPolicy = "Delete"
	// ManageLateInitialize allows to note what the cloud chose.
	ManageLateInitialize ManagementPolicy = "LateInitialize"
)

// A CIDR is a range of IPv4 addresses.
// +kubebuilder:validation:MinLength=9
// +kubebuilder:validation:MaxLength=64
// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self).ip().family() == 4 && cidr(self) == cidr(self).masked()",message="must be an IPv4 range such as 203.0.113.0/24 that begins at its first address"
type CIDR string

// A Network says where a cluster that is made has its addresses, and who may
// reach its API server.
type Network struct {
	// CIDR of the cluster's network, 10.0.0.0/16 when empty: a private range
	// with room for subnets in three zones, from /16 to /20.
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || (cidr(self).prefixLength() >= 16 && cidr(self).prefixLength() <= 20)",message="network.cidr must be between /16 and /20: a smaller range has no room for the subnets of three zones, a larger one is not taken by every cloud"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || cidr('10.0.0.0/8').containsCIDR(self) || cidr('172.16.0.0/12').containsCIDR(self) || cidr('192.168.0.0/16').containsCIDR(self)",message="network.cidr must be a private range, within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
	// +optional
	CIDR CIDR `json:"cidr,omitempty"`

	// APIServerAllowedCIDRs may reach the API server from outside the network, Crossplane
	// among them. Everybody may when empty, with credentials.
	// +kubebuilder:validation:MaxItems=40
	// +listType=set
	// +optional
	APIServerAllowedCIDRs []CIDR `json:"apiServerAllowedCIDRs,omitempty"`
}

// A ProviderConfigKind is a kind of a cloud provider's configuration.
// +kubebuilder:validation:Enum=ProviderConfig;ClusterProviderConfig
type ProviderConfigKind string

// A ProviderConfigReference names the credentials for a cloud: a configuration
// of its provider in this namespace or for the whole management cluster.
type ProviderConfigReference struct {
	// Kind of the configuration.
	// +kubebuilder:default=ClusterProviderConfig
	// +optional
	Kind ProviderConfigKind `json:"kind,omitempty"`

	// Name of the configuration.
	// +kubebuilder:default=default
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Name string `json:"name,omitempty"`
}

// An InstanceSize is a provider-independent size of a node, mapped to an instance type per cloud.
// +kubebuilder:validation:Enum=Small;Medium;Large;XLarge
type InstanceSize string

// Node sizes.
const (
	// InstanceSizeSmall has 2 CPUs and 8 GiB.
	InstanceSizeSmall InstanceSize = "Small"
	// InstanceSizeMedium has 4 CPUs and 16 GiB.
	InstanceSizeMedium InstanceSize = "Medium"
	// InstanceSizeLarge has 8 CPUs and 32 GiB.
	InstanceSizeLarge InstanceSize = "Large"
	// InstanceSizeXLarge has 16 CPUs and 64 GiB.
	InstanceSizeXLarge InstanceSize = "XLarge"
)

// An Architecture is a CPU architecture, by its Go and OCI name.
// +kubebuilder:validation:Enum=amd64;arm64
type Architecture string

// Architectures.
const (
	ArchitectureAMD64 Architecture = "amd64"
	ArchitectureARM64 Architecture = "arm64"
)

// Nodes says which nodes a cluster has.
// +kubebuilder:validation:XValidation:rule="!has(self.minCount) || !has(self.maxCount) || self.minCount <= self.maxCount",message="nodes.minCount must not be greater than nodes.maxCount"
type Nodes struct {
	// InstanceSize of every node: Small has 2 CPUs and 8 GiB, each next one twice that.
	// +kubebuilder:default=Medium
	// +optional
	InstanceSize InstanceSize `json:"instanceSize,omitempty"`

	// MinCount is the least number of nodes.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MinCount int64 `json:"minCount,omitempty"`

	// MaxCount is the greatest number of nodes.
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MaxCount int64 `json:"maxCount,omitempty"`

	// Architecture of the nodes' CPUs.
	// +kubebuilder:default=amd64
	// +optional
	Architecture Architecture `json:"architecture,omitempty"`

	// DiskSize of each node: a whole number of GiB, such as 50Gi.
	// +kubebuilder:default="50Gi"
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule="self.matches('^[1-9][0-9]*Gi$')",message="nodes.diskSize must be a whole number of GiB, such as 50Gi"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[1-9][0-9]*Gi$') || (int(self.substring(0, self.size() - 2)) >= 20 && int(self.substring(0, self.size() - 2)) <= 16384)",message="nodes.diskSize must be between 20Gi and 16384Gi"
	// +optional
	DiskSize string `json:"diskSize,omitempty"`

	// CapacityType of the nodes. Spot is spare capacity: it costs less, and the
	// cloud can take it back. On AKS, Spot nodes have the taint
	// kubernetes.azure.com/scalesetpriority=spot:NoSchedule, which Azure insists on.
	// Pods that do not tolerate it run on the system pool.
	// +kubebuilder:default=OnDemand
	// +optional
	CapacityType CapacityType `json:"capacityType,omitempty"`
}

// A CapacityType is how a cloud provides nodes.
// +kubebuilder:validation:Enum=OnDemand;Spot
type CapacityType string

// Capacity types.
const (
	// CapacityTypeOnDemand keeps a node for as long as it is wanted.
	CapacityTypeOnDemand CapacityType = "OnDemand"
	// CapacityTypeSpot takes spare capacity, which the cloud can take back.
	CapacityTypeSpot CapacityType = "Spot"
)

// An EndpointAccess says from where an API server can be reached.
// +kubebuilder:validation:Enum=Public;Private
type EndpointAccess string

// Endpoint access.
const (
	// EndpointAccessPublic gives the API server a public address.
	EndpointAccessPublic EndpointAccess = "Public"
	// EndpointAccessPrivate gives the API server private addresses only.
	EndpointAccessPrivate EndpointAccess = "Private"
)

// ClusterParameters say what cluster is wanted.
//
// Fields without a meaning for a provider (region, version and node counts of
// an existing cluster) are accepted, so that the provider is the one line that
// changes between two places.
// +kubebuilder:validation:XValidation:rule="self.provider == oldSelf.provider",message="provider cannot change: a cluster does not move. Create a new object with the other provider, then delete this one"
// +kubebuilder:validation:XValidation:rule="has(self.region) == has(oldSelf.region) && (!has(self.region) || self.region == oldSelf.region)",message="region cannot change: a cluster does not move. Create a new object in the other region, then delete this one"
// +kubebuilder:validation:XValidation:rule="self.provider == 'Existing' ? has(self.existing) : !has(self.existing)",message="provider Existing needs the section existing, and only provider Existing may have it"
// +kubebuilder:validation:XValidation:rule="!has(self.eks) || self.provider == 'EKS'",message="the section eks is for provider EKS only: remove it, or set provider to EKS"
// +kubebuilder:validation:XValidation:rule="!has(self.aks) || self.provider == 'AKS'",message="the section aks is for provider AKS only: remove it, or set provider to AKS"
// +kubebuilder:validation:XValidation:rule="!has(self.gke) || self.provider == 'GKE'",message="the section gke is for provider GKE only: remove it, or set provider to GKE"
// +kubebuilder:validation:XValidation:rule="!(self.provider in ['EKS', 'AKS', 'GKE']) || has(self.region) || (has(self.eks) && has(self.eks.region)) || (has(self.aks) && has(self.aks.region)) || (has(self.gke) && has(self.gke.region))",message="region is required: give a neutral name such as europe-west, or the cloud's own in the provider's section"
// +kubebuilder:validation:XValidation:rule="(has(self.eks) && has(self.eks.region) ? self.eks.region : '-') == (has(oldSelf.eks) && has(oldSelf.eks.region) ? oldSelf.eks.region : '-')",message="eks.region cannot change: a cluster does not move. Create a new object in the other region, then delete this one"
// +kubebuilder:validation:XValidation:rule="(has(self.aks) && has(self.aks.region) ? self.aks.region : '-') == (has(oldSelf.aks) && has(oldSelf.aks.region) ? oldSelf.aks.region : '-')",message="aks.region cannot change: a cluster does not move. Create a new object in the other region, then delete this one"
// +kubebuilder:validation:XValidation:rule="(has(self.gke) && has(self.gke.region) ? self.gke.region : '-') == (has(oldSelf.gke) && has(oldSelf.gke.region) ? oldSelf.gke.region : '-')",message="gke.region cannot change: a cluster does not move. Create a new object in the other region, then delete this one"
// +kubebuilder:validation:XValidation:rule="(has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16') == (has(oldSelf.network) && has(oldSelf.network.cidr) ? oldSelf.network.cidr : '10.0.0.0/16')",message="network.cidr cannot change: every address of the cluster comes from it. Create a new object with the other range, then delete this one"
// +kubebuilder:validation:XValidation:rule="(has(self.externalName) ? self.externalName : '-') == (has(oldSelf.externalName) ? oldSelf.externalName : '-')",message="externalName cannot change: it says which cluster this is. Create a new object instead"
// +kubebuilder:validation:XValidation:rule="has(self.externalName) == (has(self.managementPolicies) && self.managementPolicies == ['Observe'])",message="an existing cluster is adopted with both externalName and managementPolicies: [Observe]; a cluster that is made has neither"
// +kubebuilder:validation:XValidation:rule="!has(self.externalName) || self.provider in ['EKS', 'AKS', 'GKE']",message="externalName is for providers EKS, AKS and GKE; provider Existing takes a kubeconfig"
// +kubebuilder:validation:XValidation:rule="self.provider == 'Existing' || !has(self.version) || !has(oldSelf.version) || !self.version.matches('^1[.][0-9]+$') || !oldSelf.version.matches('^1[.][0-9]+$') || int(self.version.substring(2)) - int(oldSelf.version.substring(2)) in [0, 1]",message="version rises by one minor version at a time and never falls: a control plane cannot skip one or go back"
// +kubebuilder:validation:XValidation:rule="!(has(self.network) && has(self.network.cidr)) || !has(self.externalName)",message="give network.cidr for a cluster that is made, or externalName for one that exists, not both"
// +kubebuilder:validation:XValidation:rule="!(has(self.network) && has(self.network.cidr)) || !(has(self.eks) && has(self.eks.existingNetwork))",message="give network.cidr for a network that is made, or eks.existingNetwork for one that exists, not both"
// +kubebuilder:validation:XValidation:rule="(has(self.eks) && has(self.eks.existingNetwork)) == (has(oldSelf.eks) && has(oldSelf.eks.existingNetwork))",message="eks.existingNetwork cannot be added or removed: a cluster stays in its network. Create a new object in the other network, then delete this one"
// +kubebuilder:validation:XValidation:rule="(has(self.eks) && has(self.eks.encryptSecrets) && self.eks.encryptSecrets) || !(has(oldSelf.eks) && has(oldSelf.eks.encryptSecrets) && oldSelf.eks.encryptSecrets)",message="eks.encryptSecrets cannot be taken back: AWS cannot undo it. Keep it true, or create a new object"
// +kubebuilder:validation:XValidation:rule="(has(self.eks) && has(self.eks.zoneIDs) ? self.eks.zoneIDs : []) == (has(oldSelf.eks) && has(oldSelf.eks.zoneIDs) ? oldSelf.eks.zoneIDs : [])",message="eks.zoneIDs cannot change: the subnets lie in them. Create a new object in the other zones, then delete this one"
// +kubebuilder:validation:XValidation:rule="(has(self.eks) && has(self.eks.natGatewayMode) ? self.eks.natGatewayMode : 'Single') == (has(oldSelf.eks) && has(oldSelf.eks.natGatewayMode) ? oldSelf.eks.natGatewayMode : 'Single')",message="eks.natGatewayMode cannot change: the nodes would be without a way out meanwhile. Create a new object instead"
// +kubebuilder:validation:XValidation:rule="self.provider != 'EKS' || !has(self.nodes) || !has(oldSelf.nodes) || ((has(self.nodes.instanceSize) ? self.nodes.instanceSize : 'Medium') == (has(oldSelf.nodes.instanceSize) ? oldSelf.nodes.instanceSize : 'Medium') && (has(self.nodes.architecture) ? self.nodes.architecture : 'amd64') == (has(oldSelf.nodes.architecture) ? oldSelf.nodes.architecture : 'amd64') && (has(self.nodes.capacityType) && self.nodes.capacityType == 'Spot') == (has(oldSelf.nodes.capacityType) && oldSelf.nodes.capacityType == 'Spot'))",message="nodes.instanceSize, nodes.architecture and nodes.capacityType cannot change on EKS: a node group keeps its kind of machine. Create a new object, then delete this one"
// +kubebuilder:validation:XValidation:rule="(has(self.eks) && has(self.eks.instanceTypes) ? self.eks.instanceTypes : []) == (has(oldSelf.eks) && has(oldSelf.eks.instanceTypes) ? oldSelf.eks.instanceTypes : [])",message="eks.instanceTypes cannot change: a node group keeps its kind of machine. Create a new object, then delete this one"
// +kubebuilder:validation:XValidation:rule="!(has(self.eks) && has(self.eks.endpointAccess) && self.eks.endpointAccess == 'Private') || !(has(self.network) && has(self.network.apiServerAllowedCIDRs) && self.network.apiServerAllowedCIDRs.size() > 0)",message="give network.apiServerAllowedCIDRs for a public endpoint, or eks.endpointAccess: Private, not both"
// +kubebuilder:validation:XValidation:rule="has(self.version) || !has(oldSelf.version)",message="version cannot be removed: the cluster would stay at it without anyone knowing. Keep it or give a newer one"
// +kubebuilder:validation:XValidation:rule="has(self.aks) == has(oldSelf.aks) || [self, oldSelf].all(c, !has(c.aks) || !(has(c.aks.resourceGroupName) || has(c.aks.existingNetwork) || has(c.aks.userAssignedIdentityID) || has(c.aks.podCIDR) || has(c.aks.serviceCIDR)))",message="resourceGroupName, existingNetwork, userAssignedIdentityID, podCIDR and serviceCIDR of aks cannot change: they say where the cluster is. Create a new object with the other values, then delete this one"
// +kubebuilder:validation:XValidation:rule="!has(self.aks) || !has(self.network) || !has(self.network.cidr) || !has(self.aks.existingNetwork)",message="give network.cidr for a network that is made, or aks.existingNetwork for one that exists, not both"
// +kubebuilder:validation:XValidation:rule="!has(self.aks) || has(self.aks.existingNetwork) || [has(self.aks.podCIDR) ? self.aks.podCIDR : '100.64.0.0/12', has(self.aks.serviceCIDR) ? self.aks.serviceCIDR : '100.80.0.0/16'].all(a, !isCIDR(a) || [has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16'].all(b, !isCIDR(b) || !(cidr(a).containsCIDR(b) || cidr(b).containsCIDR(a))))",message="aks.podCIDR and aks.serviceCIDR must not overlap with network.cidr, which is 10.0.0.0/16 when empty"
// +kubebuilder:validation:XValidation:rule="!has(self.aks) || !has(self.aks.podCIDR) || !isCIDR(self.aks.podCIDR) || cidr(self.aks.podCIDR).prefixLength() <= 12 || cidr(self.aks.podCIDR).prefixLength() > 18 || (self.nodes.maxCount * (has(self.nodes.capacityType) && self.nodes.capacityType == 'Spot' ? 2 : 1) + (has(self.aks.systemPool) && has(self.aks.systemPool.maxCount) ? self.aks.systemPool.maxCount : has(self.aks.systemPool) && has(self.aks.systemPool.minCount) && self.aks.systemPool.minCount > 3 ? self.aks.systemPool.minCount : 3)) * 4 / 3 + 2 <= [2048, 1024, 512, 256, 128, 64][cidr(self.aks.podCIDR).prefixLength() - 13]",message="aks.podCIDR is too small for nodes.maxCount and aks.systemPool.maxCount: every node takes a /24 of it, and there are a third more while nodes are replaced. Give a larger range or fewer nodes"
// +kubebuilder:validation:XValidation:rule="!has(self.aks) || !has(self.aks.existingNetwork) || !has(self.aks.existingNetwork.virtualNetwork) || !isCIDR(self.aks.existingNetwork.virtualNetwork.subnetCIDR) || cidr(self.aks.existingNetwork.virtualNetwork.subnetCIDR).prefixLength() <= 20 || cidr(self.aks.existingNetwork.virtualNetwork.subnetCIDR).prefixLength() > 26 || (self.nodes.maxCount * (has(self.nodes.capacityType) && self.nodes.capacityType == 'Spot' ? 2 : 1) + (has(self.aks.systemPool) && has(self.aks.systemPool.maxCount) ? self.aks.systemPool.maxCount : has(self.aks.systemPool) && has(self.aks.systemPool.minCount) && self.aks.systemPool.minCount > 3 ? self.aks.systemPool.minCount : 3)) * 4 / 3 + 2 <= [2043, 1019, 507, 251, 123, 59][cidr(self.aks.existingNetwork.virtualNetwork.subnetCIDR).prefixLength() - 21]",message="aks.existingNetwork.virtualNetwork.subnetCIDR is too small for nodes.maxCount and aks.systemPool.maxCount: every node takes an address, Azure takes five, and there are a third more nodes while they are replaced. Give a larger range or fewer nodes"
// +kubebuilder:validation:XValidation:rule="self.provider != 'AKS' || !has(self.externalName) || (has(self.aks) && has(self.aks.resourceGroupName))",message="an existing AKS cluster is found by externalName and aks.resourceGroupName: give both"
// +kubebuilder:validation:XValidation:rule="self.provider != 'AKS' || !has(self.nodes.diskSize) || !self.nodes.diskSize.matches('^[1-9][0-9]*Gi$') || (int(self.nodes.diskSize.substring(0, self.nodes.diskSize.size() - 2)) >= 30 && int(self.nodes.diskSize.substring(0, self.nodes.diskSize.size() - 2)) <= 2048)",message="nodes.diskSize must be between 30Gi and 2048Gi on AKS"
// +kubebuilder:validation:XValidation:rule="self.provider != 'AKS' || (has(self.nodes.capacityType) && self.nodes.capacityType == 'Spot') == (has(oldSelf.nodes.capacityType) && oldSelf.nodes.capacityType == 'Spot')",message="nodes.capacityType cannot change on AKS: create a new object, then delete this one"
// +kubebuilder:validation:XValidation:rule="(has(self.gke) && has(self.gke.projectID)) == (has(oldSelf.gke) && has(oldSelf.gke.projectID)) && (has(self.gke) && has(self.gke.location)) == (has(oldSelf.gke) && has(oldSelf.gke.location)) && (has(self.gke) && has(self.gke.existingNetwork)) == (has(oldSelf.gke) && has(oldSelf.gke.existingNetwork)) && (has(self.gke) && has(self.gke.podCIDR)) == (has(oldSelf.gke) && has(oldSelf.gke.podCIDR)) && (has(self.gke) && has(self.gke.serviceCIDR)) == (has(oldSelf.gke) && has(oldSelf.gke.serviceCIDR)) && (has(self.gke) && has(self.gke.controlPlaneCIDR)) == (has(oldSelf.gke) && has(oldSelf.gke.controlPlaneCIDR)) && (has(self.gke) && has(self.gke.authentication) && self.gke.authentication == 'ServiceAccountKey') == (has(oldSelf.gke) && has(oldSelf.gke.authentication) && oldSelf.gke.authentication == 'ServiceAccountKey')",message="projectID, location, existingNetwork, podCIDR, serviceCIDR and controlPlaneCIDR of gke cannot be added or removed, and gke.authentication cannot change: they say where the cluster is and how it is reached. Create a new object instead, then delete this one"
// +kubebuilder:validation:XValidation:rule="self.provider != 'GKE' || ((has(self.nodes) && has(self.nodes.architecture) ? self.nodes.architecture : 'amd64') == (has(oldSelf.nodes) && has(oldSelf.nodes.architecture) ? oldSelf.nodes.architecture : 'amd64') && (has(self.nodes) && has(self.nodes.capacityType) && self.nodes.capacityType == 'Spot') == (has(oldSelf.nodes) && has(oldSelf.nodes.capacityType) && oldSelf.nodes.capacityType == 'Spot'))",message="nodes.architecture and nodes.capacityType cannot change on GKE: its node pools cannot. Create a new object with the other nodes, then delete this one"
// +kubebuilder:validation:XValidation:rule="!has(self.gke) || !has(self.gke.existingNetwork) || !has(self.network) || !has(self.network.cidr)",message="give network.cidr for a network that is made, or gke.existingNetwork for one that exists, not both: a network that exists has its ranges already"
// +kubebuilder:validation:XValidation:rule="!has(self.gke) || !has(self.gke.podCIDR) || !has(self.nodes) || !isCIDR(self.gke.podCIDR) || cidr(self.gke.podCIDR).prefixLength() < 9 || cidr(self.gke.podCIDR).prefixLength() > 21 || self.nodes.maxCount < [32768, 16384, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8][cidr(self.gke.podCIDR).prefixLength() - 9]",message="gke.podCIDR is too small for nodes.maxCount: each node takes a /24 of it, and an upgrade needs one node more. A /14 has room for 1023 nodes, a /16 for 255, a /20 for 15"
// +kubebuilder:validation:XValidation:rule="!has(self.gke) || !has(self.gke.podCIDR) || !isCIDR(self.gke.podCIDR) || !isCIDR((has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16')) || (!cidr(self.gke.podCIDR).containsIP(cidr((has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16')).ip()) && !cidr((has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16')).containsIP(cidr(self.gke.podCIDR).ip()))",message="gke.podCIDR must not overlap with network.cidr, which is 10.0.0.0/16 when not given: take a range outside of it, such as 100.64.0.0/14"
// +kubebuilder:validation:XValidation:rule="!has(self.gke) || !has(self.gke.serviceCIDR) || !isCIDR(self.gke.serviceCIDR) || !isCIDR((has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16')) || (!cidr(self.gke.serviceCIDR).containsIP(cidr((has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16')).ip()) && !cidr((has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16')).containsIP(cidr(self.gke.serviceCIDR).ip()))",message="gke.serviceCIDR must not overlap with network.cidr, which is 10.0.0.0/16 when not given: take a range outside of it, such as 100.68.0.0/20"
// +kubebuilder:validation:XValidation:rule="!has(self.gke) || !has(self.gke.controlPlaneCIDR) || !isCIDR(self.gke.controlPlaneCIDR) || !isCIDR((has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16')) || (!cidr(self.gke.controlPlaneCIDR).containsIP(cidr((has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16')).ip()) && !cidr((has(self.network) && has(self.network.cidr) ? self.network.cidr : '10.0.0.0/16')).containsIP(cidr(self.gke.controlPlaneCIDR).ip()))",message="gke.controlPlaneCIDR must not overlap with network.cidr, which is 10.0.0.0/16 when not given: take a range outside of it, such as 172.16.0.0/28"
// +kubebuilder:validation:XValidation:rule="!has(self.gke) || !has(self.gke.endpointAccess) || self.gke.endpointAccess != 'Private' || (has(self.network) && has(self.network.apiServerAllowedCIDRs))",message="gke.endpointAccess: Private needs network.apiServerAllowedCIDRs: the private ranges that may reach the API server, Crossplane's among them"
// +kubebuilder:validation:XValidation:rule="!has(self.externalName) || !has(self.gke) || (!has(self.gke.existingNetwork) && !(has(self.gke.authentication) && self.gke.authentication == 'ServiceAccountKey'))",message="gke.existingNetwork and gke.authentication: ServiceAccountKey are for a cluster that is made, not for one that is adopted by externalName: nothing is made for that one"
// +kubebuilder:validation:XValidation:rule="has(self.k3s) == (self.provider == 'K3s')",message="provider K3s needs the section k3s with its hosts, and only provider K3s may have it"
// +kubebuilder:validation:XValidation:rule="!has(self.kindCluster) || self.provider == 'Kind'",message="the section kindCluster is for provider Kind only: remove it, or set provider to Kind"
// +kubebuilder:validation:XValidation:rule="!has(self.k3d) || self.provider == 'K3d'",message="the section k3d is for provider K3d only: remove it, or set provider to K3d"
// +kubebuilder:validation:XValidation:rule="has(self.kindCluster) == has(oldSelf.kindCluster) && has(self.k3d) == has(oldSelf.k3d)",message="the sections kindCluster and k3d cannot be added or removed: neither tool changes a cluster that exists. Create a new object, then delete this one"
// +kubebuilder:validation:XValidation:rule="!has(self.k3s) || !has(self.k3s.version) || !has(self.version) || self.k3s.version.startsWith('v' + self.version + '.')",message="k3s.version must be a release of version: give only one of them, or two that fit, such as version 1.34 and k3s.version v1.34.2+k3s1"
// +kubebuilder:validation:XValidation:rule="!(self.provider in ['Kind', 'K3d', 'K3s']) || (has(self.version) ? self.version : '-') == (has(oldSelf.version) ? oldSelf.version : '-')",message="version cannot change with providers Kind, K3d and K3s: they make clusters and do not upgrade them. Create a new object with the other version, then delete this one"
type ClusterParameters struct {
	// Provider of the cluster: the one line that changes between two places.

	// +kubebuilder:validation:Enum=EKS;AKS;GKE;Kind;K3d;K3s;Existing
	Provider Provider `json:"provider"`

	// Region by its neutral name. An existing cluster is where it is.
	// +optional
	Region Region `json:"region,omitempty"`

	// Version of Kubernetes, major and minor. The cloud's default when empty. An
	// existing cluster keeps its own.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^1[.][1-9][0-9]$')",message="version must be a Kubernetes minor version such as \"1.35\", in quotes"
	// +optional
	Version string `json:"version,omitempty"`

	// Nodes of the cluster. Of an existing cluster only the architecture is
	// used: charts need to know it.
	// +kubebuilder:default={}
	// +optional
	Nodes Nodes `json:"nodes,omitempty,omitzero"`

	// Network of a cluster that is made.
	// +optional
	Network *Network `json:"network,omitempty"`

	// Tags of everything that is made in a cloud that takes tags. Keys and values
	// are what every cloud takes.
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[a-z][-_a-z0-9]{0,62}$'))",message="a tag's key begins with a lower-case letter and has lower-case letters, digits, - and _ only, 63 at most, as every cloud takes it"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^(aws|azure|goog|microsoft|observe-k8s|windows)'))",message="a tag's key must not begin with aws, azure, goog, microsoft, windows or observe-k8s, which are taken"
	// +optional
	Tags map[string]TagValue `json:"tags,omitempty"`

	// ManagementPolicies of everything that is made in a cloud: what Crossplane
	// may do with it. Leave Delete out to keep the cluster when this object goes.
	// +kubebuilder:default={"*"}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=5
	// +kubebuilder:validation:XValidation:rule="self == ['*'] || self == ['Observe'] || (!('*' in self) && ['Observe', 'Create', 'Update'].all(p, p in self))",message="managementPolicies must be [\"*\"], [Observe], or Observe, Create and Update with or without Delete and LateInitialize"
	// +listType=set
	// +optional
	ManagementPolicies []ManagementPolicy `json:"managementPolicies,omitempty"`

	// ExternalName is the name in the cloud of an existing cluster that is only
	// observed: nothing is made, changed or deleted in the cloud.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][-_a-zA-Z0-9]*$`
	// +optional
	ExternalName string `json:"externalName,omitempty"`

	// ProviderConfigRef names the credentials for the cloud.
	// +kubebuilder:default={kind: ClusterProviderConfig, name: default}
	// +optional
	ProviderConfigRef ProviderConfigReference `json:"providerConfigRef,omitempty,omitzero"`

	// Existing says how to reach a cluster that exists already.
	// +optional
	Existing *ExistingCluster `json:"existing,omitempty"`

	// EKS says what has no neutral name. Only for provider EKS.
	// +optional
	EKS *EKSCluster `json:"eks,omitempty"`

	// AKS says what has no neutral name. Only for provider AKS.
	// +optional
	AKS *AKSCluster `json:"aks,omitempty"`

	// GKE says what has no neutral name. Only for provider GKE.
	// +optional
	GKE *GKECluster `json:"gke,omitempty"`

	// KindCluster says what has no neutral name. Only for provider Kind.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the section kindCluster cannot change: kind does not change a cluster that exists. Create a new object, then delete this one"
	// +optional
	KindCluster *KindCluster `json:"kindCluster,omitempty"`

	// K3d says what has no neutral name. Only for provider K3d.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the section k3d cannot change: k3d does not change a cluster that exists. Create a new object, then delete this one"
	// +optional
	K3d *K3dCluster `json:"k3d,omitempty"`

	// K3s says which hosts there are. Only for provider K3s.
	// +optional
	K3s *K3sCluster `json:"k3s,omitempty"`
}

// An ExistingCluster is reached with a kubeconfig, or is the management cluster
// itself.
// +kubebuilder:validation:XValidation:rule="has(self.kubeconfigSecretRef) != (has(self.managementCluster) && self.managementCluster)",message="give exactly one of kubeconfigSecretRef and managementCluster: true"
// +kubebuilder:validation:XValidation:rule="has(self.kubeconfigSecretRef) == has(oldSelf.kubeconfigSecretRef) && (!has(self.kubeconfigSecretRef) || self.kubeconfigSecretRef == oldSelf.kubeconfigSecretRef)",message="kubeconfigSecretRef cannot change: it says which cluster this is. To rotate credentials, change what the Secret holds"
// +kubebuilder:validation:XValidation:rule="(has(self.managementCluster) && self.managementCluster) == (has(oldSelf.managementCluster) && oldSelf.managementCluster)",message="managementCluster cannot change: it says which cluster this is. Create a new object instead"
type ExistingCluster struct {
	// KubeconfigSecretRef names the Secret, in this namespace, that holds a
	// kubeconfig. Credentials must be in it: exec plugins, auth providers and
	// file paths are refused, since they would run or be read inside the
	// providers' pods.
	// +optional
	KubeconfigSecretRef *SecretKeyReference `json:"kubeconfigSecretRef,omitempty"`

	// ManagementCluster takes the cluster that Crossplane itself runs on, with
	// the providers' own identity. The platform team has to allow it for this
	// namespace, since it lends that identity to whoever writes this object.
	// +optional
	ManagementCluster bool `json:"managementCluster,omitempty"`

	// StorageClassName for volumes; the cluster's default when empty.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	StorageClassName string `json:"storageClassName,omitempty"`

	// ControlPlaneMetricsReachable says that Prometheus can reach etcd, scheduler,
	// controller manager and kube-proxy. Managed control planes hide them.
	// +optional
	ControlPlaneMetricsReachable bool `json:"controlPlaneMetricsReachable,omitempty"`

	// GatewayAPICRDs says whether the stack installs the Gateway API CRDs; Install
	// when empty.
	// +optional
	GatewayAPICRDs GatewayAPICRDs `json:"gatewayAPICRDs,omitempty"`

	// IngressExposure says how people reach an ingress on the cluster; LoadBalancer
	// when empty.
	// +optional
	IngressExposure IngressExposure `json:"ingressExposure,omitempty"`
}

// GatewayAPICRDs says where the Gateway API CRDs of a cluster come from.
// +kubebuilder:validation:Enum=Install;Preinstalled
type GatewayAPICRDs string

// Origins of the Gateway API CRDs.
const (
	// GatewayAPICRDsInstall means that the stack installs them.
	GatewayAPICRDsInstall GatewayAPICRDs = "Install"
	// GatewayAPICRDsPreinstalled means that they come with the cluster.
	GatewayAPICRDsPreinstalled GatewayAPICRDs = "Preinstalled"
)

// An IngressExposure is how people reach an ingress on a cluster.
// +kubebuilder:validation:Enum=LoadBalancer;HostPort
type IngressExposure string

// Ways to reach an ingress.
const (
	// IngressExposureLoadBalancer gives the ingress a load balancer.
	IngressExposureLoadBalancer IngressExposure = "LoadBalancer"
	// IngressExposureHostPort opens the ports 80 and 443 of the nodes, for clusters
	// without load balancers.
	IngressExposureHostPort IngressExposure = "HostPort"
)

// A Connection says how to reach a cluster.
type Connection struct {
	// HelmProviderConfigRef names the ProviderConfig of provider-helm.
	HelmProviderConfigRef LocalReference `json:"helmProviderConfigRef"`

	// KubernetesProviderConfigRef names the ProviderConfig of provider-kubernetes.
	KubernetesProviderConfigRef LocalReference `json:"kubernetesProviderConfigRef"`

	// KubeconfigSecretRef names the Secret that holds the kubeconfig. Empty for
	// the management cluster.
	// +optional
	KubeconfigSecretRef *SecretKeyReference `json:"kubeconfigSecretRef,omitempty"`

	// APIServerURL is the URL of the API server, as the kubeconfig has it.
	// +kubebuilder:validation:MaxLength=2048
	// +optional
	APIServerURL string `json:"apiServerURL,omitempty"`

	// ChartMirror is the URL of an OCI registry that serves all charts for this
	// cluster. Every chart comes from its own repository when empty.
	// +kubebuilder:validation:MaxLength=2048
	// +optional
	ChartMirror string `json:"chartMirror,omitempty"`
}

// Capabilities are what charts need to know of a cluster, by neutral names.
type Capabilities struct {
	// Architecture of the nodes.
	// +optional
	Architecture Architecture `json:"architecture,omitempty"`

	// StorageClassName for volumes; the cluster's default when empty.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClassName string `json:"storageClassName,omitempty"`

	// ControlPlaneMetricsReachable says that Prometheus can reach the control plane.
	// +optional
	ControlPlaneMetricsReachable bool `json:"controlPlaneMetricsReachable,omitempty"`

	// GatewayAPICRDs says whether the stack installs the Gateway API CRDs; Install
	// when empty.
	// +optional
	GatewayAPICRDs GatewayAPICRDs `json:"gatewayAPICRDs,omitempty"`

	// IngressExposure says how people reach an ingress on the cluster; LoadBalancer
	// when empty.
	// +optional
	IngressExposure IngressExposure `json:"ingressExposure,omitempty"`

	// CRISocket is where the container runtime listens on the nodes;
	// /run/containerd/containerd.sock when empty.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	CRISocket string `json:"criSocket,omitempty"`

	// DefaultDomain that leads to the cluster without any set-up, for clusters on this
	// machine.
	// +kubebuilder:validation:MaxLength=200
	// +optional
	DefaultDomain string `json:"defaultDomain,omitempty"`

	// IngressHTTPSPort is the port at which people reach port 443 of the nodes; 443 when
	// zero.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	// +optional
	IngressHTTPSPort int64 `json:"ingressHTTPSPort,omitempty"`
}

// KubernetesClusterStatus says how the cluster stands and how to reach it.
type KubernetesClusterStatus struct {
	Conditioned `json:",inline"`

	// Phase sums up where the cluster stands.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// Version of Kubernetes that was asked for.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	Version string `json:"version,omitempty"`

	// Connection says how to reach the cluster. It stays when the cluster cannot be
	// reached for a while.
	// +optional
	Connection *Connection `json:"connection,omitempty"`

	// Capabilities say what the cluster offers to charts. They stay as long as the
	// connection.
	// +optional
	Capabilities *Capabilities `json:"capabilities,omitempty"`
}

// A KubernetesCluster is a cluster on any provider; it publishes how to reach it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,path=kubernetesclusters,shortName=k8c,categories=observe;crossplane
// +kubebuilder:printcolumn:name="Provider",type=string,JSONPath=`.spec.provider`
// +kubebuilder:printcolumn:name="Region",type=string,JSONPath=`.spec.region`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="API server",type=string,JSONPath=`.status.connection.apiServerURL`,priority=1
type KubernetesCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ClusterParameters       `json:"spec"`
	Status KubernetesClusterStatus `json:"status,omitempty,omitzero"`
}
