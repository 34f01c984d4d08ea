// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// UsageWithReplay composes a Usage: of may not be deleted while by exists. It encodes
// the order of a teardown, during which no function runs.
//
// It is composed once both are there; an earlier one would only log errors. A
// deletion that was refused is made up for when by is gone, so nobody waits for
// the garbage collector's next try.
func UsageWithReplay(name, part, namespace, owner string, of, by v1alpha1.ObjectReference, seen bool) Resource {
	r := Usage(name, part, namespace, owner, of, by, seen)
	if r.Object != nil {
		//nolint:forcetypeassert // Guard has just made it.
		r.Object["spec"].(map[string]any)["replayDeletion"] = true
	}
	return r
}

// Usage is Protect for what belongs to the team, such as its own Secret: a
// deletion that was refused is not made up for. It would take away, days later,
// what the team may have meant to keep.
func Usage(name, part, namespace, owner string, of, by v1alpha1.ObjectReference, seen bool) Resource {
	r := Resource{
		Name:          name,
		ConditionType: part,
		Gate:          WaitFor(seen, fmt.Sprintf("Waiting for %s %s before what it needs is protected", by.Kind, by.Name)),
		Ready:         Managed,
	}
	if of.Name == "" || by.Name == "" {
		return r
	}
	r.Object = map[string]any{
		"apiVersion": "protection.crossplane.io/v1beta1",
		"kind":       "Usage",
		"metadata":   map[string]any{"name": Name(namespace, owner, name), "namespace": namespace},
		"spec":       map[string]any{"of": reference(of), "by": reference(by)},
	}
	return r
}

func reference(r v1alpha1.ObjectReference) map[string]any {
	return map[string]any{
		"apiVersion":  r.APIVersion,
		"kind":        r.Kind,
		"resourceRef": map[string]any{"name": r.Name},
	}
}
