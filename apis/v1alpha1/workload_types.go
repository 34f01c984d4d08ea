// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// An App is a workload of the catalog.
type App string

// Apps of the catalog. The schema admits those that have a row in it.
const (
	// AppOpenTelemetryDemo is a shop of some twenty services in as many languages.
	AppOpenTelemetryDemo App = "opentelemetry-demo"
	// AppOnlineBoutique is Google's shop of eleven services.
	AppOnlineBoutique App = "online-boutique"
	// AppSockShop is Weaveworks' shop, instrumented as logz.io did it.
	AppSockShop App = "sock-shop"
	// AppEmojivoto is Linkerd's vote for the best emoji.
	AppEmojivoto App = "emojivoto"
	// AppPodtatoHead is a figure of parts that are deployed one by one.
	AppPodtatoHead App = "podtato-head"
	// AppPodinfo is a tiny web application with metrics and fault endpoints.
	AppPodinfo App = "podinfo"
	// AppEShop is eShopOnContainers. It is archived, and cannot be deployed.
	AppEShop App = "eshop"
	// AppGame is an app that the claim itself describes.
	AppGame App = "o11y-game"
)

// WorkloadParameters say which application to run.
// +kubebuilder:validation:XValidation:rule="(has(self.app) ? 1 : 0) + (has(self.chart) ? 1 : 0) + (has(self.manifests) ? 1 : 0) == 1",message="give exactly one of app (of the catalog), chart and manifests (your own)"
// +kubebuilder:validation:XValidation:rule="has(self.manifests) == has(oldSelf.manifests)",message="an application of manifests cannot become one of a chart, nor the other way round: give the other application a name of its own"
// +kubebuilder:validation:XValidation:rule="!has(self.manifests) || (!has(self.values) && !has(self.valuesFrom))",message="values and valuesFrom are for charts: write into manifests what you want"
// +kubebuilder:validation:XValidation:rule="has(self.app) == has(oldSelf.app) && (!has(self.app) || self.app == oldSelf.app)",message="app cannot change: give the other application a name of its own"
// +kubebuilder:validation:XValidation:rule="!has(self.load) || (has(self.app) && self.app != 'o11y-game')",message="load is for applications of the catalog: a game says it in game.loadGenerators, and your own application by itself"
// +kubebuilder:validation:XValidation:rule="!has(self.chaos) || self.chaos.all(c, c.fault != 'FeatureFlag') || (has(self.app) && self.app == 'opentelemetry-demo')",message="only opentelemetry-demo has feature flags: choose another fault"
// +kubebuilder:validation:XValidation:rule="!has(self.chaos) || has(self.app)",message="chaos is for applications of the catalog, whose parts are known"
// +kubebuilder:validation:XValidation:rule="has(self.game) == (has(self.app) && self.app == 'o11y-game')",message="app o11y-game needs a game, and no other application has one"
type WorkloadParameters struct {
	// App of the catalog.
	// +kubebuilder:validation:Enum=opentelemetry-demo;online-boutique;sock-shop;emojivoto;podtato-head;podinfo;eshop;o11y-game
	// +optional
	App App `json:"app,omitempty"`

	// Chart of an application of your own.
	// +optional
	Chart *Chart `json:"chart,omitempty"`

	// Manifests of an application of your own: Kubernetes objects. Those without a
	// namespace go into the workload's.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:XPreserveUnknownFields
	// +kubebuilder:validation:items:XEmbeddedResource
	// +kubebuilder:validation:items:XValidation:rule="self.apiVersion != 'v1' || self.kind != 'Secret'",message="a Secret in a manifest could be read by everyone who may read claims: make it on the cluster, or by a chart with valuesFrom"
	// +listType=atomic
	// +optional
	Manifests []runtime.RawExtension `json:"manifests,omitempty"`

	// Game that app o11y-game plays: an app of services that call each other,
	// break as it says, and tell of all they do.
	// +optional
	Game *language.Game `json:"game,omitempty"`

	// Load that the application is under. Every application of the catalog has a
	// dial for it; a game has load generators instead.
	// +optional
	Load *Load `json:"load,omitempty"`

	// Chaos is what goes wrong from time to time, on purpose.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Chaos []ChaosWindow `json:"chaos,omitempty"`

	// MeshInjection puts the application's pods into the mesh of the stack. Pods
	// that run already follow when they are created again.
	// +kubebuilder:validation:Enum=Enabled;Disabled
	// +optional
	MeshInjection MeshInjection `json:"meshInjection,omitempty"`

	// Deployer is how the workload reaches the cluster. In a platform the default
	// is Helm for profile Minimal, and ArgoCD for the others; a Workload of its
	// own takes Helm. A workload that is there keeps the deployer that installed it.
	// +kubebuilder:validation:Enum=Helm;Flux;ArgoCD
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="deployer cannot change: what one deployer installed another does not take over. Give a new workload the other deployer, then remove this one"
	// +optional
	Deployer Deployer `json:"deployer,omitempty"`

	// TargetNamespace on the cluster; the workload's name when empty.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="targetNamespace must be a DNS label: lower-case letters, digits and dashes"
	// +kubebuilder:validation:XValidation:rule="!(self in ['default', 'kube-system', 'kube-public', 'kube-node-lease'])",message="targetNamespace: namespace default and the kube- namespaces belong to the cluster: give the workload one of its own"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="targetNamespace cannot change: what is installed does not move. Give a new workload the other namespace, then remove this one"
	// +optional
	TargetNamespace string `json:"targetNamespace,omitempty"`

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

// A MeshInjection says whether pods join the mesh of the stack.
type MeshInjection string

// Mesh injection of a workload's pods.
const (
	// MeshInjectionEnabled lets pods join the mesh.
	MeshInjectionEnabled MeshInjection = "Enabled"
	// MeshInjectionDisabled leaves pods as they are. It is the default.
	MeshInjectionDisabled MeshInjection = "Disabled"
)

// Load is how much an application has to do.
type Load struct {
	// Users who use the application at the same time; 0 for nobody.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Users int64 `json:"users"`
}

// A Fault is something that goes wrong.
// +kubebuilder:validation:Enum=PodKill;NetworkLatency;PacketLoss;CPUStress;FeatureFlag
type Fault string

// Faults.
const (
	// FaultPodKill kills one pod of the target when the window begins.
	FaultPodKill Fault = "PodKill"
	// FaultNetworkLatency lets everything that the target sends arrive 250 ms later.
	FaultNetworkLatency Fault = "NetworkLatency"
	// FaultPacketLoss loses a quarter of the packets that the target sends.
	FaultPacketLoss Fault = "PacketLoss"
	// FaultCPUStress keeps a CPU of each of the target's pods busy.
	FaultCPUStress Fault = "CPUStress"
	// FaultFeatureFlag turns on a flag by which the application breaks itself.
	FaultFeatureFlag Fault = "FeatureFlag"
)

// A ChaosWindow is a time in which something goes wrong, again and again.
type ChaosWindow struct {
	// Schedule says when it begins, in cron's five fields (minute, hour, day,
	// month, day of the week), in UTC: "30 * * * *" is the second half of every
	// hour, if it lasts 30m.
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-0-9*,/]+( [-0-9*,/]+){4}$')",message="schedule must have cron's five fields of numbers, for example \"30 * * * *\""
	Schedule string `json:"schedule"`

	// Duration is how long it lasts, in minutes: at most 60m.
	// +kubebuilder:validation:MaxLength=4
	// +kubebuilder:validation:XValidation:rule="self.matches('^([1-9]|[1-5][0-9]|60)m$')",message="duration must be minutes from 1m to 60m"
	Duration string `json:"duration"`

	// Fault that happens.
	Fault Fault `json:"fault"`

	// Target is the part of the application that it happens to, or the name of
	// the feature flag.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$')",message="target must be the name of a part of the application"
	Target string `json:"target"`
}

