// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// An AKSTier is a pricing tier of a control plane.
// +kubebuilder:validation:Enum=Free;Standard;Premium
type AKSTier string

// Tiers of control planes.
const (
	// AKSTierFree has no uptime SLA.
	AKSTierFree AKSTier = "Free"
	// AKSTierStandard has an uptime SLA.
	AKSTierStandard AKSTier = "Standard"
	// AKSTierPremium has long-term support of versions besides.
	AKSTierPremium AKSTier = "Premium"
)

// An AKSZone is an availability zone of a region.
// +kubebuilder:validation:Enum="1";"2";"3"
type AKSZone string

// An AKSCluster says what has no neutral name.
//
// +kubebuilder:validation:XValidation:rule="has(self.resourceGroupName) == has(oldSelf.resourceGroupName) && (!has(self.resourceGroupName) || self.resourceGroupName == oldSelf.resourceGroupName)",message="aks.resourceGroupName cannot change: what is in a resource group does not move. Create a new object in the other one, then delete this one"
// +kubebuilder:validation:XValidation:rule="has(self.existingNetwork) == has(oldSelf.existingNetwork) && (!has(self.existingNetwork) || self.existingNetwork == oldSelf.existingNetwork)",message="aks.existingNetwork cannot change: a cluster does not move to another network. Create a new object in the other one, then delete this one"
// +kubebuilder:validation:XValidation:rule="has(self.userAssignedIdentityID) == has(oldSelf.userAssignedIdentityID) && (!has(self.userAssignedIdentityID) || self.userAssignedIdentityID == oldSelf.userAssignedIdentityID)",message="aks.userAssignedIdentityID cannot change: create a new object with the other identity, then delete this one"
// +kubebuilder:validation:XValidation:rule="has(self.podCIDR) == has(oldSelf.podCIDR) && (!has(self.podCIDR) || self.podCIDR == oldSelf.podCIDR)",message="aks.podCIDR cannot change: every pod has its address from it. Create a new object with the other range, then delete this one"
// +kubebuilder:validation:XValidation:rule="has(self.serviceCIDR) == has(oldSelf.serviceCIDR) && (!has(self.serviceCIDR) || self.serviceCIDR == oldSelf.serviceCIDR)",message="aks.serviceCIDR cannot change: every service has its address from it. Create a new object with the other range, then delete this one"
// +kubebuilder:validation:XValidation:rule="[has(self.podCIDR) ? self.podCIDR : '100.64.0.0/12', has(self.serviceCIDR) ? self.serviceCIDR : '100.80.0.0/16', has(self.existingNetwork) && has(self.existingNetwork.virtualNetwork) ? self.existingNetwork.virtualNetwork.subnetCIDR : '127.0.0.0/8'].all(a, !isCIDR(a) || [has(self.podCIDR) ? self.podCIDR : '100.64.0.0/12', has(self.serviceCIDR) ? self.serviceCIDR : '100.80.0.0/16', has(self.existingNetwork) && has(self.existingNetwork.virtualNetwork) ? self.existingNetwork.virtualNetwork.subnetCIDR : '127.0.0.0/8'].exists_one(b, isCIDR(b) && (cidr(a).containsCIDR(b) || cidr(b).containsCIDR(a))))",message="aks.podCIDR (100.64.0.0/12 when empty), aks.serviceCIDR (100.80.0.0/16 when empty) and aks.existingNetwork.virtualNetwork.subnetCIDR must not overlap"
type AKSCluster struct {
	// Region by Azure's own name, for example germanynorth, instead of the
	// neutral one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]+[0-9]?$')",message="aks.region must be a region as Azure's API writes it, in lower case and without spaces, for example westeurope"
	// +optional
	Region string `json:"region,omitempty"`

	// ResourceGroupName of a resource group that exists already, instead of one
	// that is made and deleted with the cluster.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=90
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-_.()a-zA-Z0-9]*[-_()a-zA-Z0-9]$')",message="aks.resourceGroupName must be the name of a resource group, not its ID: letters, digits and - _ . ( ), not ending with a dot"
	// +optional
	ResourceGroupName string `json:"resourceGroupName,omitempty"`

	// ExistingNetwork is used instead of making one.
	// +optional
	ExistingNetwork *AKSNetwork `json:"existingNetwork,omitempty"`

	// UserAssignedIdentityID of a user-assigned managed identity that exists already, instead
	// of one that is made. It needs the role Network Contributor on the subnet.
	// For one that is made, Crossplane must be allowed to assign that role.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft[.]ManagedIdentity/userAssignedIdentities/[^/]+$')",message="aks.userAssignedIdentityID must be the full ID of a managed identity: /subscriptions/ID/resourceGroups/NAME/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME"
	// +optional
	UserAssignedIdentityID string `json:"userAssignedIdentityID,omitempty"`

	// PodCIDR of the pods, 100.64.0.0/12 when empty. It is no part of the network;
	// every node takes a /24 of it.
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || (cidr(self).prefixLength() >= 9 && cidr(self).prefixLength() <= 18)",message="aks.podCIDR must be between /9 and /18: every node takes a /24 of it"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].exists(r, cidr(r).containsCIDR(self))",message="aks.podCIDR must be a private range, within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10"
	// +optional
	PodCIDR CIDR `json:"podCIDR,omitempty"`

	// ServiceCIDR of the services, 100.80.0.0/16 when empty. It is no part of the
	// network.
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || (cidr(self).prefixLength() >= 13 && cidr(self).prefixLength() <= 24)",message="aks.serviceCIDR must be between /13 and /24"
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'].exists(r, cidr(r).containsCIDR(self))",message="aks.serviceCIDR must be a private range, within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10"
	// +optional
	ServiceCIDR CIDR `json:"serviceCIDR,omitempty"`

	// Tier of the control plane; Standard when empty.
	// +optional
	Tier AKSTier `json:"tier,omitempty"`

	// VMSize of the nodes by Azure's own name, for example Standard_E4s_v5, instead
	// of nodes.instanceSize. It must be of nodes.architecture.
	// +optional
	VMSize AKSVMSize `json:"vmSize,omitempty"`

	// Zones that nodes are spread over. When empty, all three of a neutral region,
	// and none of a region by Azure's own name, since not every one has them.
	// +kubebuilder:validation:MaxItems=3
	// +listType=set
	// +optional
	Zones []AKSZone `json:"zones,omitempty"`

	// SystemPool are the nodes for what Azure runs on the cluster.
	// +optional
	SystemPool *AKSSystemPool `json:"systemPool,omitempty"`
}

