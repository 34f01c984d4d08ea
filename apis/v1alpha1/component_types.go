// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ComponentSpec says what to bring to which cluster, and how.
// +kubebuilder:validation:XValidation:rule="self.clusterRef == oldSelf.clusterRef",message="clusterRef cannot change: what is installed does not move. Create a new Component on the other cluster, then delete this one"
// +kubebuilder:validation:XValidation:rule="self.deployer == oldSelf.deployer",message="deployer cannot change: what one deployer installed another does not take over. Create a new Component with the other deployer, then delete this one"
// +kubebuilder:validation:XValidation:rule="has(self.source.chart) == has(oldSelf.source.chart) && has(self.source.git) == has(oldSelf.source.git)",message="source cannot become another kind of source: create a new Component, then delete this one"
// +kubebuilder:validation:XValidation:rule="self.deployer != 'Helm' || !has(self.source.git)",message="deployer Helm cannot take source.git: choose deployer Flux or ArgoCD, or give a chart or manifests"
// +kubebuilder:validation:XValidation:rule="self.deployer != 'ArgoCD' || !has(self.source.chart) || !has(self.source.chart.digest)",message="deployer ArgoCD cannot check source.chart.digest: choose deployer Helm or Flux, or leave the digest out"
// +kubebuilder:validation:XValidation:rule="self.deployer != 'ArgoCD' || !has(self.source.git) || !has(self.source.git.secretRef)",message="deployer ArgoCD finds credentials by the URL of the repository: bring a Secret with the label argocd.argoproj.io/secret-type: repository to namespace argocd of the cluster, and leave source.git.secretRef out"
// +kubebuilder:validation:XValidation:rule="has(self.source.chart) || (!has(self.values) && !has(self.valuesFrom))",message="values and valuesFrom are for source.chart; what Git builds is changed by source.git.kustomize"
// +kubebuilder:validation:XValidation:rule="self.deployer == 'Helm' || !has(self.valuesFrom) || self.valuesFrom.all(v, v.kind == 'ConfigMap')",message="only deployer Helm can take values from a Secret without showing them on the way: choose deployer Helm, or give what is not secret in a ConfigMap"
// +kubebuilder:validation:XValidation:rule="!has(self.source.git) || !has(self.releaseName)",message="releaseName is for charts and manifests; what Git builds is no Helm release"
// +kubebuilder:validation:XValidation:rule="self.targetNamespace == oldSelf.targetNamespace",message="targetNamespace cannot change: what is installed does not move. Create a new Component in the other namespace, then delete this one"
// +kubebuilder:validation:XValidation:rule="has(self.releaseName) == has(oldSelf.releaseName) && (!has(self.releaseName) || self.releaseName == oldSelf.releaseName)",message="releaseName cannot change: Helm would install a second release beside the first. Create a new Component instead"
// +kubebuilder:validation:XValidation:rule="!(self.targetNamespace in ['default', 'kube-system', 'kube-public', 'kube-node-lease']) || (has(self.createNamespace) && !self.createNamespace)",message="targetNamespace: namespace default and the kube- namespaces belong to the cluster: set createNamespace to false to install into one of them"
type ComponentSpec struct {
	// ClusterRef names the KubernetesCluster in this namespace.
	ClusterRef LocalReference `json:"clusterRef"`

	// Deployer that deploys the component. Flux and ArgoCD have to be on the
	// cluster: a stack brings them, others name their Component in dependsOn.
	// +kubebuilder:validation:Enum=Helm;Flux;ArgoCD
	// +kubebuilder:default=Helm
	// +optional
	Deployer Deployer `json:"deployer,omitempty"`

	// Source of what is deployed.
	Source ComponentSource `json:"source"`

	// TargetNamespace on the cluster.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="targetNamespace must be a DNS label: lower-case letters, digits and dashes"
	TargetNamespace string `json:"targetNamespace"`

	// CreateNamespace makes the namespace and removes it again with the
	// component. A namespace that existed before is used and left alone.
	// +kubebuilder:default=true
	// +optional
	CreateNamespace *bool `json:"createNamespace,omitempty"`

	// NamespaceAnnotations are put on the namespace, for example for the injector
	// of a mesh. They are for a namespace that this component makes.
	// +kubebuilder:validation:MaxProperties=8
	// +optional
	NamespaceAnnotations map[string]string `json:"namespaceAnnotations,omitempty"`

	// ReleaseName of a Helm release. The default is unique to this Component, so
	// that nobody else's release is ever taken over.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=53
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="releaseName must be a DNS label of at most 53 characters"
	// +optional
	ReleaseName string `json:"releaseName,omitempty"`

	// Values of a chart.
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:XPreserveUnknownFields
	// +optional
	Values *runtime.RawExtension `json:"values,omitempty"`

	// ValuesFrom are read in order; later ones and values win. A Secret is for
	// deployer Helm only.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	ValuesFrom []ValuesReference `json:"valuesFrom,omitempty"`

	// DependsOn names Components in this namespace that must be Ready before
	// this one is installed for the first time, and that outlive it.
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	DependsOn []LocalReference `json:"dependsOn,omitempty"`

	// Timeout is how long one attempt waits for the component to become ready,
	// for example 5m or 90s.
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[1-9][0-9]{0,3}[sm]$')",message="timeout must be whole seconds or minutes, for example 90s or 5m"
	// +optional
	Timeout string `json:"timeout,omitempty"`
}

