// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// A GKECluster says what has no neutral name on Google Kubernetes Engine. All of
// it is optional.
// +kubebuilder:validation:XValidation:rule="!has(self.region) || !has(self.location) || self.location.startsWith(self.region + '-')",message="gke.location must be a zone of gke.region, for example europe-west4-a of europe-west4. Give only one of them, or two that fit"
// +kubebuilder:validation:XValidation:rule="!has(self.location) || !has(self.nodeLocations)",message="gke.location makes a cluster of one zone, gke.nodeLocations says where the nodes of a regional cluster are: give only one of them"
// +kubebuilder:validation:XValidation:rule="!has(self.existingNetwork) || (!has(self.podCIDR) && !has(self.serviceCIDR))",message="give gke.existingNetwork for a network that exists, or gke.podCIDR and gke.serviceCIDR for one that is made, not both: a network that exists has its ranges already"
// +kubebuilder:validation:XValidation:rule="!has(self.existingNetwork) || has(self.controlPlaneCIDR)",message="gke.existingNetwork needs gke.controlPlaneCIDR: a /28 that nothing else in that network has, such as 172.16.0.0/28"
// +kubebuilder:validation:XValidation:rule="!isCIDR((has(self.podCIDR) ? self.podCIDR : '100.64.0.0/14')) || !isCIDR((has(self.serviceCIDR) ? self.serviceCIDR : '100.68.0.0/20')) || (!cidr((has(self.podCIDR) ? self.podCIDR : '100.64.0.0/14')).containsIP(cidr((has(self.serviceCIDR) ? self.serviceCIDR : '100.68.0.0/20')).ip()) && !cidr((has(self.serviceCIDR) ? self.serviceCIDR : '100.68.0.0/20')).containsIP(cidr((has(self.podCIDR) ? self.podCIDR : '100.64.0.0/14')).ip()))",message="gke.podCIDR and gke.serviceCIDR must not overlap: take ranges such as 100.64.0.0/14 for pods, 100.68.0.0/20 for Services and 172.16.0.0/28 for the control plane, which are taken when not given"
// +kubebuilder:validation:XValidation:rule="!has(self.controlPlaneCIDR) || ((!isCIDR(self.controlPlaneCIDR) || !isCIDR((has(self.podCIDR) ? self.podCIDR : '100.64.0.0/14')) || (!cidr(self.controlPlaneCIDR).containsIP(cidr((has(self.podCIDR) ? self.podCIDR : '100.64.0.0/14')).ip()) && !cidr((has(self.podCIDR) ? self.podCIDR : '100.64.0.0/14')).containsIP(cidr(self.controlPlaneCIDR).ip()))) && (!isCIDR(self.controlPlaneCIDR) || !isCIDR((has(self.serviceCIDR) ? self.serviceCIDR : '100.68.0.0/20')) || (!cidr(self.controlPlaneCIDR).containsIP(cidr((has(self.serviceCIDR) ? self.serviceCIDR : '100.68.0.0/20')).ip()) && !cidr((has(self.serviceCIDR) ? self.serviceCIDR : '100.68.0.0/20')).containsIP(cidr(self.controlPlaneCIDR).ip()))))",message="gke.controlPlaneCIDR must not overlap with gke.podCIDR and gke.serviceCIDR: take ranges such as 100.64.0.0/14 for pods, 100.68.0.0/20 for Services and 172.16.0.0/28 for the control plane, which are taken when not given"
type GKECluster struct {
	// ProjectID of the cluster. It must be the one of the provider's
	// ProviderConfig, which is taken when empty.
	// +kubebuilder:validation:MaxLength=30
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z][-a-z0-9]{4,28}[a-z0-9]$')",message="gke.projectID must be a project ID such as my-project-123456: 6 to 30 lower-case letters, digits and hyphens. Neither the project's name nor its number"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="gke.projectID cannot change: it says where the cluster is. Create a new object instead, then delete this one"
	// +optional
	ProjectID string `json:"projectID,omitempty"`

	// Region of Google Cloud, instead of the neutral one.
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]+-[a-z]+[0-9]+$')",message="gke.region must be a region of Google Cloud such as europe-west4; a zone such as europe-west4-a goes into gke.location"
	// +optional
	Region string `json:"region,omitempty"`

	// Location makes a cluster whose control plane and nodes are in one zone:
	// cheaper, and gone with the zone.
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]+-[a-z]+[0-9]+-[a-z]$')",message="gke.location must be a zone of Google Cloud such as europe-west4-a"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="gke.location cannot change: it says where the cluster is. Create a new object instead, then delete this one"
	// +optional
	Location string `json:"location,omitempty"`

	// NodeLocations of the nodes of a regional cluster. Three of the region when empty.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.all(z, z.matches('^[a-z]+-[a-z]+[0-9]+-[a-z]$'))",message="gke.nodeLocations must be zones of Google Cloud such as europe-west4-a"
	// +listType=set
	// +optional
	NodeLocations []string `json:"nodeLocations,omitempty"`

	// ExistingNetwork that exists already, instead of one that is made.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="gke.existingNetwork cannot change: it says where the cluster is. Create a new object instead, then delete this one"
	// +optional
	ExistingNetwork *GKENetwork `json:"existingNetwork,omitempty"`

	// PodCIDR is the secondary range for pods, 100.64.0.0/14 when empty: each node
	// takes a /24 of it.
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || (cidr(self).prefixLength() >= 9 && cidr(self).prefixLength() <= 21)",message="gke.podCIDR must be between /9 and /21, such as 100.64.0.0/14: each node takes a /24 of it"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="gke.podCIDR cannot change: it says where the cluster is. Create a new object instead, then delete this one"
	// +optional
	PodCIDR CIDR `json:"podCIDR,omitempty"`

	// ServiceCIDR is the secondary range for Services, 100.68.0.0/20 when empty.
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || (cidr(self).prefixLength() >= 16 && cidr(self).prefixLength() <= 27)",message="gke.serviceCIDR must be between /16 and /27, such as 100.68.0.0/20"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="gke.serviceCIDR cannot change: it says where the cluster is. Create a new object instead, then delete this one"
	// +optional
	ServiceCIDR CIDR `json:"serviceCIDR,omitempty"`

	// ControlPlaneCIDR is where the control plane's private addresses are: a /28
	// that nothing else in the network has. One outside network.cidr when empty.
	// +kubebuilder:validation:XValidation:rule="!isCIDR(self) || cidr(self).prefixLength() == 28",message="gke.controlPlaneCIDR must be exactly a /28, such as 172.16.0.0/28"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="gke.controlPlaneCIDR cannot change: it says where the cluster is. Create a new object instead, then delete this one"
	// +optional
	ControlPlaneCIDR CIDR `json:"controlPlaneCIDR,omitempty"`

	// EndpointAccess of the API server. Private takes its public address away:
	// Crossplane's providers must then be able to reach the private one.
	// +kubebuilder:default=Public
	// +optional
	EndpointAccess EndpointAccess `json:"endpointAccess,omitempty"`

	// ReleaseChannel that GKE upgrades the cluster by. It may go beyond version
	// when that comes to its end.
	// +kubebuilder:default=Regular
	// +kubebuilder:validation:Enum=Rapid;Regular;Stable;Extended
	// +optional
	ReleaseChannel string `json:"releaseChannel,omitempty"`

	// GatewayAPI lets GKE bring the Gateway API's CRDs and its controller.
	// +kubebuilder:default=Disabled
	// +kubebuilder:validation:Enum=Disabled;Standard
	// +optional
	GatewayAPI string `json:"gatewayAPI,omitempty"`

	// MachineType of the nodes, instead of the one for the neutral size. It must
	// fit the architecture, and exist in the zones.
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z][a-z0-9]*-[-a-z0-9]*[a-z0-9]$')",message="gke.machineType must be a machine type of Compute Engine such as e2-standard-4"
	// +optional
	MachineType string `json:"machineType,omitempty"`

	// DiskType of the nodes' disks. Machines without Persistent Disk, such as
	// c4a, need hyperdisk-balanced.
	// +kubebuilder:default=pd-balanced
	// +kubebuilder:validation:Enum=pd-standard;pd-balanced;pd-ssd;hyperdisk-balanced
	// +optional
	DiskType string `json:"diskType,omitempty"`

	// StorageClassName for volumes. GKE brings standard-rwo and premium-rwo, which
	// need machines with Persistent Disk.
	// +kubebuilder:default=standard-rwo
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	StorageClassName string `json:"storageClassName,omitempty"`

	// Authentication is how Crossplane's providers sign in to the cluster.
	// +kubebuilder:default=WorkloadIdentity
	// +optional
	Authentication GKEAuthentication `json:"authentication,omitempty"`
}

