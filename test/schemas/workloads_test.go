// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/workload"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestWorkloads judges every application of the catalog with everything that it
// can find on a cluster and that a team can ask for: the Components that it
// becomes, and their values by the charts' own.
func TestWorkloads(t *testing.T) {
	set, charts := load(t, installed()...), newShelf(t)
	entries, err := workload.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	everything := v1alpha1.WorkloadEnvironment{
		OTLPHost:     "collector-agent.collector-agent",
		Capabilities: []v1alpha1.Capability{v1alpha1.CapabilityChaosMesh, v1alpha1.CapabilityMesh, v1alpha1.CapabilityPrometheus},
	}
	for name, app := range entries {
		if app.Unavailable != "" {
			continue
		}
		for _, users := range []int64{0, 7} {
			w := &v1alpha1.Workload{}
			w.APIVersion, w.Kind = v1alpha1.APIVersion, v1alpha1.WorkloadKind
			w.Namespace, w.Name = "team-a", "shop"
			w.Spec.App, w.Spec.ClusterRef.Name, w.Spec.MeshInjection, w.Spec.Environment = v1alpha1.App(name), "demo", v1alpha1.MeshInjectionEnabled, everything
			w.Spec.Environment.Architecture = v1alpha1.ArchitectureARM64
			if len(app.Architectures) > 0 {
				w.Spec.Environment.Architecture = app.Architectures[0]
			}
			targets := app.Targets.Names
			if w.Spec.App == v1alpha1.AppGame {
				w.Spec.Game = &language.Game{Services: []language.Service{{Name: "web"}}}
				targets = []string{"web"}
			} else {
				w.Spec.Load = &v1alpha1.Load{Users: users}
			}
			for _, f := range []v1alpha1.Fault{v1alpha1.FaultPodKill, v1alpha1.FaultNetworkLatency, v1alpha1.FaultPacketLoss, v1alpha1.FaultCPUStress} {
				w.Spec.Chaos = append(w.Spec.Chaos, v1alpha1.ChaosWindow{Schedule: "30 8-17 * * 1-5", Duration: "30m", Fault: f, Target: targets[0]})
			}
			for _, f := range app.Flags {
				w.Spec.Chaos = append(w.Spec.Chaos, v1alpha1.ChaosWindow{Schedule: "*/20 * * * *", Duration: "5m", Fault: v1alpha1.FaultFeatureFlag, Target: f})
			}
			t.Run(name, func(t *testing.T) { judgeWorkload(t, set, charts, w) })
		}
	}
}

// judgeWorkload judges what a workload becomes once its application works.
func judgeWorkload(t *testing.T, set *Set, charts *chartShelf, w *v1alpha1.Workload) {
	t.Helper()
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(w)
	if err != nil {
		t.Fatal(err)
	}
	world := compose.Request{XR: &unstructured.Unstructured{Object: m}, Observed: map[string]*unstructured.Unstructured{"app": ready()}}
	for _, err := range set.Validate(t.Context(), m) {
		t.Error(err)
	}
	res, err := compose.Run(world, compose.For(workload.Compose))
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Resources) < 2 {
		t.Fatalf("want the application and chaos at least, got %v: %v", res.Resources, res.Conditions)
	}
	for name, d := range res.Resources {
		o := &unstructured.Unstructured{Object: d.Object}
		for _, err := range set.Validate(t.Context(), o.Object) {
			t.Errorf("%s: %v", name, err)
		}
		c, values, err := charts.of(o)
		if err != nil {
			t.Fatal(err)
		}
		judgeManifests(t, set, o, values)
		if c == nil {
			continue
		}
		errs, _ := c.Check(values, free())
		for _, err := range errs {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// ready is something that is Ready.
func ready() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.APIVersion, "kind": v1alpha1.ComponentKind, "metadata": map[string]any{"name": "app", "namespace": "team-a"},
		"spec": map[string]any{"deployer": "Helm"},
		"status": map[string]any{"conditions": []any{
			map[string]any{"type": "Ready", "status": "True", "reason": "Available"}, map[string]any{"type": "Synced", "status": "True", "reason": "ReconcileSuccess"},
		}},
	}}
}
