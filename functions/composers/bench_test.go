// SPDX-License-Identifier: Apache-2.0

package composers_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/composers"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// BenchmarkCompose composes the heaviest composite of each kind of the largest
// claim, of which everything is there.
func BenchmarkCompose(b *testing.B) {
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "largest.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	claims, err := simulate.Read(raw)
	if err != nil {
		b.Fatal(err)
	}
	// By Flux, the default of its profile, not all of it can be there.
	if err := unstructured.SetNestedField(claims[0].Object, string(v1alpha1.DeployerHelm), "spec", "stack", "deployer"); err != nil {
		b.Fatal(err)
	}
	s, err := simulate.New(compose.Settings{}, claims...)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Converge(); err != nil {
		b.Fatal(err)
	}
	worlds, err := s.Requests()
	if err != nil {
		b.Fatal(err)
	}
	heaviest := map[string]compose.Request{}
	for _, w := range worlds {
		if kind := w.XR.GetKind(); len(w.Observed) > len(heaviest[kind].Observed) {
			heaviest[kind] = w
		}
	}
	for _, kind := range []string{
		v1alpha1.ObservabilityPlatformKind, v1alpha1.KubernetesClusterKind, v1alpha1.ObservabilityStackKind,
		v1alpha1.ComponentKind, v1alpha1.WorkloadKind,
	} {
		b.Run(kind, func(b *testing.B) {
			composer, ok := composers.For(kind)
			if !ok {
				b.Fatalf("no composer for %s", kind)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := compose.Run(heaviest[kind], composer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
