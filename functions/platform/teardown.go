package platform

import (
	"maps"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A layer of a platform goes as one, when those above it are gone.
type layer struct {
	// part is its condition.
	part string

	// what it is, for a person.
	what string

	// kind of its composites, and their composition-resource-names.
	kind  string
	names []string
}

// layers of a platform, those that go first first.
func layers(in compose.Input[v1alpha1.ObservabilityPlatform]) []layer {
	known := map[string]bool{}
	for _, w := range in.Claim.Spec.Workloads {
		known[resourceWorkload+w.Name] = true
	}
	// A workload that left the claim a moment ago may still be on its way out.
	for _, w := range in.Claim.Status.Workloads {
		known[resourceWorkload+w.Name] = true
	}
	for name := range in.Observed {
		if strings.HasPrefix(name, resourceWorkload) {
			known[name] = true
		}
	}
	return []layer{
		{part: PartWorkloads, what: "workloads", kind: v1alpha1.WorkloadKind, names: slices.Sorted(maps.Keys(known))},
		{part: PartStack, what: "the stack", kind: v1alpha1.ObservabilityStackKind, names: []string{resourceStack}},
		{part: PartCluster, what: "the cluster", kind: v1alpha1.KubernetesClusterKind, names: []string{resourceCluster}},
	}
}

// tearDown plans a platform that has to go while its claim stays: it ceases to
// desire one layer after the other. Crossplane deletes what is not desired in
// the foreground and forgets it at once. So each composite is looked up by its
// name: it is gone when everything below it is.
func tearDown(in compose.Input[v1alpha1.ObservabilityPlatform], e ending) compose.Plan {
	p := compose.Plan{Parts: []string{PartCluster, PartStack, PartWorkloads}, Due: e.due}
	reason, progress := ReasonGone, "Nothing is left. A longer lifetime, or the end of its suspension, brings the platform back"
	blocked := ""
	ours := map[string]bool{}
	for _, l := range layers(in) {
		for _, name := range l.names {
			ours[name] = true
			p.Requirements = append(p.Requirements, compose.Requirement{
				Name: name, APIVersion: v1alpha1.APIVersion, Kind: l.kind,
				Namespace: in.Claim.Namespace, ObjectName: compose.Name(in.Claim.Namespace, in.Claim.Name, name),
			})
		}
		left := slices.DeleteFunc(slices.Clone(l.names), func(name string) bool { return gone(in.World, name) })
		switch {
		case len(left) == 0:
			p.Problems = append(p.Problems, compose.Problem{Part: l.part, Progressing: true, Reason: ReasonGone, Message: "Nothing is left of " + l.what})
		case blocked != "":
			p.Problems = append(p.Problems, compose.Problem{Part: l.part, Progressing: true, Reason: ReasonTearingDown, Message: "Waiting for " + blocked + " to be gone"})
			p.Resources = append(p.Resources, held(in.Observed, l.part, left)...)
		default:
			blocked = l.what
			reason, progress = ReasonTearingDown, "Taking down "+l.what
			if l.part == PartWorkloads {
				progress += ": " + strings.ReplaceAll(strings.Join(left, ", "), resourceWorkload, "")
			}
			p.Problems = append(p.Problems, compose.Problem{Part: l.part, Progressing: true, Reason: ReasonTearingDown, Message: progress})
		}
	}
	// What else there is goes with the cluster.
	if blocked != "" && blocked != "the cluster" {
		for _, name := range slices.Sorted(maps.Keys(in.Observed)) {
			if !ours[name] {
				p.Resources = append(p.Resources, held(in.Observed, PartCluster, []string{name})...)
			}
		}
	}
	p.Idle = reason == ReasonGone
	p.Conditions = e.conditions(in, reason, progress)
	p.Status = func(compose.Outcome) (any, error) { return downStatus(in, e, p.Idle), nil }
	return p
}

// gone says that nothing is left of a composite. While nobody has looked, it
// may be there.
func gone(w compose.World, name string) bool {
	return !w.Sees(name) && w.Answered(name) && len(w.Required[name]) == 0
}

// held are resources that stay as they are.
func held(observed map[string]*unstructured.Unstructured, part string, names []string) []compose.Resource {
	var rs []compose.Resource
	for _, name := range names {
		if observed[name] != nil {
			rs = append(rs, compose.Resource{Name: name, Part: part, Ready: compose.Exists})
		}
	}
	return rs
}

// downStatus is what is still true of a platform that goes.
func downStatus(in compose.Input[v1alpha1.ObservabilityPlatform], e ending, idle bool) *v1alpha1.ObservabilityPlatformStatus {
	was := in.Claim.Status
	s := &v1alpha1.ObservabilityPlatformStatus{
		Phase: v1alpha1.PhaseTearingDown, ClusterName: was.ClusterName, ExpiresAt: e.expiresAt, CheckedAt: e.checkedAt,
	}
	if idle {
		s.Phase = v1alpha1.PhaseDown
		return s
	}
	if !gone(in.World, resourceCluster) {
		s.Version, s.Endpoint, s.KubeconfigSecretRef = was.Version, was.Endpoint, was.KubeconfigSecretRef
	}
	rows := func(rs []v1alpha1.Row, there func(name string) bool) []v1alpha1.Row {
		var out []v1alpha1.Row
		for _, r := range rs {
			if there(r.Name) {
				out = append(out, v1alpha1.Row{Name: r.Name, Version: r.Version, Reason: ReasonTearingDown})
			}
		}
		return out
	}
	s.Components = rows(was.Components, func(string) bool { return !gone(in.World, resourceStack) })
	s.Workloads = rows(was.Workloads, func(name string) bool { return !gone(in.World, resourceWorkload+name) })
	return s
}
