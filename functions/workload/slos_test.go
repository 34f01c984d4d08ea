// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/slo"
)

func TestSLOs(t *testing.T) {
	game := func(loaders ...language.LoadGenerator) v1alpha1.WorkloadParameters {
		return v1alpha1.WorkloadParameters{App: v1alpha1.AppGame, Game: &language.Game{Services: []language.Service{{Name: "front"}, {Name: "back"}}, LoadGenerators: loaders}}
	}
	type row struct{ Name, Service, Namespace string }
	cases := map[string]struct {
		reason string
		p      v1alpha1.WorkloadParameters
		name   string
		want   []row
	}{
		"Catalog": {
			reason: "a row's SLOs are named after the workload, in its namespace where the telemetry has it",
			p:      v1alpha1.WorkloadParameters{App: v1alpha1.AppOnlineBoutique}, name: "shop",
			want: []row{{"shop-checkoutservice", "checkoutservice", "ns"}, {"shop-frontend", "frontend", "ns"}},
		},
		"OwnNamespace": {
			reason: "the demo says a namespace of its own in its telemetry",
			p:      v1alpha1.WorkloadParameters{App: v1alpha1.AppOpenTelemetryDemo}, name: "demo",
			want: []row{{"demo-checkout", "checkout", ""}, {"demo-frontend", "frontend", ""}},
		},
		"Nobody":  {reason: "nothing is promised of what nobody uses", p: v1alpha1.WorkloadParameters{App: v1alpha1.AppPodinfo}, name: "web"},
		"NoUsers": {reason: "the dial is at zero", p: v1alpha1.WorkloadParameters{App: v1alpha1.AppSockShop, Load: &v1alpha1.Load{}}, name: "socks"},
		"Game":    {reason: "the first service of a game answers", p: game(language.LoadGenerator{Name: "many"}), name: "play", want: []row{{"play-front", "front", "ns"}}},
		"Idle":    {reason: "a game without load generators is not used", p: game(), name: "play"},
		"Own":     {reason: "nobody knows what a team's own chart does", p: v1alpha1.WorkloadParameters{Chart: &v1alpha1.Chart{Name: "x"}}, name: "own"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := SLOs(tc.p, tc.name, "ns")
			if err != nil {
				t.Fatal(err)
			}
			var rows []row
			for _, s := range got {
				rows = append(rows, row{s.Name, s.ServiceName, s.ServiceNamespace})
				if _, err := slo.Groups(s); err != nil {
					t.Errorf("%s: no rules can be made of it: %v", tc.reason, err)
				}
			}
			if diff := cmp.Diff(tc.want, rows); diff != "" {
				t.Errorf("%s: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestSLONames(t *testing.T) {
	names := map[string]bool{}
	for _, w := range []string{"a", "a-b", "a.b", strings.Repeat("long", 12)} {
		for _, service := range []string{"c", "b-c"} {
			p := v1alpha1.WorkloadParameters{App: v1alpha1.AppGame, Game: &language.Game{
				Services: []language.Service{{Name: language.Name(service)}}, LoadGenerators: []language.LoadGenerator{{Name: "many"}},
			}}
			got, err := SLOs(p, w, "ns")
			if err != nil || len(got) != 1 {
				t.Fatalf("want one SLO, got %v, %v", got, err)
			}
			n := got[0].Name
			if len(n) > maxSLOName || strings.Contains(n, ".") || names[n] {
				t.Errorf("%q of workload %s is too long, has a dot, or is another's", n, w)
			}
			names[n] = true
		}
	}
}
