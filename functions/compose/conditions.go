// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// An ObservedCondition is a condition as an object carries it.
type ObservedCondition struct {
	// Status is True, False or Unknown; empty when there is no such condition.
	Status string
	Reason string
	// Message for a person.
	Message string
	// Stale says that it was reported for an older generation of the object.
	Stale bool
	// Since when it has this status; zero if it does not say.
	Since time.Time
}

// StatusOf is the status of a condition that holds or does not.
func StatusOf(ok bool) string {
	if ok {
		return "True"
	}
	return "False"
}

// GetCondition finds a condition of an object; the zero value when it has none.
func GetCondition(o *unstructured.Unstructured, typ string) ObservedCondition {
	if o == nil {
		return ObservedCondition{}
	}
	status, _ := o.Object["status"].(map[string]any)
	cs, _ := status["conditions"].([]any)
	for _, c := range cs {
		m, ok := c.(map[string]any)
		if !ok || m["type"] != typ {
			continue
		}
		oc := ObservedCondition{}
		oc.Status, _ = m["status"].(string)
		oc.Reason, _ = m["reason"].(string)
		oc.Message, _ = m["message"].(string)
		at, _ := m["lastTransitionTime"].(string)
		oc.Since, _ = time.Parse(time.RFC3339, at)
		if g, _ := m["observedGeneration"].(int64); g > 0 {
			oc.Stale = g < o.GetGeneration()
		}
		return oc
	}
	return ObservedCondition{}
}
