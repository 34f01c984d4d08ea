// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"maps"
	"math/rand"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// born is when the claims of these tests are created.
var born = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// at sets both clocks.
func at(s *Simulation, now time.Time) { s.Now, s.ServerNow = now, now }

// set a field of a claim's spec and apply it.
func set(t *testing.T, s *Simulation, claim *unstructured.Unstructured, field string, v any) {
	t.Helper()
	if v == nil {
		unstructured.RemoveNestedField(claim.Object, "spec", field)
	} else if err := unstructured.SetNestedField(claim.Object, v, "spec", field); err != nil {
		t.Fatal(err)
	}
	s.Apply(claim)
}

// depth of an object's layer in a platform: what is above goes first.
func depths(s *Simulation) map[key]int {
	out := map[key]int{}
	var walk func(k key, d int)
	walk = func(k key, d int) {
		out[k] = d
		for _, c := range s.children[k] {
			walk(c, d)
		}
	}
	for name, k := range s.children[s.roots[0]] {
		switch {
		case strings.HasPrefix(name, "workload-"):
			walk(k, 3)
		case name == "stack":
			walk(k, 2)
		default:
			walk(k, 1)
		}
	}
	return out
}

// inOrder proves that nothing is on its way out while something above it is
// there.
func inOrder(t *testing.T, s *Simulation, depth map[key]int) {
	t.Helper()
	for going := range s.dying {
		for there := range s.objects {
			if depth[there] > depth[going] && depth[going] > 0 {
				t.Fatalf("%s %s goes while %s %s is there", going.kind, going.name, there.kind, there.name)
			}
		}
	}
}

// without what a lifetime leaves in a claim that has come back.
func without(all map[string]any) map[string]any {
	out := map[string]any{}
	for name, o := range all {
		m := (&unstructured.Unstructured{Object: o.(map[string]any)}).DeepCopy().Object
		if strings.HasPrefix(name, v1alpha1.ObservabilityPlatformKind) {
			spec, _ := m["spec"].(map[string]any)
			delete(spec, "lifetime")
			delete(spec, "state")
			delete(m, "metadata")
			status, _ := m["status"].(map[string]any)
			delete(status, "expirationTime")
			delete(status, "pendingDeletion")
			status["conditions"] = slices.DeleteFunc(status["conditions"].([]any), func(c any) bool {
				typ := c.(map[string]any)["type"]
				return typ == "Expired" || typ == "TornDown"
			})
		}
		out[name] = m
	}
	return out
}

// lingering keeps what is deleted for a random while.
func lingering(r *rand.Rand) func(*unstructured.Unstructured) bool {
	return func(*unstructured.Unstructured) bool { return chance(r, 0.6) }
}

// TestLifetime takes random claims through wrong clocks, the end of their
// lifetime or suspension, and back.
func TestLifetime(t *testing.T) {
	forClaims(t, func(t *testing.T, r *rand.Rand, claim *unstructured.Unstructured) { //nolint:thelper // It is the test.
		calm := start(t, everyone, claim)
		converge(t, calm)
		want := without(everything(calm))

		s := start(t, everyone, claim)
		at(s, born)
		s.Linger = lingering(r)
		s.Torn = func() bool { return chance(r, 0.1) }
		suspend := chance(r, 0.3)
		if !suspend {
			set(t, s, claim, "lifetime", "1h")
		}

		// One clock alone ends nothing, however wrong it is, and whatever happens.
		for range r.Intn(30) {
			before := composition(s)
			s.ServerNow = s.ServerNow.Add(time.Duration(r.Intn(100)) * time.Second)
			s.Now = s.ServerNow.Add(time.Duration(r.Intn(7200)-1800) * time.Second)
			if chance(r, 0.3) {
				s.Disturb = disturber(r)
			}
			round(t, s)
			s.Disturb = nil
			kept(t, before, composition(s))
			if t.Failed() {
				t.Fatalf("%s after its creation", s.ServerNow.Sub(born))
			}
		}
		depth := depths(s)

		// Both clocks say so. It may come back at any time.
		for n := range 3 {
			if suspend {
				set(t, s, claim, "state", "TornDown")
			} else {
				at(s, born.Add(time.Duration(n+1)*time.Hour))
			}
			for range r.Intn(40) {
				if chance(r, 0.3) {
					// A clock that goes back brings nothing back.
					s.Now = born
				}
				maps.Copy(depth, depths(s))
				round(t, s)
				inOrder(t, s, depth)
			}
			s.Now = s.ServerNow
			if chance(r, 0.5) {
				settleDown(t, s, depth)
			}
			if suspend {
				set(t, s, claim, "state", pick(r, []any{nil, "Running"}))
			} else {
				set(t, s, claim, "lifetime", pick(r, []any{nil, fmt.Sprintf("%dh", n+2)}))
			}
			if chance(r, 0.5) {
				torn := s.Torn
				s.Torn = nil
				converge(t, s)
				s.Torn = torn
				if diff := cmp.Diff(want, without(everything(s))); diff != "" {
					t.Fatalf("it came back as something else: -before, +after:\n%s", diff)
				}
			}
			if !suspend {
				set(t, s, claim, "lifetime", fmt.Sprintf("%dh", n+2))
			}
		}
	})
}

