// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/game/random"
	"sigs.k8s.io/yaml"
)

// playing is a workload that plays a game.
func playing(game any) map[string]any {
	return map[string]any{
		"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Workload",
		"metadata": map[string]any{"name": "demo", "namespace": "team-a"},
		"spec":     map[string]any{"clusterRef": map[string]any{"name": "demo"}, "app": "o11y-game", "game": game},
	}
}

// TestGames shows that the file of a game and the field of a claim are one
// language: what the emulator plays, an API server accepts.
func TestGames(t *testing.T) {
	set := load(t)
	files, err := filepath.Glob(filepath.Join(root, "workloads", "game", "games", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no games: %v", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var game map[string]any
		if err := yaml.Unmarshal(b, &game); err != nil {
			t.Fatal(err)
		}
		for _, err := range set.Validate(t.Context(), playing(game)) {
			t.Errorf("%s: %v", f, err)
		}
	}

	accepted := 0
	for seed := range uint64(300) {
		b, err := json.Marshal(random.Game(rand.New(rand.NewPCG(seed, 0))))
		if err != nil {
			t.Fatal(err)
		}
		g, err := language.Parse(b)
		if err != nil {
			continue
		}
		accepted++
		// What was read of it must be as valid: it is what a claim's Workload gets.
		again, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{b, again} {
			for _, err := range set.Validate(t.Context(), playing(object(t, string(text)))) {
				t.Errorf("seed %d: %v\n%s", seed, err, text)
			}
		}
	}
	if accepted < 100 {
		t.Errorf("only %d of 300 random games are valid", accepted)
	}
}
