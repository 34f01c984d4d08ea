// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestRules runs the unit tests of the rules, as promtool does for anybody.
func TestRules(t *testing.T) {
	promtool := os.Getenv("PROMTOOL")
	if promtool == "" {
		t.Fatal("PROMTOOL does not say where promtool is: make test-content builds it")
	}
	files, err := filepath.Glob(filepath.Join("testdata", "rules", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", f).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestEveryAlertIsTested proves that there is a case in which each alert fires,
// and one in which it does not.
func TestEveryAlertIsTested(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "rules", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var unit struct {
			Tests []struct {
				Alerts []struct {
					Alert    string `json:"alertname"`
					Expected []any  `json:"exp_alerts"`
				} `json:"alert_rule_test"`
			} `json:"tests"`
		}
		if err := yaml.Unmarshal(b, &unit); err != nil {
			t.Fatal(err)
		}
		for _, test := range unit.Tests {
			for _, a := range test.Alerts {
				if len(a.Expected) > 0 {
					fires[a.Alert] = true
				} else {
					silent[a.Alert] = true
				}
			}
		}
	}
	rules := slos(t)
	for _, r := range content(t).Rules {
		for _, g := range r.Groups {
			rules = append(rules, g.Rules...)
		}
	}
	for _, r := range rules {
		if r.Alert != "" && (!fires[r.Alert] || !silent[r.Alert]) {
			t.Errorf("%s: want a test in which it fires and one in which it does not, have %t and %t", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}
