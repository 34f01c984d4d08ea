package compose

import (
	"fmt"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// Protect composes a Usage: of may not be deleted while by exists. It encodes
// the order of a teardown, during which no function runs.
//
// It is composed once both are there; an earlier one would only log errors. The
// deletion is replayed, so nobody waits for the garbage collector's next try.
func Protect(name, part, namespace, owner string, of, by v1alpha1.ObjectReference, seen bool) Resource {
	r := Resource{
		Name:  name,
		Part:  part,
		Gate:  WaitFor(seen, fmt.Sprintf("Waiting for %s %s before what it needs is protected", by.Kind, by.Name)),
		Ready: Managed,
	}
	if of.Name == "" || by.Name == "" {
		return r
	}
	r.Object = map[string]any{
		"apiVersion": "protection.crossplane.io/v1beta1",
		"kind":       "Usage",
		"metadata":   map[string]any{"name": Name(namespace, owner, name), "namespace": namespace},
		"spec": map[string]any{
			"of":             reference(of),
			"by":             reference(by),
			"replayDeletion": true,
		},
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
