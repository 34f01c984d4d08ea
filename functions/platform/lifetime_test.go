// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestEnding(t *testing.T) {
	born := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	after := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: born.Add(d).Local()} } //nolint:gosmopolitan // Kubernetes decodes times so.
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
		return func(c *v1alpha1.ObservabilityPlatform) { c.Status.ClockCheckTime = after(d) }
	}
	expired := func(d time.Duration) func(*v1alpha1.ObservabilityPlatform) {
		return func(c *v1alpha1.ObservabilityPlatform) {
			c.Status.ExpirationTime = after(d)
			c.Status.ExpirationConfirmed = true
		}
	}
	type change = func(*v1alpha1.ObservabilityPlatform)

	cases := map[string]struct {
		reason  string
		changes []change
		now     time.Duration
		want    expiry
		err     error
	}{
		"Forever": {
			reason: "Without a lifetime nothing ends.",
			now:    1e6 * time.Hour,
		},
		"TornDown": {
			reason:  "Somebody wants it to go now.",
			changes: []change{func(c *v1alpha1.ObservabilityPlatform) { c.Spec.State = v1alpha1.StateTornDown }},
			want:    expiry{tornDown: true},
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
			want:    expiry{expirationTime: end, due: time.Hour},
		},
		"FirstQuestion": {
			reason:  "By the function's clock it is over, so the API server is asked for the time by a write.",
			changes: []change{lives("4h"), written(time.Minute)},
			now:     4*time.Hour + time.Second/2,
			want:    expiry{expirationTime: end, clockCheckTime: end, due: clockRecheckInterval},
		},
		"Agreed": {
			reason:  "The API server noted a write after the end.",
			changes: []change{lives("4h"), written(4 * time.Hour), checked(4 * time.Hour)},
			now:     4*time.Hour + time.Second,
			want:    expiry{expirationTime: end, expired: true},
		},
		"Ahead": {
			reason:  "The API server says that an hour is missing. Asking before it has passed would be in vain.",
			changes: []change{lives("4h"), written(3 * time.Hour), checked(4 * time.Hour)},
			now:     4*time.Hour + 20*time.Minute,
			want:    expiry{expirationTime: end, clockCheckTime: after(4 * time.Hour), due: clockRecheckInterval},
		},
		"SecondQuestion": {
			reason:  "The hour has passed.",
			changes: []change{lives("4h"), written(3 * time.Hour), checked(4 * time.Hour)},
			now:     5 * time.Hour,
			want:    expiry{expirationTime: end, clockCheckTime: after(5 * time.Hour), due: clockRecheckInterval},
		},
		"Back": {
			reason:  "A clock that went back since it was compared is compared again.",
			changes: []change{lives("4h"), written(3 * time.Hour), checked(9 * time.Hour)},
			now:     5 * time.Hour,
			want:    expiry{expirationTime: end, clockCheckTime: after(5 * time.Hour), due: clockRecheckInterval},
		},
		"OtherClock": {
			reason:  "The API server's clock alone ends nothing either.",
			changes: []change{lives("4h"), written(9 * time.Hour)},
			now:     2 * time.Hour,
			want:    expiry{expirationTime: end, due: 2 * time.Hour},
		},
		"NobodyWrites": {
			reason:  "Where the API server says nothing of writes, the function's clock must do.",
			changes: []change{lives("4h")},
			now:     4 * time.Hour,
			want:    expiry{expirationTime: end, expired: true},
		},
		"Latched": {
			reason:  "A clock that goes back does not bring back what has begun to go.",
			changes: []change{lives("4h"), expired(4 * time.Hour)},
			now:     time.Hour,
			want:    expiry{expirationTime: end, expired: true},
		},
		"Torn": {
			reason: "What conditions say may be of another time than the status.",
			changes: []change{lives("6h"), written(4 * time.Hour), func(c *v1alpha1.ObservabilityPlatform) {
				c.Status.ExpirationTime = after(6 * time.Hour)
				c.Status.Conditions = []metav1.Condition{{Type: ConditionExpired, Status: metav1.ConditionTrue}}
			}},
			now:  5 * time.Hour,
			want: expiry{expirationTime: after(6 * time.Hour), due: time.Hour},
		},
		"Extended": {
			reason:  "A longer lifetime does.",
			changes: []change{lives("6h"), expired(4 * time.Hour), written(4 * time.Hour)},
			now:     5 * time.Hour,
			want:    expiry{expirationTime: after(6 * time.Hour), due: time.Hour},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := claim(tc.changes...)
			in := compose.TypedRequest[v1alpha1.ObservabilityPlatform]{Claim: *c, Request: compose.Request{XR: toUnstructured(t, c), Now: born.Add(tc.now)}}
			got, err := computeExpiry(in)
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nendOf(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(expiry{})); tc.err == nil && diff != "" {
				t.Errorf("\n%s\nendOf(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestTearDown looks at which layers are let go, and what is noted of them.
func TestTearDown(t *testing.T) {
	there := settle(t, compose.Request{XR: toUnstructured(t, claim())}).Observed
	component := func(name string) v1alpha1.ObjectReference {
		return v1alpha1.ObjectReference{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.ComponentKind, Name: name}
	}
	leaf := func(name string) v1alpha1.ObjectReference {
		return v1alpha1.ObjectReference{APIVersion: compose.HelmAPIVersion, Kind: "Release", Name: name}
	}
	self := func(resource string) v1alpha1.ObjectReference {
		o := there[resource]
		return v1alpha1.ObjectReference{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Name: o.GetName()}
	}
	composing := func(o *unstructured.Unstructured, refs ...v1alpha1.ObjectReference) *unstructured.Unstructured {
		o = o.DeepCopy()
		var raw []any
		for _, r := range refs {
			raw = append(raw, map[string]any{"apiVersion": r.APIVersion, "kind": r.Kind, "name": r.Name})
		}
		if err := unstructured.SetNestedSlice(o.Object, raw, "spec", "crossplane", "resourceRefs"); err != nil {
			t.Fatal(err)
		}
		return o
	}
	observed := map[string]*unstructured.Unstructured{
		"cluster":       composing(there["cluster"], leaf("probe")),
		"stack":         composing(there["stack"], component("prometheus")),
		"workload-shop": composing(there["workload-shop"], component("app")),
	}
	answer := func(component string, leaves ...v1alpha1.ObjectReference) []*unstructured.Unstructured {
		return []*unstructured.Unstructured{composing(&unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.APIVersion, "kind": v1alpha1.ComponentKind, "metadata": map[string]any{"name": component},
		}}, leaves...)}
	}
	answered := map[string][]*unstructured.Unstructured{
		requirementName(component("app")):        answer("app", leaf("app-release")),
		requirementName(component("prometheus")): answer("prometheus", leaf("prometheus-release")),
	}
	workloads := []v1alpha1.ObjectReference{leaf("app-release"), component("app"), self("workload-shop")}
	stack := []v1alpha1.ObjectReference{leaf("prometheus-release"), component("prometheus"), self("stack")}
	cluster := []v1alpha1.ObjectReference{leaf("probe"), self("cluster")}
	all := &v1alpha1.PendingDeletion{Workloads: workloads, Stack: stack, Cluster: cluster}
	gone := func(refs ...[]v1alpha1.ObjectReference) map[string][]*unstructured.Unstructured {
		out := map[string][]*unstructured.Unstructured{}
		for _, rs := range refs {
			for _, r := range rs {
				out[requirementName(r)] = nil
			}
		}
		return out
	}
	with := func(ms ...map[string][]*unstructured.Unstructured) map[string][]*unstructured.Unstructured {
		out := map[string][]*unstructured.Unstructured{}
		for _, m := range ms {
			maps.Copy(out, m)
		}
		return out
	}
	something := []*unstructured.Unstructured{{}}

	cases := map[string]struct {
		reason   string
		back     bool
		observed []string
		required map[string][]*unstructured.Unstructured
		noted    *v1alpha1.PendingDeletion
		kept     []string
		left     *v1alpha1.PendingDeletion
		phase    v1alpha1.Phase
	}{
		"Unanswered": {
			reason:   "While nobody has looked what there is, nothing is let go.",
			observed: []string{"cluster", "stack", "workload-shop"},
			kept:     []string{"cluster", "stack", "workload-shop"},
			left:     &v1alpha1.PendingDeletion{Workloads: workloads[1:], Stack: stack[1:], Cluster: cluster},
			phase:    v1alpha1.PhaseTearingDown,
		},
		"Note": {
			reason:   "What is let go is forgotten, so it is noted first.",
			observed: []string{"cluster", "stack", "workload-shop"},
			required: answered,
			kept:     []string{"cluster", "stack", "workload-shop"},
			left:     all,
			phase:    v1alpha1.PhaseTearingDown,
		},
		"Begin": {
			reason:   "Workloads go first.",
			observed: []string{"cluster", "stack", "workload-shop"},
			required: answered,
			noted:    all,
			kept:     []string{"cluster", "stack"},
			left:     all,
			phase:    v1alpha1.PhaseTearingDown,
		},
		"Lingering": {
			reason:   "Its composites are gone, and a release is still there.",
			observed: []string{"cluster", "stack"},
			required: with(answered, gone(workloads), map[string][]*unstructured.Unstructured{requirementName(leaf("app-release")): something}),
			noted:    all,
			kept:     []string{"cluster", "stack"},
			left:     &v1alpha1.PendingDeletion{Workloads: workloads[:1], Stack: stack, Cluster: cluster},
			phase:    v1alpha1.PhaseTearingDown,
		},
		"Next": {
			reason:   "All of it is gone, so the stack may go.",
			observed: []string{"cluster", "stack"},
			required: with(answered, gone(workloads)),
			noted:    all,
			kept:     []string{"cluster"},
			left:     &v1alpha1.PendingDeletion{Stack: stack, Cluster: cluster},
			phase:    v1alpha1.PhaseTearingDown,
		},
		"Last": {
			reason:   "The cluster goes last.",
			observed: []string{"cluster"},
			required: gone(stack),
			noted:    &v1alpha1.PendingDeletion{Stack: stack, Cluster: cluster},
			left:     &v1alpha1.PendingDeletion{Cluster: cluster},
			phase:    v1alpha1.PhaseTearingDown,
		},
		"Halfway": {
			reason:   "What never came up need not be waited for.",
			observed: []string{"cluster"},
			noted:    &v1alpha1.PendingDeletion{Cluster: cluster},
			left:     &v1alpha1.PendingDeletion{Cluster: cluster},
			phase:    v1alpha1.PhaseTearingDown,
		},
		"Gone": {
			reason:   "There is nothing to hurry for any more.",
			required: gone(cluster),
			noted:    &v1alpha1.PendingDeletion{Cluster: cluster},
			phase:    v1alpha1.PhaseTornDown,
		},
		"BackBefore": {
			reason:   "Wanted again before anything went, it is as if nothing had been.",
			back:     true,
			observed: []string{"cluster", "stack", "workload-shop"},
			noted:    all,
			kept:     []string{"cluster", "stack", "workload-shop"},
			phase:    v1alpha1.PhaseReady,
		},
		"BackAmid": {
			reason:   "A new workload would be called as what is left of the old one, and go with it.",
			back:     true,
			observed: []string{"cluster", "stack"},
			required: with(gone(workloads), map[string][]*unstructured.Unstructured{requirementName(leaf("app-release")): something}),
			noted:    all,
			kept:     []string{"cluster", "stack"},
			left:     &v1alpha1.PendingDeletion{Workloads: workloads[:1]},
			phase:    v1alpha1.PhaseProvisioning,
		},
		"BackAfter": {
			reason:   "Nothing is left, so it comes back.",
			back:     true,
			observed: []string{"cluster", "stack"},
			required: gone(workloads),
			noted:    all,
			kept:     []string{"cluster", "stack", "workload-shop"},
			phase:    v1alpha1.PhaseProvisioning,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := claim(func(c *v1alpha1.ObservabilityPlatform) {
				if !tc.back {
					c.Spec.State = v1alpha1.StateTornDown
				}
				c.Status.PendingDeletion = tc.noted
			})
			o := map[string]*unstructured.Unstructured{}
			for _, n := range tc.observed {
				o[n] = observed[n]
			}
			res := run(t, compose.Request{XR: toUnstructured(t, c), Observed: o, Required: tc.required})
			if diff := cmp.Diff(tc.kept, names(res), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nresources: -want, +got:\n%s", tc.reason, diff)
			}
			status := v1alpha1.ObservabilityPlatformStatus{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Status, &status); err != nil {
				t.Fatal(err)
			}
			byName := cmpopts.SortSlices(func(a, b v1alpha1.ObjectReference) bool { return requirementName(a) < requirementName(b) })
			if diff := cmp.Diff(tc.left, status.PendingDeletion, byName); diff != "" {
				t.Errorf("\n%s\nremaining: -want, +got:\n%s", tc.reason, diff)
			}
			again := 8 * time.Second
			if tc.phase == v1alpha1.PhaseTornDown || tc.phase == v1alpha1.PhaseReady {
				again = 10 * time.Minute
			}
			if status.Phase != tc.phase || res.RequeueAfter != again {
				t.Errorf("\n%s\nphase %s, again after %s; want %s, %s", tc.reason, status.Phase, res.RequeueAfter, tc.phase, again)
			}
			for _, n := range names(res) {
				if o[n] == nil || tc.back {
					continue
				}
				if diff := cmp.Diff(compose.Preserve(o[n]), res.Resources[n].Object); diff != "" {
					t.Errorf("\nWhat has to wait stays as it is.\n%s: -want, +got:\n%s", n, diff)
				}
			}
		})
	}
}
