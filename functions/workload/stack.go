// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const requirementStack = "stack"

// A seenStack is what a workload knows of the stack that observes it.
type seenStack struct {
	v1alpha1.StackSummary

	// requirements that the stack is read by.
	requirements []compose.Requirement

	// pending says why the summary is not that of the stack now, but the last known
	// one. It is nil when the stack was read.
	pending *compose.Problem
}

// readStack reads the summary of the workload's stack. While it cannot be read, the
// workload's status holds what was read last. Without a stack, the workload says
// itself what it finds.
func readStack(in compose.TypedRequest[v1alpha1.Workload]) (seenStack, error) {
	xr := in.Claim
	if xr.Spec.StackRef == nil {
		return seenStack{StackSummary: v1alpha1.StackSummary{Environment: &xr.Spec.Environment}}, nil
	}
	name := "ObservabilityStack " + xr.Spec.StackRef.Name
	s := seenStack{
		StackSummary: v1alpha1.StackSummary{Environment: xr.Status.Environment, TopLevelComponents: xr.Status.TopLevelComponents},
		requirements: []compose.Requirement{{
			Name: requirementStack, APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ObservabilityStackKind,
			Namespace: xr.Namespace, ObjectName: xr.Spec.StackRef.Name,
		}},
		pending: &compose.Problem{ConditionType: ConditionAppReady, Progressing: true, Reason: compose.ReasonWaiting, Message: "Waiting for " + name + " to say what is on the cluster"},
	}
	stack := in.RequiredObject(requirementStack)
	if stack == nil {
		if in.IsResolved(requirementStack) {
			s.pending = &compose.Problem{ConditionType: ConditionAppReady, Reason: "StackNotFound", Message: name + " does not exist in this namespace. Create it, or leave stackRef out"}
		}
		return s, nil
	}
	if on, _, _ := unstructured.NestedString(stack.Object, "spec", "clusterRef", "name"); on != xr.Spec.ClusterRef.Name {
		s.pending = &compose.Problem{ConditionType: ConditionAppReady, Reason: "StackElsewhere", Message: fmt.Sprintf(
			"%s is on KubernetesCluster %s, and the workload on %s: name a stack of the same cluster", name, on, xr.Spec.ClusterRef.Name)}
		return s, nil
	}
	now, err := compose.StackSummary(stack)
	if now != nil {
		s.StackSummary, s.pending = *now, nil
	}
	return s, err
}

// fill puts what the stack says into a spec, as if the team had said it.
func (s seenStack) fill(spec *v1alpha1.WorkloadSpec) {
	spec.Environment = *s.Environment
	spec.DependsOn = slices.Clone(spec.DependsOn)
	for _, c := range s.TopLevelComponents {
		if !slices.Contains(spec.DependsOn, c) {
			spec.DependsOn = append(spec.DependsOn, c)
		}
	}
}
