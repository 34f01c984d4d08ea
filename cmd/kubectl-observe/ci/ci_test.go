// SPDX-License-Identifier: Apache-2.0

package ci

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/rest"
)

func TestReadClaim(t *testing.T) {
	cases := map[string]struct {
		reason   string
		text     string
		lifetime string
		want     map[string]any
		err      string
	}{
		"Lifetime": {
			reason:   "A claim that names no lifetime gets one.",
			text:     "{apiVersion: observe-k8s.io/v1alpha1, kind: ObservabilityPlatform, metadata: {name: a, namespace: b}, spec: {cluster: {provider: Kind}}}",
			lifetime: "2h",
			want: map[string]any{
				"apiVersion": "observe-k8s.io/v1alpha1", "kind": "ObservabilityPlatform",
				"metadata": map[string]any{"name": "a", "namespace": "b"},
				"spec":     map[string]any{"cluster": map[string]any{"provider": "Kind"}, "lifetime": "2h"},
			},
		},
		"OwnLifetime": {
			reason:   "What the claim says holds, and its namespace is kubectl's default.",
			text:     "{apiVersion: observe-k8s.io/v1alpha1, kind: ObservabilityPlatform, metadata: {name: a}, spec: {lifetime: 1h}}",
			lifetime: "2h",
			want: map[string]any{
				"apiVersion": "observe-k8s.io/v1alpha1", "kind": "ObservabilityPlatform",
				"metadata": map[string]any{"name": "a", "namespace": "default"},
				"spec":     map[string]any{"lifetime": "1h"},
			},
		},
		"OtherKind": {
			reason: "Only a platform has a lifetime and URLs.",
			text:   "{apiVersion: v1, kind: Pod, metadata: {name: a}}",
			err:    "holds no ObservabilityPlatform",
		},
		"NotYAML": {
			reason: "The message names the file.",
			text:   "{",
			err:    "cannot read the claim in",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "claim.yaml")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readClaim(file, tc.lifetime)
			if (err == nil) != (tc.err == "") || (err != nil && !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("\n%s\nreadClaim(...): error is %v, want one with %q", tc.reason, err, tc.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want, got.Object); diff != "" {
				t.Errorf("\n%s\nreadClaim(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// A claim that makes something outside must not depend on a management cluster
// that ends with the job.
func TestUpRefusesCloudsWithoutALastingCluster(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "claim.yaml")
	text := "{apiVersion: observe-k8s.io/v1alpha1, kind: ObservabilityPlatform, metadata: {name: a}, spec: {cluster: {provider: EKS}}}"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := UpOptions{Dir: filepath.Join(dir, "env"), Claim: file}
	err := Up(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "outlives the job") {
		t.Errorf("up: error is %v, want one that says that the management cluster must outlive the job", err)
	}
	if s, err := load(c.Dir); s != nil || err != nil {
		t.Errorf("up left a state: %v, %v", s, err)
	}
}

// world is a management cluster with a claim that is composed of a cluster and
// of a Secret.
func world(status string) *client {
	object := func(apiVersion, kind, name string, more map[string]any) runtime.Object {
		o := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name, "namespace": "team-a"}}
		maps.Copy(o, more)
		return &unstructured.Unstructured{Object: o}
	}
	refs := []any{
		map[string]any{"apiVersion": "observe-k8s.io/v1alpha1", "kind": "KubernetesCluster", "name": "c"},
		map[string]any{"apiVersion": "v1", "kind": "Secret", "name": "s"},
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	lists := map[schema.GroupVersionResource]string{}
	for _, kind := range []string{"ObservabilityPlatform", "KubernetesCluster"} {
		mapper.Add(platform().GroupVersion().WithKind(kind), meta.RESTScopeNamespace)
	}
	for _, kind := range []string{"Secret", "Event"} {
		mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: kind}, meta.RESTScopeNamespace)
		plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Version: "v1", Kind: kind})
		lists[plural] = kind + "List"
	}
	return &client{mapper: mapper, dynamic: fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists,
		object("observe-k8s.io/v1alpha1", "ObservabilityPlatform", "demo", map[string]any{
			"spec": map[string]any{"crossplane": map[string]any{"resourceRefs": refs}},
			"status": map[string]any{
				"kubeconfigSecretRef": map[string]any{"name": "s", "key": "kubeconfig"},
				"conditions":          []any{map[string]any{"type": "Ready", "status": status, "reason": "Waiting", "message": "for the cluster"}},
			},
		}),
		object("observe-k8s.io/v1alpha1", "KubernetesCluster", "c", nil),
		object("v1", "Secret", "s", map[string]any{"data": map[string]any{"kubeconfig": "aW5zaWRl", "kubeconfig-external": "b3V0c2lkZQ=="}}),
		object("v1", "Event", "e", map[string]any{"reason": "Created", "message": "it was", "involvedObject": map[string]any{"kind": "KubernetesCluster", "name": "c"}}),
	)}
}

func claim() *unstructured.Unstructured {
	c := &unstructured.Unstructured{Object: map[string]any{}}
	c.SetGroupVersionKind(platform())
	c.SetNamespace("team-a")
	c.SetName("demo")
	return c
}

