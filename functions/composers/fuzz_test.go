// SPDX-License-Identifier: Apache-2.0

package composers_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/composers"
	"github.com/observe-k8s/observe-k8s/functions/internal/cputime"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// mostBytes is what gRPC takes at most by default.
const mostBytes = 4 << 20

func kinds() []string {
	return []string{
		v1alpha1.ObservabilityPlatformKind, v1alpha1.KubernetesClusterKind, v1alpha1.ObservabilityStackKind,
		v1alpha1.ComponentKind, v1alpha1.WorkloadKind,
	}
}

// FuzzType composes objects of each kind whose spec and status are arbitrary JSON.
// They may be refused. Nothing may panic, take long, or be too large for an answer.
func FuzzType(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "*.yaml"))
	if err != nil || len(files) == 0 {
		f.Fatalf("there is no example: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		claims, err := simulate.Read(raw)
		if err != nil {
			f.Fatal(err)
		}
		s, err := simulate.New(compose.Settings{}, claims...)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := s.Converge(); err != nil {
			f.Fatal(err)
		}
		ws, err := s.Requests()
		if err != nil {
			f.Fatal(err)
		}
		for _, w := range ws {
			for i, kind := range kinds() {
				if kind != w.XR.GetKind() {
					continue
				}
				spec, err := json.Marshal(w.XR.Object["spec"])
				if err != nil {
					f.Fatal(err)
				}
				status, err := json.Marshal(w.XR.Object["status"])
				if err != nil {
					f.Fatal(err)
				}
				f.Add(byte(i), spec, status)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which byte, spec, status []byte) {
		kind := kinds()[int(which)%len(kinds())]
		o := map[string]any{"apiVersion": v1alpha1.APIVersion, "kind": kind, "metadata": map[string]any{
			"name": "demo", "namespace": "team-a", "creationTimestamp": "2026-11-22T12:00:00Z",
		}}
		for field, raw := range map[string][]byte{"spec": spec, "status": status} {
			var v any
			if json.Unmarshal(raw, &v) != nil || len(raw) > 1<<20 {
				return
			}
			o[field] = v
		}
		composer, _ := composers.For(kind)
		w := compose.Request{XR: &unstructured.Unstructured{Object: o}, Now: time.Date(2026, time.November, 22, 13, 0, 0, 0, time.UTC)}
		before := cputime.Used()
		res, err := compose.Run(w, composer)
		if took := cputime.Used() - before; took > time.Second {
			t.Errorf("a run for %d bytes took %s of a processor", len(spec)+len(status), took)
		}
		if err != nil {
			return
		}
		raw, err := json.Marshal(res.Resources)
		if err != nil {
			t.Fatalf("resources that cannot be written: %v", err)
		}
		if len(raw) > mostBytes {
			t.Errorf("an answer of %d bytes to %d", len(raw), len(spec)+len(status))
		}
	})
}
