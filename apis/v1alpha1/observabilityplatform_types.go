// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ObservabilityPlatformSpec is what a team writes.
type ObservabilityPlatformSpec struct {
	// Cluster to run on.
	Cluster ClusterParameters `json:"cluster"`

	// Stack of components that observe.
	// +kubebuilder:default={}
	// +optional
	Stack StackParameters `json:"stack,omitempty,omitzero"`

	// Workloads to observe.
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="self.all(w, self.exists_one(v, (has(v.targetNamespace) ? v.targetNamespace : v.name) == (has(w.targetNamespace) ? w.targetNamespace : w.name)))",message="every workload needs a namespace of its own: give one of them another namespace"
	// +listType=map
	// +listMapKey=name
	// +optional
	Workloads []PlatformWorkload `json:"workloads,omitempty"`

	// Lifetime of the platform, counted from the creation of this object, in
	// hours, minutes and seconds: 4h, 90m or 1h30m, from 1m to 8760h, a year.
	// When it is over, everything is taken down in order: workloads, the stack,
	// the cluster. This object stays. A longer lifetime, before or during that,
	// brings it back. Without a lifetime it stays until it is deleted.
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,4}h)?([0-9]{1,6}m)?([0-9]{1,8}s)?$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="lifetime must be hours, minutes and seconds such as 4h, 90m or 1h30m, from 1m to 8760h"
	// +optional
	Lifetime string `json:"lifetime,omitempty"`

	// State that the platform is to be in. TornDown takes everything down as the
	// end of the lifetime does, now; what was stored in it is lost. Running brings
	// it back, unless its lifetime is over.
	// +kubebuilder:validation:Enum=Running;TornDown
	// +kubebuilder:default=Running
	// +optional
	State PlatformState `json:"state,omitempty"`
}

// A PlatformState is what a platform is to be.
type PlatformState string

// States of a platform.
const (
	// StateRunning is a platform that is there. It is the default.
	StateRunning PlatformState = "Running"
	// StateTornDown is a platform of which nothing is left but its object.
	StateTornDown PlatformState = "TornDown"
)

// A PlatformWorkload is one application of a platform.
// +kubebuilder:validation:XValidation:rule="has(self.targetNamespace) || !(self.name in ['default', 'kube-system', 'kube-public', 'kube-node-lease'])",message="a workload lives in a namespace of its own name, and this one belongs to the cluster: give the workload another name or namespace"
type PlatformWorkload struct {
	WorkloadParameters `json:",inline"`

	// Name of the workload, unique in the platform.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
}

// ObservabilityPlatformStatus says how the platform stands.
type ObservabilityPlatformStatus struct {
	Conditioned `json:",inline"`

	// Phase sums up where the platform stands.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// ClusterRef names the KubernetesCluster in this namespace.
	// +optional
	ClusterRef *LocalReference `json:"clusterRef,omitempty"`

	// KubernetesVersion of Kubernetes that was asked for.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	KubernetesVersion string `json:"kubernetesVersion,omitempty"`

	// APIServerURL is the URL of the cluster's API server.
	// +kubebuilder:validation:MaxLength=2048
	// +optional
	APIServerURL string `json:"apiServerURL,omitempty"`

	// KubeconfigSecretRef names the Secret in this namespace that holds the
	// cluster's kubeconfig. Empty for the management cluster.
	// +optional
	KubeconfigSecretRef *SecretKeyReference `json:"kubeconfigSecretRef,omitempty"`

	// Components of the stack.
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	Components []ChildStatus `json:"components,omitempty"`

	// Workloads of the platform.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	Workloads []ChildStatus `json:"workloads,omitempty"`

	// ExpirationTime is when the lifetime is over.
	// +optional
	ExpirationTime *metav1.Time `json:"expirationTime,omitempty"`

	// ExpirationConfirmed says that the lifetime that ends at expirationTime is over. From then on
	// no clock is asked.
	// +optional
	ExpirationConfirmed bool `json:"expirationConfirmed,omitempty"`

	// ClockCheckTime is when the function last thought, by its own clock, that the
	// lifetime is over. Writing it makes the API server say what its clock says:
	// nothing is taken down before both agree.
	// +optional
	ClockCheckTime *metav1.Time `json:"clockCheckTime,omitempty"`

	// PendingDeletion are the objects of a platform that is taken down, while they are
	// not known to be gone.
	// +optional
	PendingDeletion *PendingDeletion `json:"pendingDeletion,omitempty"`

	// URLs that a person opens.
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	URLs []URL `json:"urls,omitempty"`

	// Warnings say what a person should know though nothing is wrong.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Warnings []Warning `json:"warnings,omitempty"`
}

// PendingDeletion are objects by the layer that they belong to.
type PendingDeletion struct {
	// Workloads are what is left of workloads.
	// +kubebuilder:validation:MaxItems=1024
	// +listType=atomic
	// +optional
	Workloads []ObjectReference `json:"workloads,omitempty"`

	// Stack is what is left of the stack.
	// +kubebuilder:validation:MaxItems=1024
	// +listType=atomic
	// +optional
	Stack []ObjectReference `json:"stack,omitempty"`

	// Cluster is what is left of the cluster.
	// +kubebuilder:validation:MaxItems=1024
	// +listType=atomic
	// +optional
	Cluster []ObjectReference `json:"cluster,omitempty"`
}

// An ObservabilityPlatform is the claim: a cluster with a monitoring stack and
// observed workloads running in it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,path=observabilityplatforms,shortName=op;platform;platforms,categories=observe;crossplane
// +kubebuilder:printcolumn:name="Provider",type=string,JSONPath=`.spec.cluster.provider`
// +kubebuilder:printcolumn:name="Region",type=string,JSONPath=`.spec.cluster.region`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.kubernetesVersion`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.urls[0].url`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.status.expirationTime`,priority=1
type ObservabilityPlatform struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ObservabilityPlatformSpec   `json:"spec"`
	Status ObservabilityPlatformStatus `json:"status,omitempty,omitzero"`
}
