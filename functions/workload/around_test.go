// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// running are the resources of a workload whose application works.
func running(t *testing.T, c *v1alpha1.Workload) compose.Result {
	t.Helper()
	first := run(t, compose.Request{XR: toUnstructured(t, c)})
	return run(t, compose.Request{XR: toUnstructured(t, c), Observed: observe(first, condition("Ready", "True", "", ""))})
}

// valuesOf a composed Component.
func valuesOf(t *testing.T, res compose.Result, name string) string {
	t.Helper()
	v, _, _ := unstructured.NestedMap(res.Resources[name].Object, "spec", "values")
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func of(app v1alpha1.App, fs ...func(*v1alpha1.Workload)) *v1alpha1.Workload {
	return claim(append([]func(*v1alpha1.Workload){func(c *v1alpha1.Workload) { c.Spec.App = app }}, fs...)...)
}

func found(collector string, features ...v1alpha1.Capability) func(*v1alpha1.Workload) {
	return func(c *v1alpha1.Workload) {
		c.Spec.Environment = v1alpha1.WorkloadEnvironment{OTLPHost: collector, Capabilities: features}
	}
}

func nodes(a v1alpha1.Architecture) func(*v1alpha1.Workload) {
	return func(c *v1alpha1.Workload) { c.Spec.Environment.Architecture = a }
}

func load(users int64) func(*v1alpha1.Workload) {
	return func(c *v1alpha1.Workload) { c.Spec.Load = &v1alpha1.Load{Users: users} }
}

// TestSurroundings shows what an application makes of what it finds.
func TestSurroundings(t *testing.T) {
	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.Workload
		composed []string
		// want and not are parts of the values of the application.
		want, not []string
	}{
		"Nothing": {
			reason:   "Where nothing is found, nothing is assumed.",
			claim:    of(v1alpha1.AppPodinfo),
			composed: []string{"app"},
			not:      []string{"serviceMonitor", "OTEL"},
		},
		"Prometheus": {
			reason:   "Prometheus' kinds are used where they are.",
			claim:    of(v1alpha1.AppPodinfo, found("", v1alpha1.CapabilityPrometheus)),
			composed: []string{"app"},
			want:     []string{`"serviceMonitor":{"enabled":true}`},
		},
		"Tainted": {
			reason:   "Nodes of arm64 may be tainted, which the load generators of ours must tolerate as well.",
			claim:    of(v1alpha1.AppPodinfo, nodes(v1alpha1.ArchitectureARM64), load(3)),
			composed: []string{"app", "load"},
			want:     []string{`"tolerations":[{"effect":"NoSchedule","key":"kubernetes.io/arch","operator":"Equal","value":"arm64"}]`},
		},
		"Collector": {
			reason:   "Telemetry goes to the platform's collector.",
			claim:    of(v1alpha1.AppOpenTelemetryDemo, found("agent.agents")),
			composed: []string{"app"},
			want:     []string{`"envOverrides":[{"name":"OTEL_COLLECTOR_NAME","value":"agent.agents"}]`, `"opentelemetry-collector":{"enabled":false}`},
		},
		"Game": {
			reason:   "A game tells the collector, too.",
			claim:    of(v1alpha1.AppGame, playing(), found("agent.agents")),
			composed: []string{"app"},
			want:     []string{`"telemetry":{"endpoint":"http://agent.agents:4318"}`},
		},
		"Users": {
			reason:   "The dial turns the application's own generator.",
			claim:    of(v1alpha1.AppOnlineBoutique, load(42)),
			composed: []string{"app"},
			want:     []string{`"users":42`},
		},
		"UsersByFlag": {
			reason:   "Where a flag says how many users there are, it is set.",
			claim:    of(v1alpha1.AppOpenTelemetryDemo, load(42)),
			composed: []string{"app"},
			want:     []string{`\"loadGeneratorVUs\":{\"state\":\"ENABLED\",\"variants\":{\"on\":42},\"defaultVariant\":\"on\"}`},
		},
		"NoUsers": {
			reason:   "Nobody uses it, so nothing generates load.",
			claim:    of(v1alpha1.AppOpenTelemetryDemo, load(0)),
			composed: []string{"app"},
			want:     []string{`"load-generator":{"enabled":false}`},
			not:      []string{"loadGeneratorVUs"},
		},
		"OurLoaders": {
			reason:   "An application without a generator gets ours.",
			claim:    of(v1alpha1.AppPodinfo, load(3)),
			composed: []string{"app", "load"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := running(t, tc.claim)
			if diff := cmp.Diff(tc.composed, slices.Sorted(maps.Keys(res.Resources))); diff != "" {
				t.Errorf("\n%s\ncomposed: -want, +got:\n%s", tc.reason, diff)
			}
			got := valuesOf(t, res, "app")
			for _, w := range tc.want {
				if !strings.Contains(got, w) {
					t.Errorf("\n%s\nwant %s in the values, got %s", tc.reason, w, got)
				}
			}
			for _, n := range tc.not {
				if strings.Contains(got, n) {
					t.Errorf("\n%s\nwant no %s in the values, got %s", tc.reason, n, got)
				}
			}
		})
	}
}

