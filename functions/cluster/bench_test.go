package cluster_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
)

// BenchmarkCompose composes the heaviest cluster of the largest claim, of which
// everything is there.
func BenchmarkCompose(b *testing.B) {
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "largest.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	claims, err := simulate.Read(raw)
	if err != nil {
		b.Fatal(err)
	}
	s, err := simulate.New(compose.Settings{}, claims...)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Converge(); err != nil {
		b.Fatal(err)
	}
	worlds, err := s.Worlds()
	if err != nil {
		b.Fatal(err)
	}
	var w compose.World
	for _, o := range worlds {
		if o.XR.GetKind() == v1alpha1.KubernetesClusterKind && len(o.Observed) > len(w.Observed) {
			w = o
		}
	}
	composer := compose.For(cluster.Compose)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := compose.Run(w, composer); err != nil {
			b.Fatal(err)
		}
	}
}
