// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// patch changes a claim as kubectl patch does.
func patch(t *testing.T, name, spec string) {
	t.Helper()
	kubectl(t, "-n", namespace, "patch", "observabilityplatform", name, "--type=merge", "-p", `{"spec":`+spec+`}`)
}

// endsIn gives a claim a lifetime that is over in d, and returns when that is.
func endsIn(t *testing.T, name string, d time.Duration) time.Time {
	t.Helper()
	created := get(t, ours("ObservabilityPlatform"), name).GetCreationTimestamp()
	lifetime := max(time.Minute, time.Since(created.Time)+d).Round(time.Second)
	patch(t, name, fmt.Sprintf(`{"lifetime":"%ds"}`, int(lifetime.Seconds())))
	return created.Add(lifetime)
}

// down waits until nothing is left of a claim but itself, and returns what went
// in which order.
func down(t *testing.T, name string) ([]string, time.Duration) {
	t.Helper()
	var order []string
	there := leftovers(t.Context(), "")
	claim := "ObservabilityPlatform/" + name
	took := eventually(t, 2*hang, "nothing left but the claim", func() (bool, string) {
		left := leftovers(t.Context(), "")
		gone := slices.DeleteFunc(there, func(o string) bool { return slices.Contains(left, o) })
		// Of what went between two looks nobody knows the order.
		slices.SortStableFunc(gone, func(a, b string) int { return layer(a) - layer(b) })
		order = append(order, gone...)
		there = left
		return slices.Equal(left, []string{claim}), strings.Join(left, ", ")
	})
	says(t, ours("ObservabilityPlatform"), name, "Ready", "False")
	return order, took
}

// inLayers proves that the workload's release went before those of the stack, and
// all of them before the way to the cluster.
func inLayers(t *testing.T, order []string) {
	t.Helper()
	last, seen := 0, map[int]bool{}
	for _, o := range order {
		n := layer(o)
		if n < 0 {
			continue
		}
		seen[n] = true
		if n < last {
			t.Errorf("%s went too late: %s", o, strings.Join(order, ", "))
		}
		last = n
	}
	if len(seen) != 3 {
		t.Errorf("of three layers %d were seen to go: %s", len(seen), strings.Join(order, ", "))
	}
}

// layer of the teardown in which something goes; -1 for what may go in any.
func layer(o string) int {
	switch {
	case strings.HasPrefix(o, "Release/demo-workload-"):
		return 0
	case strings.HasPrefix(o, "Release/demo-stack-"):
		return 1
	case strings.HasPrefix(o, "ProviderConfig/"):
		return 2
	}
	return -1
}

