// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// API versions of what composers compose.
const (
	// HelmAPIVersion is provider-helm's namespaced API.
	HelmAPIVersion = "helm.m.crossplane.io/v1beta1"
	// KubernetesAPIVersion is provider-kubernetes' namespaced API.
	KubernetesAPIVersion = "kubernetes.m.crossplane.io/v1alpha1"
	// AnnotationPollInterval says how often a provider looks at the real thing.
	AnnotationPollInterval = "crossplane.io/poll-interval"
	// AnnotationPaused keeps a provider from touching what a managed resource
	// stands for, while it is "true".
	AnnotationPaused = "crossplane.io/paused"
)

// PollInterval is how long a lost cluster or a drift may go unnoticed.
const PollInterval = "30s"

// Phase of a composite from its last one and the outcome.
func Phase(was v1alpha1.Phase, o Outcome) v1alpha1.Phase {
	wasReady := was == v1alpha1.PhaseReady || was == v1alpha1.PhaseDegraded || was == v1alpha1.PhaseUpdating
	switch {
	case o.Ready:
		return v1alpha1.PhaseReady
	case wasReady && o.Progressing:
		return v1alpha1.PhaseUpdating
	case wasReady:
		return v1alpha1.PhaseDegraded
	case o.Composed:
		return v1alpha1.PhaseProvisioning
	}
	return v1alpha1.PhasePending
}

// RequiredObject is the only object that answers a requirement; nil when there is none.
func (w Request) RequiredObject(requirement string) *unstructured.Unstructured {
	if os := w.Required[requirement]; len(os) == 1 {
		return os[0]
	}
	return nil
}

// IsResolved says whether a requirement was looked up.
func (w Request) IsResolved(requirement string) bool {
	_, ok := w.Required[requirement]
	return ok
}

// IsObserved says whether a composed resource exists.
func (w Request) IsObserved(name string) bool {
	return w.Observed[name] != nil
}

// IsReady says whether a resource is observed, its Ready condition holds, and
// nobody is deleting it.
func IsReady(o *unstructured.Unstructured) bool {
	c := GetCondition(o, "Ready")
	return c.Status == "True" && !c.Stale && o.GetDeletionTimestamp() == nil
}

// LastWriteTime is when the API server last noted a change of an object, by its own
// clock; zero when it does not say.
func LastWriteTime(o *unstructured.Unstructured) time.Time {
	last := time.Time{}
	for _, f := range o.GetManagedFields() {
		if f.Time != nil && f.Time.After(last) {
			last = f.Time.Time
		}
	}
	return last
}

// Composite is the object of a composite resource of ours.
func Composite(kind, namespace, name string, spec any) (map[string]any, error) {
	s, err := runtime.DefaultUnstructuredConverter.ToUnstructured(spec)
	if err != nil {
		return nil, fmt.Errorf("cannot write the spec of %s %s: %w", kind, name, err)
	}
	return map[string]any{
		"apiVersion": v1alpha1.APIVersion,
		"kind":       kind,
		"metadata":   map[string]any{"name": name, "namespace": namespace},
		"spec":       s,
	}, nil
}
