// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var (
	kills = flag.Int("kills", 12, "How many processes the kill test kills.")
	seed  = flag.Int64("seed", 1, "Seed of the kill test.")
	scale = flag.String("scale", "1,5", "Numbers of claims of the scale test.")
	// All at once they wait for the control plane and for nothing else.
	atOnce = flag.Int("at-once", 10, "How many claims of the scale test may be on their way at the same time.")
	// The fewer resources a cluster is made of, the sooner many are there.
	scaleOn = flag.String("scale-on", "eks", "Example with the cluster that the scale test claims.")
)

// A victim is killed, all of its processes at once.
type victim []string

func victims() []victim {
	return []victim{
		{"function"},
		{"crossplane"},
		{"provider-helm"},
		{"provider-kubernetes"},
		{"controller-manager"},
		{"etcd", "apiserver", "remote-apiserver"},
	}
}

// A killer kills processes at random moments, and brings each back after a while.
type killer struct {
	r *rand.Rand

	// mu is held while processes are killed or started.
	mu sync.Mutex
	// killed counts kills, by the first process of the victim.
	killed map[string]int
	// gaveUp counts processes that ended by themselves.
	gaveUp map[string]int
}

// newKiller prepares one, which also starts again what ends by itself, as a kubelet
// does: a provider that finds no API server when it starts gives up.
func newKiller(t *testing.T) *killer {
	t.Helper()
	k := &killer{r: rand.New(rand.NewSource(*seed)), killed: map[string]int{}, gaveUp: map[string]int{}}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case exit := <-w.cp.Exits():
				if err := k.revive(ctx, exit.Name); err != nil {
					t.Error(err)
				}
			}
		}
	})
	t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	return k
}

// revive starts a process that ended by itself, after a moment.
func (k *killer) revive(ctx context.Context, process string) error {
	time.Sleep(time.Second)
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, runs := w.cp.PID(process); runs || ctx.Err() != nil {
		return nil
	}
	k.gaveUp[process]++
	return w.cp.Restart(context.WithoutCancel(ctx), process)
}

// strike kills a victim, and brings it back after a while.
func (k *killer) strike(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	v := victims()[k.r.Intn(len(victims()))]
	for _, p := range v {
		if err := w.cp.Kill(p); err != nil {
			return err
		}
	}
	time.Sleep(time.Duration(k.r.Intn(1500)) * time.Millisecond)
	for _, p := range v {
		if err := w.cp.Restart(ctx, p); err != nil {
			return err
		}
	}
	k.killed[v[0]]++
	return nil
}

// during kills n times while f runs, and goes on after f if need be. f may not
// fail the test before the killing is over.
func (k *killer) during(t *testing.T, n int, f func() error) {
	t.Helper()
	var wg sync.WaitGroup
	var failed error
	wg.Go(func() { failed = f() })
	for range n {
		time.Sleep(time.Duration(k.r.Intn(4000)) * time.Millisecond)
		if err := k.strike(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if failed != nil {
		t.Fatal(failed)
	}
}

// change applies an object, again and again while the API server is not there.
func change(o *unstructured.Unstructured) error {
	var err error
	for start := time.Now(); time.Since(start) < hang; time.Sleep(500 * time.Millisecond) {
		if err = w.management.Apply(context.Background(), o); err == nil {
			return nil
		}
	}
	return err
}

// TestKill takes claims through their lives while processes are killed: provision,
// change, a steady state, suspension, the way back, deletion. In the end of each
// phase there is what there would have been: nothing twice, nothing left over,
// and nothing gone that was wanted.
func TestKill(t *testing.T) {
	platform := ours("ObservabilityPlatform")
	// Helm that was interrupted twice goes on only when an attempt would be over.
	const phases, limit = 6, 4 * hang
	each := (*kills + phases - 1) / phases
	t.Logf("seed %d, %d kills in each of %d phases", *seed, each, phases)
	t.Cleanup(func() { clean(t) })
	onFailure(t)
	k := newKiller(t)
	start := time.Now()
	converged := func(phase string, f func()) {
		start := time.Now()
		f()
		measured(t, fmt.Sprintf("%s after %d kills: converged", phase, each), time.Since(start), 0)
	}

	o := example(t, "existing.yaml")
	k.during(t, each, func() error { return change(o) })
	converged("provision", func() { readyWithin(t, limit, platform, "demo") })
	checkRemote(t)

	before := uids(t)
	k.during(t, each, func() error { return nil })
	converged("steady state", func() { works(t, "demo") })
	wanted(t, before, uids(t))

	changed := o.DeepCopy()
	if err := unstructured.SetNestedField(changed.Object, map[string]any{"replicaCount": int64(2)}, "spec", "stack", "components"); err == nil {
		components := []any{map[string]any{"name": "cert-manager", "values": map[string]any{"replicaCount": int64(2)}}}
		_ = unstructured.SetNestedSlice(changed.Object, components, "spec", "stack", "components")
	}
	k.during(t, each, func() error { return change(changed) })
	converged("change", func() {
		eventually(t, limit, "the change is on the cluster", func() (bool, string) {
			got := releaseValues(t, "cert-manager")
			return strings.Contains(got, `"replicaCount":2`), got
		})
		works(t, "demo")
	})
	wanted(t, before, uids(t))

	tornDown := changed.DeepCopy()
	_ = unstructured.SetNestedField(tornDown.Object, "TornDown", "spec", "state")
	k.during(t, each, func() error { return change(tornDown) })
	converged("suspension", func() { down(t, "demo") })

	_ = unstructured.SetNestedField(tornDown.Object, "Running", "spec", "state")
	k.during(t, each, func() error { return change(tornDown) })
	converged("the way back", func() { readyWithin(t, limit, platform, "demo") })
	checkRemote(t)

	k.during(t, each, func() error {
		var err error
		for start := time.Now(); time.Since(start) < hang; time.Sleep(500 * time.Millisecond) {
			if err = deleteObject(context.Background(), o, background); err == nil {
				return nil
			}
		}
		return err
	})
	converged("deletion", func() {
		eventually(t, 2*hang, "nothing left", func() (bool, string) {
			left := leftovers(context.Background(), "")
			return len(left) == 0, strings.Join(left, ", ")
		})
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	t.Logf("%d kills in %s: %v; ended by themselves: %v", phases*each, time.Since(start).Round(time.Second), k.killed, k.gaveUp)
}

// uids of everything that a claim consists of, less what comes and goes by
// itself.
func uids(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, k := range kinds() {
		if k.Kind == "ProviderConfigUsage" {
			continue
		}
		objs, err := w.management.List(t.Context(), k, namespace)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objs {
			out[k.Group+" "+k.Kind+" "+o.GetName()] = string(o.GetUID())
		}
	}
	return out
}

// wanted proves that nothing was deleted or made again, and nothing was added.
func wanted(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name, uid := range before {
		if after[name] != uid {
			t.Errorf("%s was deleted although it was wanted", name)
		}
	}
	for name := range after {
		if before[name] == "" {
			t.Errorf("%s was added although nobody asked for it", name)
		}
	}
}

// numbers reads numbers that are separated by commas.
func numbers(t *testing.T, text string) []int {
	t.Helper()
	var out []int
	for s := range strings.SplitSeq(text, ",") {
		n := 0
		if _, err := fmt.Sscan(s, &n); err != nil {
			t.Fatalf("cannot read %q: %v", text, err)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
