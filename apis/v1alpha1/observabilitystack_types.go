// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// A Profile is a set of components that belong together.
type Profile string

// Profiles of a stack. The schema admits those that can be composed.
const (
	// ProfileMinimal is metrics, alerts and dashboards; it fits a small laptop.
	ProfileMinimal Profile = "Minimal"
	// ProfileStandard adds traces, logs pipeline, ingress, mesh and cost.
	ProfileStandard Profile = "Standard"
	// ProfileFull is every CNCF component of the catalog.
	ProfileFull Profile = "Full"
)

// StackParameters say what the stack consists of.
// +kubebuilder:validation:XValidation:rule="!has(self.components) || !has(self.nonCNCFComponents) || self.components.all(c, !self.nonCNCFComponents.exists(b, b.name == c.name))",message="a component is named either in components or in nonCNCFComponents, not in both"
// +kubebuilder:validation:XValidation:rule="!has(self.components) || self.components.all(c, !has(c.valuesFrom) || c.name in ['flux', 'argo-cd'] || (has(c.deployer) ? c.deployer : has(self.deployer) ? self.deployer : has(self.profile) && self.profile != 'Minimal' ? 'Flux' : 'Helm') == 'Helm' || c.valuesFrom.all(v, v.kind == 'ConfigMap'))",message="only deployer Helm can take values from a Secret without showing them on the way: set deployer: Helm for that component, or give what is not secret in a ConfigMap"
// +kubebuilder:validation:XValidation:rule="!has(self.nonCNCFComponents) || self.nonCNCFComponents.all(c, !has(c.valuesFrom) || (has(c.deployer) ? c.deployer : has(self.deployer) ? self.deployer : has(self.profile) && self.profile != 'Minimal' ? 'Flux' : 'Helm') == 'Helm' || c.valuesFrom.all(v, v.kind == 'ConfigMap'))",message="only deployer Helm can take values from a Secret without showing them on the way: set deployer: Helm for that component, or give what is not secret in a ConfigMap"
type StackParameters struct {
	// Profile is the set of components to start from: CNCF projects only, and
	// NGINX.
	// +kubebuilder:validation:Enum=Minimal;Standard;Full
	// +kubebuilder:default=Minimal
	// +optional
	Profile Profile `json:"profile,omitempty"`

	// Deployer is how components reach the cluster. The default is Helm for
	// profile Minimal, which has to fit the smallest cluster, and Flux for the
	// others. Components that are there keep the deployer that installed them.
	// +kubebuilder:validation:Enum=Helm;Flux
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="deployer cannot change: what one deployer installed another does not take over. Take the stack down and set it up again with the other"
	// +optional
	Deployer Deployer `json:"deployer,omitempty"`

	// Components changes components of the profile by name, or adds one of the
	// team's own: an entry with a chart.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:XValidation:rule="self.all(c, has(c.chart) || !(c.name in ['flux-operator', 'grafana', 'loki', 'nginx-ingress', 'pyroscope', 'tempo']))",message="flux-operator, grafana, loki, nginx-ingress, pyroscope and tempo are projects outside the CNCF: name them in nonCNCFComponents"
	// +listType=map
	// +listMapKey=name
	// +optional
	Components []StackComponent `json:"components,omitempty"`

	// NonCNCFComponents are projects outside the CNCF: none unless named here.
	// Entries are components of the catalog by name, or your own with a chart.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	NonCNCFComponents []StackComponent `json:"nonCNCFComponents,omitempty"`

	// Exports send copies of telemetry to backends that the team already has.
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	// +optional
	Exports []Export `json:"exports,omitempty"`

	// SLOs that rules and alerts are made of. They need the component content.
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	SLOs []SLO `json:"slos,omitempty"`

	// TLS says where the certificates of published views come from: an authority
	// of the cluster's own, unless told otherwise.
	// +optional
	TLS *TLS `json:"tls,omitempty"`

	// Auth says who may open published views: whoever knows the password that is
	// made on the cluster, unless told otherwise.
	// +optional
	Auth *Auth `json:"auth,omitempty"`

	// Domain below which the stack's views are published, by the component
	// ingress. A cluster on this machine has one that needs no set-up: localhost.
	// On others nothing is published without.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+$')",message="domain must be a DNS name such as demo.example.org"
	// +optional
	Domain string `json:"domain,omitempty"`
}

// TLS says where certificates come from.
type TLS struct {
	// ACME is an authority that everybody trusts.
	// +optional
	ACME *ACME `json:"acme,omitempty"`
}

// ACME is a certificate authority that checks that the domain leads to this
// cluster.
type ACME struct {
	// Email that the authority writes to.
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=254
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^ @]+@[^ @]+$')",message="email must be an address such as team@example.org"
	Email string `json:"email"`

	// Server of the authority.
	// +kubebuilder:default="https://acme-v02.api.letsencrypt.org/directory"
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[^ @]+$')",message="server must be https://HOST/PATH"
	// +optional
	Server string `json:"server,omitempty"`
}

