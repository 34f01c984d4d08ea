// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// NATGatewayMode says how nodes reach the internet.
// +kubebuilder:validation:Enum=Single;PerZone
type NATGatewayMode string

// Ways for nodes to reach the internet.
const (
	// NATGatewaySingle is one gateway in one zone: the cheapest.
	NATGatewaySingle NATGatewayMode = "Single"
	// NATGatewayPerZone is a regional gateway, which AWS keeps in every zone
	// that has nodes: no zone depends on another.
	NATGatewayPerZone NATGatewayMode = "PerZone"
)

// An EKSLog is a log of EKS's control plane.
// +kubebuilder:validation:Enum=api;audit;authenticator;controllerManager;scheduler
type EKSLog string

// A SubnetID is the ID of a subnet in AWS.
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('^subnet-[0-9a-f]{8,17}$')",message="must be the ID of a subnet, such as subnet-0123456789abcdef0"
type SubnetID string

// A ZoneID is the ID of an availability zone in AWS, which unlike its name is
// the same in every account.
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]{3,4}[0-9]-az[0-9]$')",message="must be the ID of a zone, such as euw1-az1; names such as eu-west-1a mean another zone in every account"
type ZoneID string

// An InstanceType is a type of virtual machine in AWS.
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9-]+[.][a-z0-9-]+$')",message="must be an instance type, such as m6i.xlarge"
type InstanceType string

// An AddonVersion is a version of one of EKS's add-ons.
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('^v[0-9]+[.][0-9]+[.][0-9]+-eksbuild[.][0-9]+$')",message="must be a version of an add-on of EKS, such as v1.34.0-eksbuild.2"
type AddonVersion string

// An EKSAddonName is the name of one of EKS's add-ons.
// +kubebuilder:validation:Enum=aws-ebs-csi-driver;coredns;eks-pod-identity-agent;kube-proxy;vpc-cni
type EKSAddonName string

// An EKSAddon chooses the version of one of EKS's add-ons.
type EKSAddon struct {
	// Name of the add-on.
	Name EKSAddonName `json:"name"`

	// Version of the add-on.
	Version AddonVersion `json:"version"`
}

// An EKSNetwork is a network that exists already. It needs DNS names and support
// switched on, and its subnets the tags that load balancers look for.
type EKSNetwork struct {
	// PrivateSubnetIDs of two or three zones, for nodes. They need a way to the
	// internet or to AWS's endpoints.
	// +kubebuilder:validation:MinItems=2
	// +kubebuilder:validation:MaxItems=6
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="privateSubnetIDs cannot change: the nodes are in them. Create a new object in the other subnets, then delete this one"
	// +listType=atomic
	PrivateSubnetIDs []SubnetID `json:"privateSubnetIDs"`

	// PublicSubnetIDs of the same zones, for load balancers.
	// +kubebuilder:validation:MaxItems=6
	// +listType=atomic
	// +optional
	PublicSubnetIDs []SubnetID `json:"publicSubnetIDs,omitempty"`
}

// An EKSCluster says what has no neutral name.
type EKSCluster struct {
	// Region by AWS's own name, instead of the neutral one. One that no neutral
	// name stands for needs zones, too.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]{2}(-[a-z]+)+-[0-9]$')",message="region must be AWS's own name, such as eu-west-3; names such as europe-west go into the neutral field region"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('cn-') && !self.startsWith('us-gov-') && !self.startsWith('us-iso')",message="regions of AWS's separate partitions (China, GovCloud) are not supported"
	// +optional
	Region string `json:"region,omitempty"`

	// ZoneIDs of the subnets, two or three, by ID.
	// +kubebuilder:validation:MinItems=2
	// +kubebuilder:validation:MaxItems=3
	// +kubebuilder:validation:XValidation:rule="self.all(z, self.exists_one(y, y == z))",message="every zone may be named once"
	// +listType=atomic
	// +optional
	ZoneIDs []ZoneID `json:"zoneIDs,omitempty"`

	// NATGatewayMode of a network that is made.
	// +kubebuilder:default=Single
	// +optional
	NATGatewayMode NATGatewayMode `json:"natGatewayMode,omitempty"`

	// ExistingNetwork is used instead of making one.
	// +optional
	ExistingNetwork *EKSNetwork `json:"existingNetwork,omitempty"`

	// EndpointAccess of the API server. Private takes it off the internet:
	// Crossplane then needs a way into the network.
	// +kubebuilder:default=Public
	// +optional
	EndpointAccess EndpointAccess `json:"endpointAccess,omitempty"`

	// ControlPlaneLogs that go to CloudWatch.
	// +kubebuilder:validation:MaxItems=5
	// +listType=set
	// +optional
	ControlPlaneLogs []EKSLog `json:"controlPlaneLogs,omitempty"`

	// EncryptSecrets with a key of the cluster's own in KMS. It cannot be taken
	// back.
	// +optional
	EncryptSecrets bool `json:"encryptSecrets,omitempty"`

	// AdminRoleARN is an IAM role whose holders administer the cluster, besides
	// Crossplane's identity, which made it.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^arn:aws:iam::[0-9]{12}:role/[-_+=,.@/a-zA-Z0-9]+$')",message="adminRoleARN must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/admins"
	// +optional
	AdminRoleARN string `json:"adminRoleARN,omitempty"`

	// Addons of EKS whose versions you choose. EKS chooses the version of others
	// when it makes the cluster, and keeps it when the cluster is upgraded. So raise
	// those of kube-proxy and coredns together with version: they change when the
	// control plane has been upgraded. aws eks describe-addon-versions lists what
	// fits.
	// +kubebuilder:validation:MaxItems=5
	// +listType=map
	// +listMapKey=name
	// +optional
	Addons []EKSAddon `json:"addons,omitempty"`

	// InstanceTypes instead of those of nodes.instanceSize. All must have the
	// architecture that nodes.architecture says.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=set
	// +optional
	InstanceTypes []InstanceType `json:"instanceTypes,omitempty"`
}
