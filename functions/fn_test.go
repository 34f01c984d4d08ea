// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/function-sdk-go/logging"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/resource"
	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// largest is a claim of the size that the schema admits.
const largest = "testdata/largest.yaml"

func testFunction() *Function {
	return &Function{log: logging.NewNopLogger()}
}

// claims of a file.
func claims(tb testing.TB, file string) []*unstructured.Unstructured {
	tb.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	cs, err := simulate.Read(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return cs
}

// worlds are what the composers of all composites of a claim see in the end.
func worlds(tb testing.TB, file string) []compose.Request {
	tb.Helper()
	return worldsOf(tb, claims(tb, file))
}

func worldsOf(tb testing.TB, claims []*unstructured.Unstructured) []compose.Request {
	tb.Helper()
	s, err := simulate.New(compose.Settings{}, claims...)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := s.Converge(); err != nil {
		tb.Fatal(err)
	}
	ws, err := s.Requests()
	if err != nil {
		tb.Fatal(err)
	}
	return ws
}

// requestOf a world, as Crossplane would make it.
func requestOf(tb testing.TB, w compose.Request) *fnv1.RunFunctionRequest {
	tb.Helper()
	pb := func(o *unstructured.Unstructured) *fnv1.Resource {
		s, err := resource.AsStruct(o)
		if err != nil {
			tb.Fatal(err)
		}
		return &fnv1.Resource{Resource: s}
	}
	req := &fnv1.RunFunctionRequest{
		Meta:              &fnv1.RequestMeta{Tag: "tag"},
		Observed:          &fnv1.State{Composite: pb(w.XR), Resources: map[string]*fnv1.Resource{}},
		RequiredResources: map[string]*fnv1.Resources{},
	}
	for name, o := range w.Observed {
		req.Observed.Resources[name] = pb(o)
	}
	for name, os := range w.Required {
		rs := &fnv1.Resources{}
		for _, o := range os {
			rs.Items = append(rs.Items, pb(o))
		}
		req.RequiredResources[name] = rs
	}
	return req
}

// xr is a composite resource as a request has it.
func xr(json string) *fnv1.RunFunctionRequest {
	return &fnv1.RunFunctionRequest{
		Meta:     &fnv1.RequestMeta{Tag: "tag"},
		Observed: &fnv1.State{Composite: &fnv1.Resource{Resource: resource.MustStructJSON(json)}},
	}
}

// received is a request as the function receives it.
func received(tb testing.TB, req *fnv1.RunFunctionRequest) *request {
	tb.Helper()
	raw, err := proto.Marshal(req)
	if err != nil {
		tb.Fatal(err)
	}
	out := &request{}
	if err := out.decode(raw); err != nil {
		tb.Fatal(err)
	}
	return out
}

func run(tb testing.TB, r runner, req *fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
	tb.Helper()
	rsp, err := r.run(tb.Context(), received(tb, req))
	if err != nil {
		tb.Fatalf("Crossplane would take an error for a function that cannot be reached: %v", err)
	}
	return rsp
}

const workload = `{
	"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Workload",
	"metadata": {"name": "shop", "namespace": "team-a", "generation": 2},
	"spec": {"app": "podinfo", "deployer": "Helm", "clusterRef": {"name": "demo"}}
}`

const unknownApp = `{
	"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Workload",
	"metadata": {"name": "shop", "namespace": "team-a"},
	"spec": {"app": "bookinfo", "deployer": "Helm", "clusterRef": {"name": "demo"}},
	"status": {"conditions": [{"type": "AppReady", "status": "True", "reason": "Available"}]}
}`

const cluster = `{
	"apiVersion": "observe-k8s.io/v1alpha1", "kind": "KubernetesCluster",
	"metadata": {"name": "demo", "namespace": "team-a"},
	"spec": {"provider": "Existing", "existing": {"kubeconfigSecretRef": {"name": "remote", "key": "kubeconfig"}}}
}`

// app is the Component of workload, with more fields.
func app(status string) string {
	return `{
		"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Component",
		"metadata": {"name": "` + compose.Name("team-a", "shop", "app") + `", "namespace": "team-a"},
		"spec": {
			"clusterRef": {"name": "demo"}, "deployer": "Helm", "targetNamespace": "shop", "createNamespace": true,
			"source": {"chart": {"repository": "oci://ghcr.io/stefanprodan/charts", "name": "podinfo", "version": "6.9.1"}},
			"values": {"fullnameOverride": "podinfo"}
		}` + status + `
	}`
}

func compositeWith(status string, ready fnv1.Ready) *fnv1.Resource {
	return &fnv1.Resource{
		Resource: resource.MustStructJSON(`{"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Workload", "status": ` + status + `}`),
		Ready:    ready,
	}
}

// TestRunFunction compares whole responses.
func TestRunFunction(t *testing.T) {
	toComposite := fnv1.Target_TARGET_COMPOSITE.Enum()
	fatal := func(req *fnv1.RunFunctionRequest, message string) *fnv1.RunFunctionResponse {
		return &fnv1.RunFunctionResponse{
			Meta:    &fnv1.ResponseMeta{Tag: "tag", Ttl: durationpb.New(60e9)},
			Desired: req.GetDesired(),
			Results: []*fnv1.Result{{Severity: fnv1.Severity_SEVERITY_FATAL, Message: message, Target: toComposite}},
		}
	}
	condition := func(typ string, status fnv1.Status, reason, message string) *fnv1.Condition {
		return &fnv1.Condition{Type: typ, Status: status, Reason: reason, Message: new(message), Target: toComposite.Enum()}
	}
	result := func(severity fnv1.Severity, reason, message string) *fnv1.Result {
		return &fnv1.Result{Severity: severity, Reason: new(reason), Message: message, Target: toComposite}
	}
	meta := func(seconds int64) *fnv1.ResponseMeta {
		return &fnv1.ResponseMeta{Tag: "tag", Ttl: &durationpb.Duration{Seconds: seconds}}
	}
	const (
		isTrue, isFalse       = fnv1.Status_STATUS_CONDITION_TRUE, fnv1.Status_STATUS_CONDITION_FALSE
		readyTrue, readyFalse = fnv1.Ready_READY_TRUE, fnv1.Ready_READY_FALSE
		normal, warning       = fnv1.Severity_SEVERITY_NORMAL, fnv1.Severity_SEVERITY_WARNING
	)
	creating := "Component " + compose.Name("team-a", "shop", "app") + " is being created"

	there := xr(workload)
	there.Observed.Resources = map[string]*fnv1.Resource{"app": {
		Resource: resource.MustStructJSON(app(`, "status": {"conditions": [{"type": "Ready", "status": "True"}]}`)),
	}}
	stale := xr(workload)
	stale.Observed.Resources = map[string]*fnv1.Resource{"app": {
		Resource: resource.MustStructJSON(app(`, "status": {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]}`)),
	}}
	stale.Observed.Resources["app"].Resource.Fields["metadata"].GetStructValue().Fields["generation"] = structpb.NewNumberValue(2)

	earlier := func() *fnv1.State {
		return &fnv1.State{
			Composite: &fnv1.Resource{
				Resource:          resource.MustStructJSON(`{"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Workload", "status": {"chartVersion": "0.0.0", "urls": ["https://example.org"]}}`),
				ConnectionDetails: map[string][]byte{"password": []byte("secret")},
			},
			Resources: map[string]*fnv1.Resource{"bucket": {
				Resource: resource.MustStructJSON(`{"apiVersion": "example.org/v1", "kind": "Bucket"}`),
				Ready:    readyTrue,
			}},
		}
	}
	afterOthers := xr(workload)
	afterOthers.Desired = earlier()
	afterOthers.Context = resource.MustStructJSON(`{"apiextensions.crossplane.io/environment": {"region": "europe"}}`)
	together := earlier()
	together.Composite = compositeWith(`{"phase": "Provisioning", "chartVersion": "6.9.1", "urls": ["https://example.org"]}`, readyFalse)
	together.Composite.ConnectionDetails = earlier().GetComposite().GetConnectionDetails()
	together.Resources["app"] = &fnv1.Resource{Resource: resource.MustStructJSON(app("")), Ready: readyFalse}

	otherKind := xr(`{"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Deployment", "metadata": {"name": "shop"}}`)
	otherKind.Desired = earlier()

	cases := map[string]struct {
		reason string
		req    *fnv1.RunFunctionRequest
		want   *fnv1.RunFunctionResponse
	}{
		"Empty": {
			reason: "Nothing can be composed from nothing.",
			req:    &fnv1.RunFunctionRequest{Meta: &fnv1.RequestMeta{Tag: "tag"}},
			want:   fatal(nil, "this function composes kinds of observe-k8s.io/v1alpha1, not  of "),
		},
		"UnknownKind": {
			reason: "A Composition that sends another kind is a mistake. What earlier steps want stays.",
			req:    otherKind,
			want:   fatal(otherKind, "this function composes kinds of observe-k8s.io/v1alpha1, not Deployment of observe-k8s.io/v1alpha1"),
		},
		"OtherGroup": {
			reason: "A kind of the same name may be somebody else's.",
			req:    xr(`{"apiVersion": "example.org/v1", "kind": "Workload", "metadata": {"name": "shop"}}`),
			want:   fatal(nil, "this function composes kinds of observe-k8s.io/v1alpha1, not Workload of example.org/v1"),
		},
		"Mistyped": {
			reason: "The API server would have refused it.",
			req:    xr(`{"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Workload", "metadata": {"name": "shop"}, "spec": "all of it"}`),
			want:   fatal(nil, "cannot compose Workload shop: cannot read the composite: cannot restore struct from: string"),
		},
		"Begin": {
			reason: "While it is not ready it is looked at again soon.",
			req:    xr(workload),
			want: &fnv1.RunFunctionResponse{
				Meta: meta(8),
				Desired: &fnv1.State{
					Composite: compositeWith(`{"phase": "Provisioning", "chartVersion": "6.9.1"}`, readyFalse),
					Resources: map[string]*fnv1.Resource{"app": {Resource: resource.MustStructJSON(app("")), Ready: readyFalse}},
				},
				Conditions: []*fnv1.Condition{condition("AppReady", isFalse, "Creating", creating)},
				Results:    []*fnv1.Result{result(normal, "Creating", "AppReady: "+creating)},
			},
		},
		"Ready": {
			reason: "Once it is ready, watches tell of changes.",
			req:    there,
			want: &fnv1.RunFunctionResponse{
				Meta: meta(600),
				Desired: &fnv1.State{
					Composite: compositeWith(`{"phase": "Ready", "chartVersion": "6.9.1"}`, readyTrue),
					Resources: map[string]*fnv1.Resource{"app": {Resource: resource.MustStructJSON(app("")), Ready: readyTrue}},
				},
				Conditions: []*fnv1.Condition{condition("AppReady", isTrue, "Available", "")},
				Results:    []*fnv1.Result{result(normal, "AppReady", "AppReady: everything in this part works")},
			},
		},
		"Stale": {
			reason: "What was ready is the child before its last change, whatever numbers look like in a request.",
			req:    stale,
			want: &fnv1.RunFunctionResponse{
				Meta: meta(8),
				Desired: &fnv1.State{
					Composite: compositeWith(`{"phase": "Provisioning", "chartVersion": "6.9.1"}`, readyFalse),
					Resources: map[string]*fnv1.Resource{"app": {Resource: resource.MustStructJSON(app("")), Ready: readyFalse}},
				},
				Conditions: []*fnv1.Condition{condition("AppReady", isFalse, "Updating", strings.Replace(creating, "created", "updated", 1))},
				Results:    []*fnv1.Result{result(normal, "Updating", "AppReady: "+strings.Replace(creating, "created", "updated", 1))},
			},
		},
		"Problem": {
			reason: "A claim that cannot be met is told so by a condition and a warning, not by a fatal error.",
			req:    xr(unknownApp),
			want: &fnv1.RunFunctionResponse{
				Meta: meta(8),
				Desired: &fnv1.State{
					Composite: compositeWith(`{"phase": "Pending"}`, readyFalse),
					Resources: map[string]*fnv1.Resource{},
				},
				Conditions: []*fnv1.Condition{condition("AppReady", isFalse, "Unsupported", "App bookinfo is not available yet. Available: emojivoto, eshop, o11y-game, online-boutique, opentelemetry-demo, podinfo, podtato-head, sock-shop")},
				Results:    []*fnv1.Result{result(warning, "Unsupported", "AppReady: App bookinfo is not available yet. Available: emojivoto, eshop, o11y-game, online-boutique, opentelemetry-demo, podinfo, podtato-head, sock-shop")},
			},
		},
		"Requirements": {
			reason: "What a composer needs to see is asked for by name, in the namespace of the claim or for the whole cluster.",
			req:    xr(cluster),
			want: &fnv1.RunFunctionResponse{
				Meta: meta(8),
				Desired: &fnv1.State{
					Composite: &fnv1.Resource{
						Resource: resource.MustStructJSON(`{"apiVersion": "observe-k8s.io/v1alpha1", "kind": "KubernetesCluster", "status": {"phase": "Pending"}}`),
						Ready:    readyFalse,
					},
					Resources: map[string]*fnv1.Resource{},
				},
				Requirements: &fnv1.Requirements{Resources: map[string]*fnv1.ResourceSelector{
					"kubeconfig": {
						ApiVersion: "v1", Kind: "Secret", Namespace: new("team-a"),
						Match: &fnv1.ResourceSelector_MatchName{MatchName: "remote"},
					},
					"policy": {
						ApiVersion: "apiextensions.crossplane.io/v1beta1", Kind: "EnvironmentConfig",
						Match: &fnv1.ResourceSelector_MatchName{MatchName: "observe-k8s"},
					},
					"policy-namespace": {
						ApiVersion: "apiextensions.crossplane.io/v1beta1", Kind: "EnvironmentConfig",
						Match: &fnv1.ResourceSelector_MatchName{MatchName: "observe-k8s.team-a"},
					},
				}},
				Conditions: []*fnv1.Condition{condition("AccessReady", isFalse, "Waiting", "Waiting for Secret remote to be read")},
				Results:    []*fnv1.Result{result(normal, "Waiting", "AccessReady: Waiting for Secret remote to be read")},
			},
		},
		"AfterOthers": {
			reason: "What earlier steps of the pipeline want and say is kept; of what both say, this step's word holds.",
			req:    afterOthers,
			want: &fnv1.RunFunctionResponse{
				Meta:       meta(8),
				Desired:    together,
				Context:    afterOthers.GetContext(),
				Conditions: []*fnv1.Condition{condition("AppReady", isFalse, "Creating", creating)},
				Results:    []*fnv1.Result{result(normal, "Creating", "AppReady: "+creating)},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := run(t, testFunction(), tc.req)
			if diff := cmp.Diff(tc.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("\n%s\nRunFunction(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestKinds runs every kind on what it sees in the end, and from nothing.
func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range worlds(t, filepath.Join("..", "examples", "existing.yaml")) {
		kind := w.XR.GetKind()
		if seen[kind] {
			continue
		}
		seen[kind] = true
		t.Run(kind, func(t *testing.T) {
			rsp := run(t, testFunction(), requestOf(t, w))
			if got := rsp.GetDesired().GetComposite().GetReady(); got != fnv1.Ready_READY_TRUE {
				t.Errorf("want the composite ready, got %v: %v", got, rsp.GetConditions())
			}
			if got := rsp.GetMeta().GetTtl().AsDuration(); got < 10*60e9 {
				t.Errorf("want it left alone for a long time, got %v", got)
			}
			if len(rsp.GetResults()) > 0 {
				t.Errorf("nothing has changed, so there is nothing to tell, got %v", rsp.GetResults())
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(w.Observed)), slices.Sorted(maps.Keys(rsp.GetDesired().GetResources()))); diff != "" {
				t.Errorf("everything that is there is wanted: -want, +got:\n%s", diff)
			}
			for name, r := range rsp.GetDesired().GetResources() {
				if r.GetReady() != fnv1.Ready_READY_TRUE {
					t.Errorf("want %s ready, got %v", name, r.GetReady())
				}
			}
			// A status in its final form is written as it is.
			was, _, _ := unstructured.NestedMap(w.XR.Object, "status")
			delete(was, "conditions")
			want, err := structpb.NewStruct(was)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, rsp.GetDesired().GetComposite().GetResource().GetFields()["status"].GetStructValue(), protocmp.Transform()); diff != "" {
				t.Errorf("a status that changes by itself would make the composite run for ever: -was, +is:\n%s", diff)
			}

			// From nothing, and then with requirements looked up and not found.
			first := run(t, testFunction(), requestOf(t, compose.Request{XR: w.XR}))
			if got := first.GetDesired().GetComposite().GetReady(); got != fnv1.Ready_READY_FALSE {
				t.Errorf("from nothing: want it not ready, got %v", got)
			}
			if got := first.GetMeta().GetTtl().AsDuration(); got != 8e9 {
				t.Errorf("from nothing: want it looked at again after 8s, got %v", got)
			}
			none := map[string][]*unstructured.Unstructured{}
			for name := range first.GetRequirements().GetResources() {
				none[name] = []*unstructured.Unstructured{}
			}
			second := run(t, testFunction(), requestOf(t, compose.Request{XR: w.XR, Required: none}))
			if diff := cmp.Diff(first.GetRequirements(), second.GetRequirements(), protocmp.Transform()); diff != "" {
				t.Errorf("requirements depend on their answers, so Crossplane would ask again and again: -first, +second:\n%s", diff)
			}
			if diff := cmp.Diff(rsp.GetRequirements(), second.GetRequirements(), protocmp.Transform()); diff != "" {
				t.Errorf("requirements depend on what is observed: -in the end, +from nothing:\n%s", diff)
			}
		})
	}
	want := map[string]bool{"ObservabilityPlatform": true, "KubernetesCluster": true, "ObservabilityStack": true, "Component": true, "Workload": true}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("kinds: -want, +got:\n%s", diff)
	}
}

// TestRequestIsLeftAlone proves that nothing in a request changes but what it
// shares with its response.
func TestRequestIsLeftAlone(t *testing.T) {
	for _, w := range worlds(t, filepath.Join("..", "examples", "existing.yaml")) {
		req := requestOf(t, w)
		before := proto.Clone(req)
		first := run(t, testFunction(), req)
		if diff := cmp.Diff(before, req, protocmp.Transform()); diff != "" {
			t.Errorf("%s: -before, +after:\n%s", w.XR.GetKind(), diff)
		}
		// In the same bytes, too.
		bytes := proto.MarshalOptions{Deterministic: true}
		want, err := bytes.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		got, err := bytes.Marshal(run(t, testFunction(), req))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(want, got) {
			t.Errorf("%s: the same request has two answers", w.XR.GetKind())
		}
	}
}

// TestMessageSize proves that the largest claim stays far below what gRPC lets
// through by default, which is 4 MiB, and its answers further still.
func TestMessageSize(t *testing.T) {
	const limit, answer = 4 << 20, 512 << 10
	largestAnswer := 0
	for _, w := range worlds(t, largest) {
		req := requestOf(t, w)
		if n := proto.Size(req); n > limit/4 {
			t.Errorf("%s %s: a request of %d bytes", w.XR.GetKind(), w.XR.GetName(), n)
		}
		n := proto.Size(run(t, testFunction(), req))
		if n > answer {
			t.Errorf("%s %s: a response of %d bytes", w.XR.GetKind(), w.XR.GetName(), n)
		}
		largestAnswer = max(largestAnswer, n)
	}
	t.Logf("the largest answer has %d KiB of %d", largestAnswer>>10, answer>>10)
}

// TestUnreadable requests are answered, not failed.
func TestUnreadable(t *testing.T) {
	nan := xr(workload)
	nan.Observed.Resources = map[string]*fnv1.Resource{"app": nil}
	nan.RequiredResources = map[string]*fnv1.Resources{"a": nil, "b": {Items: []*fnv1.Resource{nil}}}
	if _, err := testFunction().run(context.Background(), received(t, nan)); err != nil {
		t.Error(err)
	}
	if _, err := testFunction().run(context.Background(), received(t, nil)); err != nil {
		t.Error(err)
	}
}

// TestRespondError gives results that cannot be sent.
func TestRespondError(t *testing.T) {
	rsp := &fnv1.RunFunctionResponse{Meta: &fnv1.ResponseMeta{Ttl: &durationpb.Duration{}}}
	o := &unstructured.Unstructured{Object: map[string]any{"kind": v1alpha1.WorkloadKind}}
	unwritable := map[string]any{"channel": make(chan int)}
	cases := map[string]struct {
		reason string
		res    compose.Result
		want   string
	}{
		"Status": {
			reason: "A status that is no JSON cannot be sent.",
			res:    compose.Result{Status: unwritable},
			want:   "cannot set desired composite resource",
		},
		"Resource": {
			reason: "A resource that is no JSON cannot be sent.",
			res:    compose.Result{Resources: map[string]compose.Desired{"a": {Object: unwritable}}},
			want:   "cannot set desired composed resource a",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := respond(rsp, compose.Request{XR: o}, tc.res)
			if err == nil {
				err = errors.New("no error")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("\n%s\nrespond(...): want an error with %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

// TestLock sees that a status belongs to the composite that it was concluded from,
// where nothing else is written to that composite.
func TestLock(t *testing.T) {
	object := func(version string) *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Workload"}}
		o.SetResourceVersion(version)
		return o
	}
	labelled := func() *fnv1.State {
		return &fnv1.State{Composite: &fnv1.Resource{Resource: resource.MustStructJSON(`{"metadata": {"labels": {"a": "b"}}}`)}}
	}
	seen := map[string]*unstructured.Unstructured{"a": object("1")}
	desired := map[string]compose.Desired{"a": {Object: object("").Object}}
	cases := map[string]struct {
		reason  string
		earlier *fnv1.State
		w       compose.Request
		res     compose.Result
		want    map[string]any
	}{
		"Same":    {reason: "Nobody else writes to it.", w: compose.Request{XR: object("7"), Observed: seen}, res: compose.Result{Resources: desired}, want: map[string]any{"resourceVersion": "7"}},
		"Empty":   {reason: "Nothing is the same as nothing.", w: compose.Request{XR: object("7")}, want: map[string]any{"resourceVersion": "7"}},
		"Added":   {reason: "Crossplane notes what is new.", w: compose.Request{XR: object("7")}, res: compose.Result{Resources: desired}},
		"Removed": {reason: "Crossplane forgets what is gone.", w: compose.Request{XR: object("7"), Observed: seen}},
		"Other":   {reason: "One is new, one is gone.", w: compose.Request{XR: object("7"), Observed: map[string]*unstructured.Unstructured{"b": object("1")}}, res: compose.Result{Resources: desired}},
		"Render":  {reason: "What is on no API server has no version.", w: compose.Request{XR: object("")}},
		"Earlier": {reason: "What earlier steps say of it stays.", earlier: labelled(), w: compose.Request{XR: object("7")}, want: map[string]any{"labels": map[string]any{"a": "b"}, "resourceVersion": "7"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			rsp := &fnv1.RunFunctionResponse{Meta: &fnv1.ResponseMeta{}, Desired: tc.earlier}
			if err := respond(rsp, tc.w, tc.res); err != nil {
				t.Fatal(err)
			}
			got, _ := rsp.GetDesired().GetComposite().GetResource().AsMap()["metadata"].(map[string]any)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nmetadata: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestPanic sees that a composer that panics is an error of one composite.
func TestPanic(t *testing.T) {
	f := &Function{log: logging.NewNopLogger()}
	_, err := f.compose(compose.Request{}, func(compose.Request) (compose.Plan, error) { panic("secret") })
	if err == nil || !strings.Contains(err.Error(), "the composer panicked") {
		t.Fatalf("compose(...): %v, want an error that says that the composer panicked", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Error("compose(...): the error quotes what the composer panicked with")
	}
}
