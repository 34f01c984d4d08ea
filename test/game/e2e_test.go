// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/workloads/game/host"
	"github.com/observe-k8s/observe-k8s/workloads/game/receiver"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// shop has every kind of edge, and outcomes whose chances are known.
const shop = `
services:
- name: front
  version: 1.2.3
  endpoints:
  - path: /
    steps:
    - log: {level: Warn, message: front was asked}
    - http: {service: middle, path: /work, method: POST}
    - http: {service: side}
      probability: 30%
      ignoreErrors: true
  - path: /slow
    steps:
    - sleep: {duration: 200ms, jitter: 100ms}
- name: middle
  endpoints:
  - path: /work
    steps:
    - database: {name: orders, collection: items, time: {duration: 1ms}}
    - oneOf:
      - weight: 3
        steps:
        - http: {service: back, path: /pay}
      - weight: 1
        steps:
        - http: {service: side, path: /gift, method: PUT}
          ignoreErrors: true
- name: back
  endpoints:
  - path: /pay
    steps:
    - error: {code: 503, message: broken}
      probability: 20%
- name: side
  endpoints:
  - path: /
    steps:
    - error: {code: 404, message: not here}
      probability: 50%
  - path: /gift
`

// TestEndToEnd plays a game that tells a real collector of itself, which passes
// metrics to a real Prometheus, and compares what arrives with the game.
func TestEndToEnd(t *testing.T) {
	prometheus := startPrometheus(t)
	sink := &receiver.Receiver{}
	server := sink.HTTP()
	t.Cleanup(server.Close)
	c := startCollector(t, server.URL, prometheus)

	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.url)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100000")
	t.Setenv("OTEL_BLRP_MAX_QUEUE_SIZE", "100000")
	file := filepath.Join(t.TempDir(), "game.yaml")
	if err := os.WriteFile(file, []byte(shop), 0o600); err != nil {
		t.Fatal(err)
	}
	seed := uint64(20261122)
	h, err := host.Start(t.Context(), host.Config{File: file, Seed: &seed, NoLoad: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})

	const asked, slow = 2000, 400
	ask(t, h.URLs()["front"]+"/", asked)
	ask(t, h.URLs()["front"]+"/slow", slow)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	exported := 0
	for name, s := range h.Status().Services {
		if s.Spans.Dropped() > 0 || s.Records.Dropped() > 0 {
			t.Errorf("%s has dropped telemetry: %+v", name, s)
		}
		exported += int(s.Spans.Exported)
	}
	eventually(t, "every span arrives", func() bool { return len(sink.Spans()) >= exported })
	eventually(t, "every log record arrives", func() bool { return len(sink.Records()) >= asked })

	spans := sink.Spans()
	if len(spans) != exported {
		t.Errorf("%d spans were exported, %d arrived", exported, len(spans))
	}
	g, err := language.Parse([]byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	edges := walked(t, spans)
	if diff := cmp.Diff(described(g), slices.Sorted(maps.Keys(edges))); diff != "" {
		t.Errorf("edges between services: -game, +spans:\n%s", diff)
	}
	within(t, "middle asks back", edges["middle -> GET back/pay"], asked, 0.75)
	within(t, "middle asks side", edges["middle -> PUT side/gift"], asked, 0.25)
	// 3 of 4 go to back, of which 1 of 5 fails; what failed asks side no more.
	within(t, "front asks side", edges["front -> GET side/"], asked, 0.85*0.3)

	checkRecords(t, sink, asked)
	checkLatency(t, spans, slow)
	checkPrometheus(t, prometheus, spans, edges, asked, slow)
}

// ask n times, with 16 at once.
func ask(t *testing.T, at string, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range n / 16 {
				resp, err := http.Get(at)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body) // Only that it was asked counts.
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
}

