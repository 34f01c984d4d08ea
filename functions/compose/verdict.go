// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Exists judges a resource that works as soon as it is there, such as a
// ProviderConfig.
func Exists(*unstructured.Unstructured) Health {
	return Health{Ready: true}
}

// Managed judges a managed resource: it works when its provider says Ready and
// could talk to the real thing the last time it tried.
func Managed(o *unstructured.Unstructured) Health {
	ready, synced := GetCondition(o, "Ready"), GetCondition(o, "Synced")
	id := o.GetKind() + " " + o.GetName()
	switch {
	case synced.Status == "False":
		return Health{Reason: reasonOf(synced), Message: id + ": " + synced.Message}
	case ready.Stale || synced.Stale:
		return Health{Progressing: true, Reason: ReasonUpdating, Message: id + " is being updated"}
	case ready.Status == "True":
		return Health{Ready: true}
	case ready.Status == "False" && ready.Message != "":
		return Health{Reason: reasonOf(ready), Message: id + ": " + ready.Message}
	}
	return Health{Progressing: true, Reason: ReasonCreating, Message: id + " is not ready yet"}
}

// CompositeHealth judges a composite resource of ours that another one composes. Its own
// conditions say more than its Ready, so the first part that is not True is
// passed on, without the child's name: a person knows the part, not the child.
func CompositeHealth(parts ...string) func(*unstructured.Unstructured) Health {
	return func(o *unstructured.Unstructured) Health {
		ready := GetCondition(o, "Ready")
		if ready.Status == "True" && !ready.Stale {
			return Health{Ready: true}
		}
		phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
		progressing := phase != "Degraded"
		for _, p := range parts {
			c := GetCondition(o, p)
			if c.Status == "False" {
				progressing = progressing && slices.Contains([]string{ReasonWaiting, ReasonCreating, ReasonUpdating, ReasonDeleting}, c.Reason)
				return Health{Progressing: progressing, Reason: reasonOf(c), Message: c.Message}
			}
		}
		id := o.GetKind() + " " + o.GetName()
		if synced := GetCondition(o, "Synced"); synced.Status == "False" {
			return Health{Reason: reasonOf(synced), Message: id + ": " + synced.Message}
		}
		if ready.Status == "True" {
			return Health{Progressing: true, Reason: ReasonUpdating, Message: id + " is being updated"}
		}
		return Health{Progressing: progressing, Reason: ReasonCreating, Message: id + " is not ready yet"}
	}
}

// Summarize says of what only takes time that it does, and not what step it is at: a
// component takes many short ones, and each that is told here is told to everything
// above, which runs for it. What is wrong is told in full, and that it is being
// updated too.
func Summarize(f func(*unstructured.Unstructured) Health) func(*unstructured.Unstructured) Health {
	return func(o *unstructured.Unstructured) Health {
		v := f(o)
		if v.Progressing && !v.Ready && v.Reason != ReasonUpdating {
			return Health{Progressing: true, Reason: ReasonCreating, Message: kindAndName(o.Object) + " is not ready yet"}
		}
		return v
	}
}

// WithName puts what a person calls the thing before a verdict's message.
func WithName(name string, f func(*unstructured.Unstructured) Health) func(*unstructured.Unstructured) Health {
	return func(o *unstructured.Unstructured) Health {
		v := f(o)
		if v.Message != "" {
			v.Message = fmt.Sprintf("%s: %s", name, v.Message)
		}
		return v
	}
}

// reasonOf a condition that does not hold. Not every provider gives one.
func reasonOf(c ObservedCondition) string {
	if c.Reason == "" {
		return ReasonNotReady
	}
	return c.Reason
}

// ChildStatus is the line of a status table for a resource.
func ChildStatus(name, version string, r Resource, obs *unstructured.Unstructured) v1alpha1.ChildStatus {
	row := v1alpha1.ChildStatus{Name: name, Version: version}
	_, v := decide(r, obs)
	row.Ready = v.Ready
	if !v.Ready {
		row.Reason = v.Reason
	}
	return row
}
