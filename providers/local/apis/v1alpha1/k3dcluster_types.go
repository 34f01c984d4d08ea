// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A K3sFeature is a part of k3s that can be left out.
// +kubebuilder:validation:Enum=traefik;servicelb;metrics-server;local-storage;coredns
type K3sFeature string

// K3dClusterParameters describe a cluster of k3d.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.version) && has(self.image))",message="give either a version or an image, not both"
type K3dClusterParameters struct {
	NodeParameters `json:",inline"`

	// Disable parts of k3s that the cluster brings otherwise, such as traefik
	// where something else is the ingress.
	// +listType=set
	// +kubebuilder:validation:MaxItems=5
	// +optional
	Disable []K3sFeature `json:"disable,omitempty"`
}

// A K3dClusterSpec is the desired state of a K3dCluster.
type K3dClusterSpec struct {
	xpv2.ManagedResourceSpec `json:",inline"`

	// ForProvider describes the cluster. It is fixed once the cluster exists.
	// +kubebuilder:default={}
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a cluster that exists cannot be changed: delete it, or create another one"
	// +optional
	ForProvider K3dClusterParameters `json:"forProvider"`
}

// A K3dClusterStatus is the observed state of a K3dCluster.
type K3dClusterStatus struct {
	xpv2.ManagedResourceStatus `json:",inline"`

	// AtProvider is what is known of the cluster.
	// +optional
	AtProvider ClusterObservation `json:"atProvider,omitempty"`
}

// A K3dCluster is a k3s cluster whose nodes are containers, made by k3d. It is
// Ready when its API server answers /readyz.
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
type K3dCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   K3dClusterSpec   `json:"spec"`
	Status K3dClusterStatus `json:"status,omitempty"`
}

// A K3dClusterList is a list of K3dClusters.
//
// +kubebuilder:object:root=true
type K3dClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []K3dCluster `json:"items"`
}
