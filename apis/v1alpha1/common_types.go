// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Phase sums up in one word where an object stands. Conditions say why.
// +kubebuilder:validation:Enum=Pending;Provisioning;Ready;Updating;Degraded;TearingDown;TornDown
type Phase string

// Phases.
const (
	// PhasePending means that nothing could be composed yet.
	PhasePending Phase = "Pending"
	// PhaseProvisioning means that it is on its way to its first Ready.
	PhaseProvisioning Phase = "Provisioning"
	// PhaseReady means that everything asked for works.
	PhaseReady Phase = "Ready"
	// PhaseUpdating means that it was Ready once and is on its way to what is asked
	// for now.
	PhaseUpdating Phase = "Updating"
	// PhaseDegraded means that it was Ready once and something does not work now.
	PhaseDegraded Phase = "Degraded"
	// PhaseTearingDown means that it is taken down while its claim stays: its
	// lifetime is over, or its state is to be TornDown.
	PhaseTearingDown Phase = "TearingDown"
	// PhaseTornDown means that nothing is left of it but its claim.
	PhaseTornDown Phase = "TornDown"
)

// Conditioned is the part of a status that Crossplane writes: the function
// reports conditions beside the status, never in it.
type Conditioned struct {
	// Conditions of the object. Crossplane adds this field to every
	// CompositeResourceDefinition and owns it.
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// A Deployer is a program that brings software to a cluster.
type Deployer string

// Deployers.
const (
	// DeployerHelm installs charts straight from the management cluster.
	DeployerHelm Deployer = "Helm"
	// DeployerFlux hands sources to Flux on the cluster.
	DeployerFlux Deployer = "Flux"
	// DeployerArgoCD hands sources to Argo CD on the cluster.
	DeployerArgoCD Deployer = "ArgoCD"
)

// A LocalReference names an object in the same namespace.
type LocalReference struct {
	// Name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
}

// A SecretKeyReference names one key of a Secret in the same namespace.
type SecretKeyReference struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// Key within the Secret.
	// +kubebuilder:default=kubeconfig
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Key string `json:"key,omitempty"`
}

// A Chart is a Helm chart in a repository.
// +kubebuilder:validation:XValidation:rule="!has(self.digest) || self.repository.startsWith('oci://')",message="only an oci:// repository knows digests: take the chart from one, or leave digest out"
type Chart struct {
	// Repository that serves the chart: oci://HOST/PATH or https://HOST/PATH.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^(oci|https)://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]+)?(/[-._~a-zA-Z0-9/]*)?$')",message="repository must be oci://HOST/PATH or https://HOST/PATH, without user names, queries or spaces"
	Repository string `json:"repository"`

	// Name of the chart in the repository.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-_.a-z0-9]*[a-z0-9])?$')",message="name must be a chart's name in lower case, for example kube-prometheus-stack"
	Name string `json:"name"`

	// Version of the chart: one exact semantic version, never a range, so that
	// the same claim gives the same platform tomorrow.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^v?[0-9]+\\\\.[0-9]+\\\\.[0-9]+(-[-.0-9A-Za-z]+)?([+][-.0-9A-Za-z]+)?$')",message="version must be one exact version such as 1.2.3; ranges and latest are not accepted"
	Version string `json:"version"`

	// Digest of the chart in an OCI repository. What is fetched must match it.
	// +kubebuilder:validation:MaxLength=71
	// +kubebuilder:validation:XValidation:rule="self.matches('^sha256:[a-f0-9]{64}$')",message="digest must be sha256: and 64 hexadecimal digits"
	// +optional
	Digest string `json:"digest,omitempty"`
}

// A GitSource is a folder of a Git repository that kustomize builds.
type GitSource struct {
	// URL of the repository: https://HOST/PATH.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]+)?/[-._~a-zA-Z0-9/]+$')",message="url must be https://HOST/PATH, without user names, queries or spaces"
	URL string `json:"url"`

	// Ref is what to take of the repository.
	Ref GitRef `json:"ref"`

	// Path of the folder with the kustomization.yaml, for example
	// deploy/overlays/demo; the repository's root when empty.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z0-9][-._a-zA-Z0-9]*(/[a-zA-Z0-9][-._a-zA-Z0-9]*)*$')",message="path must be a folder in the repository such as deploy/overlays/demo, without a slash at its ends and without .."
	// +optional
	Path string `json:"path,omitempty"`

	// Kustomize changes what the folder builds.
	// +optional
	Kustomize *Kustomize `json:"kustomize,omitempty"`

	// SecretRef for a repository that not everybody may read, for deployer Flux.
	// Argo CD finds its own by the repository's URL.
	// +optional
	SecretRef *GitSecretReference `json:"secretRef,omitempty"`
}

