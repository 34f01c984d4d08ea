// SPDX-License-Identifier: Apache-2.0

package slo

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write golden files")

func availability(objective string, w v1alpha1.SLOWindow) v1alpha1.SLO {
	return v1alpha1.SLO{
		Name: "orders", Objective: objective, Window: w, ServiceName: "checkout",
		Indicator: v1alpha1.SLOIndicator{Type: v1alpha1.SLOAvailability, MetricSource: v1alpha1.SLOMetricSourceHTTPServer},
	}
}

// TestGolden keeps the rules that the unit tests of the content are written for.
func TestGolden(t *testing.T) {
	fast := v1alpha1.SLO{
		Name: "fast-orders", Objective: "95", Window: v1alpha1.SLOWindow28d, ServiceName: "check.out", ServiceNamespace: "shop",
		Indicator: v1alpha1.SLOIndicator{Type: v1alpha1.SLOLatency, MetricSource: v1alpha1.SLOMetricSourceSpanMetrics, Threshold: "1s"},
	}
	var groups []Group
	for _, s := range []v1alpha1.SLO{availability("99.9", v1alpha1.SLOWindow30d), fast} {
		g, err := Groups(s)
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, g...)
	}
	got, err := yaml.Marshal(map[string]any{"groups": groups})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "rules.yaml")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

func find(groups []Group, alert string) string {
	for _, g := range groups {
		for _, r := range g.Rules {
			if r.Alert == alert {
				return r.Expr
			}
		}
	}
	return ""
}

func TestBurnRates(t *testing.T) {
	cases := map[string]struct {
		reason string
		slo    v1alpha1.SLO
		alert  string
		want   []string
		never  []string
	}{
		"Fast30d":   {"2% in an hour and 5% in six of 30 days, as the workbook has it.", availability("99.9", v1alpha1.SLOWindow30d), AlertBurnsFast, []string{"> 0.0144 ", "> 0.006 "}, nil},
		"Slow30d":   {"10% in a day and in three of 30 days.", availability("99.9", v1alpha1.SLOWindow30d), AlertBurnsSlowly, []string{"> 0.003 ", "> 0.001 "}, nil},
		"Fast28d":   {"The same percentages of a shorter window burn less fast.", availability("99.9", v1alpha1.SLOWindow28d), AlertBurnsFast, []string{"> 0.01344 ", "> 0.0056 "}, nil},
		"Fast7d":    {"The same percentages of a week.", availability("99", v1alpha1.SLOWindow7d), AlertBurnsFast, []string{"> 0.0336 ", "> 0.014 "}, nil},
		"NeverFast": {"There cannot be more errors than requests: no rule may pretend to watch that.", availability("90", v1alpha1.SLOWindow30d), AlertBurnsFast, []string{"> 0.6 "}, []string{"1.44"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			groups, err := Groups(tc.slo)
			if err != nil {
				t.Fatal(err)
			}
			expr := find(groups, tc.alert)
			for _, w := range tc.want {
				if !strings.Contains(expr, w) {
					t.Errorf("%s\nwant %q in %s", tc.reason, w, expr)
				}
			}
			for _, n := range tc.never {
				if strings.Contains(expr, n) {
					t.Errorf("%s\ndo not want %q in %s", tc.reason, n, expr)
				}
			}
		})
	}
}

func TestNoAlertThatCannotFire(t *testing.T) {
	groups, err := Groups(availability("50", v1alpha1.SLOWindow30d))
	if err != nil {
		t.Fatal(err)
	}
	if e := find(groups, AlertBurnsFast); e != "" {
		t.Errorf("half of all requests may fail: nothing burns that fast, got %s", e)
	}
	if find(groups, AlertBurnsSlowly) == "" {
		t.Error("want an alert that can fire")
	}
}

func TestRefused(t *testing.T) {
	change := func(f func(*v1alpha1.SLO)) v1alpha1.SLO {
		s := availability("99.9", v1alpha1.SLOWindow30d)
		f(&s)
		return s
	}
	cases := map[string]struct {
		reason string
		slo    v1alpha1.SLO
	}{
		"NoNumber":  {"It cannot be computed with.", availability("high", v1alpha1.SLOWindow30d)},
		"All":       {"Without an error budget there is nothing to burn.", availability("100", v1alpha1.SLOWindow30d)},
		"Window":    {"Its factors are not known.", availability("99", "1y")},
		"Indicator": {"It does not say what is good.", change(func(s *v1alpha1.SLO) { s.Indicator.Type = "Throughput" })},
		"Metrics":   {"They are counted nowhere.", change(func(s *v1alpha1.SLO) { s.Indicator.MetricSource = "Logs" })},
		"Threshold": {"Latency needs one.", change(func(s *v1alpha1.SLO) { s.Indicator.Type = v1alpha1.SLOLatency })},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := Groups(tc.slo); err == nil {
				t.Errorf("%s Want an error.", tc.reason)
			}
		})
	}
}
