// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	clusters "github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// Cluster keeps a composer of KubernetesClusters within the policy. Every
// cluster passes here, whether a platform or a person asks for it.
func Cluster(next func(compose.TypedRequest[v1alpha1.KubernetesCluster]) (compose.Plan, error)) func(compose.TypedRequest[v1alpha1.KubernetesCluster]) (compose.Plan, error) {
	return func(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (compose.Plan, error) {
		rules, known, invalid := Read(in.Request)
		refusals := append(rules.Violations(in.Claim.Spec, clusters.Describe(in.Claim.Spec)), rules.requireLifetime(in)...)
		rules.ApplyDefaults(&in.Claim.Spec, &in.Settings)
		p, err := next(in)
		if err != nil {
			return compose.Plan{}, err
		}
		p.Requirements = append(p.Requirements, Requirements(in.Claim.Namespace)...)
		part := p.ConditionTypes[len(p.ConditionTypes)-1]
		var refused *compose.Problem
		switch {
		case !known:
			p.BlockNew(waiting)
		case invalid != nil:
			refused = invalidPolicy(invalid)
		case len(refusals) > 0:
			refused = notAllowed(refusals...)
		}
		if refused != nil {
			refused.ConditionType = part
			p.Freeze(*refused)
		}
		return p, nil
	}
}

// requireLifetime refuses a cluster that is made and that no platform ends, where
// lifetimes are limited.
func (p Policy) requireLifetime(in compose.TypedRequest[v1alpha1.KubernetesCluster]) []string {
	if p.Limits.MaxLifetime == "" || clusters.Describe(in.Claim.Spec).Place == backend.PlaceExisting {
		return nil
	}
	for _, o := range in.XR.GetOwnerReferences() {
		// Kubernetes deletes what names an owner that does not exist.
		if o.APIVersion == v1alpha1.APIVersion && o.Kind == v1alpha1.ObservabilityPlatformKind {
			return nil
		}
	}
	return []string{"a KubernetesCluster of its own is not allowed here, as it has no lifetime: ask for an ObservabilityPlatform with a lifetime of at most " + p.Limits.MaxLifetime}
}
