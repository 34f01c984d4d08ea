// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestWorkloads brings up a platform with three workloads, whose charts are our
// own and real: a game, an application without a chart, and load generators of ours for a
// third. It removes one, which touches none of the others.
func TestWorkloads(t *testing.T) {
	platform := ours("ObservabilityPlatform")
	o := example(t, "game.yaml")
	name := o.GetName()
	workloads, _, err := unstructured.NestedSlice(o.Object, "spec", "workloads")
	if err != nil || len(workloads) != 1 {
		t.Fatalf("want one game in the example, got %v, %v", workloads, err)
	}
	game := workloads[0]
	with := func(ws ...any) {
		t.Helper()
		if err := unstructured.SetNestedSlice(o.Object, ws, "spec", "workloads"); err != nil {
			t.Fatal(err)
		}
	}
	votes := map[string]any{"name": "votes", "app": "emojivoto", "deployer": "Helm"}
	web := map[string]any{"name": "web", "app": "podinfo", "deployer": "Helm", "load": map[string]any{"users": int64(3)}}
	with(game, votes, web)
	claim(t, o)
	measured(t, "a platform with three workloads Ready after kubectl apply", ready(t, platform, name), 0)
	t.Log("\n" + kubectl(t, "-n", namespace, "get", "workloads,components"))

	before := deployments(t)
	for _, want := range []string{"shop/frontend", "shop/stock", "shop/payment", "shop/visitors", "votes/web-svc", "votes/vote-bot", "web/load"} {
		if before[want] == "" {
			t.Errorf("there is no Deployment %s on the cluster; there are %v", want, slices.Sorted(maps.Keys(before)))
		}
	}

	with(game, votes)
	apply(t, o)
	took := eventually(t, hang, "the namespace of the workload that left is gone", func() (bool, string) {
		for d := range deployments(t) {
			if strings.HasPrefix(d, "web/") {
				return false, d
			}
		}
		objs, err := remoteObjects(t.Context())
		return err == nil && !objs["remote Namespace /web"], "namespace web"
	})
	t.Logf("gone after %s", took.Round(100*time.Millisecond))
	works(t, name)
	maps.DeleteFunc(before, func(d, _ string) bool { return strings.HasPrefix(d, "web/") })
	if diff := cmp.Diff(before, deployments(t)); diff != "" {
		t.Errorf("Deployments of others, by name and UID: -before, +after:\n%s", diff)
	}

	// A game that cannot be played any more touches nothing that runs.
	broken, _ := game.(map[string]any)
	broken = (&unstructured.Unstructured{Object: broken}).DeepCopy().Object
	services, _, _ := unstructured.NestedSlice(broken, "game", "services")
	if err := unstructured.SetNestedSlice(broken, services[1:], "game", "services"); err != nil {
		t.Fatal(err)
	}
	with(broken, votes)
	apply(t, o)
	says(t, platform, name, "WorkloadsReady", "False", "The game cannot be played", `there is no service "frontend"`)
	if diff := cmp.Diff(before, deployments(t)); diff != "" {
		t.Errorf("Deployments: -before, +after:\n%s", diff)
	}
	with(game, votes)
	apply(t, o)
	works(t, name)
	remove(t, background, 0, o)
}

// deployments of workloads on the cluster, by namespace and name, with their UIDs.
func deployments(t *testing.T) map[string]string {
	t.Helper()
	objs, err := w.remote.List(t.Context(), schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range objs {
		if ns := o.GetNamespace(); ns == "shop" || ns == "votes" || ns == "web" {
			out[ns+"/"+o.GetName()] = string(o.GetUID())
		}
	}
	return out
}