// A StackComponent changes a component of the catalog, or is one of the team's
// own.
// +kubebuilder:validation:XValidation:rule="!has(self.chart) || !has(self.version)",message="a component of your own has its version in chart.version; version is for components of the catalog"
// +kubebuilder:validation:XValidation:rule="has(self.chart) || !has(self.targetNamespace)",message="targetNamespace is for a component of your own, one with a chart; the catalog says where its components go"
// +kubebuilder:validation:XValidation:rule="has(self.chart) || !has(self.dependsOn)",message="dependsOn is for a component of your own, one with a chart; the catalog knows what its components need"
// +kubebuilder:validation:XValidation:rule="!has(self.chart) || has(self.targetNamespace)",message="a component of your own needs a targetNamespace"
type StackComponent struct {
	// Name of the component in the catalog, or a new name for one of your own.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Enabled is false to leave the component out.
	// +kubebuilder:default=true
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// Deployer of this component instead of the stack's.
	// +kubebuilder:validation:Enum=Helm;Flux
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="deployer cannot change: what one deployer installed another does not take over. Disable the component, and enable it again with the other when it is gone"
	// +optional
	Deployer Deployer `json:"deployer,omitempty"`

	// Version of the catalog's chart to install instead of the pinned one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^v?[0-9]+\\\\.[0-9]+\\\\.[0-9]+(-[-.0-9A-Za-z]+)?([+][-.0-9A-Za-z]+)?$')",message="version must be one exact version such as 1.2.3; ranges and latest are not accepted"
	// +optional
	Version string `json:"version,omitempty"`

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

	// Chart of a component of your own.
	// +optional
	Chart *Chart `json:"chart,omitempty"`

	// TargetNamespace on the cluster of a component of your own.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="targetNamespace cannot change: what is installed does not move. Give a new component the other namespace, then remove this one"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="targetNamespace must be a DNS label: lower-case letters, digits and dashes"
	// +optional
	TargetNamespace string `json:"targetNamespace,omitempty"`

	// DependsOn names components of this stack that a component of your own
	// needs.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	DependsOn []LocalReference `json:"dependsOn,omitempty"`
}

// ObservabilityStackSpec says which stack is wanted on which cluster.
// +kubebuilder:validation:XValidation:rule="self.clusterRef == oldSelf.clusterRef",message="clusterRef cannot change: what is installed does not move. Create a new ObservabilityStack on the other cluster, then delete this one"
type ObservabilityStackSpec struct {
	StackParameters `json:",inline"`

	// ClusterRef names the KubernetesCluster in this namespace.
	ClusterRef LocalReference `json:"clusterRef"`

	// AdditionalDeployers to have on the cluster besides those that deploy this stack, for
	// workloads and Components of one's own.
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:items:Enum=Flux;ArgoCD
	// +listType=set
	// +optional
	AdditionalDeployers []Deployer `json:"additionalDeployers,omitempty"`

	// WorkloadRoutes of workloads to publish beside the stack's own views, below the same
	// domain and behind the same password.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	WorkloadRoutes []WorkloadRoute `json:"workloadRoutes,omitempty"`

	// WorkloadSLOs come beside the stack's own, where the stack can measure them. One
	// of the stack's own with the same name comes instead.
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	WorkloadSLOs []SLO `json:"workloadSLOs,omitempty"`
}

// A WorkloadRoute is served by a Service of a workload.
type WorkloadRoute struct {
	// Name of the workload: the first label of the page's host.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Namespace on the cluster.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace"`

	// Service in the namespace.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Service string `json:"service"`

	// Port of the Service.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int64 `json:"port"`
}

// A StackSummary is what a stack tells workloads on its cluster.
type StackSummary struct {
	// Environment is what workloads find on the cluster.
	// +optional
	Environment *WorkloadEnvironment `json:"environment,omitempty"`

	// TopLevelComponents are the Components of the stack, in this namespace, that no
	// other Component of it needs. A workload is deleted before them.
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	TopLevelComponents []LocalReference `json:"topLevelComponents,omitempty"`

	// Namespaces on the cluster that belong to the stack.
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	Namespaces []StackNamespace `json:"namespaces,omitempty"`

	// HasIngress says that the stack installs an ingress, which needs ports 80 and 443
	// of the nodes.
	// +optional
	HasIngress bool `json:"hasIngress,omitempty"`
}

// A StackNamespace is a namespace on the cluster that a component creates.
type StackNamespace struct {
	// Name of the namespace.
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// Component that creates it.
	// +kubebuilder:validation:MaxLength=63
	Component string `json:"component"`
}

// ObservabilityStackStatus says how the stack stands.
type ObservabilityStackStatus struct {
	Conditioned `json:",inline"`

	StackSummary `json:",inline"`

	// Phase sums up where the stack stands.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// Components of the stack.
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	Components []ChildStatus `json:"components,omitempty"`

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

	// Capabilities of the cluster as last known, so that components do not change
	// while the cluster says nothing.
	// +optional
	Capabilities *Capabilities `json:"capabilities,omitempty"`
}

// An ObservabilityStack is a set of components on one cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,path=observabilitystacks,shortName=ostack,categories=observe;crossplane
// +kubebuilder:printcolumn:name="Profile",type=string,JSONPath=`.spec.profile`
// +kubebuilder:printcolumn:name="Deployer",type=string,JSONPath=`.spec.deployer`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.spec.clusterRef.name`,priority=1
type ObservabilityStack struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ObservabilityStackSpec   `json:"spec"`
	Status ObservabilityStackStatus `json:"status,omitempty,omitzero"`
}
