// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the kinds of provider-local: clusters of kind and k3d on
// a container engine, and where that engine is. Deep copies and the CRDs in
// package/crds are generated from them by `make generate`.
//
// +kubebuilder:object:generate=true
// +groupName=local.observe-k8s.io
// +versionName=v1alpha1
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the API group of every kind of this provider.
const Group = "local.observe-k8s.io"

// Version is the version of every kind of this package.
const Version = "v1alpha1"

// Kinds of this package.
const (
	KindClusterKind           = "KindCluster"
	K3dClusterKind            = "K3dCluster"
	ProviderConfigKind        = "ProviderConfig"
	ProviderConfigUsageKind   = "ProviderConfigUsage"
	ClusterProviderConfigKind = "ClusterProviderConfig"
)

// GroupVersionKind of a kind of this package.
func GroupVersionKind(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: Group, Version: Version, Kind: kind}
}

// AddToScheme adds every kind of this package to a scheme.
func AddToScheme(s *runtime.Scheme) error {
	gv := schema.GroupVersion{Group: Group, Version: Version}
	s.AddKnownTypes(
		gv,
		&KindCluster{}, &KindClusterList{},
		&K3dCluster{}, &K3dClusterList{},
		&ProviderConfig{}, &ProviderConfigList{},
		&ProviderConfigUsage{}, &ProviderConfigUsageList{},
		&ClusterProviderConfig{}, &ClusterProviderConfigList{},
	)
	metav1.AddToGroupVersion(s, gv)
	return nil
}
