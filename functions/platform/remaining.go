// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"maps"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// maxRemaining is how many objects of a layer a status may name.
const maxRemaining = 1024

// A teardownStage of a platform goes as one, when those above it are gone.
type teardownStage struct {
	// part is its condition.
	part string

	// what it is, for a person.
	what string

	// kind of its composites.
	kind string

	// there are its composites that exist, by composition-resource-name.
	there map[string]*unstructured.Unstructured

	// recorded are the objects that the status names: all of the layer, once it was
	// looked at, less those that are gone.
	recorded []v1alpha1.ObjectReference

	// remaining are those of them that are there or may be.
	remaining []v1alpha1.ObjectReference

	// complete says that everything that exists of the layer is noted.
	complete bool

	// requirements of what has to be looked at to know that.
	requirements []compose.Requirement
}

// gone says that nothing of the layer is left.
func (l *teardownStage) gone() bool { return len(l.there) == 0 && len(l.remaining) == 0 }

// layers of a platform, those that go first first. What is neither a workload
// nor the stack goes with the cluster.
func layers(in compose.TypedRequest[v1alpha1.ObservabilityPlatform]) []teardownStage {
	noted := in.Claim.Status.PendingDeletion
	if noted == nil {
		noted = &v1alpha1.PendingDeletion{}
	}
	ls := []teardownStage{
		{part: ConditionWorkloadsReady, what: "workloads", kind: v1alpha1.WorkloadKind, recorded: noted.Workloads},
		{part: ConditionStackReady, what: "the stack", kind: v1alpha1.ObservabilityStackKind, recorded: noted.Stack},
		{part: ConditionClusterReady, what: "the cluster", kind: v1alpha1.KubernetesClusterKind, recorded: noted.Cluster},
	}
	for i := range ls {
		ls[i].there = map[string]*unstructured.Unstructured{}
	}
	for name, o := range in.Observed {
		switch {
		case strings.HasPrefix(name, resourceWorkload):
			ls[0].there[name] = o
		case name == ResourceStack:
			ls[1].there[name] = o
		default:
			ls[2].there[name] = o
		}
	}
	for i := range ls {
		ls[i].look(in)
	}
	return ls
}

// look at what there is of a layer. Crossplane notes in every composite what it
// composes. Components are looked up to see what they compose in turn: they, and
// all else, are looked up until they are gone.
func (l *teardownStage) look(in compose.TypedRequest[v1alpha1.ObservabilityPlatform]) {
	found, asked := map[v1alpha1.ObjectReference]bool{}, map[v1alpha1.ObjectReference]bool{}
	l.complete = true
	for _, name := range slices.Sorted(maps.Keys(l.there)) {
		o := l.there[name]
		found[v1alpha1.ObjectReference{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Name: o.GetName()}] = true
		for _, r := range composed(o) {
			found[r] = true
			if r.Kind != v1alpha1.ComponentKind || r.APIVersion != v1alpha1.APIVersion {
				continue
			}
			asked[r] = true
			l.requirements = append(l.requirements, requirement(in.Claim.Namespace, r))
			l.complete = l.complete && in.IsResolved(requirementName(r))
			for _, leaf := range composed(in.RequiredObject(requirementName(r))) {
				found[leaf] = true
			}
		}
	}
	for _, r := range l.recorded {
		if !asked[r] {
			l.requirements = append(l.requirements, requirement(in.Claim.Namespace, r))
		}
		// While its composites are there it may come back.
		if len(l.there) > 0 || !in.IsResolved(requirementName(r)) || len(in.Required[requirementName(r)]) > 0 {
			l.remaining = append(l.remaining, r)
		}
		delete(found, r)
	}
	l.complete = l.complete && len(found) == 0
	for r := range found {
		l.remaining = append(l.remaining, r)
	}
	slices.SortFunc(l.remaining, func(a, b v1alpha1.ObjectReference) int {
		return strings.Compare(requirementName(a), requirementName(b))
	})
	if len(l.remaining) > maxRemaining {
		// Nobody can note more. The Usages keep the order all the same.
		l.remaining, l.complete = l.remaining[:maxRemaining], true
	}
}

// leaving says that the layer was let go, or is being deleted by somebody else,
// and something of it is left.
func (l *teardownStage) leaving() bool {
	for _, o := range l.there {
		if o.GetDeletionTimestamp() != nil {
			return true
		}
	}
	return len(l.there) == 0 && len(l.remaining) > 0
}

// composed are the objects that a composite says it composes.
func composed(xr *unstructured.Unstructured) []v1alpha1.ObjectReference {
	if xr == nil {
		return nil
	}
	raw, _, _ := unstructured.NestedSlice(xr.Object, "spec", "crossplane", "resourceRefs")
	refs := make([]v1alpha1.ObjectReference, 0, len(raw))
	for _, r := range raw {
		m, ok := r.(map[string]any)
		if !ok {
			continue
		}
		ref := v1alpha1.ObjectReference{}
		ref.APIVersion, _ = m["apiVersion"].(string)
		ref.Kind, _ = m["kind"].(string)
		ref.Name, _ = m["name"].(string)
		if ref.APIVersion != "" && ref.Kind != "" && ref.Name != "" {
			refs = append(refs, ref)
		}
	}
	return refs
}

func requirementName(r v1alpha1.ObjectReference) string {
	return r.APIVersion + "/" + r.Kind + "/" + r.Name
}

func requirement(namespace string, r v1alpha1.ObjectReference) compose.Requirement {
	return compose.Requirement{Name: requirementName(r), APIVersion: r.APIVersion, Kind: r.Kind, Namespace: namespace, ObjectName: r.Name}
}

// remaining is what the status says is left of layers; nil for nothing.
func remaining(ls []teardownStage) *v1alpha1.PendingDeletion {
	r := v1alpha1.PendingDeletion{Workloads: ls[0].remaining, Stack: ls[1].remaining, Cluster: ls[2].remaining}
	if len(r.Workloads)+len(r.Stack)+len(r.Cluster) == 0 {
		return nil
	}
	return &r
}
