// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KindNetworking is the network of a kind cluster.
type KindNetworking struct {
	// PodSubnet is the range of the pods' addresses.
	// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="podSubnet is a range of addresses such as 10.244.0.0/16"
	// +kubebuilder:validation:MaxLength=49
	// +optional
	PodSubnet string `json:"podSubnet,omitempty"`

	// ServiceSubnet is the range of the Services' addresses.
	// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="serviceSubnet is a range of addresses such as 10.96.0.0/16"
	// +kubebuilder:validation:MaxLength=49
	// +optional
	ServiceSubnet string `json:"serviceSubnet,omitempty"`

	// KubeProxyMode is how kube-proxy makes Services work.
	// +kubebuilder:validation:Enum=iptables;nftables;ipvs
	// +optional
	KubeProxyMode string `json:"kubeProxyMode,omitempty"`

	// DisableDefaultCNI leaves the cluster without a pod network, for one of your
	// own. Nodes become ready when you install it.
	// +optional
	DisableDefaultCNI bool `json:"disableDefaultCNI,omitempty"`
}

// KindClusterParameters describe a cluster of kind.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.version) && has(self.image))",message="give either a version or an image, not both"
type KindClusterParameters struct {
	NodeParameters `json:",inline"`

	// Networking of the cluster.
	// +optional
	Networking *KindNetworking `json:"networking,omitempty"`
}

// A KindClusterSpec is the desired state of a KindCluster.
type KindClusterSpec struct {
	xpv2.ManagedResourceSpec `json:",inline"`

	// ForProvider describes the cluster. kind cannot change a cluster that exists.
	// +kubebuilder:default={}
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="kind cannot change a cluster that exists: delete it, or create another one"
	// +optional
	ForProvider KindClusterParameters `json:"forProvider"`
}

// A KindClusterStatus is the observed state of a KindCluster.
type KindClusterStatus struct {
	xpv2.ManagedResourceStatus `json:",inline"`

	// AtProvider is what is known of the cluster.
	// +optional
	AtProvider ClusterObservation `json:"atProvider,omitempty"`
}

// A KindCluster is a Kubernetes cluster whose nodes are containers, made by kind.
// It is Ready when its API server answers /readyz.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:resource:scope=Namespaced,categories={crossplane,managed,local}
// +kubebuilder:printcolumn:name="SYNCED",type="string",JSONPath=".status.conditions[?(@.type=='Synced')].status"
// +kubebuilder:printcolumn:name="READY",type="string",JSONPath=".status.conditions[?(@.type=='Ready')].status"
// +kubebuilder:printcolumn:name="STAGE",type="string",JSONPath=".status.atProvider.stage"
// +kubebuilder:printcolumn:name="VERSION",type="string",JSONPath=".status.atProvider.version"
// +kubebuilder:printcolumn:name="EXTERNAL-NAME",type="string",JSONPath=".metadata.annotations.crossplane\\.io/external-name"
// +kubebuilder:printcolumn:name="AGE",type="date",JSONPath=".metadata.creationTimestamp"
type KindCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   KindClusterSpec   `json:"spec"`
	Status KindClusterStatus `json:"status,omitempty"`
}

// A KindClusterList is a list of KindClusters.
//
// +kubebuilder:object:root=true
type KindClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []KindCluster `json:"items"`
}
