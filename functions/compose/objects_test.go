// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestPhase(t *testing.T) {
	type args struct {
		was v1alpha1.Phase
		o   Outcome
	}
	cases := map[string]struct {
		reason string
		args   args
		want   v1alpha1.Phase
	}{
		"Nothing": {
			reason: "Nothing could be composed yet.",
			args:   args{o: Outcome{Progressing: true}},
			want:   v1alpha1.PhasePending,
		},
		"NothingAndWrong": {
			reason: "A claim that cannot begin is still pending; its condition says why.",
			args:   args{was: v1alpha1.PhasePending},
			want:   v1alpha1.PhasePending,
		},
		"Begun": {
			reason: "Something is on its way.",
			args:   args{was: v1alpha1.PhasePending, o: Outcome{Progressing: true, Composed: true}},
			want:   v1alpha1.PhaseProvisioning,
		},
		"BegunAndWrong": {
			reason: "What never worked cannot be degraded.",
			args:   args{was: v1alpha1.PhaseProvisioning, o: Outcome{Composed: true}},
			want:   v1alpha1.PhaseProvisioning,
		},
		"Ready": {
			reason: "Everything works.",
			args:   args{was: v1alpha1.PhaseProvisioning, o: Outcome{Ready: true, Progressing: true, Composed: true}},
			want:   v1alpha1.PhaseReady,
		},
		"ReadyAgain": {
			reason: "What recovers is Ready.",
			args:   args{was: v1alpha1.PhaseDegraded, o: Outcome{Ready: true, Progressing: true, Composed: true}},
			want:   v1alpha1.PhaseReady,
		},
		"ReadyThenWrong": {
			reason: "What worked and does not any more is degraded.",
			args:   args{was: v1alpha1.PhaseReady, o: Outcome{Composed: true}},
			want:   v1alpha1.PhaseDegraded,
		},
		"StillWrong": {
			reason: "It stays degraded until it works.",
			args:   args{was: v1alpha1.PhaseDegraded, o: Outcome{Composed: true}},
			want:   v1alpha1.PhaseDegraded,
		},
		"ReadyThenMore": {
			reason: "A new workload updates a platform; nothing is wrong.",
			args:   args{was: v1alpha1.PhaseReady, o: Outcome{Progressing: true, Composed: true}},
			want:   v1alpha1.PhaseUpdating,
		},
		"UpdateFails": {
			reason: "What was Ready before its update is not forgotten.",
			args:   args{was: v1alpha1.PhaseUpdating, o: Outcome{Composed: true}},
			want:   v1alpha1.PhaseDegraded,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Phase(tc.args.was, tc.args.o)); diff != "" {
				t.Errorf("\n%s\nPhase(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestWorld(t *testing.T) {
	o := object(int64(1))
	type want struct {
		one      *unstructured.Unstructured
		answered bool
	}
	cases := map[string]struct {
		reason   string
		required map[string][]*unstructured.Unstructured
		want     want
	}{
		"NotAnswered": {
			reason: "Not asked yet is not the same as not found.",
		},
		"NotFound": {
			reason:   "Not found is an answer.",
			required: map[string][]*unstructured.Unstructured{"cluster": {}},
			want:     want{answered: true},
		},
		"Found": {
			reason:   "The one that was found.",
			required: map[string][]*unstructured.Unstructured{"cluster": {o}},
			want:     want{one: o, answered: true},
		},
		"Several": {
			reason:   "Nobody can say which one is meant.",
			required: map[string][]*unstructured.Unstructured{"cluster": {o, o}},
			want:     want{answered: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := Request{Required: tc.required}
			got := want{one: w.RequiredObject("cluster"), answered: w.IsResolved("cluster")}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nOne(...), Answered(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestSees(t *testing.T) {
	w := Request{Observed: map[string]*unstructured.Unstructured{"release": object(int64(1)), "nothing": nil}}
	cases := map[string]struct {
		reason string
		name   string
		want   bool
	}{
		"There":    {reason: "What is observed is seen.", name: "release", want: true},
		"NotThere": {reason: "What is not observed is not.", name: "namespace"},
		"Nothing":  {reason: "An entry without an object is nothing.", name: "nothing"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, w.IsObserved(tc.name)); diff != "" {
				t.Errorf("\n%s\nSees(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestComposite(t *testing.T) {
	spec := &v1alpha1.ComponentSpec{
		ClusterRef:      v1alpha1.LocalReference{Name: "cluster"},
		Deployer:        v1alpha1.DeployerHelm,
		TargetNamespace: "shop",
		Source:          v1alpha1.ComponentSource{Chart: &v1alpha1.Chart{Repository: "oci://example.org", Name: "shop", Version: "1.2.3"}},
		Values:          &runtime.RawExtension{Raw: []byte(`{"replicas": 2, "ratio": 0.5}`)},
	}
	got, err := Composite(v1alpha1.ComponentKind, "team-a", "shop", spec)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"apiVersion": "observe-k8s.io/v1alpha1",
		"kind":       "Component",
		"metadata":   map[string]any{"name": "shop", "namespace": "team-a"},
		"spec": map[string]any{
			"clusterRef":      map[string]any{"name": "cluster"},
			"deployer":        "Helm",
			"targetNamespace": "shop",
			"source":          map[string]any{"chart": map[string]any{"repository": "oci://example.org", "name": "shop", "version": "1.2.3"}},
			"values":          map[string]any{"replicas": int64(2), "ratio": 0.5},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("\nA composite is its kind, its name and its spec, without empty fields or a status.\nComposite(...): -want, +got:\n%s", diff)
	}
}

func TestGate(t *testing.T) {
	cases := map[string]struct {
		reason string
		gate   Gate
		want   Gate
	}{
		"Zero":       {reason: "The zero gate is open."},
		"Open":       {reason: "A gate that waits for what is there is open.", gate: WaitFor(true, "a")},
		"Closed":     {reason: "A gate says what it waits for.", gate: WaitFor(false, "a"), want: Gate{Waiting: "a"}},
		"BothOpen":   {reason: "Two open gates are one.", gate: WaitFor(true, "a").And(WaitFor(true, "b"))},
		"FirstOpen":  {reason: "Both have to be open.", gate: WaitFor(true, "a").And(WaitFor(false, "b")), want: Gate{Waiting: "b"}},
		"SecondOpen": {reason: "Both have to be open.", gate: WaitFor(false, "a").And(WaitFor(true, "b")), want: Gate{Waiting: "a"}},
		"BothClosed": {reason: "What comes first is waited for first.", gate: WaitFor(false, "a").And(WaitFor(false, "b")), want: Gate{Waiting: "a"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.gate); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