// GitSecretReference name a Secret on the platform's cluster, in the Component's
// namespace, with keys username and password, or bearerToken. The team brings it
// there itself, so that it passes through nothing else.
type GitSecretReference struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`
}

// A GitRef is what to take of a repository. Only a commit is the same tomorrow.
// +kubebuilder:validation:XValidation:rule="(has(self.branch) ? 1 : 0) + (has(self.tag) ? 1 : 0) + (has(self.semver) ? 1 : 0) + (has(self.commit) ? 1 : 0) == 1",message="give exactly one of branch, tag, semver and commit"
type GitRef struct {
	// Branch to follow.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z0-9][-._/a-zA-Z0-9]*$')",message="branch must be the name of a branch, without refs/heads/"
	// +optional
	Branch string `json:"branch,omitempty"`

	// Tag to take.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z0-9][-+._/a-zA-Z0-9]*$')",message="tag must be the name of a tag, without refs/tags/"
	// +optional
	Tag string `json:"tag,omitempty"`

	// Semver is a range of versions: the newest tag within is taken.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-+.0-9A-Za-z<>=~^*|, ]+$') && self.matches('[<>=~^*xX]|[0-9] - [0-9]')",message="semver must be a range of versions such as >=1.2.0 <2.0.0 or 1.2.x; give one version as tag"
	// +optional
	Semver string `json:"semver,omitempty"`

	// Commit to take, by its full hash.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^([a-f0-9]{40}|[a-f0-9]{64})$')",message="commit must be a full hash of 40 or 64 hexadecimal digits"
	// +optional
	Commit string `json:"commit,omitempty"`
}

// Kustomize changes what a folder builds.
type Kustomize struct {
	// Images to replace by others.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=name
	// +optional
	Images []KustomizeImage `json:"images,omitempty"`

	// Patches of objects.
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	Patches []KustomizePatch `json:"patches,omitempty"`
}

// A KustomizeImage replaces an image.
// +kubebuilder:validation:XValidation:rule="has(self.newName) || has(self.newTag)",message="give newName, newTag or both"
type KustomizeImage struct {
	// Name of the image in the folder, without tag.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9][-._a-z0-9/:]*$`
	Name string `json:"name"`

	// NewName of the image, without tag.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9][-._a-z0-9/:]*$`
	// +optional
	NewName string `json:"newName,omitempty"`

	// NewTag of the image.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9_][-._a-zA-Z0-9]*$`
	// +optional
	NewTag string `json:"newTag,omitempty"`
}

// A KustomizePatch changes objects.
type KustomizePatch struct {
	// Patch as a strategic merge patch or as JSON 6902 operations, in YAML.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Patch string `json:"patch"`

	// Target objects; a strategic merge patch may name its own.
	// +optional
	Target *KustomizeTarget `json:"target,omitempty"`
}

// A KustomizeTarget selects the objects that a patch changes.
type KustomizeTarget struct {
	// Kind of the objects.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Kind string `json:"kind,omitempty"`

	// Name of the objects, a regular expression.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	Name string `json:"name,omitempty"`

	// LabelSelector of the objects.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	LabelSelector string `json:"labelSelector,omitempty"`
}

// A ValuesKind is a kind of object that values may come from.
// +kubebuilder:validation:Enum=Secret;ConfigMap
type ValuesKind string

// Kinds of objects that values may come from.
const (
	ValuesFromSecret    ValuesKind = "Secret"
	ValuesFromConfigMap ValuesKind = "ConfigMap"
)

// A ValuesReference names a key in the same namespace that holds chart values
// as YAML.
type ValuesReference struct {
	// Kind of the object.
	Kind ValuesKind `json:"kind"`

	// Name of the object.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// Key within the object.
	// +kubebuilder:default=values.yaml
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Key string `json:"key,omitempty"`

	// Optional means that a missing object or key is no error.
	// +optional
	Optional bool `json:"optional,omitempty"`
}

// An ObjectReference names an object in the same namespace with its kind.
type ObjectReference struct {
	// APIVersion of the object.
	// +kubebuilder:validation:MaxLength=253
	APIVersion string `json:"apiVersion"`

	// Kind of the object.
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`

	// Name of the object.
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// A URL is something a person opens.
type URL struct {
	// Name of what is behind the URL.
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// URL to open.
	// +kubebuilder:validation:MaxLength=2048
	URL string `json:"url"`
}

// A Warning is something to know though nothing is wrong.
type Warning struct {
	// Name of what it is about.
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// Message for a person.
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message"`
}

// A ChildStatus is one line of a status table: a part and how it stands.
type ChildStatus struct {
	// Name of the part.
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// Version of the part that is asked for.
	// +kubebuilder:validation:MaxLength=64
	// +optional
	Version string `json:"version,omitempty"`

	// Ready says whether the part works.
	Ready bool `json:"ready"`

	// Reason says in one word why the part is not ready.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Reason string `json:"reason,omitempty"`
}