// A Capability is something on the cluster that a workload can make use of.
// +kubebuilder:validation:Enum=Prometheus;ChaosMesh;Mesh
type Capability string

// Features of a cluster.
const (
	// CapabilityPrometheus is the Prometheus operator with its kinds.
	CapabilityPrometheus Capability = "Prometheus"
	// CapabilityChaosMesh is Chaos Mesh with its kinds.
	CapabilityChaosMesh Capability = "ChaosMesh"
	// CapabilityMesh is Linkerd with its kinds.
	CapabilityMesh Capability = "Mesh"
)

// WorkloadEnvironment are what a workload finds on the cluster.
type WorkloadEnvironment struct {
	// OTLPHost is the host that takes OTLP, on ports 4317 (gRPC) and 4318 (HTTP).
	// Traces, and metrics and logs that are pushed, go nowhere without.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +optional
	OTLPHost string `json:"otlpHost,omitempty"`

	// Architecture of the nodes; unknown when empty. Applications tolerate what taints
	// nodes for it, and those without images for it are refused.
	// +optional
	Architecture Architecture `json:"architecture,omitempty"`

	// Capabilities that are there.
	// +kubebuilder:validation:MaxItems=8
	// +listType=set
	// +optional
	Capabilities []Capability `json:"capabilities,omitempty"`
}

// WorkloadSpec says which application runs on which cluster.
// +kubebuilder:validation:XValidation:rule="self.clusterRef == oldSelf.clusterRef",message="clusterRef cannot change: what is installed does not move. Create a new Workload on the other cluster, then delete this one"
// +kubebuilder:validation:XValidation:rule="!has(self.stackRef) || !has(self.environment)",message="the stack of stackRef says what is on the cluster: leave environment out, or stackRef"
type WorkloadSpec struct {
	WorkloadParameters `json:",inline"`

	// ClusterRef names the KubernetesCluster in this namespace.
	ClusterRef LocalReference `json:"clusterRef"`

	// StackRef names the ObservabilityStack in this namespace that observes the
	// workload. The workload uses what the stack installs on the cluster, does not share
	// its namespaces, and is deleted before it.
	// +optional
	StackRef *LocalReference `json:"stackRef,omitempty"`

	// Environment are what the workload finds on a cluster without a stack.
	// +optional
	Environment WorkloadEnvironment `json:"environment,omitempty,omitzero"`

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

	// ChartVersion of the application's chart; empty for manifests.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	ChartVersion string `json:"chartVersion,omitempty"`

	// Environment is what the stack of stackRef said last. It holds while the stack
	// cannot be read.
	// +optional
	Environment *WorkloadEnvironment `json:"environment,omitempty"`

	// TopLevelComponents are those of the stack of stackRef, as it said last.
	// +kubebuilder:validation:MaxItems=128
	// +listType=map
	// +listMapKey=name
	// +optional
	TopLevelComponents []LocalReference `json:"topLevelComponents,omitempty"`
}

// A Workload is one observed application on one cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,path=workloads,categories=observe;crossplane
// +kubebuilder:printcolumn:name="App",type=string,JSONPath=`.spec.app`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.chartVersion`
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.spec.clusterRef.name`,priority=1
type Workload struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   WorkloadSpec   `json:"spec"`
	Status WorkloadStatus `json:"status,omitempty,omitzero"`
}
