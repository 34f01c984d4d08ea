// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Conditions are cut to this many bytes; the API allows 32768, a person reads
// the beginning.
const maxMessage = 1024

// Run composes a Request and resolves the plan.
func Run(w Request, c Composer) (Result, error) {
	p, err := c(w)
	if err != nil {
		return Result{}, err
	}
	return Resolve(w, p)
}

// Resolve decides what of a plan is desired in this round and what its
// conditions are.
func Resolve(w Request, p Plan) (Result, error) {
	res := Result{
		Resources:    make(map[string]Desired, len(p.Resources)),
		Requirements: p.Requirements,
		RequeueAfter: notReadyRequeue,
	}
	t := summary{Outcome: Outcome{Ready: true, Progressing: true}, worst: make(map[string]Health, len(p.ConditionTypes))}
	for _, pr := range p.Problems {
		t.add(pr.ConditionType, Health{Progressing: pr.Progressing, Reason: pr.Reason, Message: pr.Message})
	}
	planned := make(map[string]bool, len(p.Resources))
	for _, r := range p.Resources {
		if planned[r.Name] {
			return Result{}, fmt.Errorf("two resources are named %q", r.Name)
		}
		planned[r.Name] = true
		d, v := decide(r, w.Observed[r.Name])
		if d != nil {
			res.Resources[r.Name] = Desired{Object: d, Ready: v.Ready}
		}
		t.add(r.ConditionType, v)
	}
	if p.Partial {
		t.Ready = false
		preserveObserved(res.Resources, planned, w.Observed)
	}
	t.Composed = len(res.Resources) > 0

	var err error
	if res.Conditions, err = t.conditions(p.ConditionTypes); err != nil {
		return Result{}, err
	}
	res.Failed = t.failed
	res.Events = append(changedConditions(w.XR, res.Conditions, t.worst), conditionEvents(w.XR, p.Conditions)...)
	res.Conditions = append(res.Conditions, p.Conditions...)
	res.Ready = t.Ready
	res.RequeueAfter = runAgain(p, t.Ready, GetCondition(w.XR, "Responsive").Status == "False", notReadyFor(w))
	res.Status, err = status(p, t.Outcome)
	return res, err
}

// runAgain says when to run again if nothing happens. While the control plane's
// circuit breaker is open a change of the claim itself may be missed, so nobody
// relies on being told. Awaited is how long the composite has not been ready.
func runAgain(p Plan, ready, deaf bool, awaited time.Duration) time.Duration {
	after := notReadyRequeue
	switch {
	case deaf:
	case ready || p.NoRequeue:
		after = readyRequeue
	default:
		after = min(max(after, awaited/backoffDivisor), readyRequeue)
	}
	switch due := p.RequeueAfter; {
	case due <= 0:
		return after
	case due > minRequeue:
		return min(after, time.Duration(float64(due)/requeueJitter))
	default:
		return min(after, due)
	}
}

// notReadyFor is how long a composite has not been ready: if it never was, since it
// was made.
func notReadyFor(w Request) time.Duration {
	if w.XR == nil {
		return 0
	}
	since := GetCondition(w.XR, "Ready")
	phase, _, _ := unstructured.NestedString(w.XR.Object, "status", "phase")
	switch v1alpha1.Phase(phase) {
	case "", v1alpha1.PhasePending, v1alpha1.PhaseProvisioning:
		since.Since = w.XR.GetCreationTimestamp().Time
	}
	if since.Status == "True" || since.Since.IsZero() {
		return 0
	}
	return w.Now.Sub(since.Since)
}

// A summary sums up verdicts.
type summary struct {
	Outcome

	// worst is the most telling verdict of each part that is not ready.
	worst map[string]Health

	// failed are all verdicts on what is refused or broken.
	failed []Condition
}

// add a verdict on something in a part.
func (t *summary) add(part string, v Health) {
	if v.Ready {
		return
	}
	t.Ready = false
	t.Progressing = t.Progressing && v.Progressing
	if !v.Progressing {
		t.failed = append(t.failed, Condition{Type: part, Reason: v.Reason, Message: truncate(v.Message)})
	}
	// Something wrong is more telling than something that takes time.
	if was, ok := t.worst[part]; !ok || (was.Progressing && !v.Progressing) {
		t.worst[part] = v
	}
}

