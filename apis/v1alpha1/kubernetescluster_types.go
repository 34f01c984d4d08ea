package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Provider is where a cluster comes from.
type Provider string

// Providers of clusters. The schema admits those that can be composed.
const (
	// ProviderEKS is Amazon Elastic Kubernetes Service. Not available yet.
	ProviderEKS Provider = "EKS"
	// ProviderAKS is Azure Kubernetes Service. Not available yet.
	ProviderAKS Provider = "AKS"
	// ProviderGKE is Google Kubernetes Engine. Not available yet.
	ProviderGKE Provider = "GKE"
	// ProviderKind is kind: nodes as containers. Not available yet.
	ProviderKind Provider = "Kind"
	// ProviderK3d is k3d: k3s nodes as containers. Not available yet.
	ProviderK3d Provider = "K3d"
	// ProviderK3s is k3s on hosts of one's own. Not available yet.
	ProviderK3s Provider = "K3s"
	// ProviderExisting is a cluster that exists already.
	ProviderExisting Provider = "Existing"
)

// A NodeSize is a neutral size of a node, mapped to an instance type per cloud.
// +kubebuilder:validation:Enum=Small;Medium;Large;XLarge
type NodeSize string

// Node sizes.
const (
	NodeSizeSmall  NodeSize = "Small"
	NodeSizeMedium NodeSize = "Medium"
	NodeSizeLarge  NodeSize = "Large"
	NodeSizeXLarge NodeSize = "XLarge"
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
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || self.min <= self.max",message="nodes.min must not be greater than nodes.max"
type Nodes struct {
	// Size of every node.
	// +kubebuilder:default=Medium
	// +optional
	Size NodeSize `json:"size,omitempty"`

	// Min is the least number of nodes.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Min int64 `json:"min,omitempty"`

	// Max is the greatest number of nodes.
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Max int64 `json:"max,omitempty"`

	// Architecture of the nodes' CPUs.
	// +kubebuilder:default=amd64
	// +optional
	Architecture Architecture `json:"architecture,omitempty"`

	// DiskGiB is the size of each node's disk in GiB.
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=20
	// +kubebuilder:validation:Maximum=16384
	// +optional
	DiskGiB int64 `json:"diskGiB,omitempty"`
}

// ClusterParameters say what cluster is wanted.
//
// Fields without a meaning for a provider (region, version and node counts of
// an existing cluster) are accepted, so that the provider is the one line that
// changes between two places.
// +kubebuilder:validation:XValidation:rule="self.provider == oldSelf.provider",message="provider cannot change: a cluster does not move. Create a new object with the other provider, then delete this one"
// +kubebuilder:validation:XValidation:rule="has(self.region) == has(oldSelf.region) && (!has(self.region) || self.region == oldSelf.region)",message="region cannot change: a cluster does not move. Create a new object in the other region, then delete this one"
// +kubebuilder:validation:XValidation:rule="self.provider == 'Existing' ? has(self.existing) : !has(self.existing)",message="provider Existing needs the block existing, and only provider Existing may have it"
type ClusterParameters struct {
	// Provider of the cluster: the one line that changes between two places.
	// +kubebuilder:validation:Enum=Existing
	Provider Provider `json:"provider"`

	// Region by its neutral name, for example europe-west. An existing cluster
	// is where it is.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="region must be a name in lower case, for example europe-west"
	// +optional
	Region string `json:"region,omitempty"`

	// Version of Kubernetes, major and minor. An existing cluster keeps its own.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:XValidation:rule="self.matches('^1[.][1-9][0-9]$')",message="version must be a Kubernetes minor version such as \"1.34\", in quotes"
	// +optional
	Version string `json:"version,omitempty"`

	// Nodes of the cluster. Of an existing cluster only the architecture is
	// used: charts need to know it.
	// +kubebuilder:default={}
	// +optional
	Nodes Nodes `json:"nodes,omitempty,omitzero"`

	// Existing says how to reach a cluster that exists already.
	// +optional
	Existing *ExistingCluster `json:"existing,omitempty"`
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

	// StorageClass for volumes; the cluster's default when empty.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	StorageClass string `json:"storageClass,omitempty"`

	// ControlPlaneScrapable says that Prometheus can reach etcd, scheduler,
	// controller manager and kube-proxy. Managed control planes hide them.
	// +optional
	ControlPlaneScrapable bool `json:"controlPlaneScrapable,omitempty"`

	// ManagedGatewayAPI says that the cluster brings the Gateway API CRDs itself.
	// +optional
	ManagedGatewayAPI bool `json:"managedGatewayAPI,omitempty"`
}

// Access is everything that others know of a cluster: how to reach it, and the
// neutral facts that charts need.
type Access struct {
	// HelmProviderConfig is the name of the ProviderConfig of provider-helm.
	// +kubebuilder:validation:MaxLength=253
	HelmProviderConfig string `json:"helmProviderConfig"`

	// KubernetesProviderConfig is the name of the ProviderConfig of
	// provider-kubernetes.
	// +kubebuilder:validation:MaxLength=253
	KubernetesProviderConfig string `json:"kubernetesProviderConfig"`

	// KubeconfigSecretRef names the Secret that holds the kubeconfig. Empty for
	// the management cluster.
	// +optional
	KubeconfigSecretRef *SecretKeyReference `json:"kubeconfigSecretRef,omitempty"`

	// Server is the URL of the API server, as the kubeconfig has it.
	// +kubebuilder:validation:MaxLength=2048
	// +optional
	Server string `json:"server,omitempty"`

	// Architecture of the nodes.
	// +optional
	Architecture Architecture `json:"architecture,omitempty"`

	// StorageClass for volumes; the cluster's default when empty.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClass string `json:"storageClass,omitempty"`

	// ControlPlaneScrapable says that Prometheus can reach the control plane.
	// +optional
	ControlPlaneScrapable bool `json:"controlPlaneScrapable,omitempty"`

	// ManagedGatewayAPI says that the cluster brings the Gateway API CRDs itself.
	// +optional
	ManagedGatewayAPI bool `json:"managedGatewayAPI,omitempty"`
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

	// Access says how to reach the cluster. It stays when the cluster cannot be
	// reached for a while.
	// +optional
	Access *Access `json:"access,omitempty"`
}

// A KubernetesCluster is a cluster on any provider; it publishes how to reach it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,path=kubernetesclusters,shortName=k8c,categories=observe;crossplane
// +kubebuilder:printcolumn:name="Provider",type=string,JSONPath=`.spec.provider`
// +kubebuilder:printcolumn:name="Region",type=string,JSONPath=`.spec.region`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Server",type=string,JSONPath=`.status.access.server`,priority=1
type KubernetesCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ClusterParameters       `json:"spec"`
	Status KubernetesClusterStatus `json:"status,omitempty,omitzero"`
}
