// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Keys of a cluster's connection Secret.
const (
	// KubeconfigKey holds a kubeconfig that works from other containers on the
	// cluster's network, such as the pods of a management cluster there. It is
	// the one to give to provider-helm and provider-kubernetes.
	KubeconfigKey = "kubeconfig"
	// KubeconfigExternalKey holds a kubeconfig that works on the machine that
	// runs the container engine.
	KubeconfigExternalKey = "kubeconfig-external"
	// EndpointKey holds the URL of the API server in the first of them.
	EndpointKey = "endpoint"
)

// A PortMapping publishes a port of the first control plane node on the machine
// that runs the container engine. Services of type NodePort are reached by it.
type PortMapping struct {
	// HostPort is the port on the machine.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	HostPort int32 `json:"hostPort"`

	// ContainerPort is the port on the node.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	ContainerPort int32 `json:"containerPort"`

	// ListenAddress is the address of the machine to listen on. The default can be
	// reached from this machine only; 0.0.0.0 opens the port to its network.
	// +kubebuilder:default="127.0.0.1"
	// +kubebuilder:validation:Pattern=`^(\d{1,3}\.){3}\d{1,3}$`
	// +optional
	ListenAddress string `json:"listenAddress,omitempty"`

	// Protocol of the port.
	// +kubebuilder:default=TCP
	// +kubebuilder:validation:Enum=TCP;UDP
	// +optional
	Protocol string `json:"protocol,omitempty"`
}

// A RegistryMirror is asked for images instead of their own registry.
type RegistryMirror struct {
	// Registry that is mirrored, as it stands in the names of images: docker.io,
	// registry.example.org:5000, or "*" for every registry.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^(\*|[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?)$`
	Registry string `json:"registry"`

	// Endpoints are the URLs to ask, in this order, before the registry itself. An
	// http endpoint is used without TLS.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?$`
	Endpoints []string `json:"endpoints"`
}

// A LabelValue has at most 63 letters, digits, dots, dashes and underscores, and
// begins and ends with a letter or digit.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$`
type LabelValue string

// NodeParameters are what clusters of both tools have.
type NodeParameters struct {
	// Version of Kubernetes. The newest one that the tool's release was made for
	// if neither a version nor an image is given.
	// +kubebuilder:validation:Enum="1.34";"1.35";"1.36";"1.37"
	// +optional
	Version *string `json:"version,omitempty"`

	// Image of the nodes, instead of the tool's own image of a version.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-z0-9][A-Za-z0-9._:/@-]*$`
	// +optional
	Image *string `json:"image,omitempty"`

	// ControlPlanes is the number of nodes with a control plane: one, or an odd
	// number for high availability.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Enum=1;3;5
	// +optional
	ControlPlanes int32 `json:"controlPlanes,omitempty"`

	// Workers is the number of further nodes. Without any, pods run on the
	// control planes.
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=20
	// +optional
	Workers int32 `json:"workers"`

	// Ports of the first control plane node to publish on the machine.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=hostPort
	// +listMapKey=protocol
	// +optional
	Ports []PortMapping `json:"ports,omitempty"`

	// RegistryMirrors are asked for images first.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=registry
	// +optional
	RegistryMirrors []RegistryMirror `json:"registryMirrors,omitempty"`

	// Labels of every node, as Kubernetes sees them.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) <= 317 && k.matches('^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$'))",message="the key of a label is a name of at most 63 letters, digits, dots, dashes and underscores, after an optional DNS name and a slash"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([a-z0-9.-]*[.])?(kubernetes|k8s)[.]io/') || k.startsWith('node.kubernetes.io/') || k.startsWith('topology.kubernetes.io/'))",message="a node may not give itself labels of kubernetes.io and k8s.io but those below node.kubernetes.io/ and topology.kubernetes.io/"
	// +optional
	Labels map[string]LabelValue `json:"labels,omitempty"`
}

// A NodeStatus is what the container engine says of one node.
type NodeStatus struct {
	// Name of the node and of its container.
	Name string `json:"name"`
	// Role of the node: control-plane, worker, or load-balancer in front of
	// several control planes.
	Role string `json:"role"`
	// State of the container, such as running or exited.
	State string `json:"state"`
}

// A ClusterState is what a cluster is doing.
type ClusterState string

// States of a cluster.
const (
	// StateCreating says that the cluster is being made.
	StateCreating ClusterState = "Creating"
	// StateRecreating says that remains of an interrupted creation are removed, and
	// the cluster is made again.
	StateRecreating ClusterState = "Recreating"
	// StateStarting says that nodes that had stopped are being started.
	StateStarting ClusterState = "Starting"
	// StateRunning says that the cluster is complete and its nodes run.
	StateRunning ClusterState = "Running"
	// StateDeleting says that the cluster is being deleted.
	StateDeleting ClusterState = "Deleting"
)

// ClusterObservation is what is known of a cluster.
type ClusterObservation struct {
	// State of the cluster's life.
	// +optional
	State ClusterState `json:"state,omitempty"`

	// Message of the creation that the tool is at, in its own words.
	// +optional
	Message string `json:"message,omitempty"`

	// Version of Kubernetes that the API server reports.
	// +optional
	Version string `json:"version,omitempty"`

	// Architecture of the machine that runs the cluster, such as amd64.
	// +optional
	Architecture string `json:"architecture,omitempty"`

	// Endpoint of the API server on the cluster's network.
	// +optional
	Endpoint string `json:"endpoint,omitempty"`

	// ExternalEndpoint of the API server on the machine that runs the engine.
	// +optional
	ExternalEndpoint string `json:"externalEndpoint,omitempty"`

	// Nodes of the cluster, by name.
	// +optional
	Nodes []NodeStatus `json:"nodes,omitempty"`
}
