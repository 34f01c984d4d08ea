// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// claim is a workload of the catalog, changed by fs.
func claim(fs ...func(*v1alpha1.Workload)) *v1alpha1.Workload {
	c := &v1alpha1.Workload{}
	c.APIVersion, c.Kind = v1alpha1.APIVersion, v1alpha1.WorkloadKind
	c.Namespace, c.Name = "team-a", "shop"
	c.Spec = v1alpha1.WorkloadSpec{
		WorkloadParameters: v1alpha1.WorkloadParameters{App: v1alpha1.AppPodinfo, Deployer: v1alpha1.DeployerHelm},
		ClusterRef:         v1alpha1.LocalReference{Name: "cluster"},
	}
	for _, f := range fs {
		f(c)
	}
	return c
}

func unknown(c *v1alpha1.Workload) { c.Spec.App = "bookinfo" }

func raw(s string) *runtime.RawExtension { return &runtime.RawExtension{Raw: []byte(s)} }

// toUnstructured is an object as a composer sees it.
func toUnstructured(t *testing.T, o any) *unstructured.Unstructured {
	t.Helper()
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: m}
}

func run(t *testing.T, w compose.Request) compose.Result {
	t.Helper()
	res, err := compose.Run(w, compose.For(Compose))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// observe makes everything that a result desires observed, with conditions.
func observe(res compose.Result, conditions ...any) map[string]*unstructured.Unstructured {
	out := map[string]*unstructured.Unstructured{}
	for name, d := range res.Resources {
		o := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(d.Object)}
		o.Object["status"] = map[string]any{"conditions": conditions}
		out[name] = o
	}
	return out
}

func condition(typ, status, reason, message string) map[string]any {
	return map[string]any{"type": typ, "status": status, "reason": reason, "message": message}
}

func TestCompose(t *testing.T) {
	type want struct {
		condition compose.Condition
		ready     bool
		composed  []string
		status    v1alpha1.WorkloadStatus
	}
	first := run(t, compose.Request{XR: toUnstructured(t, claim())})
	app := compose.Name("team-a", "shop", "app")
	failed := func(reason, message string) compose.Condition {
		return compose.Condition{Type: "AppReady", Reason: reason, Message: message}
	}
	was := func(p v1alpha1.Phase) func(*v1alpha1.Workload) {
		return func(c *v1alpha1.Workload) { c.Status.Phase = p }
	}
	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.Workload
		observed map[string]*unstructured.Unstructured
		want     want
	}{
		"Begin": {
			reason: "A workload is a component: what that waits for is its own affair.",
			claim:  claim(),
			want: want{
				condition: failed("Creating", "Component "+app+" is being created"),
				composed:  []string{"app"},
				status:    v1alpha1.WorkloadStatus{Phase: v1alpha1.PhaseProvisioning, ChartVersion: "6.9.1"},
			},
		},
		"Ready": {
			reason:   "A workload is ready when its component is.",
			claim:    claim(),
			observed: observe(first, condition("Ready", "True", "", "")),
			want: want{
				condition: compose.Condition{Type: "AppReady", Ready: true, Reason: "Available"},
				ready:     true,
				composed:  []string{"app"},
				status:    v1alpha1.WorkloadStatus{Phase: v1alpha1.PhaseReady, ChartVersion: "6.9.1"},
			},
		},
		"Broken": {
			reason: "What was deployed says more than what it waited for.",
			claim:  claim(was(v1alpha1.PhaseReady)),
			observed: observe(first,
				condition("DependenciesReady", "False", "ClusterNotFound", "no cluster"),
				condition("Deployed", "False", "ReconcileError", "no such chart"),
			),
			want: want{
				condition: failed("ReconcileError", "no such chart"),
				composed:  []string{"app"},
				status:    v1alpha1.WorkloadStatus{Phase: v1alpha1.PhaseDegraded, ChartVersion: "6.9.1"},
			},
		},
		"DependencyMissing": {
			reason: "What it waits for is told where nothing else is wrong.",
			claim:  claim(),
			observed: observe(first,
				condition("Deployed", "True", "Available", ""),
				condition("DependenciesReady", "False", "ClusterNotFound", "no cluster"),
			),
			want: want{
				condition: failed("ClusterNotFound", "no cluster"),
				composed:  []string{"app"},
				status:    v1alpha1.WorkloadStatus{Phase: v1alpha1.PhaseProvisioning, ChartVersion: "6.9.1"},
			},
		},
		"UnknownApp": {
			reason: "An app that is not there yet is told together with those that are.",
			claim:  claim(unknown),
			want: want{
				condition: failed("Unsupported", "App bookinfo is not available yet. Available: emojivoto, eshop, o11y-game, online-boutique, opentelemetry-demo, podinfo, podtato-head, sock-shop"),
				status:    v1alpha1.WorkloadStatus{Phase: v1alpha1.PhasePending},
			},
		},
		"AppNoLongerKnown": {
			reason:   "What runs stays, whatever became of the catalog.",
			claim:    claim(unknown, was(v1alpha1.PhaseReady)),
			observed: observe(first, condition("Ready", "True", "", "")),
			want: want{
				condition: failed("Unsupported", "App bookinfo is not available yet. Available: emojivoto, eshop, o11y-game, online-boutique, opentelemetry-demo, podinfo, podtato-head, sock-shop"),
				composed:  []string{"app"},
				status:    v1alpha1.WorkloadStatus{Phase: v1alpha1.PhaseDegraded},
			},
		},
		"ImmutableField": {
			reason:   "What one deployer installed another does not take over.",
			claim:    claim(func(c *v1alpha1.Workload) { c.Spec.Deployer = v1alpha1.DeployerFlux }),
			observed: observe(first, condition("Ready", "True", "", "")),
			want: want{
				condition: failed("ImmutableField", "The workload was deployed by Helm, and Flux does not take it over: create a new Workload with the other deployer, then delete this one"),
				composed:  []string{"app"},
				status:    v1alpha1.WorkloadStatus{Phase: v1alpha1.PhaseProvisioning, ChartVersion: "6.9.1"},
			},
		},
		"ValuesFrom": {
			reason: "The catalog's values go below those that come from elsewhere.",
			claim: claim(func(c *v1alpha1.Workload) {
				c.Spec.ValuesFrom = []v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromSecret, Name: "s", Key: "k"}}
			}),
			want: want{
				condition: failed("Creating", "ConfigMap "+compose.Name("team-a", "shop", "values")+" is being created"),
				composed:  []string{"app", "values"},
				status:    v1alpha1.WorkloadStatus{Phase: v1alpha1.PhaseProvisioning, ChartVersion: "6.9.1"},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, compose.Request{XR: toUnstructured(t, tc.claim), Observed: tc.observed})
			got := want{condition: res.Conditions[0], ready: res.Ready, composed: slices.Sorted(maps.Keys(res.Resources))}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Status, &got.status); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestComponent looks at the composed Component.