func round(t *testing.T, s *Simulation) {
	t.Helper()
	if _, err := s.Reconcile(); err != nil {
		t.Fatal(err)
	}
}

// settleDown runs until nothing is left but the claim, which says so.
func settleDown(t *testing.T, s *Simulation, depth map[key]int) {
	t.Helper()
	for n := 0; ; n++ {
		if n > 1 && len(s.objects) == 1 {
			break
		}
		if n == MaxRounds {
			t.Fatalf("after %d rounds there are still %d objects: %v", n, len(s.objects), slices.Collect(maps.Keys(s.objects)))
		}
		maps.Copy(depth, depths(s))
		round(t, s)
		inOrder(t, s, depth)
	}
	torn := s.Torn
	s.Torn = nil
	converge(t, s)
	s.Torn = torn
	xr := s.objects[s.roots[0]]
	phase, _, _ := unstructured.NestedString(xr.Object, "status", "phase")
	expired, tornDown := compose.GetCondition(xr, "Expired"), compose.GetCondition(xr, "TornDown")
	if phase != "TornDown" || (expired.Reason != "Deleted" && tornDown.Reason != "Deleted") || compose.IsReady(xr) {
		t.Errorf("nothing is left, and the claim says phase %s, Expired %v, TornDown %v", phase, expired, tornDown)
	}
}

// TestWrongClock proves that a claim ends when the API server's clock says so,
// however far ahead the function's is, and how seldom it asks.
func TestWrongClock(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Second, 7 * time.Minute, 5 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			claim := read(t, filepath.Join("..", "..", "examples", "existing.yaml"))[0]
			s := start(t, everyone, claim)
			at(s, born)
			set(t, s, claim, "lifetime", "1h")
			var run Run
			writes, runs, last := 0, 0, ""
			s.Watch = func(r Run) {
				if r.Request.XR.GetKind() != v1alpha1.ObservabilityPlatformKind {
					return
				}
				run = r
				runs++
				at, _, _ := unstructured.NestedString(r.Status, "clockCheckTime")
				if at != last && at != "" {
					writes++
				}
				last = at
			}
			s.Now = born.Add(ahead)
			converge(t, s)
			runs = 0
			for s.ServerNow.Before(born.Add(2 * time.Hour)) {
				s.ServerNow = s.ServerNow.Add(run.Result.RequeueAfter)
				s.Now = s.ServerNow.Add(ahead)
				if _, err := s.Converge(); err != nil {
					t.Fatal(err)
				}
				if compose.GetCondition(s.objects[s.roots[0]], "Expired").Status == "True" {
					break
				}
			}
			late := s.ServerNow.Sub(born.Add(time.Hour))
			t.Logf("a clock %s ahead: ended %s after its time, with %d questions to the API server and %d runs", ahead, late, writes, runs)
			if late < 0 || late > askedAtMost {
				t.Errorf("ended %s after its time, want from 0 to %s", late, askedAtMost)
			}
			if writes > 3 {
				t.Errorf("asked the API server %d times, want at most 3", writes)
			}
		})
	}
}

// askedAtMost is how late an end may be if the function's clock is ahead.
const askedAtMost = 2 * time.Second

// TestDown shows a teardown at the end of a lifetime, round by round: what goes
// and what the claim says.
func TestDown(t *testing.T) {
	got := map[string]string{}
	for _, name := range []string{"existing", "eks"} {
		claim := read(t, filepath.Join("..", "..", "examples", name+".yaml"))[0]
		s := start(t, everyone, claim)
		at(s, born)
		set(t, s, claim, "lifetime", "4h")
		converge(t, s)
		// Everything takes a round to go.
		seen := map[key]bool{}
		s.Linger = func(o *unstructured.Unstructured) bool {
			was := seen[keyOf(o)]
			seen[keyOf(o)] = true
			return !was
		}
		at(s, born.Add(4*time.Hour))
		b := &strings.Builder{}
		for n := 1; n < MaxRounds; n++ {
			before := maps.Clone(s.objects)
			changed, err := s.Reconcile()
			if err != nil {
				t.Fatal(err)
			}
			gone := map[string]int{}
			for k := range before {
				if s.objects[k] == nil {
					gone[k.kind]++
				}
			}
			for _, kind := range slices.Sorted(maps.Keys(gone)) {
				fmt.Fprintf(b, "round %2d: gone: %d %s\n", n, gone[kind], kind)
			}
			if !changed {
				break
			}
			cs, _, _ := unstructured.NestedSlice(s.objects[s.roots[0]].Object, "status", "conditions")
			for _, c := range cs {
				m := c.(map[string]any)
				if m["type"] != "Synced" && m["type"] != "Ready" {
					fmt.Fprintf(b, "round %2d: %v=%v %v %v\n", n, m["type"], m["status"], m["reason"], m["message"])
				}
			}
		}
		if len(s.objects) != 1 {
			t.Errorf("%s: %d objects are left, want the claim only", name, len(s.objects))
		}
		got[name+".txt"] = b.String()
	}
	golden(t, filepath.Join("testdata", "lifetime"), got)
}
