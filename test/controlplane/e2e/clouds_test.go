package e2e

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestClouds makes a platform in each cloud and takes it down again. The clouds
// are SIMULATED: see internal/cloud for what they refuse.
func TestClouds(t *testing.T) {
	clouds := w.cp.Clouds()
	if clouds == nil {
		t.Skip("SKIPPED: no CRDs of clouds are collected, so clusters in clouds were NOT tested on a control plane")
	}
	for _, cascade := range []metav1.DeletionPropagation{metav1.DeletePropagationBackground, metav1.DeletePropagationForeground} {
		for _, provider := range []string{"eks", "aks", "gke"} {
			if _, err := os.Stat(filepath.Join("..", "..", "..", "examples", provider+".yaml")); err != nil {
				continue
			}
			if cascade == metav1.DeletePropagationBackground {
				t.Run(provider+"/"+string(cascade), func(t *testing.T) { cloud(t, provider, cascade, 0) })
				continue
			}
			// Once is enough to see that the other cascade keeps the same order, and
			// that the largest cluster is not late without our install's burst.
			if provider != "eks" {
				continue
			}
			t.Run(provider+"/"+string(cascade), func(t *testing.T) {
				if err := w.cp.Restart(t.Context(), "crossplane", "--circuit-breaker-burst=100"); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := w.cp.Restart(context.Background(), "crossplane", "--circuit-breaker-burst=1000"); err != nil {
						t.Error(err)
					}
				})
				cloud(t, provider, cascade, math.Inf(1))
			})
		}
	}
}

// cloud makes a platform and takes it down; breakers may open so many times.
func cloud(t *testing.T, provider string, cascade metav1.DeletionPropagation, breakers float64) {
	t.Helper()
	onFailure(t)
	clouds := w.cp.Clouds()
	t.Cleanup(func() {
		if t.Failed() {
			showCloud(t)
		}
	})
	violations := len(clouds.Violations())
	opens := breakerOpens(t)
	before := take(t)
	apply(t, example(t, provider+".yaml"))
	t.Logf("claim Ready after %s in the SIMULATED cloud", ready(t, ours("ObservabilityPlatform"), "demo", long).Round(100*time.Millisecond))
	t.Logf("things in the SIMULATED cloud:\n%s", strings.Join(clouds.Things(), "\n"))
	if got := breakerOpens(t) - opens; got > breakers {
		t.Errorf("circuit_breaker_opens_total rose by %v, want at most %v", got, breakers)
	}
	xr := only(t, ours("KubernetesCluster"), "demo")
	if late := readyAt(xr).Sub(lastChild(t, xr)); late > 15*time.Second {
		t.Errorf("the cluster was Ready %s after its last composed resource, want at most 15s", late)
	}

	refusals := len(clouds.Refusals())
	took := remove(t, ours("ObservabilityPlatform"), "demo", cascade, before, 2*foreground)
	eventually(t, time.Minute, "nothing left in the cloud", func() (bool, string) {
		left := append(managed(t), clouds.Things()...)
		return len(left) == 0, strings.Join(left, ", ")
	})
	t.Logf("nothing left %s after kubectl delete", took.Round(100*time.Millisecond))
	for _, r := range clouds.Refusals()[refusals:] {
		t.Logf("the SIMULATED cloud refused: %s", r)
	}
	for _, v := range clouds.Violations()[violations:] {
		t.Errorf("wrong order: %s", v)
	}
}

// managed resources of clouds that exist, deleted ones among them.
func managed(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, k := range cloudKinds(t) {
		objs, err := w.management.List(context.WithoutCancel(t.Context()), k, "")
		if err != nil {
			out = append(out, err.Error())
		}
		for _, o := range objs {
			out = append(out, k.Kind+"/"+o.GetName())
		}
	}
	return out
}

// cloudKinds are the kinds of clouds that are installed.
func cloudKinds(t *testing.T) []schema.GroupVersionKind {
	t.Helper()
	crds, err := w.management.List(context.WithoutCancel(t.Context()), schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, "")
	if err != nil {
		t.Fatal(err)
	}
	var out []schema.GroupVersionKind
	for _, crd := range crds {
		spec, _ := crd.Object["spec"].(map[string]any)
		group, _ := spec["group"].(string)
		if !strings.HasSuffix(group, ".m.upbound.io") {
			continue
		}
		names, _ := spec["names"].(map[string]any)
		kind, _ := names["kind"].(string)
		versions, _ := spec["versions"].([]any)
		last, _ := versions[len(versions)-1].(map[string]any)
		version, _ := last["name"].(string)
		out = append(out, schema.GroupVersionKind{Group: group, Version: version, Kind: kind})
	}
	return out
}

// showCloud shows how things stand in the cloud.
func showCloud(t *testing.T) {
	t.Helper()
	for _, k := range cloudKinds(t) {
		objs, _ := w.management.List(context.Background(), k, "")
		for _, o := range objs {
			t.Logf("%s %s deleted=%v finalizers=%v%s", o.GetKind(), o.GetName(), o.GetDeletionTimestamp(), o.GetFinalizers(), conditions(&o))
		}
	}
	for _, r := range w.cp.Clouds().Refusals() {
		t.Logf("refused: %s", r)
	}
	for _, thing := range w.cp.Clouds().Things() {
		t.Logf("there is: %s", thing)
	}
}
