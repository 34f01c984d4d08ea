// SPDX-License-Identifier: Apache-2.0

// Package composers lists the composer of every kind.
package composers

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/component"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/platform"
	"github.com/observe-k8s/observe-k8s/functions/policy"
	"github.com/observe-k8s/observe-k8s/functions/stack"
	"github.com/observe-k8s/observe-k8s/functions/workload"
)

// For finds the composer of a kind.
func For(kind string) (compose.Composer, bool) {
	switch kind {
	case v1alpha1.ObservabilityPlatformKind:
		return compose.For(policy.Platform(platform.Compose)), true
	case v1alpha1.KubernetesClusterKind:
		return compose.For(policy.Cluster(cluster.Compose)), true
	case v1alpha1.ObservabilityStackKind:
		return compose.For(stack.Compose), true
	case v1alpha1.ComponentKind:
		return compose.For(component.Compose), true
	case v1alpha1.WorkloadKind:
		return compose.For(workload.Compose), true
	}
	return nil, false
}