// An AKSVMSize is the size of a virtual machine by Azure's own name.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
// +kubebuilder:validation:XValidation:rule="self.matches('^Standard_[A-Z][A-Za-z0-9_-]*$')",message="must be a size as Azure writes it, for example Standard_D4s_v5"
type AKSVMSize string

// An AKSNetwork is a network that exists already.
// +kubebuilder:validation:XValidation:rule="has(self.subnetID) != has(self.virtualNetwork)",message="aks.existingNetwork needs exactly one of subnetID, for a subnet that exists, and virtualNetwork, for a new subnet in a network that exists"
type AKSNetwork struct {
	// SubnetID of a subnet that exists already.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft[.]Network/virtualNetworks/[^/]+/subnets/[^/]+$')",message="aks.existingNetwork.subnetID must be the full ID of a subnet: /subscriptions/ID/resourceGroups/NAME/providers/Microsoft.Network/virtualNetworks/NAME/subnets/NAME"
	// +optional
	SubnetID string `json:"subnetID,omitempty"`

	// VirtualNetwork that exists already, in which a subnet is made.
	// +optional
	VirtualNetwork *AKSVirtualNetwork `json:"virtualNetwork,omitempty"`
}

// An AKSVirtualNetwork is a virtual network that exists already.
type AKSVirtualNetwork struct {
	// ResourceGroupName of the resource group that the network is in. Nodes carry
	// it as a label, so it cannot be longer than one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z0-9]([-_.a-zA-Z0-9]*[a-zA-Z0-9])?$')",message="aks.existingNetwork.virtualNetwork.resourceGroupName must be the name of a resource group, not its ID: letters, digits and - _ ."
	ResourceGroupName string `json:"resourceGroupName"`

	// Name of the network.
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z0-9]([-_.a-zA-Z0-9]*[a-zA-Z0-9])?$')",message="aks.existingNetwork.virtualNetwork.name must be the name of a virtual network, not its ID: letters, digits and - _ ."
	Name string `json:"name"`

	// SubnetCIDR of the subnet that is made in it: the addresses of the nodes.
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || (cidr(self).prefixLength() >= 9 && cidr(self).prefixLength() <= 26)",message="aks.existingNetwork.virtualNetwork.subnetCIDR must be between /9 and /26: every node needs an address, and more while nodes are replaced"
	SubnetCIDR CIDR `json:"subnetCIDR"`
}

// An AKSSystemPool are the nodes for what Azure runs on the cluster. Nothing
// else runs there, unless nodes.capacityType is Spot: Azure taints Spot nodes, so
// all that does not tolerate this taint runs on the system pool, which may then
// grow up to nodes.maxCount.
//
// +kubebuilder:validation:XValidation:rule="!has(self.maxCount) || (has(self.minCount) ? self.minCount : 2) <= self.maxCount",message="aks.systemPool.minCount, 2 when empty, must not be greater than aks.systemPool.maxCount"
type AKSSystemPool struct {
	// InstanceSize of every node; Medium when empty.
	// +kubebuilder:validation:XValidation:rule="self != 'Small'",message="aks.systemPool.instanceSize must be Medium or larger: Azure wants four CPUs there"
	// +optional
	InstanceSize InstanceSize `json:"instanceSize,omitempty"`

	// VMSize of every node by Azure's own name, instead of instanceSize. It must be of
	// nodes.architecture.
	// +optional
	VMSize AKSVMSize `json:"vmSize,omitempty"`

	// MinCount is the least number of nodes; 2 when empty.
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=100
	// +optional
	MinCount int64 `json:"minCount,omitempty"`

	// MaxCount is the greatest number of nodes; 3 when empty, or min if that is more.
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=100
	// +optional
	MaxCount int64 `json:"maxCount,omitempty"`
}