// conditions of the parts of a plan.
func (t *summary) conditions(parts []string) ([]Condition, error) {
	for part := range t.worst {
		if !slices.Contains(parts, part) {
			return nil, fmt.Errorf("the plan has no part %q", part)
		}
	}
	var cs []Condition
	for _, part := range parts {
		c := Condition{Type: part, Ready: true, Reason: ReasonAvailable}
		if v, ok := t.worst[part]; ok {
			c = Condition{Type: part, Reason: v.Reason, Message: truncate(v.Message)}
		}
		cs = append(cs, c)
	}
	return cs, nil
}

// preserveObserved what is observed though a plan does not name it.
func preserveObserved(desired map[string]Desired, planned map[string]bool, observed map[string]*unstructured.Unstructured) {
	for name, obs := range observed {
		if !planned[name] {
			desired[name] = Desired{Object: Preserve(obs)}
		}
	}
}

// status of the composite, without the conditions, which belong to Crossplane.
func status(p Plan, o Outcome) (map[string]any, error) {
	if p.Status == nil {
		return nil, nil
	}
	s, err := p.Status(o)
	if err != nil {
		return nil, err
	}
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(s)
	if err != nil {
		return nil, fmt.Errorf("cannot write the status: %w", err)
	}
	delete(m, "conditions")
	return m, nil
}

// decide says what is desired of a resource, if anything, and how it stands.
func decide(r Resource, obs *unstructured.Unstructured) (map[string]any, Health) {
	if obs == nil {
		waiting := r.Gate.Waiting
		if r.Object == nil && waiting == "" {
			waiting = r.Name + " cannot be built yet"
		}
		if waiting != "" {
			return nil, Health{Progressing: true, Reason: ReasonWaiting, Message: waiting}
		}
		return r.Object, Health{Progressing: true, Reason: ReasonCreating, Message: fmt.Sprintf("%s is being created", kindAndName(r.Object))}
	}
	v := r.Ready(obs)
	if obs.GetDeletionTimestamp() != nil {
		v = Health{Progressing: true, Reason: ReasonDeleting, Message: kindAndName(obs.Object) + " is being deleted"}
	}
	if r.Object == nil {
		return Preserve(obs), v
	}
	return r.Object, v
}

// changedConditions are the conditions whose status or reason differs from what the
// composite already says.
func changedConditions(xr *unstructured.Unstructured, cs []Condition, telling map[string]Health) []Event {
	var evs []Event
	for _, c := range cs {
		was := GetCondition(xr, c.Type)
		if was.Status == StatusOf(c.Ready) && was.Reason == c.Reason {
			continue
		}
		switch {
		case c.Ready:
			evs = append(evs, Event{Reason: c.Type, Message: c.Type + ": everything in this part works"})
		case telling[c.Type].Progressing:
			evs = append(evs, Event{Reason: c.Reason, Message: c.Type + ": " + c.Message})
		default:
			evs = append(evs, Event{Warning: true, Reason: c.Reason, Message: c.Type + ": " + c.Message})
		}
	}
	return evs
}

// conditionEvents are what the conditions beside the parts say for the first time.
func conditionEvents(xr *unstructured.Unstructured, cs []Condition) []Event {
	var evs []Event
	for _, c := range cs {
		was := GetCondition(xr, c.Type)
		unheard := was.Status == "" && !c.Ready
		if unheard || was.Status == StatusOf(c.Ready) && was.Reason == c.Reason && was.Message == truncate(c.Message) {
			continue
		}
		evs = append(evs, Event{Reason: c.Reason, Message: c.Type + ": " + c.Message})
	}
	return evs
}

// truncate shortens a message without splitting a character.
func truncate(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage-len("…")], "") + "…"
}

func kindAndName(o map[string]any) string {
	u := unstructured.Unstructured{Object: o}
	return u.GetKind() + " " + u.GetName()
}
