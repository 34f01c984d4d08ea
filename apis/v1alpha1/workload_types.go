package v1alpha1

import (
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// An App is a workload of the catalog.
type App string

// Apps of the catalog. The schema admits those that can be composed.
const (
	// AppPodinfo is a tiny web application with metrics and fault endpoints.
	AppPodinfo App = "podinfo"
	// AppGame is an app that the claim itself describes.
	AppGame App = "o11y-game"
)

// WorkloadParameters say which application to run.
// +kubebuilder:validation:XValidation:rule="has(self.app) != has(self.chart)",message="give exactly one of app (of the catalog) and chart (your own)"
// +kubebuilder:validation:XValidation:rule="has(self.app) == has(oldSelf.app) && (!has(self.app) || self.app == oldSelf.app)",message="app cannot change: give the other application a name of its own"
// +kubebuilder:validation:XValidation:rule="has(self.game) == (has(self.app) && self.app == 'o11y-game')",message="app o11y-game needs a game, and no other application has one"
type WorkloadParameters struct {
	// App of the catalog.
	// +kubebuilder:validation:Enum=o11y-game;podinfo
	// +optional
	App App `json:"app,omitempty"`

	// Chart of an application of your own.
	// +optional
	Chart *Chart `json:"chart,omitempty"`

	// Game that app o11y-game plays: an app of services that call each other,
	// break as it says, and tell of all they do.
	// +optional
	Game *language.Game `json:"game,omitempty"`

	// Delivery is how the workload reaches the cluster. In a platform the default
	// is Helm for profile Minimal, and ArgoCD for the others; a Workload of its
	// own takes Helm. A workload that is there keeps the engine that brought it.
	// +kubebuilder:validation:Enum=Helm;Flux;ArgoCD
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="delivery cannot change: what one engine installed another does not take over. Give a new workload the other delivery, then remove this one"
	// +optional
	Delivery Delivery `json:"delivery,omitempty"`

	// Namespace on the cluster; the workload's name when empty.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="namespace must be a DNS label: lower-case letters, digits and dashes"
	// +kubebuilder:validation:XValidation:rule="!(self in ['default', 'kube-system', 'kube-public', 'kube-node-lease'])",message="namespace default and the kube- namespaces belong to the cluster: give the workload one of its own"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="namespace cannot change: what is installed does not move. Give a new workload the other namespace, then remove this one"
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Values are merged over those of the catalog.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:XPreserveUnknownFields
	// +optional
	Values *runtime.RawExtension `json:"values,omitempty"`

	// ValuesFrom are read before values, in order.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	ValuesFrom []ValuesReference `json:"valuesFrom,omitempty"`
}

// WorkloadSpec says which application runs on which cluster.
// +kubebuilder:validation:XValidation:rule="self.clusterRef == oldSelf.clusterRef",message="clusterRef cannot change: what is installed does not move. Create a new Workload on the other cluster, then delete this one"
type WorkloadSpec struct {
	WorkloadParameters `json:",inline"`

	// ClusterRef names the KubernetesCluster in this namespace.
	ClusterRef LocalReference `json:"clusterRef"`

	// DependsOn names Components in this namespace that the workload needs and
	// that outlive it.
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	DependsOn []LocalReference `json:"dependsOn,omitempty"`
}

// WorkloadStatus says how the workload stands.
type WorkloadStatus struct {
	Conditioned `json:",inline"`

	// Phase sums up where the workload stands.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// Version of the application's chart.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	Version string `json:"version,omitempty"`
}

// A Workload is one observed application on one cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,path=workloads,shortName=wl,categories=observe;crossplane
// +kubebuilder:printcolumn:name="App",type=string,JSONPath=`.spec.app`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.spec.clusterRef.name`,priority=1
type Workload struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   WorkloadSpec   `json:"spec"`
	Status WorkloadStatus `json:"status,omitempty,omitzero"`
}
