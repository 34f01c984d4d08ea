// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
)

// BenchmarkClouds composes clusters that have converged, the largest of each
// cloud among them. One run may take 2 ms and allocate 1 MB.
func BenchmarkClouds(b *testing.B) {
	for name, w := range worlds(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := compose.Run(w, compose.For(cluster.Compose)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestBudget holds one run to what the benchmark says that it may allocate, and
// says how long the fastest of some took: how long one takes says as much about
// the machine.
func TestBudget(t *testing.T) {
	const (
		runs      = 20
		mostBytes = 1 << 20
		promised  = 2 * time.Millisecond
	)
	for name, w := range worlds(t) {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			fastest := time.Hour
			runtime.ReadMemStats(&before)
			for range runs {
				start := time.Now()
				if _, err := compose.Run(w, compose.For(cluster.Compose)); err != nil {
					t.Fatal(err)
				}
				fastest = min(fastest, time.Since(start))
			}
			runtime.ReadMemStats(&after)
			if got := (after.TotalAlloc - before.TotalAlloc) / runs; got > mostBytes {
				t.Errorf("one run allocates %d bytes, and %d at most are allowed", got, mostBytes)
			}
			t.Logf("one run takes %v (promised: %v)", fastest, promised)
		})
	}
}

// worlds are what the composer sees of clusters that have converged.
func worlds(tb testing.TB) map[string]compose.Request {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "test", "schemas", "testdata", "claims", "*.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]compose.Request{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		claims, err := simulate.Read(raw)
		if err != nil {
			tb.Fatal(err)
		}
		for _, c := range claims {
			if c.GetKind() != v1alpha1.KubernetesClusterKind {
				continue
			}
			s, err := simulate.New(compose.Settings{}, c)
			if err != nil {
				tb.Fatal(err)
			}
			if _, err := s.Converge(); err != nil {
				tb.Fatal(err)
			}
			ws, err := s.Requests()
			if err != nil {
				tb.Fatal(err)
			}
			out[filepath.Base(f)+"/"+c.GetName()] = ws[0]
		}
	}
	return out
}