// within fails when a count is further from what is expected than chance makes
// it: five standard deviations, once in 1.7 million.
func within(t *testing.T, what string, got, n int, p float64) {
	t.Helper()
	mean, deviation := float64(n)*p, math.Sqrt(float64(n)*p*(1-p))
	t.Logf("%s: %d of %d; %.0f ± %.0f expected", what, got, n, mean, deviation)
	if math.Abs(float64(got)-mean) > 5*deviation {
		t.Errorf("%s: want about %.0f of %d, got %d", what, mean, n, got)
	}
}

// described are the edges that a game describes, sorted.
func described(g *language.Game) []string {
	edges := map[string]bool{}
	for i := range g.Services {
		s := &g.Services[i]
		add := func(st *language.Step) {
			if h := st.HTTP; h != nil {
				edges[fmt.Sprintf("%s -> %s %s%s", s.Name, h.Method.Or(), h.Service, h.Path.Or())] = true
			}
		}
		for j := range s.Endpoints {
			for k := range s.Endpoints[j].Steps {
				c := &s.Endpoints[j].Steps[k]
				add(&c.Step)
				for _, choice := range c.OneOf {
					for m := range choice.Steps {
						add(&choice.Steps[m])
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(edges))
}

// walked are the edges that spans form, and how often each was walked.
func walked(t *testing.T, spans []receiver.Span) map[string]int {
	t.Helper()
	byID := make(map[string]receiver.Span, len(spans))
	for _, s := range spans {
		byID[string(s.GetSpanId())] = s
	}
	edges := map[string]int{}
	for _, s := range spans {
		if s.GetKind() != tracepb.Span_SPAN_KIND_SERVER || len(s.GetParentSpanId()) == 0 {
			continue
		}
		client, ok := byID[string(s.GetParentSpanId())]
		if !ok || client.GetKind() != tracepb.Span_SPAN_KIND_CLIENT {
			t.Fatalf("the parent of %s of %s is no client", s.GetName(), s.Service)
		}
		caller, ok := byID[string(client.GetParentSpanId())]
		if !ok || caller.Service != client.Service || !slices.Equal(caller.GetTraceId(), s.GetTraceId()) {
			t.Fatalf("%s of %s is not part of a whole trace", s.GetName(), s.Service)
		}
		edges[fmt.Sprintf("%s -> %s %s%s", caller.Service, receiver.Attribute(s.GetAttributes(), "http.request.method"), s.Service, receiver.Attribute(s.GetAttributes(), "http.route"))]++
	}
	return edges
}

func checkRecords(t *testing.T, sink *receiver.Receiver, n int) {
	t.Helper()
	traces := map[string]string{}
	for _, s := range sink.Spans() {
		traces[string(s.GetSpanId())] = string(s.GetTraceId())
	}
	records := sink.Records()
	if len(records) != n {
		t.Errorf("want %d log records, got %d", n, len(records))
	}
	for _, l := range records {
		if got := traces[string(l.GetSpanId())]; got == "" || got != string(l.GetTraceId()) {
			t.Fatalf("%s: the record's trace %x is not that of its span", l.Service, l.GetTraceId())
		}
	}
}

// slack is how much longer than it says something may take on a busy machine.
const slack = 250 * time.Millisecond

// checkLatency compares durations with the distribution that the game says: any
// time between 100ms and 300ms with the same chance. A busy machine makes things
// slower, never faster.
func checkLatency(t *testing.T, spans []receiver.Span, n int) {
	t.Helper()
	var took []time.Duration
	for _, s := range spans {
		if s.GetKind() == tracepb.Span_SPAN_KIND_SERVER && receiver.Attribute(s.GetAttributes(), "http.route") == "/slow" {
			took = append(took, time.Duration(s.GetEndTimeUnixNano()-s.GetStartTimeUnixNano()))
		}
	}
	if len(took) != n {
		t.Fatalf("want %d slow requests, got %d", n, len(took))
	}
	within := func(d time.Duration) (count int) {
		for _, one := range took {
			if one <= d {
				count++
			}
		}
		return count
	}
	for _, share := range []float64{0, 0.25, 0.5, 0.75} {
		d := 100*time.Millisecond + time.Duration(share*float64(200*time.Millisecond))
		mean, deviation := float64(n)*share, math.Sqrt(float64(n)*share*(1-share))
		early, late := within(d), within(d+slack)
		t.Logf("at most %s: %d; with %s of slack: %d; %.0f ± %.0f expected", d, early, slack, late, mean, deviation)
		if float64(early) > mean+5*deviation || float64(late) < mean-5*deviation {
			t.Errorf("at most %s: want about %.0f of %d, got %d, and %d with %s of slack", d, mean, n, early, late, slack)
		}
	}
}

// checkPrometheus asks Prometheus how often things happened, and what traces its
// exemplars have.
func checkPrometheus(t *testing.T, prometheus string, spans []receiver.Span, edges map[string]int, asked, slow int) {
	t.Helper()
	count := func(selector string) int {
		return int(query(t, prometheus, "sum(http_server_request_duration_seconds_count{"+selector+"})"))
	}
	eventually(t, "every request is counted", func() bool { return count(`job="front"`) == asked+slow })
	failed := count(`job="front",http_route="/",http_response_status_code="502"`)
	within(t, "front fails", failed, asked, 0.75*0.2)
	if ok := count(`job="front",http_route="/",http_response_status_code="200"`); ok+failed != asked {
		t.Errorf("want only 200 and 502 of front, got %d and %d of %d", ok, failed, asked)
	}
	within(t, "back fails", count(`job="back",http_response_status_code="503"`), edges["middle -> GET back/pay"], 0.2)
	within(t, "side does not know", count(`job="side",http_route="/",http_response_status_code="404"`), edges["front -> GET side/"], 0.5)
	for edge, service := range map[string]string{"middle -> GET back/pay": `job="back"`, "middle -> PUT side/gift": `job="side",http_route="/gift"`} {
		if got := count(service); got != edges[edge] {
			t.Errorf("%s: %d spans, %d requests counted", edge, edges[edge], got)
		}
	}
	if fast := query(t, prometheus, `sum(http_server_request_duration_seconds_bucket{job="front",http_route="/slow",le="0.1"})`); fast != 0 {
		t.Errorf("%g requests that take 100ms at least took less", fast)
	}

	traces := map[string]bool{}
	for _, s := range spans {
		traces[hex.EncodeToString(s.GetTraceId())] = true
	}
	for _, job := range []string{"front", "middle", "back", "side"} {
		found := exemplars(t, prometheus, `http_server_request_duration_seconds_bucket{job="`+job+`"}`)
		t.Logf("%s: %d exemplars", job, len(found))
		if len(found) == 0 {
			t.Errorf("the metrics of %s have no exemplars", job)
		}
		for _, trace := range found {
			if !traces[trace] {
				t.Errorf("an exemplar of %s has trace %s, which nobody has seen", job, trace)
			}
		}
	}
}

// query one number; 0 where there is none.
func query(t *testing.T, prometheus, q string) float64 {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	ask := prometheus + "/api/v1/query?query=" + url.QueryEscape(q)
	if err := json.Unmarshal(fetch(t, ask), &answer); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	if len(answer.Data.Result) == 0 {
		return 0
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// exemplars are the traces that metrics refer to.
func exemplars(t *testing.T, prometheus, q string) []string {
	t.Helper()
	var answer struct {
		Data []struct {
			Exemplars []struct {
				Labels map[string]string `json:"labels"`
			} `json:"exemplars"`
		} `json:"data"`
	}
	now := time.Now()
	ask := fmt.Sprintf("%s/api/v1/query_exemplars?query=%s&start=%d&end=%d", prometheus, url.QueryEscape(q), now.Add(-time.Hour).Unix(), now.Add(time.Minute).Unix())
	if err := json.Unmarshal(fetch(t, ask), &answer); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	var out []string
	for _, series := range answer.Data {
		for _, e := range series.Exemplars {
			out = append(out, e.Labels["trace_id"])
		}
	}
	return out
}
