// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestScale claims ever more clusters at once: the largest there is, on EKS, where
// clouds are simulated, and else ones that exist. Growth per claim should be flat.
// No name comes twice: Crossplane deletes what was protected once more, by its name,
// two seconds after its Usage is gone.
func TestScale(t *testing.T) {
	what, one := "clusters that exist", parse(t, `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: scale}
spec: {provider: Existing, existing: {kubeconfigSecretRef: {name: remote-kubeconfig}}}
`)
	if w.cp.Clouds() != nil {
		what, one = "clusters on EKS, SIMULATED", cloudCluster(t, "eks")
	}
	t.Cleanup(func() { clean(t) })
	onFailure(t)
	table := fmt.Sprintf("%-28s %6s %10s %10s %12s %12s %8s %9s %9s\n", what, "claims", "composed", "all Ready", "runs/claim", "API/claim", "RSS MiB", "breakers", "gone")
	processors := fmt.Sprintf("%-28s %6s", "processor seconds per claim", "claims")
	for _, p := range busiest() {
		processors += fmt.Sprintf(" %12.12s", cmp.Or(p, "clouds, test"))
	}
	processors += "\n"
	// What was measured is told even if what follows fails.
	t.Cleanup(func() { t.Log("\n" + table + "\n" + processors) })
	for _, n := range numbers(t, *scale) {
		limit := hang + time.Duration(n)*3*time.Second
		opens, runs, requests, busy := breakerOpens(t), functionRuns(t), apiRequests(t), processorTime()
		start := time.Now()
		for i := range n {
			o := one.DeepCopy()
			o.SetName(fmt.Sprintf("scale-%d-%d", n, i))
			apply(t, o)
		}
		count := func(f func(o *unstructured.Unstructured) bool) int {
			// To look more often would be a load of its own.
			time.Sleep(2 * time.Second)
			all, err := w.management.List(t.Context(), ours("KubernetesCluster"), namespace)
			if err != nil {
				return 0
			}
			m := 0
			for _, o := range all {
				if f(&o) {
					m++
				}
			}
			return m
		}
		composed := eventually(t, limit, "all composed", func() (bool, string) {
			m := count(func(o *unstructured.Unstructured) bool {
				refs, _, _ := unstructured.NestedSlice(o.Object, "spec", "crossplane", "resourceRefs")
				return len(refs) > 0
			})
			return m == n, fmt.Sprintf("%d of %d", m, n)
		})
		eventually(t, limit, "all Ready", func() (bool, string) {
			m := count(func(o *unstructured.Unstructured) bool { return !readyAt(o).IsZero() && isReady(o) })
			return m == n, fmt.Sprintf("%d of %d", m, n)
		})
		allReady := time.Since(start)
		perClaim := func(f float64) string { return fmt.Sprintf("%.0f", f/float64(n)) }
		row := fmt.Sprintf("%-28s %6d %10s %10s %12s %12s %8.1f %9.0f", "", n, composed.Round(100*time.Millisecond), allReady.Round(100*time.Millisecond),
			perClaim(functionRuns(t)-runs), perClaim(apiRequests(t)-requests), resident(t, "function"), breakerOpens(t)-opens)
		processors += fmt.Sprintf("%-28s %6d", "", n)
		for p, s := range processorTime() {
			processors += fmt.Sprintf(" %12.1f", (s-busy[p])/float64(n))
		}
		processors += "\n"
		if got := breakerOpens(t) - opens; got != 0 {
			t.Errorf("circuit_breaker_opens_total rose by %v with the burst that our install sets, want 0", got)
		}
		start = time.Now()
		for i := range n {
			o := one.DeepCopy()
			o.SetName(fmt.Sprintf("scale-%d-%d", n, i))
			if err := deleteObject(t.Context(), o, background); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, limit, "nothing left", func() (bool, string) {
			time.Sleep(2 * time.Second)
			left := leftovers(t.Context(), "")
			return len(left) == 0, fmt.Sprintf("%d objects", len(left))
		})
		table += fmt.Sprintf("%s %9s\n", row, time.Since(start).Round(100*time.Millisecond))
	}
}

// busiest are the processes that share the work of claims on simulated clouds. The
// last is this one, which plays the clouds.
func busiest() []string {
	return []string{"function", "crossplane", "apiserver", "etcd", "controller-manager", "provider-kubernetes", "provider-helm", ""}
}

// processorTime is how many seconds each of them has computed so far.
func processorTime() []float64 {
	var out []float64
	for _, p := range busiest() {
		pid := os.Getpid()
		if p != "" {
			pid, _ = w.cp.PID(p)
		}
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// Behind the name in brackets, the 12th and 13th are hundredths of a second.
		_, rest, _ := strings.Cut(string(raw), ") ")
		fields, sum := strings.Fields(rest), 0.0
		for i := 11; i <= 12 && i < len(fields); i++ {
			ticks, _ := strconv.ParseFloat(fields[i], 64)
			sum += ticks / 100
		}
		out = append(out, sum)
	}
	return out
}

func isReady(o *unstructured.Unstructured) bool {
	cs, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range cs {
		if m, _ := c.(map[string]any); m["type"] == "Ready" {
			return m["status"] == "True"
		}
	}
	return false
}

// apiRequests is how many requests the management cluster's API server has had.
func apiRequests(t *testing.T) float64 {
	t.Helper()
	raw, err := w.management.Raw(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	s := bufio.NewScanner(strings.NewReader(string(raw)))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if strings.HasPrefix(s.Text(), "apiserver_request_total{") {
			fields := strings.Fields(s.Text())
			v, _ := strconv.ParseFloat(fields[len(fields)-1], 64)
			sum += v
		}
	}
	return sum
}

// resident memory of a process, in MiB.
func resident(t *testing.T, process string) float64 {
	t.Helper()
	pid, ok := w.cp.PID(process)
	if !ok {
		t.Fatalf("%s does not run", process)
	}
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
