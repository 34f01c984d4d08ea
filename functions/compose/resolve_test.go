// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// thing is a composed object.
func thing(name string) map[string]any {
	return map[string]any{
		"apiVersion": HelmAPIVersion,
		"kind":       "Release",
		"metadata":   map[string]any{"name": name},
		"spec":       map[string]any{"wanted": true},
	}
}

// seen is a composed object as it is observed: with a spec that somebody
// changed since, and conditions.
func seen(name string, conditions ...any) *unstructured.Unstructured {
	o := thing(name)
	o["spec"] = map[string]any{"wanted": false}
	o["status"] = map[string]any{"conditions": conditions}
	return &unstructured.Unstructured{Object: o}
}

// held is what keeps seen as it is.
func held(name string) map[string]any {
	o := thing(name)
	o["spec"] = map[string]any{"wanted": false}
	return o
}

// xr with conditions.
func xr(conditions ...any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": conditions}}}
}

func TestResolve(t *testing.T) {
	ready := cond("Ready", "True", "", "")
	broken := cond("Ready", "False", "Unavailable", "it broke")
	working := Health{Ready: true}
	managed := func(name, part string, more ...func(*Resource)) Resource {
		r := Resource{Name: name, ConditionType: part, Object: thing(name), Ready: Managed}
		for _, f := range more {
			f(&r)
		}
		return r
	}
	gated := func(waiting string) func(*Resource) {
		return func(r *Resource) { r.Gate = Gate{Waiting: waiting} }
	}
	unbuilt := func(r *Resource) { r.Object = nil }
	judged := func(v Health) func(*Resource) {
		return func(r *Resource) { r.Ready = func(*unstructured.Unstructured) Health { return v } }
	}
	observed := func(os ...*unstructured.Unstructured) map[string]*unstructured.Unstructured {
		m := map[string]*unstructured.Unstructured{}
		for _, o := range os {
			m[o.GetName()] = o
		}
		return m
	}

	type args struct {
		xr       *unstructured.Unstructured
		observed map[string]*unstructured.Unstructured
		plan     Plan
	}
	type want struct {
		res Result
		err error
	}
	const soon, late = 8 * time.Second, 10 * time.Minute
	cases := map[string]struct {
		reason string
		args   args
		want   want
	}{
		"Empty": {
			reason: "A composite that consists of nothing is ready.",
			want:   want{res: Result{Ready: true, RequeueAfter: late}},
		},
		"Create": {
			reason: "What no gate holds back is composed, and not ready before it was observed.",
			args:   args{plan: Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A", judged(working))}}},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a")}},
				Conditions:   []Condition{{Type: "A", Reason: ReasonCreating, Message: "Release a is being created"}},
				Events:       []Event{{Reason: ReasonCreating, Message: "A: Release a is being created"}},
				RequeueAfter: soon,
			}},
		},
		"Gated": {
			reason: "What a gate holds back is not composed; the condition says what is waited for.",
			args:   args{plan: Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A", gated("Waiting for the cluster"))}}},
			want: want{res: Result{
				Conditions:   []Condition{{Type: "A", Reason: ReasonWaiting, Message: "Waiting for the cluster"}},
				Events:       []Event{{Reason: ReasonWaiting, Message: "A: Waiting for the cluster"}},
				RequeueAfter: soon,
			}},
		},
		"Latched": {
			reason: "What has been observed is never dropped because a gate flapped, and goes on being applied.",
			args: args{
				observed: observed(seen("a", ready)),
				plan:     Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A", gated("Waiting for the cluster"))}},
			},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a"), Ready: true}},
				Ready:        true,
				Conditions:   []Condition{{Type: "A", Ready: true, Reason: ReasonAvailable}},
				Events:       []Event{{Reason: "A", Message: "A: everything in this part works"}},
				RequeueAfter: late,
			}},
		},
		"Unbuilt": {
			reason: "What cannot be built is not composed, even if no gate says why.",
			args:   args{plan: Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A", unbuilt)}}},
			want: want{res: Result{
				Conditions:   []Condition{{Type: "A", Reason: ReasonWaiting, Message: "a cannot be built yet"}},
				Events:       []Event{{Reason: ReasonWaiting, Message: "A: a cannot be built yet"}},
				RequeueAfter: soon,
			}},
		},
		"UnbuiltAndGated": {
			reason: "A gate says more than that something cannot be built.",
			args:   args{plan: Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A", unbuilt, gated("Waiting for the cluster"))}}},
			want: want{res: Result{
				Conditions:   []Condition{{Type: "A", Reason: ReasonWaiting, Message: "Waiting for the cluster"}},
				Events:       []Event{{Reason: ReasonWaiting, Message: "A: Waiting for the cluster"}},
				RequeueAfter: soon,
			}},
		},
		"UnbuiltButObserved": {
			reason: "What cannot be built any more is kept as it is, and judged as ever.",
			args: args{
				observed: observed(seen("a", ready), seen("b", broken)),
				plan:     Plan{ConditionTypes: []string{"A", "B"}, Resources: []Resource{managed("a", "A", unbuilt), managed("b", "B", unbuilt)}},
			},
			want: want{res: Result{
				Resources: map[string]Desired{"a": {Object: held("a"), Ready: true}, "b": {Object: held("b")}},
				Conditions: []Condition{
					{Type: "A", Ready: true, Reason: ReasonAvailable},
					{Type: "B", Reason: "Unavailable", Message: "Release b: it broke"},
				},
				Failed: []Condition{{Type: "B", Reason: "Unavailable", Message: "Release b: it broke"}},
				Events: []Event{
					{Reason: "A", Message: "A: everything in this part works"},
					{Warning: true, Reason: "Unavailable", Message: "B: Release b: it broke"},
				},
				RequeueAfter: soon,
			}},
		},
		"NotPlanned": {
			reason: "What a complete plan does not name goes.",
			args: args{
				observed: observed(seen("a", ready), seen("b", ready)),
				plan:     Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A")}},
			},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a"), Ready: true}},
				Ready:        true,
				Conditions:   []Condition{{Type: "A", Ready: true, Reason: ReasonAvailable}},
				Events:       []Event{{Reason: "A", Message: "A: everything in this part works"}},
				RequeueAfter: late,
			}},
		},
		"Partial": {
			reason: "What a partial plan does not name stays as it is, and nothing is ready.",
			args: args{
				observed: observed(seen("a", ready), seen("b", ready)),
				plan: Plan{
					ConditionTypes: []string{"A"},
					Resources:      []Resource{managed("a", "A")},
					Problems:       []Problem{{ConditionType: "A", Reason: "Invalid", Message: "b is invalid"}},
					Partial:        true,
				},
			},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a"), Ready: true}, "b": {Object: held("b")}},
				Conditions:   []Condition{{Type: "A", Reason: "Invalid", Message: "b is invalid"}},
				Failed:       []Condition{{Type: "A", Reason: "Invalid", Message: "b is invalid"}},
				Events:       []Event{{Warning: true, Reason: "Invalid", Message: "A: b is invalid"}},
				RequeueAfter: soon,
			}},
		},
		"PartialWithoutProblem": {
			reason: "A composite whose plan may lack something is never ready.",
			args: args{
				observed: observed(seen("a", ready)),
				plan:     Plan{Resources: []Resource{managed("a", "")}, Partial: true},
			},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a"), Ready: true}},
				RequeueAfter: soon,
			}},
		},
		"ProblemBeforeResources": {
			reason: "What only the composer knows is told before anything that a resource says, and touches nothing that runs.",
			args: args{
				observed: observed(seen("a", broken)),
				plan: Plan{
					ConditionTypes: []string{"A"},
					Resources:      []Resource{managed("a", "A")},
					Problems: []Problem{
						{ConditionType: "A", Reason: "First", Message: "the first"},
						{ConditionType: "A", Reason: "Second", Message: "the second"},
					},
				},
			},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a")}},
				Conditions:   []Condition{{Type: "A", Reason: "First", Message: "the first"}},
				Failed:       []Condition{{Type: "A", Reason: "First", Message: "the first"}, {Type: "A", Reason: "Second", Message: "the second"}, {Type: "A", Reason: "Unavailable", Message: "Release a: it broke"}},
				Events:       []Event{{Warning: true, Reason: "First", Message: "A: the first"}},
				RequeueAfter: soon,
			}},
		},
		"WrongBeforeProgressing": {
			reason: "Something wrong is more telling than what takes time, wherever it stands; of two things that are wrong the first is told.",
			args: args{
				observed: observed(seen("b", broken), seen("c", cond("Ready", "False", "Other", "it broke too"))),
				plan:     Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A"), managed("b", "A"), managed("c", "A"), managed("d", "A")}},
			},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a")}, "b": {Object: thing("b")}, "c": {Object: thing("c")}, "d": {Object: thing("d")}},
				Conditions:   []Condition{{Type: "A", Reason: "Unavailable", Message: "Release b: it broke"}},
				Failed:       []Condition{{Type: "A", Reason: "Unavailable", Message: "Release b: it broke"}, {Type: "A", Reason: "Other", Message: "Release c: it broke too"}},
				Events:       []Event{{Warning: true, Reason: "Unavailable", Message: "A: Release b: it broke"}},
				RequeueAfter: soon,
			}},
		},
		"FirstProgressing": {
			reason: "Of several things that take time, the first in the plan is told.",
			args: args{
				plan: Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A"), managed("b", "A", gated("Waiting for a"))}},
			},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a")}},
				Conditions:   []Condition{{Type: "A", Reason: ReasonCreating, Message: "Release a is being created"}},
				Events:       []Event{{Reason: ReasonCreating, Message: "A: Release a is being created"}},
				RequeueAfter: soon,
			}},
		},
		"OnePartReady": {
			reason: "Every part has a condition of its own, in the order of the plan; the composite is ready when all are.",
			args: args{
				observed: observed(seen("b", ready)),
				plan:     Plan{ConditionTypes: []string{"B", "A"}, Resources: []Resource{managed("a", "A"), managed("b", "B")}},
			},
			want: want{res: Result{
				Resources: map[string]Desired{"a": {Object: thing("a")}, "b": {Object: thing("b"), Ready: true}},
				Conditions: []Condition{
					{Type: "B", Ready: true, Reason: ReasonAvailable},
					{Type: "A", Reason: ReasonCreating, Message: "Release a is being created"},
				},
				Events: []Event{
					{Reason: "B", Message: "B: everything in this part works"},
					{Reason: ReasonCreating, Message: "A: Release a is being created"},
				},
				RequeueAfter: soon,
			}},
		},
		"PartWithoutResources": {
			reason: "A part without resources works.",
			args:   args{plan: Plan{ConditionTypes: []string{"A"}}},
			want: want{res: Result{
				Ready:        true,
				Conditions:   []Condition{{Type: "A", Ready: true, Reason: ReasonAvailable}},
				Events:       []Event{{Reason: "A", Message: "A: everything in this part works"}},
				RequeueAfter: late,
			}},
		},
		"NoTransition": {
			reason: "An event tells of a change of status or reason; a new message alone is none.",
			args: args{
				xr:       xr(cond("A", "True", ReasonAvailable, ""), cond("B", "False", ReasonCreating, "something else is being created")),
				observed: observed(seen("a", ready)),
				plan:     Plan{ConditionTypes: []string{"A", "B"}, Resources: []Resource{managed("a", "A"), managed("b", "B")}},
			},
			want: want{res: Result{
				Resources: map[string]Desired{"a": {Object: thing("a"), Ready: true}, "b": {Object: thing("b")}},
				Conditions: []Condition{
					{Type: "A", Ready: true, Reason: ReasonAvailable},
					{Type: "B", Reason: ReasonCreating, Message: "Release b is being created"},
				},
				RequeueAfter: soon,
			}},
		},
		"TransitionOfReason": {
			reason: "Another reason is a transition.",
			args: args{
				xr:   xr(cond("A", "False", ReasonWaiting, "waiting")),
				plan: Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A")}},
			},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a")}},
				Conditions:   []Condition{{Type: "A", Reason: ReasonCreating, Message: "Release a is being created"}},
				Events:       []Event{{Reason: ReasonCreating, Message: "A: Release a is being created"}},
				RequeueAfter: soon,
			}},
		},
		"TransitionFromUnknown": {
			reason: "Crossplane makes conditions Unknown that a run did not report; after that they are news.",
			args: args{
				xr:   xr(cond("A", "Unknown", ReasonAvailable, "")),
				plan: Plan{ConditionTypes: []string{"A"}},
			},
			want: want{res: Result{
				Ready:        true,
				Conditions:   []Condition{{Type: "A", Ready: true, Reason: ReasonAvailable}},
				Events:       []Event{{Reason: "A", Message: "A: everything in this part works"}},
				RequeueAfter: late,
			}},
		},
		"NoLongerTrue": {
			reason: "What worked and now takes time again is no reason for a warning.",
			args: args{
				xr:   xr(cond("A", "True", ReasonAvailable, "")),
				plan: Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A")}},
			},
			want: want{res: Result{
				Resources:    map[string]Desired{"a": {Object: thing("a")}},
				Conditions:   []Condition{{Type: "A", Reason: ReasonCreating, Message: "Release a is being created"}},
				Events:       []Event{{Warning: false, Reason: ReasonCreating, Message: "A: Release a is being created"}},
				RequeueAfter: soon,
			}},
		},
		"Requirements": {
			reason: "Requirements are passed on in every run.",
			args:   args{plan: Plan{Requirements: []Requirement{{Name: "cluster", Kind: "KubernetesCluster"}}}},
			want: want{res: Result{
				Ready:        true,
				Requirements: []Requirement{{Name: "cluster", Kind: "KubernetesCluster"}},
				RequeueAfter: late,
			}},
		},
		"SameName": {
			reason: "Of two resources with one name one would silently be lost.",
			args:   args{plan: Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "A"), managed("a", "A")}}},
			want:   want{err: errors.New(`two resources are named "a"`)},
		},
		"UnknownPartOfResource": {
			reason: "A resource whose part nobody shows would be not ready without a word.",
			args:   args{plan: Plan{ConditionTypes: []string{"A"}, Resources: []Resource{managed("a", "B")}}},
			want:   want{err: errors.New(`the plan has no part "B"`)},
		},
		"UnknownPartOfProblem": {
			reason: "A problem whose part nobody shows would never be read.",
			args:   args{plan: Plan{Problems: []Problem{{ConditionType: "B", Reason: "Invalid"}}}},
			want:   want{err: errors.New(`the plan has no part "B"`)},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Resolve(Request{XR: tc.args.xr, Observed: tc.args.observed}, tc.args.plan)
			if diff := cmp.Diff(message(tc.want.err), message(err)); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.res, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestResolveStatus looks at what a status is told, and what becomes of it.
func TestResolveStatus(t *testing.T) {
	boom := errors.New("boom")
	problem := Problem{ConditionType: "A", Reason: "Invalid"}
	creating := Resource{Name: "a", ConditionType: "A", Object: thing("a"), Ready: Managed}
	waiting := creating
	waiting.Gate = Gate{Waiting: "waiting"}
	type want struct {
		outcome Outcome
		status  map[string]any
		err     error
	}
	cases := map[string]struct {
		reason   string
		observed *unstructured.Unstructured
		plan     Plan
		status   any
		err      error
		want     want
	}{
		"Ready": {
			reason:   "Everything planned works.",
			observed: seen("a", cond("Ready", "True", "", "")),
			plan:     Plan{Resources: []Resource{creating}},
			status:   &v1alpha1.WorkloadStatus{ChartVersion: "1.2.3"},
			want: want{
				outcome: Outcome{Ready: true, Progressing: true, Composed: true},
				status:  map[string]any{"chartVersion": "1.2.3"},
			},
		},
		"Waiting": {
			reason: "Nothing is composed, nothing is wrong.",
			plan:   Plan{Resources: []Resource{waiting}},
			status: &v1alpha1.WorkloadStatus{},
			want:   want{outcome: Outcome{Progressing: true}, status: map[string]any{}},
		},
		"Creating": {
			reason: "Something is composed, nothing is wrong.",
			plan:   Plan{Resources: []Resource{creating}},
			status: &v1alpha1.WorkloadStatus{},
			want:   want{outcome: Outcome{Progressing: true, Composed: true}, status: map[string]any{}},
		},
		"Broken": {
			reason:   "Something is wrong.",
			observed: seen("a", cond("Ready", "False", "Unavailable", "it broke")),
			plan:     Plan{Resources: []Resource{creating}},
			status:   &v1alpha1.WorkloadStatus{},
			want:     want{outcome: Outcome{Composed: true}, status: map[string]any{}},
		},
		"BrokenThenCreating": {
			reason:   "What takes time does not make up for what is wrong.",
			observed: seen("a", cond("Ready", "False", "Unavailable", "it broke")),
			plan:     Plan{Resources: []Resource{creating, {Name: "b", ConditionType: "A", Object: thing("b"), Ready: Managed}}},
			status:   &v1alpha1.WorkloadStatus{},
			want:     want{outcome: Outcome{Composed: true}, status: map[string]any{}},
		},
		"Problem": {
			reason:   "Something is wrong that no resource tells.",
			observed: seen("a", cond("Ready", "True", "", "")),
			plan:     Plan{Resources: []Resource{creating}, Problems: []Problem{problem}},
			status:   &v1alpha1.WorkloadStatus{},
			want:     want{outcome: Outcome{Composed: true}, status: map[string]any{}},
		},
		"Conditions": {
			reason: "Conditions in a status are Crossplane's.",
			plan:   Plan{},
			status: map[string]any{"conditions": []any{cond("A", "True", "", "")}, "chartVersion": "1.2.3"},
			want:   want{outcome: Outcome{Ready: true, Progressing: true}, status: map[string]any{"chartVersion": "1.2.3"}},
		},
		"Error": {
			reason: "A status that cannot be made fails the run.",
			plan:   Plan{},
			err:    boom,
			want:   want{outcome: Outcome{Ready: true, Progressing: true}, err: boom},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := want{}
			tc.plan.ConditionTypes = []string{"A"}
			tc.plan.Status = func(o Outcome) (any, error) {
				got.outcome = o
				if m, ok := tc.status.(map[string]any); ok {
					return &m, tc.err
				}
				return tc.status, tc.err
			}
			res, err := Resolve(Request{Observed: map[string]*unstructured.Unstructured{"a": tc.observed}}, tc.plan)
			got.status, got.err = res.Status, err
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestResolveMessages looks at long messages: the API refuses what is too long,
// and protobuf what is not UTF-8.
func TestResolveMessages(t *testing.T) {
	cases := map[string]struct {
		reason  string
		message string
		want    string
	}{
		"Short": {
			reason:  "What fits is not cut.",
			message: strings.Repeat("a", 1024),
			want:    strings.Repeat("a", 1024),
		},
		"Long": {
			reason:  "What does not fit is cut, and one sees that it is.",
			message: strings.Repeat("a", 1025),
			want:    strings.Repeat("a", 1021) + "…",
		},
		"Umlauts": {
			reason:  "No character is split.",
			message: strings.Repeat("ä", 600),
			want:    strings.Repeat("ä", 510) + "…",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res, err := Resolve(Request{}, Plan{ConditionTypes: []string{"A"}, Problems: []Problem{{ConditionType: "A", Message: tc.message}}})
			if err != nil {
				t.Fatal(err)
			}
			got := res.Conditions[0].Message
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
			if !utf8.ValidString(got) {
				t.Errorf("\n%s\n%q is not UTF-8", tc.reason, got)
			}
		})
	}
}

func TestRun(t *testing.T) {
	boom := errors.New("boom")
	claim := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": "shop", "generation": float64(2)},
		"spec":     map[string]any{"app": "podinfo"},
	}}
	type want struct {
		conditions []Condition
		err        error
	}
	cases := map[string]struct {
		reason string
		xr     *unstructured.Unstructured
		f      func(TypedRequest[v1alpha1.Workload]) (Plan, error)
		want   want
	}{
		"Typed": {
			reason: "A composer sees its claim as its Go type, whatever numbers look like in a request.",
			xr:     claim,
			f: func(in TypedRequest[v1alpha1.Workload]) (Plan, error) {
				return Plan{ConditionTypes: []string{string(in.Claim.Spec.App)}}, nil
			},
			want: want{conditions: []Condition{{Type: "podinfo", Ready: true, Reason: ReasonAvailable}}},
		},
		"Mistyped": {
			reason: "A claim that is not of its type cannot be composed.",
			xr:     &unstructured.Unstructured{Object: map[string]any{"spec": "all of it"}},
			f:      func(TypedRequest[v1alpha1.Workload]) (Plan, error) { return Plan{}, nil },
			want:   want{err: cmpopts.AnyError},
		},
		"Error": {
			reason: "A composer's error is passed on.",
			xr:     claim,
			f:      func(TypedRequest[v1alpha1.Workload]) (Plan, error) { return Plan{}, boom },
			want:   want{err: boom},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res, err := Run(Request{XR: tc.xr}, For(tc.f))
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nRun(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.conditions, res.Conditions, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nRun(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestResolveChangesNothing proves that the plan and the world are left alone,
// since both may be looked at again.
func TestResolveChangesNothing(t *testing.T) {
	w := Request{
		XR:       xr(cond("A", "True", ReasonAvailable, "")),
		Observed: map[string]*unstructured.Unstructured{"a": seen("a"), "b": seen("b"), "c": seen("c")},
	}
	p := Plan{
		ConditionTypes: []string{"A"},
		Resources:      []Resource{{Name: "a", ConditionType: "A", Object: thing("a"), Ready: Managed}, {Name: "b", ConditionType: "A", Ready: Managed}},
		Problems:       []Problem{{ConditionType: "A", Reason: "Invalid"}},
		Partial:        true,
	}
	before := Request{XR: w.XR.DeepCopy(), Observed: map[string]*unstructured.Unstructured{}}
	for name, o := range w.Observed {
		before.Observed[name] = o.DeepCopy()
	}
	plan := p
	plan.Resources = slices.Clone(p.Resources)
	plan.Resources[0].Object = thing("a")
	if _, err := Resolve(w, p); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, w); diff != "" {
		t.Errorf("the world: -before, +after:\n%s", diff)
	}
	if diff := cmp.Diff(plan, p, cmpopts.IgnoreFields(Resource{}, "Ready")); diff != "" {
		t.Errorf("the plan: -before, +after:\n%s", diff)
	}
}
