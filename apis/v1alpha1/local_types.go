// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// A LocalPort publishes a port of the first node on the machine that runs the
// container engine. A Service of type NodePort is reached by it.
type LocalPort struct {
	// HostPort is the port on the machine.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	HostPort int64 `json:"hostPort"`

	// ContainerPort is the port on the node.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	ContainerPort int64 `json:"containerPort"`

	// ListenAddress on the machine. The default is reached from this machine only;
	// 0.0.0.0 opens the port to its network.
	// +kubebuilder:default="127.0.0.1"
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="isIP(self) && ip(self).family() == 4",message="listenAddress must be an IPv4 address of the machine, such as 127.0.0.1 or 0.0.0.0"
	// +optional
	ListenAddress string `json:"listenAddress,omitempty"`

	// Protocol of the port.
	// +kubebuilder:default=TCP
	// +kubebuilder:validation:Enum=TCP;UDP
	// +optional
	Protocol string `json:"protocol,omitempty"`
}

// A MirrorEndpoint is the URL of a registry.
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[-A-Za-z0-9._/]*)?$')",message="an endpoint must be http://HOST[:PORT] or https://HOST[:PORT], without user names, queries or spaces"
type MirrorEndpoint string

// A RegistryMirror is asked for images instead of their own registry.
type RegistryMirror struct {
	// Registry that is mirrored, as it stands in the names of images: docker.io,
	// registry.example.org:5000, or "*" for every one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^([*]|[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?)$')",message="registry must be the host of a registry, such as docker.io or registry.example.org:5000, or \"*\" for every one"
	Registry string `json:"registry"`

	// Endpoints to ask, in this order, before the registry itself.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +listType=atomic
	Endpoints []MirrorEndpoint `json:"endpoints"`
}

// A LocalLabel is the value of a node's label. That of a host reaches its root
// shell.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$')",message="a label's value has letters, digits, '-', '_' and '.', and begins and ends with a letter or digit"
type LocalLabel string

// LocalNodes are containers that are the nodes of a cluster.
type LocalNodes struct {
	// Image of the nodes, instead of the one that the tool has for the version.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9][-A-Za-z0-9._:/@]*$')",message="image must be the name of an image, such as registry.example.org/node:v1.34.0"
	// +optional
	Image string `json:"image,omitempty"`

	// ControlPlanes is the number of nodes with a control plane: one, or three.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Enum=1;3
	// +optional
	ControlPlanes int64 `json:"controlPlanes,omitempty"`

	// Workers is the number of further nodes. Without any, pods run on the control
	// planes.
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=20
	// +optional
	Workers int64 `json:"workers,omitempty"`

	// Ports of the first node to publish on the machine.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=hostPort
	// +listMapKey=protocol
	// +optional
	Ports []LocalPort `json:"ports,omitempty"`

	// RegistryMirrors are asked for images first.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=registry
	// +optional
	RegistryMirrors []RegistryMirror `json:"registryMirrors,omitempty"`

	// Labels of every node.
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 128 && k.matches('^([a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="a label's key is a name such as rack or lab.example.org/rack, of letters, digits, '-', '_' and '.'"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([-a-z0-9.]*[.])?(kubernetes|k8s)[.]io/'))",message="labels of kubernetes.io and k8s.io belong to Kubernetes: a node may not give itself any"
	// +optional
	Labels map[string]LocalLabel `json:"labels,omitempty"`
}
