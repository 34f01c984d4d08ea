// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the five kinds of observe-k8s. They are the one source
// of the API: the CompositeResourceDefinitions in apis/<plural>/definition.yaml
// are generated from them by `make generate`.
//
// +kubebuilder:object:generate=true
// +groupName=observe-k8s.io
// +versionName=v1alpha1
package v1alpha1

import "k8s.io/apimachinery/pkg/runtime/schema"

// Group is the API group of every kind of this project.
const Group = "observe-k8s.io"

// Version is the version of every kind of this package.
const Version = "v1alpha1"

// APIVersion is the group and version as objects carry them.
const APIVersion = Group + "/" + Version

// Kinds of this package.
const (
	ObservabilityPlatformKind = "ObservabilityPlatform"
	KubernetesClusterKind     = "KubernetesCluster"
	ObservabilityStackKind    = "ObservabilityStack"
	ComponentKind             = "Component"
	WorkloadKind              = "Workload"
)

// GroupVersionKind of a kind of this package.
func GroupVersionKind(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: Group, Version: Version, Kind: kind}
}