// TestLoaders shows the game that uses an application.
func TestLoaders(t *testing.T) {
	res := running(t, of(v1alpha1.AppPodtatoHead, load(3)))
	spec := res.Resources["load"].Object["spec"].(map[string]any)
	if spec["createNamespace"] != false || spec["targetNamespace"] != "shop" {
		t.Errorf("load generators lodge with the application: %v", spec)
	}
	app := compose.Name("team-a", "shop", "app")
	if diff := cmp.Diff([]any{map[string]any{"name": app}}, spec["dependsOn"]); diff != "" {
		t.Errorf("load generators go before the application: -want, +got:\n%s", diff)
	}
	var v struct {
		Services bool
		Peers    string
		Game     language.Game
	}
	if err := json.Unmarshal([]byte(valuesOf(t, res, "load")), &v); err != nil {
		t.Fatal(err)
	}
	if err := language.Validate(&v.Game); err != nil {
		t.Error(err)
	}
	if v.Services || v.Peers != "{service}:8080" || *v.Game.LoadGenerators[0].Users != 3 {
		t.Errorf("want three users of the application's port, got %+v", v)
	}
	// They wait for the application.
	if first := run(t, compose.Request{XR: toUnstructured(t, of(v1alpha1.AppPodtatoHead, load(3)))}); len(first.Resources) != 1 {
		t.Errorf("want the application first, got %v", slices.Sorted(maps.Keys(first.Resources)))
	}
}

func chaos(windows ...v1alpha1.ChaosWindow) func(*v1alpha1.Workload) {
	return func(c *v1alpha1.Workload) { c.Spec.Chaos = windows }
}

