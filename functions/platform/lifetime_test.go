package platform

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestEnding(t *testing.T) {
	born := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	after := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: born.Add(d).Local()} }
	end := after(4 * time.Hour)
	lives := func(lifetime string) func(*v1alpha1.ObservabilityPlatform) {
		return func(c *v1alpha1.ObservabilityPlatform) {
			c.CreationTimestamp = metav1.NewTime(born)
			c.Spec.Lifetime = lifetime
		}
	}
	written := func(d time.Duration) func(*v1alpha1.ObservabilityPlatform) {
		return func(c *v1alpha1.ObservabilityPlatform) {
			c.ManagedFields = []metav1.ManagedFieldsEntry{{Time: after(d)}, {Time: after(0)}}
		}
	}
	checked := func(d time.Duration) func(*v1alpha1.ObservabilityPlatform) {
		return func(c *v1alpha1.ObservabilityPlatform) { c.Status.CheckedAt = after(d) }
	}
	expired := func(d time.Duration) func(*v1alpha1.ObservabilityPlatform) {
		return func(c *v1alpha1.ObservabilityPlatform) {
			c.Status.ExpiresAt = after(d)
			c.Status.Conditions = []metav1.Condition{{Type: ConditionExpired, Status: metav1.ConditionTrue}}
		}
	}
	type change = func(*v1alpha1.ObservabilityPlatform)

	cases := map[string]struct {
		reason  string
		changes []change
		now     time.Duration
		want    ending
		err     error
	}{
		"Forever": {
			reason: "Without a lifetime nothing ends.",
			now:    1e6 * time.Hour,
		},
		"Suspended": {
			reason:  "Somebody wants it to go now.",
			changes: []change{func(c *v1alpha1.ObservabilityPlatform) { c.Spec.Suspend = true }},
			want:    ending{suspended: true},
		},
		"Rendered": {
			reason: "What nobody has created yet has no end.",
			changes: []change{func(c *v1alpha1.ObservabilityPlatform) {
				c.Spec.Lifetime = "4h"
			}},
		},
		"Nonsense": {
			reason:  "The API server would have refused it.",
			changes: []change{lives("a while")},
			err:     cmpopts.AnyError,
		},
		"Before": {
			reason:  "The function runs when it is over.",
			changes: []change{lives("4h"), written(time.Minute)},
			now:     3 * time.Hour,
			want:    ending{expiresAt: end, due: time.Hour},
		},
		"FirstQuestion": {
			reason:  "By the function's clock it is over, so the API server is asked for the time by a write.",
			changes: []change{lives("4h"), written(time.Minute)},
			now:     4*time.Hour + time.Second/2,
			want:    ending{expiresAt: end, checkedAt: end, due: askAgain},
		},
		"Agreed": {
			reason:  "The API server noted a write after the end.",
			changes: []change{lives("4h"), written(4 * time.Hour), checked(4 * time.Hour)},
			now:     4*time.Hour + time.Second,
			want:    ending{expiresAt: end, expired: true},
		},
		"Ahead": {
			reason:  "The API server says that an hour is missing. Asking before it has passed would be in vain.",
			changes: []change{lives("4h"), written(3 * time.Hour), checked(4 * time.Hour)},
			now:     4*time.Hour + 20*time.Minute,
			want:    ending{expiresAt: end, checkedAt: after(4 * time.Hour), due: askAgain},
		},
		"SecondQuestion": {
			reason:  "The hour has passed.",
			changes: []change{lives("4h"), written(3 * time.Hour), checked(4 * time.Hour)},
			now:     5 * time.Hour,
			want:    ending{expiresAt: end, checkedAt: after(5 * time.Hour), due: askAgain},
		},
		"Back": {
			reason:  "A clock that went back since it was compared is compared again.",
			changes: []change{lives("4h"), written(3 * time.Hour), checked(9 * time.Hour)},
			now:     5 * time.Hour,
			want:    ending{expiresAt: end, checkedAt: after(5 * time.Hour), due: askAgain},
		},
		"OtherClock": {
			reason:  "The API server's clock alone ends nothing either.",
			changes: []change{lives("4h"), written(9 * time.Hour)},
			now:     2 * time.Hour,
			want:    ending{expiresAt: end, due: 2 * time.Hour},
		},
		"NobodyWrites": {
			reason:  "Where the API server says nothing of writes, the function's clock must do.",
			changes: []change{lives("4h")},
			now:     4 * time.Hour,
			want:    ending{expiresAt: end, expired: true},
		},
		"Latched": {
			reason:  "A clock that goes back does not bring back what has begun to go.",
			changes: []change{lives("4h"), expired(4 * time.Hour)},
			now:     time.Hour,
			want:    ending{expiresAt: end, expired: true},
		},
		"Extended": {
			reason:  "A longer lifetime does.",
			changes: []change{lives("6h"), expired(4 * time.Hour), written(4 * time.Hour)},
			now:     5 * time.Hour,
			want:    ending{expiresAt: after(6 * time.Hour), due: time.Hour},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := claim(tc.changes...)
			in := compose.Input[v1alpha1.ObservabilityPlatform]{Claim: *c, World: compose.World{XR: toUnstructured(t, c), Now: born.Add(tc.now)}}
			got, err := endOf(in)
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nendOf(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(ending{})); tc.err == nil && diff != "" {
				t.Errorf("\n%s\nendOf(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestTearDown looks at which layers are let go.
func TestTearDown(t *testing.T) {
	suspended := claim(func(c *v1alpha1.ObservabilityPlatform) { c.Spec.Suspend = true })
	there := settle(t, compose.World{XR: toUnstructured(t, claim())}).Observed
	nothing := []*unstructured.Unstructured{}
	something := []*unstructured.Unstructured{{}}

	cases := map[string]struct {
		reason   string
		observed []string
		required map[string][]*unstructured.Unstructured
		kept     []string
		phase    v1alpha1.Phase
		again    time.Duration
	}{
		"Begin": {
			reason:   "Workloads go first, and need no answer to be let go.",
			observed: []string{"cluster", "stack", "workload-shop"},
			kept:     []string{"cluster", "stack"},
			phase:    v1alpha1.PhaseTearingDown,
			again:    8 * time.Second,
		},
		"Unanswered": {
			reason:   "Crossplane has forgotten the workload. While nobody has looked it up, it may be there.",
			observed: []string{"cluster", "stack"},
			kept:     []string{"cluster", "stack"},
			phase:    v1alpha1.PhaseTearingDown,
			again:    8 * time.Second,
		},
		"Lingering": {
			reason:   "It is still there.",
			observed: []string{"cluster", "stack"},
			required: map[string][]*unstructured.Unstructured{"workload-shop": something, "stack": something, "cluster": something},
			kept:     []string{"cluster", "stack"},
			phase:    v1alpha1.PhaseTearingDown,
			again:    8 * time.Second,
		},
		"Next": {
			reason:   "It is gone, so the stack may go.",
			observed: []string{"cluster", "stack"},
			required: map[string][]*unstructured.Unstructured{"workload-shop": nothing, "stack": something, "cluster": something},
			kept:     []string{"cluster"},
			phase:    v1alpha1.PhaseTearingDown,
			again:    8 * time.Second,
		},
		"Last": {
			reason:   "The cluster goes last.",
			observed: []string{"cluster"},
			required: map[string][]*unstructured.Unstructured{"workload-shop": nothing, "stack": nothing, "cluster": something},
			phase:    v1alpha1.PhaseTearingDown,
			again:    8 * time.Second,
		},
		"Halfway": {
			reason:   "What never came up need not be waited for.",
			observed: []string{"cluster"},
			required: map[string][]*unstructured.Unstructured{"workload-shop": nothing, "stack": nothing},
			phase:    v1alpha1.PhaseTearingDown,
			again:    8 * time.Second,
		},
		"Gone": {
			reason:   "There is nothing to hurry for any more.",
			required: map[string][]*unstructured.Unstructured{"workload-shop": nothing, "stack": nothing, "cluster": nothing},
			phase:    v1alpha1.PhaseDown,
			again:    10 * time.Minute,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			observed := map[string]*unstructured.Unstructured{}
			for _, n := range tc.observed {
				observed[n] = there[n]
			}
			res := run(t, compose.World{XR: toUnstructured(t, suspended), Observed: observed, Required: tc.required})
			if diff := cmp.Diff(tc.kept, names(res), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nresources: -want, +got:\n%s", tc.reason, diff)
			}
			if res.Status["phase"] != string(tc.phase) || res.RunAgainAfter != tc.again || res.Ready {
				t.Errorf("\n%s\nphase %v, again after %s, ready %v; want %s, %s and not ready", tc.reason, res.Status["phase"], res.RunAgainAfter, res.Ready, tc.phase, tc.again)
			}
			for _, n := range names(res) {
				if diff := cmp.Diff(compose.Hold(there[n]), res.Resources[n].Object); diff != "" {
					t.Errorf("\nWhat has to wait stays as it is.\n%s: -want, +got:\n%s", n, diff)
				}
			}
		})
	}
}