func TestComponent(t *testing.T) {
	yes := true
	ref := v1alpha1.LocalReference{Name: "cluster"}
	podinfo := &v1alpha1.Chart{Repository: "oci://ghcr.io/stefanprodan/charts", Name: "podinfo", Version: "6.9.1"}
	own := &v1alpha1.Chart{Repository: "oci://charts.example.org", Name: "shop", Version: "1.2.3", Digest: "sha256:0"}
	const catalogValues = `{"fullnameOverride":"podinfo"}`
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.Workload
		want   v1alpha1.ComponentSpec
	}{
		"Catalog": {
			reason: "Several workloads of one app have namespaces of their own: by default that of their name.",
			claim:  claim(),
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shop", CreateNamespace: &yes,
				Source: v1alpha1.ComponentSource{Chart: podinfo},
				Values: raw(catalogValues),
			},
		},
		"Namespace": {
			reason: "The team may say where it lives.",
			claim:  claim(func(c *v1alpha1.Workload) { c.Spec.TargetNamespace = "shops" }),
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shops", CreateNamespace: &yes,
				Source: v1alpha1.ComponentSource{Chart: podinfo},
				Values: raw(catalogValues),
			},
		},
		"Dots": {
			reason: "The name of an object may have dots, that of a namespace may not.",
			claim:  claim(func(c *v1alpha1.Workload) { c.Name = "shop.blue" }),
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shop-blue", CreateNamespace: &yes,
				Source: v1alpha1.ComponentSource{Chart: podinfo},
				Values: raw(catalogValues),
			},
		},
		"Values": {
			reason: "The team's values win over those of the catalog.",
			claim: claim(func(c *v1alpha1.Workload) {
				c.Spec.Values = raw(`{"replicaCount": 2, "serviceMonitor": {"enabled": false}}`)
			}),
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shop", CreateNamespace: &yes,
				Source: v1alpha1.ComponentSource{Chart: podinfo},
				Values: raw(`{"fullnameOverride":"podinfo","replicaCount":2,"serviceMonitor":{"enabled":false}}`),
			},
		},
		"Own": {
			reason: "A chart of the team is as the team says.",
			claim: claim(func(c *v1alpha1.Workload) {
				c.Spec.App, c.Spec.Chart = "", own
				c.Spec.Values = raw(`{"replicas":2}`)
				c.Spec.ValuesFrom = []v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromSecret, Name: "s", Key: "k"}}
			}),
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shop", CreateNamespace: &yes,
				Source:     v1alpha1.ComponentSource{Chart: own},
				Values:     raw(`{"replicas":2}`),
				ValuesFrom: []v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromSecret, Name: "s", Key: "k"}},
			},
		},
		"Manifests": {
			reason: "Objects of the team are what the team says.",
			claim: claim(func(c *v1alpha1.Workload) {
				c.Spec.App, c.Spec.Manifests = "", []runtime.RawExtension{*raw(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"}}`)}
			}),
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shop", CreateNamespace: &yes,
				Source: v1alpha1.ComponentSource{Manifests: []runtime.RawExtension{*raw(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"web"}}`)}},
			},
		},
		"DependsOn": {
			reason: "What a workload needs outlives it.",
			claim:  claim(func(c *v1alpha1.Workload) { c.Spec.DependsOn = []v1alpha1.LocalReference{{Name: "till"}} }),
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shop", CreateNamespace: &yes,
				Source:    v1alpha1.ComponentSource{Chart: podinfo},
				Values:    raw(catalogValues),
				DependsOn: []v1alpha1.LocalReference{{Name: "till"}},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := v1alpha1.Component{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(run(t, compose.Request{XR: toUnstructured(t, tc.claim)}).Resources["app"].Object, &c); err != nil {
				t.Fatal(err)
			}
			text := cmp.Transformer("text", func(r *runtime.RawExtension) string {
				if r == nil {
					return ""
				}
				return string(r.Raw)
			})
			if diff := cmp.Diff(tc.want, c.Spec, text); diff != "" {
				t.Errorf("\n%s\napp: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// playing makes a claim play a game of one service with these calls.
func playing(calls ...language.Call) func(*v1alpha1.Workload) {
	return func(c *v1alpha1.Workload) {
		c.Spec.App = v1alpha1.AppGame
		c.Spec.Game = &language.Game{Services: []language.Service{{Name: "web", Endpoints: []language.Endpoint{{Path: "/", Steps: calls}}}}}
	}
}

// calling calls a service.
func calling(service language.Name) language.Call {
	return language.Call{Step: language.Step{HTTP: &language.HTTP{Service: service}}}
}

func TestGame(t *testing.T) {
	half, slow := language.Probability(0.5), language.Duration{Duration: 1500 * time.Microsecond}
	type want struct {
		condition compose.Condition
		composed  []string
		values    string
	}
	played := run(t, compose.Request{XR: toUnstructured(t, claim(playing()))})
	wrong := func(message string) compose.Condition {
		return compose.Condition{Type: "AppReady", Reason: "InvalidGame", Message: message}
	}
	creating := compose.Condition{Type: "AppReady", Reason: "Creating", Message: "Component " + compose.Name("team-a", "shop", "app") + " is being created"}
	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.Workload
		observed map[string]*unstructured.Unstructured
		want     want
	}{
		"Played": {
			reason: "The game is the chart's values, as it was written.",
			claim:  claim(playing(language.Call{Step: language.Step{Probability: &half, Sleep: &language.Delay{Duration: slow}}})),
			want: want{
				condition: creating,
				composed:  []string{"app"},
				values:    `{"game":{"services":[{"endpoints":[{"path":"/","steps":[{"probability":"50%","sleep":{"duration":"1.5ms"}}]}],"name":"web"}]}}`,
			},
		},
		"ValuesOfTheTeam": {
			reason: "A team may say more to the chart.",
			claim:  claim(playing(), func(c *v1alpha1.Workload) { c.Spec.Values = raw(`{"seed":1}`) }),
			want: want{
				condition: creating,
				composed:  []string{"app"},
				values:    `{"game":{"services":[{"endpoints":[{"path":"/"}],"name":"web"}]},"seed":1}`,
			},
		},
		"NoSuchService": {
			reason: "A call of what does not exist is told, with the nearest that does.",
			claim:  claim(playing(calling("wep"))),
			want:   want{condition: wrong(`The game cannot be played: services[web].endpoints[/].steps[0].http.service: there is no service "wep"; the nearest is web`)},
		},
		"Endless": {
			reason: "A game in which a request may never end is not begun.",
			claim:  claim(playing(calling("web"))),
			want:   want{condition: wrong("The game cannot be played: services[web].endpoints[/]: requests may never end: web/ → web/ is a cycle in which a request causes at least one more on average. Give a call in it a lower probability, or an error before it")},
		},
		"Many": {
			reason: "A condition tells a few of the problems, and how many there are.",
			claim:  claim(playing(slices.Repeat([]language.Call{calling("a")}, 7)...)),
			want: want{condition: wrong("The game cannot be played: " + strings.Join([]string{
				`services[web].endpoints[/].steps[0].http.service: there is no service "a"; the nearest is web`,
				`services[web].endpoints[/].steps[1].http.service: there is no service "a"; the nearest is web`,
				`services[web].endpoints[/].steps[2].http.service: there is no service "a"; the nearest is web`,
				`services[web].endpoints[/].steps[3].http.service: there is no service "a"; the nearest is web`,
				`services[web].endpoints[/].steps[4].http.service: there is no service "a"; the nearest is web`,
				"and more, 7 in all",
			}, "; "))},
		},
		"BecameInvalid": {
			reason:   "What runs is kept as it is while the new game cannot be played.",
			claim:    claim(playing(calling("web"))),
			observed: observe(played, condition("Ready", "True", "", "")),
			want: want{
				condition: wrong("The game cannot be played: services[web].endpoints[/]: requests may never end: web/ → web/ is a cycle in which a request causes at least one more on average. Give a call in it a lower probability, or an error before it"),
				composed:  []string{"app"},
				values:    `{"game":{"services":[{"endpoints":[{"path":"/"}],"name":"web"}]}}`,
			},
		},
		"TooLarge": {
			reason: "A game must fit into what carries it.",
			claim: claim(playing(slices.Repeat([]language.Call{{Step: language.Step{Log: &language.Log{Message: strings.Repeat("a", 1024)}}}}, 32)...), func(c *v1alpha1.Workload) {
				e := c.Spec.Game.Services[0].Endpoints[0]
				for _, path := range []language.Path{"/b", "/c", "/d", "/e", "/f", "/g", "/h"} {
					e.Path = path
					c.Spec.Game.Services[0].Endpoints = append(c.Spec.Game.Services[0].Endpoints, e)
				}
			}),
			want: want{condition: wrong("The game has 268266 bytes as JSON; 262144 are allowed")},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, compose.Request{XR: toUnstructured(t, tc.claim), Observed: tc.observed})
			got := want{condition: res.Conditions[0], composed: slices.Sorted(maps.Keys(res.Resources))}
			if app, ok := res.Resources["app"]; ok {
				values, _, _ := unstructured.NestedMap(app.Object, "spec", "values")
				b, err := json.Marshal(values)
				if err != nil {
					t.Fatal(err)
				}
				got.values = string(b)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestInvalidValues are refused by the API server; here they are an error.
func TestInvalidValues(t *testing.T) {
	c := claim(func(c *v1alpha1.Workload) { c.Spec.Values = raw(`"all of them"`) })
	if _, err := compose.Run(compose.Request{XR: toUnstructured(t, c)}, compose.For(Compose)); err == nil {
		t.Error("want an error for values that are no object")
	}
}

// TestCatalog proves what every entry has to hold to, the next one too.
func TestCatalog(t *testing.T) {
	entries, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) == 0 {
		t.Fatal("the catalog is empty")
	}
	for name, e := range entries {
		t.Run(name, func(t *testing.T) {
			if e.Licence == "" || e.Summary == "" || e.Signals == nil {
				t.Errorf("one cannot tell what it gives, and by which licence: %+v", e)
			}
			if e.Unavailable != "" {
				return
			}
			if e.Targets.Label == "" || (e.Load == nil) != (name == "o11y-game") {
				t.Errorf("it needs targets of chaos, and a dial of its load: %+v", e)
			}
			if takes, err := Requests(v1alpha1.WorkloadParameters{App: v1alpha1.App(name)}); err != nil || (takes.Memory.IsZero() && name != "o11y-game") {
				t.Errorf("nobody knows what it takes: %v", err)
			}
			for _, o := range e.SLOs {
				if o.ServiceName == "" || o.Objective == "" {
					t.Errorf("%+v is no SLO", o)
				}
			}
			if !regexp.MustCompile(`^(oci|https)://[^/]`).MatchString(e.Chart.Repository) || e.Chart.Name == "" {
				t.Errorf("%+v is no chart", e.Chart)
			}
			if !regexp.MustCompile(`^v?\d+\.\d+\.\d+`).MatchString(e.Chart.Version) {
				t.Errorf("%q is not one exact version", e.Chart.Version)
			}
			if e.Purpose == "" || e.Project.Name == "" || e.Project.Maturity == "" || !regexp.MustCompile(`^https://`).MatchString(e.Project.Source) || !regexp.MustCompile(`^20\d\d-\d\d$`).MatchString(e.Project.Date) {
				t.Errorf("one cannot tell where it comes from and why it is here: %+v", e.Entry)
			}
		})
	}
}
