// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/engine"
	"github.com/prometheus/client_golang/prometheus"
)

// TestMetered shows that every call reaches the engine, comes back as it was, and
// is counted under its own name.
func TestMetered(t *testing.T) {
	cases := map[string]struct {
		reason string
		err    error
		want   map[string]uint64
	}{
		"Good": {reason: "Calls that succeed are counted apart.", want: map[string]uint64{"create ok kind": 1, "delete ok kind": 1, "observe ok kind": 1, "start ok kind": 1}},
		"Bad":  {reason: "Calls that fail are counted, too.", err: errBoom, want: map[string]uint64{"create error kind": 1, "delete error kind": 1, "observe error kind": 1, "start error kind": 1}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			calls := NewCalls()
			f := &fakeEngine{err: tc.err, observation: engine.Observation{Ready: true}}
			m := metered{engine: f, calls: calls.MustCurryWith(prometheus.Labels{"tool": "kind"})}
			o, err := m.Observe(context.Background(), "demo")
			if !errors.Is(err, tc.err) || !o.Ready {
				t.Errorf("\n%s\nobserve: got %+v, %v", tc.reason, o, err)
			}
			for _, err := range []error{
				m.Create(context.Background(), engine.Request{Name: "demo"}, nil),
				m.Start(context.Background(), "demo"),
				m.Delete(context.Background(), "demo"),
			} {
				if !errors.Is(err, tc.err) {
					t.Errorf("\n%s\nwant error %v, got %v", tc.reason, tc.err, err)
				}
			}
			if diff := cmp.Diff([]string{"observe demo", "create demo", "start demo", "delete demo"}, f.calls); diff != "" {
				t.Errorf("\n%s\ncalls: -want, +got:\n%s", tc.reason, diff)
			}
			registry := prometheus.NewRegistry()
			registry.MustRegister(calls)
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]uint64{}
			for _, m := range families[0].GetMetric() {
				labels := make([]string, 0, len(m.GetLabel()))
				for _, l := range m.GetLabel() {
					labels = append(labels, l.GetValue())
				}
				got[strings.Join(labels, " ")] = m.GetHistogram().GetSampleCount()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\ncounted: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