// TestLifetime takes a platform through the end of its lifetime, back in the
// middle of it, through a suspension, and through an end that nobody is awake
// for. What is deleted in the end is an expired claim.
func TestLifetime(t *testing.T) {
	platform := ours("ObservabilityPlatform")
	o := example(t, "existing.yaml")
	claim(t, o)
	ready(t, platform, "demo")

	due := endsIn(t, "demo", 15*time.Second)
	says(t, platform, "demo", "Expired", "True")
	t.Logf("Expired %s after its time", time.Since(due).Round(100*time.Millisecond))
	if at, _, _ := unstructured.NestedString(get(t, platform, "demo").Object, "status", "expirationTime"); at != due.UTC().Format(time.RFC3339) {
		t.Errorf("expirationTime is %s, want %s", at, due.UTC().Format(time.RFC3339))
	}
	if time.Now().Before(due) {
		t.Error("it ended too early")
	}

	// More time in the middle of it.
	eventually(t, hang, "the workload is gone", func() (bool, string) {
		objs, err := w.management.List(context.WithoutCancel(t.Context()), ours("Workload"), namespace)
		return err == nil && len(objs) == 0, fmt.Sprintf("%d workloads, %v", len(objs), err)
	})
	patch(t, "demo", `{"lifetime":"2h"}`)
	t.Logf("with more time Ready again after %s", ready(t, platform, "demo").Round(time.Second))
	says(t, platform, "demo", "Expired", "False")
	checkRemote(t)

	patch(t, "demo", `{"state":"TornDown"}`)
	order, took := down(t, "demo")
	t.Logf("torn down: nothing left but the claim after %s; order:\n    %s", took.Round(time.Second), strings.Join(order, "\n    "))
	inLayers(t, order)
	says(t, platform, "demo", "TornDown", "True", "Nothing is left")

	patch(t, "demo", `{"state":"Running"}`)
	t.Logf("running again: Ready again after %s", ready(t, platform, "demo").Round(time.Second))

	// Nobody is awake when the lifetime is over.
	endsIn(t, "demo", 10*time.Second)
	says(t, platform, "demo", "Expired", "False")
	for _, p := range []string{"crossplane", "function"} {
		if err := w.cp.Kill(p); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(20 * time.Second)
	for _, p := range []string{"function", "crossplane"} {
		if err := w.cp.Restart(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("expired while the control plane was down: honoured %s after it was back", says(t, platform, "demo", "Expired", "True").Round(100*time.Millisecond))
	_, took = down(t, "demo")
	t.Logf("expired: nothing left but the claim after %s", took.Round(time.Second))
	remove(t, background, time.Minute, o)
}

// TestClusterGoneForGood does what docs/operations.md says when a cluster has
// disappeared for good: nothing of it is left on the management cluster.
func TestClusterGoneForGood(t *testing.T) {
	claim(t, example(t, "existing.yaml"))
	ready(t, ours("ObservabilityPlatform"), "demo")
	if err := w.cp.Kill("remote-apiserver"); err != nil {
		t.Fatal(err)
	}
	// This one comes back, for the tests after this one, with what was on it.
	t.Cleanup(func() {
		if err := w.cp.Restart(context.Background(), "remote-apiserver"); err != nil {
			t.Fatal(err)
		}
		for name, o := range unexpectedObjects(t) {
			if err := deleteOn(context.Background(), w.remote, &o, background); err != nil {
				t.Logf("cannot delete %s: %v", name, err)
			}
		}
	})
	kubectl(t, "-n", namespace, "delete", "observabilityplatform", "demo", "--timeout=30s")
	time.Sleep(20 * time.Second)
	stuck := onManagement(t)
	if len(stuck) == 0 {
		t.Fatal("nothing waits for a cluster that is not there")
	}
	t.Logf("20s after kubectl delete there wait: %s", strings.Join(stuck, ", "))

	// The step that the document gives.
	const leaves = "releases.helm.m.crossplane.io,objects.kubernetes.m.crossplane.io"
	start := time.Now()
	for o := range strings.FieldsSeq(kubectl(t, "-n", namespace, "get", leaves, "-l", "crossplane.io/composite=demo", "-o", "name")) {
		kubectl(t, "-n", namespace, "patch", o, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	}
	eventually(t, hang, "nothing left", func() (bool, string) {
		left := onManagement(t)
		return len(left) == 0, strings.Join(left, ", ")
	})
	measured(t, "nothing left of a cluster that is gone for good", time.Since(start), 2*time.Minute)
}

// onManagement are the objects of claims on the management cluster.
func onManagement(t *testing.T) []string {
	t.Helper()
	var left []string
	for _, k := range kinds() {
		objs, err := w.management.List(t.Context(), k, "")
		if err != nil {
			left = append(left, err.Error())
		}
		for _, o := range objs {
			left = append(left, k.Kind+"/"+o.GetName())
		}
	}
	return left
}

// unexpectedObjects are those on the remote cluster that were not there at the beginning.
func unexpectedObjects(t *testing.T) map[string]unstructured.Unstructured {
	t.Helper()
	out := map[string]unstructured.Unstructured{}
	for _, k := range remoteKinds() {
		objs, err := w.remote.List(context.Background(), k, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objs {
			if name := "remote " + k.Kind + " " + o.GetNamespace() + "/" + o.GetName(); !w.before[name] {
				out[name] = o
			}
		}
	}
	return out
}
