// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package demo

import (
	"os"
	"path/filepath"
	"testing"
)

func TestByFlux(t *testing.T) {
	platform := func(spec string) string {
		return "apiVersion: observe-k8s.io/v1alpha1\nkind: ObservabilityPlatform\nspec: " + spec + "\n"
	}
	cases := map[string]struct {
		reason string
		claim  string
		want   bool
	}{
		"Minimal":   {"The smallest profile takes Helm.", platform(`{stack: {profile: Minimal}, workloads: [{name: a, deployer: ArgoCD}]}`), false},
		"Standard":  {"The others take Flux by themselves.", platform(`{stack: {profile: Standard}}`), true},
		"ByHelm":    {"Unless they are told otherwise.", platform(`{stack: {profile: Standard, deployer: Helm}}`), false},
		"Stack":     {"A word says so.", platform(`{stack: {profile: Minimal, deployer: Flux}}`), true},
		"Component": {"For one of them.", platform(`{stack: {profile: Minimal, components: [{name: a}, {name: b, deployer: Flux}]}}`), true},
		"Workload":  {"Or for a workload.", platform(`{workloads: [{name: a, deployer: Flux}]}`), true},
		"Alone":     {"A Component of its own has an engine.", "kind: Secret\n---\nkind: Component\nspec: {deployer: Flux}\n", true},
		"OwnStack":  {"A stack of its own has no platform around it.", "kind: ObservabilityStack\nspec: {profile: Full}\n", true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "claim.yaml")
			if err := os.WriteFile(file, []byte(tc.claim), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := byFlux(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("\n%s\nbyFlux(...): want %v, got %v", tc.reason, tc.want, got)
			}
		})
	}
}
