package compose

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Conditions are cut to this many bytes; the API allows 32768, a person reads
// the beginning.
const maxMessage = 1024

// Run composes a World and resolves the plan.
func Run(w World, c Composer) (Result, error) {
	p, err := c(w)
	if err != nil {
		return Result{}, err
	}
	return Resolve(w, p)
}

// Resolve decides what of a plan is desired in this round and what its
// conditions are.
func Resolve(w World, p Plan) (Result, error) {
	res := Result{
		Resources:    make(map[string]Desired, len(p.Resources)),
		Requirements: p.Requirements,
	}
	out := Outcome{Ready: len(p.Problems) == 0, Progressing: len(p.Problems) == 0}
	first := make(map[string]Verdict, len(p.Parts))
	planned := make(map[string]bool, len(p.Resources))

	for _, pr := range p.Problems {
		if _, ok := first[pr.Part]; !ok {
			first[pr.Part] = Verdict{Reason: pr.Reason, Message: pr.Message}
		}
	}
	for _, r := range p.Resources {
		if planned[r.Name] {
			return Result{}, fmt.Errorf("two resources are named %q", r.Name)
		}
		planned[r.Name] = true

		d, v := decide(r, w.Observed[r.Name])
		if d != nil {
			res.Resources[r.Name] = Desired{Object: d, Ready: v.Ready}
		}
		if v.Ready {
			continue
		}
		out.Ready = false
		out.Progressing = out.Progressing && v.Progressing
		// Something wrong is more telling than something that takes time.
		if was, ok := first[r.Part]; !ok || (was.Progressing && !v.Progressing) {
			first[r.Part] = v
		}
	}
	if p.Partial {
		out.Ready = false
		for name, obs := range w.Observed {
			if !planned[name] {
				res.Resources[name] = Desired{Object: Hold(obs)}
			}
		}
	}
	out.Composed = len(res.Resources) > 0

	for _, part := range p.Parts {
		c := Condition{Type: part, Ready: true, Reason: ReasonAvailable}
		if v, ok := first[part]; ok {
			c = Condition{Type: part, Reason: v.Reason, Message: cut(v.Message)}
		}
		res.Conditions = append(res.Conditions, c)
	}
	for part := range first {
		if !slices.Contains(p.Parts, part) {
			return Result{}, fmt.Errorf("the plan has no part %q", part)
		}
	}

	res.Ready = out.Ready
	res.RunAgainAfter = whileNotReady
	if res.Ready {
		res.RunAgainAfter = whileReady
	}
	res.Events = transitions(w.XR, res.Conditions, first)
	if p.Status == nil {
		return res, nil
	}
	s, err := p.Status(out)
	if err != nil {
		return Result{}, err
	}
	if res.Status, err = runtime.DefaultUnstructuredConverter.ToUnstructured(s); err != nil {
		return Result{}, err
	}
	delete(res.Status, "conditions")
	return res, nil
}

// decide says what is desired of a resource, if anything, and how it stands.
func decide(r Resource, obs *unstructured.Unstructured) (map[string]any, Verdict) {
	if obs == nil {
		waiting := r.Gate.Waiting
		if r.Object == nil && waiting == "" {
			waiting = r.Name + " cannot be built yet"
		}
		if waiting != "" {
			return nil, Verdict{Progressing: true, Reason: ReasonWaiting, Message: upper(waiting)}
		}
		return r.Object, Verdict{Progressing: true, Reason: ReasonCreating, Message: fmt.Sprintf("%s is being created", kindAndName(r.Object))}
	}
	v := r.Ready(obs)
	if r.Object == nil {
		return Hold(obs), v
	}
	return r.Object, v
}

// transitions are the conditions whose status or reason differs from what the
// composite already says.
func transitions(xr *unstructured.Unstructured, cs []Condition, first map[string]Verdict) []Event {
	var evs []Event
	for _, c := range cs {
		was := GetCondition(xr, c.Type)
		if was.Status == StatusOf(c.Ready) && was.Reason == c.Reason {
			continue
		}
		switch {
		case c.Ready:
			evs = append(evs, Event{Reason: c.Type, Message: c.Type + ": everything in this part works"})
		case first[c.Type].Progressing && was.Status != "True":
			evs = append(evs, Event{Reason: c.Reason, Message: c.Type + ": " + c.Message})
		default:
			evs = append(evs, Event{Warning: true, Reason: c.Reason, Message: c.Type + ": " + c.Message})
		}
	}
	return evs
}

// cut shortens a message without splitting a character.
func cut(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage-len("…")], "") + "…"
}

// upper makes the first letter of a sentence a capital.
func upper(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:size]) + s[size:]
}

func kindAndName(o map[string]any) string {
	u := unstructured.Unstructured{Object: o}
	return u.GetKind() + " " + u.GetName()
}
