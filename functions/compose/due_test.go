// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestRunAgain(t *testing.T) {
	cases := map[string]struct {
		reason string
		plan   Plan
		ready  bool
		deaf   bool
		want   time.Duration
	}{
		"NotReady": {reason: "Somebody waits.", want: whileNotReady},
		"Ready":    {reason: "Watches tell.", ready: true, want: whileReady},
		"Deaf":     {reason: "An open breaker drops what would have told.", ready: true, deaf: true, want: whileNotReady},
		"Idle":     {reason: "Nobody waits for what is not to be ready.", plan: Plan{Idle: true}, want: whileReady},
		"Far":      {reason: "What is far away changes nothing.", plan: Plan{Due: 5 * time.Hour}, ready: true, want: whileReady},
		"Near":     {reason: "Crossplane may be late by a tenth, so it is asked for early.", plan: Plan{Due: 110 * time.Second}, ready: true, want: 100 * time.Second},
		"Now":      {reason: "A tenth of a moment does not matter.", plan: Plan{Due: 300 * time.Millisecond}, ready: true, want: 300 * time.Millisecond},
		"Hurry":    {reason: "Until it is ready it runs soon in any case.", plan: Plan{Due: time.Minute}, want: whileNotReady},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := runAgain(tc.plan, tc.ready, tc.deaf).Round(time.Millisecond); got != tc.want {
				t.Errorf("\n%s\nrunAgain(...): want %s, got %s", tc.reason, tc.want, got)
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
		World{XR: xr(), Observed: map[string]*unstructured.Unstructured{"a": o}},
		Plan{Parts: []string{"A"}, Resources: []Resource{{Name: "a", Part: "A", Object: thing("a"), Ready: Managed}}},
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
	gone := Condition{Type: "Expired", Ready: true, Reason: "Gone", Message: "Nothing is left"}
	cases := map[string]struct {
		reason string
		was    []any
		is     Condition
		want   []Event
	}{
		"FirstFalse": {reason: "That it is not so is no news.", is: Condition{Type: "Expired", Reason: "NotExpired"}},
		"FirstTrue":  {reason: "That it is so is.", is: gone, want: []Event{{Reason: "Gone", Message: "Expired: Nothing is left"}}},
		"Same":       {reason: "It was said.", was: []any{cond("Expired", "True", "Gone", "Nothing is left")}, is: gone},
		"Progress": {
			reason: "How far it is, is news.", was: []any{cond("Expired", "True", "Gone", "Almost nothing is left")}, is: gone,
			want: []Event{{Reason: "Gone", Message: "Expired: Nothing is left"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res, err := Resolve(World{XR: xr(tc.was...)}, Plan{Conditions: []Condition{tc.is}})
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