func TestCheck(t *testing.T) {
	kill := v1alpha1.ChaosWindow{Schedule: "30 * * * *", Duration: "30m", Fault: v1alpha1.FaultPodKill, Target: "podinfo"}
	flag := v1alpha1.ChaosWindow{Schedule: "30 * * * *", Duration: "30m", Fault: v1alpha1.FaultFeatureFlag, Target: "adHighCpu"}
	wrongTarget, wrongSchedule, wrongFlag, daily := kill, kill, flag, flag
	wrongTarget.Target, wrongSchedule.Schedule, wrongFlag.Target, daily.Schedule = "db", "30 25 * * *", "adHighCPU", "30 4 * * *"
	mesh := func(c *v1alpha1.Workload) { c.Spec.MeshInjection = v1alpha1.MeshInjectionEnabled }
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.Workload
		want   []compose.Problem
	}{
		"Chaos":    {reason: "A fault of a part that is there.", claim: of(v1alpha1.AppPodinfo, chaos(kill), found("", v1alpha1.CapabilityChaosMesh))},
		"Flag":     {reason: "A flag needs nothing but the application.", claim: of(v1alpha1.AppOpenTelemetryDemo, chaos(flag))},
		"Mesh":     {reason: "A mesh that is there.", claim: of(v1alpha1.AppPodinfo, mesh, found("", v1alpha1.CapabilityMesh))},
		"GamePart": {reason: "The parts of a game are its services.", claim: of(v1alpha1.AppGame, playing(), chaos(v1alpha1.ChaosWindow{Schedule: "0 * * * *", Duration: "1m", Fault: v1alpha1.FaultCPUStress, Target: "web"}), found("", v1alpha1.CapabilityChaosMesh))},
		"WrongTarget": {
			reason: "Chaos of what is not there would never be seen.",
			claim:  of(v1alpha1.AppPodinfo, chaos(wrongTarget)),
			want:   []compose.Problem{{ConditionType: ConditionAppReady, Reason: "InvalidChaos", Message: "chaos[0]: podinfo has no part db; it has podinfo"}},
		},
		"WrongSchedule": {
			reason: "There is no such hour.",
			claim:  of(v1alpha1.AppPodinfo, chaos(kill, wrongSchedule)),
			want:   []compose.Problem{{ConditionType: ConditionAppReady, Reason: "InvalidChaos", Message: `chaos[1]: hour "25" of a schedule must be *, numbers from 0 to 23, ranges or steps`}},
		},
		"WrongFlag": {
			reason: "A flag that nobody reads breaks nothing.",
			claim:  of(v1alpha1.AppOpenTelemetryDemo, chaos(wrongFlag)),
			want: []compose.Problem{{
				ConditionType: ConditionAppReady, Reason: "InvalidChaos",
				Message: "chaos[0]: opentelemetry-demo has no flag adHighCPU; it has adFailure, adHighCpu, adManualGc, failedReadinessProbe, paymentUnreachable, productCatalogFailure, recommendationCacheFailure",
			}},
		},
		"DailyFlag": {
			reason: "A flag only knows the minute.",
			claim:  of(v1alpha1.AppOpenTelemetryDemo, chaos(daily)),
			want:   []compose.Problem{{ConditionType: ConditionAppReady, Reason: "InvalidChaos", Message: `chaos[0]: a flag follows the minutes of every hour only: give a schedule such as "30 * * * *"`}},
		},
		"NoChaosMesh": {
			reason: "What would do it is not there.",
			claim:  of(v1alpha1.AppPodinfo, chaos(kill)),
			want:   []compose.Problem{{ConditionType: ConditionAppReady, Reason: "ComponentMissing", Message: "Chaos needs Chaos Mesh on the cluster: enable component chaos-mesh in stack.components, or take profile Full"}},
		},
		"NoImages": {
			reason: "Pods that cannot start are no platform.",
			claim:  of(v1alpha1.AppSockShop, nodes(v1alpha1.ArchitectureARM64)),
			want: []compose.Problem{{ConditionType: ConditionAppReady, Reason: "UnsupportedArchitecture", Message: "App sock-shop has images for amd64 only, and the nodes are arm64: " +
				"set cluster.nodes.architecture, or choose another app"}},
		},
		"Images": {
			reason: "Those that have images for it are not refused.",
			claim:  of(v1alpha1.AppEmojivoto, nodes(v1alpha1.ArchitectureARM64)),
		},
		"NoMesh": {
			reason: "A mesh that is not there injects nothing.",
			claim:  of(v1alpha1.AppPodinfo, mesh),
			want:   []compose.Problem{{ConditionType: ConditionAppReady, Reason: "ComponentMissing", Message: "There is no mesh on the cluster: enable component linkerd-control-plane in stack.components, or take profile Standard"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Check(tc.claim.Spec.WorkloadParameters, "shop", v1alpha1.StackSummary{Environment: &tc.claim.Spec.Environment})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nCheck(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestEShop says why it cannot be deployed, and what can.
func TestEShop(t *testing.T) {
	res := run(t, compose.Request{XR: toUnstructured(t, of(v1alpha1.AppEShop))})
	c := res.Conditions[0]
	if len(res.Resources) > 0 || c.Ready || c.Reason != "Unsupported" || !strings.Contains(c.Message, "archived in 2023") {
		t.Errorf("want the reason why it cannot be deployed, got %+v and %v", c, res.Resources)
	}
}

// TestChaos shows the objects of chaos, and the annotation in its namespace.
func TestChaos(t *testing.T) {
	w := v1alpha1.ChaosWindow{Schedule: "30 * * * *", Duration: "30m", Fault: v1alpha1.FaultPacketLoss, Target: "web-svc"}
	res := running(t, of(v1alpha1.AppEmojivoto, chaos(w), found("", v1alpha1.CapabilityChaosMesh, v1alpha1.CapabilityPrometheus)))
	got, _, _ := unstructured.NestedSlice(res.Resources["chaos"].Object, "spec", "source", "manifests")
	want := []any{
		map[string]any{
			"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "Schedule", "metadata": map[string]any{"name": "chaos-0"},
			"spec": map[string]any{
				"schedule": "30 * * * *", "type": "NetworkChaos", "historyLimit": int64(2), "concurrencyPolicy": "Forbid",
				"networkChaos": map[string]any{
					"action": "loss", "mode": "all", "duration": "30m", "loss": map[string]any{"loss": "25", "correlation": "0"},
					"selector": map[string]any{"namespaces": []any{"shop"}, "labelSelectors": map[string]any{"app": "web-svc"}},
				},
			},
		},
		map[string]any{
			"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": map[string]any{"name": "chaos"},
			"spec": map[string]any{"groups": []any{map[string]any{"name": "chaos-shop", "interval": "15s", "rules": []any{map[string]any{
				"record": "workload:chaos:active",
				"expr":   "(((minute() + 30) % 60 < 30)) * 0 + 1",
				"labels": map[string]any{"namespace": "shop", "workload": "shop", "fault": "PacketLoss", "target": "web-svc"},
			}}}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chaos: -want, +got:\n%s", diff)
	}

	meshed := running(t, of(v1alpha1.AppEmojivoto, func(c *v1alpha1.Workload) { c.Spec.MeshInjection = v1alpha1.MeshInjectionEnabled }, found("", v1alpha1.CapabilityMesh)))
	an, _, _ := unstructured.NestedStringMap(meshed.Resources["app"].Object, "spec", "namespaceAnnotations")
	if diff := cmp.Diff(map[string]string{"linkerd.io/inject": "enabled"}, an); diff != "" {
		t.Errorf("the mesh: -want, +got:\n%s", diff)
	}
}
