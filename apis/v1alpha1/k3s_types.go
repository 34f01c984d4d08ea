// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// A K3sRole is what a host does in a k3s cluster.
// +kubebuilder:validation:Enum=Server;Agent
type K3sRole string

// Roles of hosts.
const (
	// K3sServer is a host with a control plane. It runs pods, too.
	K3sServer K3sRole = "Server"
	// K3sAgent is a host that runs pods only.
	K3sAgent K3sRole = "Agent"
)

// A K3sHost is a machine that is reached over SSH. Everything said of it reaches
// its root shell, so nothing but the plainest names is accepted, and it is said
// once: k3s reads it when it is installed.
type K3sHost struct {
	// Address of the host, as Crossplane and the other hosts reach it: an IPv4
	// address or a DNS name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$') && (!self.matches('^[0-9.]+$') || isIP(self))",message="address must be an IPv4 address such as 192.0.2.10 or a DNS name such as node-1.lab.example.org, in lower case, without user, port or spaces"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^(localhost$|.*[.]localhost$|0[.]|127[.]|169[.]254[.])')",message="address must be that of another machine: loopback and link-local addresses would be the provider's own pod or its node"
	Address string `json:"address"`

	// Role of the host: Server runs the control plane and pods, Agent runs pods.
	// +kubebuilder:default=Agent
	// +optional
	Role K3sRole `json:"role,omitempty"`

	// Architecture of the host's CPUs.
	// +kubebuilder:default=amd64
	// +optional
	Architecture Architecture `json:"architecture,omitempty"`

	// Labels of the node.
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=8
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 128 && k.matches('^([a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="a label's key is a name such as rack or lab.example.org/rack, of letters, digits, '-', '_' and '.'"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.matches('^([-a-z0-9.]*[.])?(kubernetes|k8s)[.]io/'))",message="labels of kubernetes.io and k8s.io belong to Kubernetes: a node that asks for them does not start"
	// +optional
	Labels map[string]LocalLabel `json:"labels,omitempty"`
}

// A K3sKeyReference names the key of a Secret in the same namespace that holds a
// private SSH key.
type K3sKeyReference struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// Key within the Secret.
	// +kubebuilder:default=ssh-privatekey
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Key string `json:"key,omitempty"`
}

// A K3sSSH says how to log in to all hosts.
type K3sSSH struct {
	// Username is root, or somebody who may use sudo without a password.
	// +kubebuilder:default=root
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z_][-a-z0-9_]*$')",message="ssh.username must be the name of a Linux user, such as root or ubuntu"
	// +optional
	Username string `json:"username,omitempty"`

	// Port of the hosts' SSH server.
	// +kubebuilder:default=22
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port int64 `json:"port,omitempty"`

	// KeySecretRef names the Secret, in this namespace, with the private key, in
	// PEM and without a passphrase.
	KeySecretRef K3sKeyReference `json:"keySecretRef"`
}

// A K3sCluster is k3s on hosts of one's own. What k3s reads when it is installed
// cannot change: its provider installs and removes, nothing else.
// +kubebuilder:validation:XValidation:rule="self.hosts.filter(h, h.role == 'Server').size() in [1, 3]",message="hosts must have one host of role Server, or three for a control plane that outlives one of them"
// +kubebuilder:validation:XValidation:rule="self.hosts.filter(h, h.role == 'Server') == oldSelf.hosts.filter(h, h.role == 'Server')",message="hosts of role Server cannot change, nor their order: the first one is the cluster. Add hosts of role Agent, or create a new object on the other hosts"
// +kubebuilder:validation:XValidation:rule="oldSelf.hosts.all(o, o in self.hosts)",message="a host can be added, but not changed or removed: nobody would drain it, and what k3s reads at its start stays. Create a new object on the other hosts"
// +kubebuilder:validation:XValidation:rule="(has(self.version) ? self.version : '-') == (has(oldSelf.version) ? oldSelf.version : '-')",message="k3s.version cannot change: the provider installs k3s once and never upgrades it. Create a new object with the other version"
// +kubebuilder:validation:XValidation:rule="(has(self.traefik) && self.traefik) == (has(oldSelf.traefik) && oldSelf.traefik) && (has(self.serviceLB) && self.serviceLB) == (has(oldSelf.serviceLB) && oldSelf.serviceLB)",message="k3s.traefik and k3s.serviceLB cannot change: k3s reads them when it is installed. Create a new object instead"
type K3sCluster struct {
	// Hosts of the cluster: one Server, or three for a control plane that
	// outlives one of them, and Agents. A host belongs to one cluster: whatever
	// k3s is on it is taken over, and removed in the end. Two clusters of a
	// namespace never get the same one. Agents may be added later.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.size() <= 8",message="hosts may be 8 at most: leave some out, or make a second cluster of them"
	// +listType=map
	// +listMapKey=address
	Hosts []K3sHost `json:"hosts"`

	// SSH says how to log in to all hosts. Their host keys are not checked by the
	// provider: the network between it and the hosts has to be one to trust.
	SSH K3sSSH `json:"ssh"`

	// Version of k3s, exact. The newest of the field version when empty, or the
	// newest stable one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^v1[.][1-9][0-9][.][0-9]{1,2}[+]k3s[1-9][0-9]?$')",message="k3s.version must be a release of k3s such as v1.34.2+k3s1"
	// +optional
	Version string `json:"version,omitempty"`

	// Traefik keeps the ingress controller that k3s brings. With serviceLB it takes
	// the ports 80 and 443, so a stack with component ingress refuses both.
	// +optional
	Traefik bool `json:"traefik,omitempty"`

	// ServiceLB keeps the load balancer that k3s brings: Services of type
	// LoadBalancer then get the hosts' addresses. Off when the network has
	// another one.
	// +optional
	ServiceLB bool `json:"serviceLB,omitempty"`
}
