// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestRunAgain(t *testing.T) {
	cases := map[string]struct {
		reason  string
		plan    Plan
		ready   bool
		deaf    bool
		awaited time.Duration
		want    time.Duration
	}{
		"NotReady": {reason: "Somebody waits.", want: notReadyRequeue},
		"Ready":    {reason: "Watches tell.", ready: true, want: readyRequeue},
		"Deaf":     {reason: "An open breaker drops what would have told.", ready: true, deaf: true, want: notReadyRequeue},
		"Awaited":  {reason: "What takes long is looked at less often.", awaited: 2 * time.Minute, want: 15 * time.Second},
		"Hours":    {reason: "Not less often than what is ready.", awaited: 5 * time.Hour, want: readyRequeue},
		"Behind":   {reason: "A clock that is behind changes nothing.", awaited: -time.Hour, want: notReadyRequeue},
		"Muffled":  {reason: "However long it takes, an open breaker may be why.", deaf: true, awaited: time.Hour, want: notReadyRequeue},
		"Idle":     {reason: "Nobody waits for what is not to be ready.", plan: Plan{NoRequeue: true}, want: readyRequeue},
		"Far":      {reason: "What is far away changes nothing.", plan: Plan{RequeueAfter: 5 * time.Hour}, ready: true, want: readyRequeue},
		"Near":     {reason: "Crossplane may be late by a tenth, so it is asked for early.", plan: Plan{RequeueAfter: 110 * time.Second}, ready: true, want: 100 * time.Second},
		"Now":      {reason: "A tenth of a moment does not matter.", plan: Plan{RequeueAfter: 300 * time.Millisecond}, ready: true, want: 300 * time.Millisecond},
		"Hurry":    {reason: "Until it is ready it runs soon in any case.", plan: Plan{RequeueAfter: time.Minute}, want: notReadyRequeue},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := runAgain(tc.plan, tc.ready, tc.deaf, tc.awaited).Round(time.Millisecond); got != tc.want {
				t.Errorf("\n%s\nrunAgain(...): want %s, got %s", tc.reason, tc.want, got)
			}
		})
	}
}

// TestNotReadyFor proves that it is seen how long somebody has waited.
func TestNotReadyFor(t *testing.T) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	composite := func(phase v1alpha1.Phase, ready string, since time.Duration) *unstructured.Unstructured {
		o := xr(cond("Ready", ready, ReasonCreating, "", "lastTransitionTime", now.Add(-since).Format(time.RFC3339)))
		o.SetCreationTimestamp(metav1.NewTime(now.Add(-time.Hour)))
		o.Object["status"].(map[string]any)["phase"] = string(phase)
		return o
	}
	cases := map[string]struct {
		reason string
		xr     *unstructured.Unstructured
		want   time.Duration
	}{
		"None":         {reason: "Nothing is known of it."},
		"New":          {reason: "It has just been made.", xr: xr()},
		"Provisioning": {reason: "Its Ready changes with each generation, and so with what it is composed of.", xr: composite(v1alpha1.PhaseProvisioning, "False", time.Minute), want: time.Hour},
		"Degraded":     {reason: "It was ready before.", xr: composite(v1alpha1.PhaseDegraded, "False", time.Minute), want: time.Minute},
		"Breaking":     {reason: "It was ready until now.", xr: composite(v1alpha1.PhaseReady, "True", time.Minute)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := notReadyFor(Request{XR: tc.xr, Now: now}); got != tc.want {
				t.Errorf("\n%s\nnotReadyFor(...): %s, want %s", tc.reason, got, tc.want)
			}
		})
	}
}

// TestDeleting proves that nothing counts on what is on its way out.
func TestDeleting(t *testing.T) {
	o := seen("a", cond("Ready", "True", "", ""))
	now := metav1.Now()
	o.SetDeletionTimestamp(&now)
	if IsReady(o) {
		t.Error("want what is being deleted not to be ready")
	}
	res, err := Resolve(
		Request{XR: xr(), Observed: map[string]*unstructured.Unstructured{"a": o}},
		Plan{ConditionTypes: []string{"A"}, Resources: []Resource{{Name: "a", ConditionType: "A", Object: thing("a"), Ready: Managed}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := []Condition{{Type: "A", Reason: ReasonDeleting, Message: "Release a is being deleted"}}
	if diff := cmp.Diff(want, res.Conditions); diff != "" || res.Ready {
		t.Errorf("ready %v, conditions: -want, +got:\n%s", res.Ready, diff)
	}
}

// TestAnnouncements proves that the conditions beside the parts are told when
// they change, and only then.
func TestAnnouncements(t *testing.T) {
	gone := Condition{Type: "Expired", Ready: true, Reason: "Deleted", Message: "Nothing is left"}
	cases := map[string]struct {
		reason string
		was    []any
		is     Condition
		want   []Event
	}{
		"FirstFalse": {reason: "That it is not so is no news.", is: Condition{Type: "Expired", Reason: "NotExpired"}},
		"FirstTrue":  {reason: "That it is so is.", is: gone, want: []Event{{Reason: "Deleted", Message: "Expired: Nothing is left"}}},
		"Same":       {reason: "It was said.", was: []any{cond("Expired", "True", "Deleted", "Nothing is left")}, is: gone},
		"Progress": {
			reason: "How far it is, is news.", was: []any{cond("Expired", "True", "Deleted", "Almost nothing is left")}, is: gone,
			want: []Event{{Reason: "Deleted", Message: "Expired: Nothing is left"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res, err := Resolve(Request{XR: xr(tc.was...)}, Plan{Conditions: []Condition{tc.is}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, res.Events); diff != "" {
				t.Errorf("\n%s\nevents: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff([]Condition{tc.is}, res.Conditions); diff != "" {
				t.Errorf("\n%s\nconditions: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