func TestWait(t *testing.T) {
	if err := world("True").wait(t.Context(), claim(), "Ready"); err != nil {
		t.Errorf("a Ready claim: %v", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errors.New("too late"))
	defer cancel()
	err := world("False").wait(ctx, claim(), "Ready")
	if diff := cmp.Diff("Ready: Waiting: for the cluster: too late", err.Error()); diff != "" {
		t.Errorf("a claim that waits says what for: -want, +got:\n%s", diff)
	}
}

// What is kept has the platform and its events, and no Secret.
func TestKeep(t *testing.T) {
	dir := t.TempDir()
	if err := world("False").keep(t.Context(), claim(), dir); err != nil {
		t.Fatal(err)
	}
	for file, words := range map[string][]string{"platform.yaml": {"ObservabilityPlatform", "KubernetesCluster"}, "events.txt": {"Created\tKubernetesCluster/c\tit was"}} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(string(b), word) {
				t.Errorf("%s has no %q:\n%s", file, word, b)
			}
		}
		if strings.Contains(string(b), "aW5zaWRl") {
			t.Errorf("%s has a Secret's content", file)
		}
	}
}

// The claim is gone at once; what it consists of is waited for.
func TestRemove(t *testing.T) {
	k := world("True")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errors.New("too late"))
	defer cancel()
	err := k.remove(ctx, claim())
	if diff := cmp.Diff("2 objects are left, among them KubernetesCluster c: too late", err.Error()); diff != "" {
		t.Errorf("what is left is named: -want, +got:\n%s", diff)
	}
	for _, name := range []struct{ kind, name string }{{"KubernetesCluster", "c"}, {"Secret", "s"}} {
		gvk := platform().GroupVersion().WithKind(name.kind)
		if name.kind == "Secret" {
			gvk = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
		}
		r, err := k.objects(gvk, "team-a")
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Delete(t.Context(), name.name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.remove(t.Context(), claim()); err != nil {
		t.Errorf("nothing is left: %v", err)
	}
}

func TestOutputs(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GITHUB_OUTPUT", filepath.Join(dir, "outputs"))
	if _, err := world("True").outputs(t.Context(), claim(), dir); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "outputs"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("kubeconfig="+dir+"/kubeconfig\nurls=[]\ndir="+dir+"\n", string(b)); diff != "" {
		t.Errorf("outputs: -want, +got:\n%s", diff)
	}
	b, err = os.ReadFile(filepath.Join(dir, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("outside", string(b)); diff != "" {
		t.Errorf("the kubeconfig for a person at this machine: -want, +got:\n%s", diff)
	}
}

// Two processes write one trace: the tasks of both are children of the whole.
func TestTrace(t *testing.T) {
	dir := t.TempDir()
	s := &state{Claim: claim().Object, Started: time.Now()}
	if err := s.begin(dir); err != nil {
		t.Fatal(err)
	}
	up, err := newTracer(t.Context(), dir, s)
	if err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	if err := up.task(t.Context(), "first", func(context.Context) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("a task that fails: error is %v", err)
	}
	if err := up.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := load(dir)
	if err != nil {
		t.Fatal(err)
	}
	down, err := newTracer(t.Context(), dir, again)
	if err != nil {
		t.Fatal(err)
	}
	if err := down.task(t.Context(), "second", func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := down.end(t.Context(), again); err != nil {
		t.Fatal(err)
	}

	f, err := os.Open(filepath.Join(dir, "trace.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	type span struct {
		Name        string
		SpanContext struct{ TraceID, SpanID string }
		Parent      struct{ SpanID string }
		Attributes  []struct {
			Key   string
			Value struct{ Value any }
		}
	}
	var got []string
	for d := json.NewDecoder(f); d.More(); {
		var sp span
		if err := d.Decode(&sp); err != nil {
			t.Fatal(err)
		}
		line := sp.Name
		if sp.SpanContext.TraceID != again.TraceID {
			line += " of another trace"
		}
		switch {
		case sp.SpanContext.SpanID == again.SpanID:
			line += " is the root"
		case sp.Parent.SpanID == again.SpanID:
			line += " below the root"
		}
		for _, a := range sp.Attributes {
			if strings.HasSuffix(a.Key, "result") {
				line += " " + a.Key + "=" + a.Value.Value.(string)
			}
		}
		got = append(got, line)
	}
	want := []string{
		"first below the root cicd.pipeline.task.run.result=failure",
		"second below the root cicd.pipeline.task.run.result=success",
		"RUN environment is the root cicd.pipeline.result=failure",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans: -want, +got:\n%s", diff)
	}
}

// An environment that is there already is not forgotten for another one.
func TestBeginTwice(t *testing.T) {
	dir := t.TempDir()
	if err := (&state{}).begin(dir); err != nil {
		t.Fatal(err)
	}
	if err := (&state{}).begin(dir); err == nil {
		t.Error("begin twice: no error")
	}
}

// What was told until the platform was there is told to its collector, through
// the API server of its cluster, as whoever has its kubeconfig.
func TestTellPlatform(t *testing.T) {
	var paths []string
	var body []byte
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path+" "+r.Header.Get("Authorization"))
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(api.Close)
	dir := t.TempDir()
	s := &state{Claim: claim().Object, Started: time.Now()}
	if err := s.begin(dir); err != nil {
		t.Fatal(err)
	}
	tr, err := newTracer(t.Context(), dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.task(t.Context(), "wait for the stack", func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := tr.send(t.Context(), &rest.Config{Host: api.URL, BearerToken: "secret"}, "collector-gateway.collector-gateway"); err != nil {
		t.Fatal(err)
	}
	want := []string{"/api/v1/namespaces/collector-gateway/services/collector-gateway:4318/proxy/v1/traces Bearer secret"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("requests: -want, +got:\n%s", diff)
	}
	if !strings.Contains(string(body), "wait for the stack") {
		t.Errorf("the request has no span of the task: %q", body)
	}
	api.Close()
	if err := tr.send(t.Context(), &rest.Config{Host: api.URL}, "a.b"); err == nil {
		t.Error("a collector that is away: no error")
	}
}
