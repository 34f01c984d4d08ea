// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"fmt"
	"maps"
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// tearDown plans a platform that has to go while its claim stays: it ceases to
// desire one layer after the other. Crossplane forgets what is not desired any
// more as soon as it has asked for its deletion. So everything that exists of a
// layer is noted in the status first, and looked up by its name until it is
// gone.
func tearDown(in compose.TypedRequest[v1alpha1.ObservabilityPlatform], e expiry) compose.Plan {
	p := compose.Plan{ConditionTypes: []string{ConditionClusterReady, ConditionStackReady, ConditionWorkloadsReady}, RequeueAfter: e.due}
	reason, progress := ReasonDeleted, "Nothing is left. A longer lifetime, or the end of its suspension, brings the platform back"
	blocked := ""
	ls := layers(in)
	for _, l := range ls {
		p.Requirements = append(p.Requirements, l.requirements...)
		keep := blocked != "" || !l.complete
		problem := compose.Problem{ConditionType: l.part, Progressing: true, Reason: ReasonTearingDown}
		switch {
		case l.gone():
			problem.Reason, problem.Message = ReasonDeleted, "Nothing is left of "+l.what
		case blocked != "":
			problem.Message = "Waiting for " + blocked + " to be gone"
		default:
			blocked = l.what
			reason, progress = ReasonTearingDown, "Taking down "+l.what
			if len(l.there) == 0 {
				progress = fmt.Sprintf("Waiting for %s %s of %s to be gone", l.remaining[0].Kind, l.remaining[0].Name, l.what)
			}
			problem.Message = progress
		}
		p.Problems = append(p.Problems, problem)
		if !keep {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(l.there)) {
			// Without an object it stays as it is.
			p.Resources = append(p.Resources, compose.Resource{Name: name, ConditionType: l.part, Ready: compose.Exists})
		}
	}
	p.NoRequeue = reason == ReasonDeleted
	p.Conditions = e.conditions(in, reason, progress)
	p.Status = func(compose.Outcome) (any, error) { return downStatus(in, e, ls, p.NoRequeue), nil }
	return p
}

// downStatus is what is still true of a platform that goes.
func downStatus(in compose.TypedRequest[v1alpha1.ObservabilityPlatform], e expiry, ls []teardownStage, idle bool) *v1alpha1.ObservabilityPlatformStatus {
	was := in.Claim.Status
	s := &v1alpha1.ObservabilityPlatformStatus{
		Phase: v1alpha1.PhaseTearingDown, ClusterRef: was.ClusterRef,
		ExpirationTime: e.expirationTime, ClockCheckTime: e.clockCheckTime, ExpirationConfirmed: e.expired, PendingDeletion: remaining(ls),
	}
	if idle {
		s.Phase = v1alpha1.PhaseTornDown
		return s
	}
	if !ls[2].gone() {
		s.KubernetesVersion, s.APIServerURL, s.KubeconfigSecretRef = was.KubernetesVersion, was.APIServerURL, was.KubeconfigSecretRef
	}
	if !ls[1].gone() {
		s.Components = leavingRows(was.Components)
	}
	if !ls[0].gone() {
		s.Workloads = leavingRows(was.Workloads)
	}
	return s
}

// leavingRows are rows of what goes.
func leavingRows(rs []v1alpha1.ChildStatus) []v1alpha1.ChildStatus {
	var out []v1alpha1.ChildStatus
	for _, r := range rs {
		out = append(out, v1alpha1.ChildStatus{Name: r.Name, Version: r.Version, Reason: ReasonTearingDown})
	}
	return out
}

// planRestore makes a plan wait for what is left of a platform that was taken down
// and is wanted again. What is being deleted would take along what is made under
// its name.
func planRestore(in compose.TypedRequest[v1alpha1.ObservabilityPlatform], p *compose.Plan) *v1alpha1.PendingDeletion {
	if in.Claim.Status.PendingDeletion == nil {
		return nil
	}
	ls := layers(in)
	for i, l := range ls {
		if !l.leaving() {
			ls[i].remaining = nil
			continue
		}
		p.Requirements = append(p.Requirements, l.requirements...)
		for j, r := range p.Resources {
			if r.ConditionType == l.part {
				p.Resources[j].Gate = compose.Gate{Waiting: "Waiting for what is left of " + l.what + " to be gone"}.And(r.Gate)
			}
		}
	}
	return remaining(ls)
}