// A GKEAuthentication is a way to sign in to a GKE cluster.
// +kubebuilder:validation:Enum=WorkloadIdentity;ServiceAccountKey
type GKEAuthentication string

// Ways to sign in to a GKE cluster.
const (
	// GKEAuthenticationWorkloadIdentity uses the identity of the providers' pods.
	GKEAuthenticationWorkloadIdentity GKEAuthentication = "WorkloadIdentity"
	// GKEAuthenticationServiceAccountKey uses a key of a service account that is
	// made for the cluster. It is the fallback for control planes whose pods have no
	// identity on Google Cloud: a key is a password that does not expire.
	GKEAuthenticationServiceAccountKey GKEAuthentication = "ServiceAccountKey"
)

// A GKENetwork is a network that exists already. Its nodes need a way out to
// the internet, such as Cloud NAT, since they have private addresses only.
type GKENetwork struct {
	// Name of the network; a shared one by its path
	// projects/PROJECT/global/networks/NAME.
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^(projects/[a-z][-a-z0-9]+/global/networks/)?[a-z]([-a-z0-9]*[a-z0-9])?$')",message="gke.existingNetwork.name must be the name of a network, or projects/PROJECT/global/networks/NAME"
	Name string `json:"name"`

	// Subnetwork of the nodes; a shared one by its path
	// projects/PROJECT/regions/REGION/subnetworks/NAME.
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^(projects/[a-z][-a-z0-9]+/regions/[a-z0-9-]+/subnetworks/)?[a-z]([-a-z0-9]*[a-z0-9])?$')",message="gke.existingNetwork.subnetwork must be the name of a subnetwork, or projects/PROJECT/regions/REGION/subnetworks/NAME"
	Subnetwork string `json:"subnetwork"`

	// PodRangeName is the name of the subnetwork's secondary range for pods.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="gke.existingNetwork.podRangeName must be the name of a secondary range, not the range itself"
	PodRangeName string `json:"podRangeName"`

	// ServiceRangeName is the name of the subnetwork's secondary range for Services.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="gke.existingNetwork.serviceRangeName must be the name of a secondary range, not the range itself"
	ServiceRangeName string `json:"serviceRangeName"`
}
