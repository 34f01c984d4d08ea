// SPDX-License-Identifier: Apache-2.0

// Package cluster composes a KubernetesCluster: the cluster itself by one
// Backend per provider, and what every cluster has: the ProviderConfigs that
// reach it, a probe that proves it, and the Usages that keep both alive for as
// long as something needs them.
package cluster

import (
	"embed"
	"sync"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/aks"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/eks"
	"github.com/observe-k8s/observe-k8s/functions/cluster/existing"
	"github.com/observe-k8s/observe-k8s/functions/cluster/gke"
	"github.com/observe-k8s/observe-k8s/functions/cluster/k3s"
	"github.com/observe-k8s/observe-k8s/functions/cluster/kinds"
	"github.com/observe-k8s/observe-k8s/functions/cluster/local"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

//go:embed */kinds.yaml
var files embed.FS

// Kinds that clusters are made of, of all providers.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var Kinds = sync.OnceValues(func() (kinds.Table, error) { return kinds.Read(files) })

// backendFor finds the backend of a provider: one row per provider.
func backendFor(p v1alpha1.Provider) backend.Backend {
	switch p {
	case v1alpha1.ProviderExisting:
		return existing.Backend{}
	case v1alpha1.ProviderAKS:
		return aks.Backend{}
	case v1alpha1.ProviderEKS:
		return eks.Backend{}
	case v1alpha1.ProviderGKE:
		return gke.Backend{}
	case v1alpha1.ProviderKind:
		return local.Kind{}
	case v1alpha1.ProviderK3d:
		return local.K3d{}
	case v1alpha1.ProviderK3s:
		return k3s.Backend{}
	}
	return unavailable{}
}

// ConditionTypes of a KubernetesCluster, for those that compose one.
func ConditionTypes() []string {
	return append(backend.CloudParts(), backend.PartAccess)
}

// Describe the place that parameters ask for.
func Describe(p v1alpha1.ClusterParameters) backend.Facts { return backendFor(p.Provider).Describe(p) }

// Compose plans a KubernetesCluster.
func Compose(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (compose.Plan, error) {
	return backend.Compose(backendFor(in.Claim.Spec.Provider))(in)
}