// A ComponentSource is what is deployed.
// +kubebuilder:validation:XValidation:rule="(has(self.chart) ? 1 : 0) + (has(self.git) ? 1 : 0) + (has(self.manifests) ? 1 : 0) == 1",message="give exactly one of chart, git and manifests"
type ComponentSource struct {
	// Chart is a Helm chart.
	// +optional
	Chart *Chart `json:"chart,omitempty"`

	// Git is a folder of a Git repository, for deployers Flux and ArgoCD. All its
	// namespaced objects go into the Component's namespace.
	// +optional
	Git *GitSource `json:"git,omitempty"`

	// Manifests are Kubernetes objects, for every deployer. They reach the cluster
	// as values of a chart of this project, so that any deployer can keep track of
	// them. Objects without a namespace go into the Component's.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:XPreserveUnknownFields
	// +kubebuilder:validation:items:XEmbeddedResource
	// +kubebuilder:validation:items:XValidation:rule="self.apiVersion != 'v1' || self.kind != 'Secret'",message="a Secret in a manifest could be read by everyone who may read Components: make it on the cluster, or by a chart with valuesFrom"
	// +listType=atomic
	// +optional
	Manifests []runtime.RawExtension `json:"manifests,omitempty"`
}

// ComponentStatus says how the component stands.
type ComponentStatus struct {
	Conditioned `json:",inline"`

	// Phase sums up where the component stands.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// ChartVersion that is deployed.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	ChartVersion string `json:"chartVersion,omitempty"`

	// Revision that the deployer brought: of the Helm release, or of Git.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Revision string `json:"revision,omitempty"`

	// ReleaseName of the Helm release on the cluster.
	// +kubebuilder:validation:MaxLength=53
	// +optional
	ReleaseName string `json:"releaseName,omitempty"`

	// Connection to the cluster as last known, so that nothing is dropped while the
	// cluster's own status is missing.
	// +optional
	Connection *Connection `json:"connection,omitempty"`

	// ResourceRefs are the managed resources that must be gone before anything that
	// this component depends on may go.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	ResourceRefs []ObjectReference `json:"resourceRefs,omitempty"`
}

// A Component is one chart, Git folder or set of manifests on one cluster,
// brought there by one deployer.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,path=components,shortName=cmp,categories=observe;crossplane
// +kubebuilder:printcolumn:name="Deployer",type=string,JSONPath=`.spec.deployer`
// +kubebuilder:printcolumn:name="Chart",type=string,JSONPath=`.spec.source.chart.name`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.spec.source.chart.version`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.spec.clusterRef.name`,priority=1
type Component struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ComponentSpec   `json:"spec"`
	Status ComponentStatus `json:"status,omitempty,omitzero"`
}
