// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestManaged(t *testing.T) {
	cases := map[string]struct {
		reason string
		o      *unstructured.Unstructured
		want   Health
	}{
		"New": {
			reason: "Nobody has looked at it yet.",
			o:      object(int64(1)),
			want:   Health{Progressing: true, Reason: ReasonCreating, Message: "Release shop is not ready yet"},
		},
		"Ready": {
			reason: "It works and its provider can see that.",
			o:      object(int64(1), cond("Synced", "True", "", ""), cond("Ready", "True", "", "")),
			want:   Health{Ready: true},
		},
		"ReadyWithoutSynced": {
			reason: "Not everything with a Ready has a Synced.",
			o:      object(int64(1), cond("Ready", "True", "", "")),
			want:   Health{Ready: true},
		},
		"NotSynced": {
			reason: "Ready is what it was when the provider last could look.",
			o:      object(int64(1), cond("Synced", "False", "ReconcileError", "no route to host"), cond("Ready", "True", "", "")),
			want:   Health{Reason: "ReconcileError", Message: "Release shop: no route to host"},
		},
		"NotSyncedWithoutReason": {
			reason: "A condition needs a reason.",
			o:      object(int64(1), cond("Synced", "False", "", "no route to host")),
			want:   Health{Reason: ReasonNotReady, Message: "Release shop: no route to host"},
		},
		"ReadyOfOlderGeneration": {
			reason: "What was ready is the object before its last change.",
			o:      object(int64(2), cond("Synced", "True", "", ""), cond("Ready", "True", "", "", "observedGeneration", int64(1))),
			want:   Health{Progressing: true, Reason: ReasonUpdating, Message: "Release shop is being updated"},
		},
		"SyncedOfOlderGeneration": {
			reason: "The provider has not applied the last change.",
			o:      object(int64(2), cond("Synced", "True", "", "", "observedGeneration", int64(1)), cond("Ready", "True", "", "")),
			want:   Health{Progressing: true, Reason: ReasonUpdating, Message: "Release shop is being updated"},
		},
		"Broken": {
			reason: "The provider says what is wrong.",
			o:      object(int64(1), cond("Synced", "True", "", ""), cond("Ready", "False", "Unavailable", "release failed")),
			want:   Health{Reason: "Unavailable", Message: "Release shop: release failed"},
		},
		"BrokenWithoutReason": {
			reason: "A condition needs a reason.",
			o:      object(int64(1), cond("Ready", "False", "", "release failed")),
			want:   Health{Reason: ReasonNotReady, Message: "Release shop: release failed"},
		},
		"NotReadyWithoutMessage": {
			reason: "A provider that has nothing to say is not done yet.",
			o:      object(int64(1), cond("Ready", "False", "Creating", "")),
			want:   Health{Progressing: true, Reason: ReasonCreating, Message: "Release shop is not ready yet"},
		},
		"Unknown": {
			reason: "Unknown is not ready.",
			o:      object(int64(1), cond("Ready", "Unknown", "", "")),
			want:   Health{Progressing: true, Reason: ReasonCreating, Message: "Release shop is not ready yet"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Managed(tc.o)); diff != "" {
				t.Errorf("\n%s\nManaged(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestExists(t *testing.T) {
	if diff := cmp.Diff(Health{Ready: true}, Exists(object(int64(1)))); diff != "" {
		t.Errorf("\nWhat is there works.\nExists(...): -want, +got:\n%s", diff)
	}
}

func TestChild(t *testing.T) {
	inPhase := func(o *unstructured.Unstructured, p v1alpha1.Phase) *unstructured.Unstructured {
		o.Object["status"].(map[string]any)["phase"] = string(p)
		return o
	}
	cases := map[string]struct {
		reason string
		o      *unstructured.Unstructured
		want   Health
	}{
		"New": {
			reason: "Nothing is known to be wrong.",
			o:      object(int64(1)),
			want:   Health{Progressing: true, Reason: ReasonCreating, Message: "Release shop is not ready yet"},
		},
		"Ready": {
			reason: "A child's Ready covers all of its parts.",
			o:      object(int64(1), cond("Ready", "True", "", "")),
			want:   Health{Ready: true},
		},
		"Stale": {
			reason: "What was ready is the child before its last change. Nothing is wrong.",
			o:      object(int64(2), cond("Ready", "True", "", "", "observedGeneration", int64(1)), cond("First", "True", "", "")),
			want:   Health{Progressing: true, Reason: ReasonUpdating, Message: "Release shop is being updated"},
		},
		"FirstPart": {
			reason: "Parts are looked at in the order given, not in that of the conditions.",
			o:      object(int64(1), cond("Second", "False", "B", "second"), cond("First", "False", "A", "first"), cond("Ready", "False", "", "")),
			want:   Health{Reason: "A", Message: "first"},
		},
		"SecondPart": {
			reason: "A part that is true says nothing about why.",
			o:      object(int64(1), cond("First", "True", "", ""), cond("Second", "False", "B", "second"), cond("Ready", "False", "", "")),
			want:   Health{Reason: "B", Message: "second"},
		},
		"WithoutReason": {
			reason: "A condition needs a reason.",
			o:      object(int64(1), cond("First", "False", "", "first")),
			want:   Health{Reason: ReasonNotReady, Message: "first"},
		},
		"Waiting": {
			reason: "Waiting is no failure.",
			o:      object(int64(1), cond("First", "False", ReasonWaiting, "waiting")),
			want:   Health{Progressing: true, Reason: ReasonWaiting, Message: "waiting"},
		},
		"Creating": {
			reason: "Creating is no failure.",
			o:      object(int64(1), cond("First", "False", ReasonCreating, "creating")),
			want:   Health{Progressing: true, Reason: ReasonCreating, Message: "creating"},
		},
		"Updating": {
			reason: "Updating is no failure.",
			o:      object(int64(1), cond("First", "False", ReasonUpdating, "updating")),
			want:   Health{Progressing: true, Reason: ReasonUpdating, Message: "updating"},
		},
		"DegradedWaiting": {
			reason: "What worked before and waits now has failed.",
			o:      inPhase(object(int64(1), cond("First", "False", ReasonWaiting, "waiting")), v1alpha1.PhaseDegraded),
			want:   Health{Reason: ReasonWaiting, Message: "waiting"},
		},
		"NotSynced": {
			reason: "Crossplane itself could not compose the child.",
			o:      object(int64(1), cond("First", "Unknown", "", ""), cond("Synced", "False", "ReconcileError", "cannot compose")),
			want:   Health{Reason: "ReconcileError", Message: "Release shop: cannot compose"},
		},
		"PartBeforeSynced": {
			reason: "A part says more than Crossplane does.",
			o:      object(int64(1), cond("Synced", "False", "ReconcileError", "cannot compose"), cond("First", "False", "A", "first")),
			want:   Health{Reason: "A", Message: "first"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, CompositeHealth("First", "Second")(tc.o)); diff != "" {
				t.Errorf("\n%s\nChild(...)(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestBrief(t *testing.T) {
	cases := map[string]struct {
		reason string
		v      Health
		want   Health
	}{
		"Step": {
			reason: "The next step is told in the same words.",
			v:      Health{Progressing: true, Reason: ReasonWaiting, Message: "Release shop begins when Object shop is there"},
			want:   Health{Progressing: true, Reason: ReasonCreating, Message: "Release shop is not ready yet"},
		},
		"Updating": {
			reason: "It worked before.",
			v:      Health{Progressing: true, Reason: ReasonUpdating, Message: "Release shop is being updated"},
			want:   Health{Progressing: true, Reason: ReasonUpdating, Message: "Release shop is being updated"},
		},
		"Wrong": {
			reason: "What is wrong is told in full.",
			v:      Health{Reason: "ReconcileError", Message: "Release shop: no such chart"},
			want:   Health{Reason: "ReconcileError", Message: "Release shop: no such chart"},
		},
		"Ready": {
			reason: "There is nothing to say about what works.",
			v:      Health{Ready: true, Progressing: true},
			want:   Health{Ready: true, Progressing: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := Summarize(func(*unstructured.Unstructured) Health { return tc.v })(object(int64(1)))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nBrief(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestNamed(t *testing.T) {
	judge := func(v Health) func(*unstructured.Unstructured) Health {
		return func(*unstructured.Unstructured) Health { return v }
	}
	cases := map[string]struct {
		reason string
		v      Health
		want   Health
	}{
		"Message": {
			reason: "A person sees which one of many it is.",
			v:      Health{Progressing: true, Reason: ReasonWaiting, Message: "waiting"},
			want:   Health{Progressing: true, Reason: ReasonWaiting, Message: "shop: waiting"},
		},
		"Ready": {
			reason: "There is nothing to say about what works.",
			v:      Health{Ready: true},
			want:   Health{Ready: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, WithName("shop", judge(tc.v))(nil)); diff != "" {
				t.Errorf("\n%s\nNamed(...)(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRow(t *testing.T) {
	r := Resource{Name: "shop", Object: object(int64(1)).Object, Ready: Managed}
	gated := r
	gated.Gate = Gate{Waiting: "Waiting for the cluster"}
	type args struct {
		r   Resource
		obs *unstructured.Unstructured
	}
	cases := map[string]struct {
		reason string
		args   args
		want   v1alpha1.ChildStatus
	}{
		"Waiting": {
			reason: "What is not composed yet waits.",
			args:   args{r: gated},
			want:   v1alpha1.ChildStatus{Name: "shop", Version: "1.2.3", Reason: ReasonWaiting},
		},
		"Creating": {
			reason: "What is not there yet is being created.",
			args:   args{r: r},
			want:   v1alpha1.ChildStatus{Name: "shop", Version: "1.2.3", Reason: ReasonCreating},
		},
		"Broken": {
			reason: "The reason of the verdict is passed on.",
			args:   args{r: r, obs: object(int64(1), cond("Ready", "False", "Unavailable", "release failed"))},
			want:   v1alpha1.ChildStatus{Name: "shop", Version: "1.2.3", Reason: "Unavailable"},
		},
		"Ready": {
			reason: "What works needs no reason.",
			args:   args{r: gated, obs: object(int64(1), cond("Ready", "True", "Available", ""))},
			want:   v1alpha1.ChildStatus{Name: "shop", Version: "1.2.3", Ready: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, ChildStatus("shop", "1.2.3", tc.args.r, tc.args.obs)); diff != "" {
				t.Errorf("\n%s\nRow(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
