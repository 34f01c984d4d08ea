// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/workloads/game/receiver"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// start a host of a game, which ends with the test.
func start(t *testing.T, game string, change func(*Config)) *Host {
	t.Helper()
	file := filepath.Join(t.TempDir(), "game.yaml")
	if err := os.WriteFile(file, []byte(game), 0o600); err != nil {
		t.Fatal(err)
	}
	seed := uint64(20260203)
	cfg := Config{File: file, Seed: &seed, Admin: "127.0.0.1:0", NoLoad: true, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	h, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if err := h.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return h
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(b))
}

// many requests at the same time, and how often each status came.
func many(t *testing.T, url string, n int) map[int]int {
	t.Helper()
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		out = map[int]int{}
	)
	for range 8 {
		wg.Go(func() {
			for range n / 8 {
				resp, err := http.Get(url)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				mu.Lock()
				out[resp.StatusCode]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return out
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

// family has every form of the language whose outcome can be counted.
const family = `
services:
- name: front
  version: 1.2.3
  endpoints:
  - path: /
    steps:
    - http: {service: middle, path: /work, method: POST}
    - http: {service: side}
      probability: 30%
      ignoreErrors: true
    - log: {level: Warn, message: front was asked}
- name: middle
  endpoints:
  - path: /work
    steps:
    - database: {name: orders, collection: items, query: SELECT 1, time: {duration: 1ms}}
    - cache: {name: c, missProbability: 25%}
    - oneOf:
      - weight: 3
        steps:
        - http: {service: back}
      - weight: 1
        steps:
        - http: {service: side}
          ignoreErrors: true
- name: back
  endpoints:
  - path: /
    steps:
    - error: {code: 503, message: broken}
      probability: 20%
    - sleep: {duration: 20ms}
      probability: 10%
- name: side
  endpoints:
  - path: /
    steps:
    - error: {code: 404, message: not here}
      probability: 50%
`

func TestTelemetry(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(strings.ReplaceAll(protocol, "/", "-"), func(t *testing.T) {
			r := &receiver.Receiver{}
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listen(t, r, protocol))
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100000")
			t.Setenv("OTEL_BLRP_MAX_QUEUE_SIZE", "100000")
			h := start(t, family, nil)

			const n = 2000
			statuses := many(t, h.URLs()["front"]+"/", n)
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			for name, s := range h.Status().Services {
				if s.Spans.Dropped() > 0 || s.Records.Dropped() > 0 {
					t.Errorf("%s has dropped telemetry: %+v", name, s)
				}
			}
			// 3 of 4 go to back, of which 1 of 5 fails, and with it everything.
			within(t, "failed requests", statuses[502], n, 0.75*0.2)
			if statuses[200]+statuses[502] != n {
				t.Errorf("want only 200 and 502, got %v", statuses)
			}
			checkGraph(t, r.Spans(), n)
			checkSpans(t, r.Spans())
			checkRecords(t, r, n-statuses[502])
			checkMetrics(t, r, n)
		})
	}
}

func listen(t *testing.T, r *receiver.Receiver, protocol string) string {
	t.Helper()
	if protocol != "grpc" {
		s := r.HTTP()
		t.Cleanup(s.Close)
		return s.URL
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := r.GRPC(l)
	t.Cleanup(s.Stop)
	return "http://" + l.Addr().String()
}

// checkGraph compares the edges between services that the spans form with those
// that the game says, and how often each was walked.
func checkGraph(t *testing.T, spans []receiver.Span, n int) {
	t.Helper()
	byID := map[string]receiver.Span{}
	for _, s := range spans {
		byID[string(s.GetSpanId())] = s
	}
	got := map[string]int{}
	for _, s := range spans {
		if s.GetKind() != tracepb.Span_SPAN_KIND_SERVER {
			continue
		}
		client, ok := byID[string(s.GetParentSpanId())]
		if !ok {
			got["-> "+s.Service+s.GetName()]++
			continue
		}
		if client.GetKind() != tracepb.Span_SPAN_KIND_CLIENT {
			t.Errorf("the parent of %s is no client", s.GetName())
		}
		server, ok := byID[string(client.GetParentSpanId())]
		if !ok || server.Service != client.Service || !slices.Equal(server.GetTraceId(), s.GetTraceId()) {
			t.Errorf("%s is not part of a whole trace", s.GetName())
		}
		got[server.Service+" -> "+s.Service+" "+s.GetName()]++
	}
	middle := got["front -> middle POST /work"]
	if middle != n {
		t.Errorf("front -> middle: want %d, got %d", n, middle)
	}
	within(t, "middle -> back", got["middle -> back GET /"], n, 0.75)
	within(t, "middle -> side", got["middle -> side GET /"], n, 0.25)
	// front asks side unless middle has failed.
	within(t, "front -> side", got["front -> side GET /"], n, 0.85*0.3)

	var edges []string
	for e := range got {
		edges = append(edges, e)
	}
	slices.Sort(edges)
	want := []string{"-> frontGET /", "front -> middle POST /work", "front -> side GET /", "middle -> back GET /", "middle -> side GET /"}
	if diff := cmp.Diff(want, edges); diff != "" {
		t.Errorf("edges: -want, +got:\n%s", diff)
	}
}

// checkSpans compares spans with the semantic conventions, and failures with the
// probabilities of the game.
func checkSpans(t *testing.T, spans []receiver.Span) {
	t.Helper()
	back, failed, slow, side, missing, databases := 0, 0, 0, 0, 0, 0
	for _, s := range spans {
		status := receiver.Integer(s.GetAttributes(), "http.response.status_code")
		took := time.Duration(s.GetEndTimeUnixNano() - s.GetStartTimeUnixNano())
		switch {
		case s.GetName() == "SELECT items":
			databases++
			if got := receiver.Attribute(s.GetAttributes(), "db.system.name"); got != "postgresql" {
				t.Fatalf("db.system.name: want postgresql, got %q", got)
			}
			if took < time.Millisecond {
				t.Fatalf("a query of 1ms took %s", took)
			}
		case s.GetKind() == tracepb.Span_SPAN_KIND_SERVER && s.Service == "back":
			back++
			if took >= 20*time.Millisecond && status == 200 {
				slow++
			}
			if status == 503 {
				failed++
				if s.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR {
					t.Fatal("a server's 503 must be an error")
				}
			}
		case s.GetKind() == tracepb.Span_SPAN_KIND_SERVER && s.Service == "side":
			side++
			if status == 404 {
				missing++
				if s.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_UNSET {
					t.Fatal("a server's 404 is no error of the server")
				}
			}
		case s.GetKind() == tracepb.Span_SPAN_KIND_CLIENT && status == 404:
			if s.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR || receiver.Attribute(s.GetAttributes(), "error.type") != "404" {
				t.Fatal("a client's 404 is an error")
			}
		}
	}
	if databases == 0 {
		t.Error("there are no spans of databases")
	}
	within(t, "back fails", failed, back, 0.2)
	within(t, "side does not know", missing, side, 0.5)
	// On a busy machine more are slow than the game says, never fewer.
	if expected := float64(back-failed) * 0.1; float64(slow) < expected-5*math.Sqrt(expected*0.9) {
		t.Errorf("slow requests to back: want about %.0f, got %d", expected, slow)
	}
}

func checkRecords(t *testing.T, r *receiver.Receiver, n int) {
	t.Helper()
	traces := map[string]string{}
	for _, s := range r.Spans() {
		traces[string(s.GetSpanId())] = string(s.GetTraceId())
	}
	records := r.Records()
	if len(records) != n {
		t.Errorf("want %d log records, got %d", n, len(records))
	}
	for _, l := range records {
		if l.Service != "front" || l.GetBody().GetStringValue() != "front was asked" || l.GetSeverityText() != "WARN" {
			t.Fatalf("unexpected record %v", l)
		}
		if got := traces[string(l.GetSpanId())]; got == "" || got != string(l.GetTraceId()) {
			t.Fatalf("the record's trace %s is not that of its span", hex.EncodeToString(l.GetTraceId()))
		}
	}
}

func checkMetrics(t *testing.T, r *receiver.Receiver, n int) {
	t.Helper()
	traces := map[string]bool{}
	for _, s := range r.Spans() {
		traces[string(s.GetTraceId())] = true
	}
	last := map[string]*metricspb.Metric{}
	for _, m := range r.Metrics() {
		last[m.Service+" "+m.GetName()] = m.Metric
	}
	counts, exemplars := map[string]uint64{}, 0
	for _, p := range last["front http.server.request.duration"].GetHistogram().GetDataPoints() {
		counts[fmt.Sprint(receiver.Attribute(p.GetAttributes(), "http.route"), " ", receiver.Integer(p.GetAttributes(), "http.response.status_code"))] += p.GetCount()
		for _, e := range p.GetExemplars() {
			exemplars++
			if !traces[string(e.GetTraceId())] {
				t.Error("an exemplar has a trace that nobody has seen")
			}
		}
	}
	if counts["/ 200"]+counts["/ 502"] != uint64(n) {
		t.Errorf("want %d requests to front in metrics, got %v", n, counts)
	}
	if exemplars == 0 {
		t.Error("metrics have no exemplars")
	}
	for _, name := range []string{
		"front http.client.request.duration", "middle db.client.operation.duration", "middle game.cache.requests",
		"front otel.sdk.processor.span.processed", "front http.server.active_requests",
	} {
		if last[name] == nil {
			t.Errorf("there is no metric %s", name)
		}
	}
}

func TestDrops(t *testing.T) {
	r := &receiver.Receiver{}
	r.Refuse(true)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", listen(t, r, "http")+"/v1/traces")
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
	h := start(t, "services: [{name: a, endpoints: [{path: /}]}]", nil)
	many(t, h.URLs()["a"]+"/", 200)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := h.Status().Services["a"].Spans
	if c.Exported != 0 || c.Dropped() != 200 {
		t.Errorf("want 200 spans dropped and none exported, got %+v", c)
	}
	r.Refuse(false)
	many(t, h.URLs()["a"]+"/", 8)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := h.Status().Services["a"].Spans; c.Exported != 8 || len(r.Spans()) != 8 {
		t.Errorf("want 8 spans exported, got %+v", c)
	}
}

func TestReload(t *testing.T) {
	h := start(t, "services: [{name: a, endpoints: [{path: /}]}, {name: b}]", nil)
	url := h.URLs()["a"]
	write := func(game string) {
		t.Helper()
		if err := os.WriteFile(h.cfg.File, []byte(game), 0o600); err != nil {
			t.Fatal(err)
		}
		h.Reload(t.Context())
	}

	write("services: [{name: a, endpoints: [{path: /, steps: [{error: {code: 418, message: tea}}]}, {path: /new, steps: [{http: {service: c}}]}]}, {name: c, endpoints: [{path: /}]}]")
	if status, body := get(t, url+"/"); status != 418 || body != "tea" {
		t.Errorf("want what the new game says, got %d %s", status, body)
	}
	if status, _ := get(t, url+"/new"); status != 200 {
		t.Errorf("a new endpoint that calls a new service: want 200, got %d", status)
	}
	if _, ok := h.URLs()["b"]; ok {
		t.Error("a service that is gone still runs")
	}

	write("services: [{name: a, endpoints: [{path: /, steps: [{error: {code: 200}}]}]}]")
	if status, _ := get(t, url+"/"); status != 418 {
		t.Errorf("a game that is not valid must not be followed, got %d", status)
	}
	if s := h.Status(); s.Reloads != 1 || s.Refused != 1 {
		t.Errorf("want one reload and one refused, got %+v", s)
	}
}

func TestSingle(t *testing.T) {
	peer := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/x" || r.Header.Get("Baggage") == "" {
			w.WriteHeader(http.StatusTeapot)
		}
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go peer.Serve(l)
	defer peer.Close()
	h := start(t, "services: [{name: a, endpoints: [{path: /, steps: [{http: {service: b, path: /x}}, {leak: {kibPerRequest: 700, limitMiB: 1}}]}]}, {name: b, endpoints: [{path: /x}]}]", func(c *Config) {
		c.Service, c.Listen, c.Peers = "a", "127.0.0.1:0", l.Addr().String()
	})
	if status, body := get(t, h.URLs()["a"]+"/"); status != 200 {
		t.Errorf("want 200, got %d %s", status, body)
	}
	if status, _ := get(t, h.AdminURL()+"/readyz"); status != 200 {
		t.Errorf("readyz: want 200, got %d", status)
	}
	get(t, h.URLs()["a"]+"/")
	if status, body := get(t, h.AdminURL()+"/readyz"); status != 503 {
		t.Errorf("readyz of a service that is out of memory: want 503, got %d %s", status, body)
	}
	for path, want := range map[string]int{"/healthz": 200, "/statusz": 200, "/": 404} {
		if status, _ := get(t, h.AdminURL()+path); status != want {
			t.Errorf("%s: want %d, got %d", path, want, status)
		}
	}
}

func TestLoaders(t *testing.T) {
	r := &receiver.Receiver{}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listen(t, r, "http"))
	game := "services: [{name: a, endpoints: [{path: /}]}]\n" +
		"loadGenerators: [{name: people, users: 3, thinkTime: {duration: 5ms}, requests: [{service: a}, {service: a, path: /none, expectNotFound: true}]}]\n"
	h := start(t, game, func(c *Config) { c.NoLoad = false })
	time.Sleep(300 * time.Millisecond)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	statuses := map[int64]int{}
	for _, s := range r.Spans() {
		if s.Service == "people" {
			statuses[receiver.Integer(s.GetAttributes(), "http.response.status_code")]++
		}
	}
	if statuses[200] < 3 || statuses[404] < 3 {
		t.Errorf("want requests of both kinds, got %v", statuses)
	}
}

func TestGracefulStop(t *testing.T) {
	r := &receiver.Receiver{}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listen(t, r, "http"))
	h := start(t, "services: [{name: a, endpoints: [{path: /, steps: [{sleep: {duration: 300ms}}]}]}]", nil)
	url := h.URLs()["a"]
	answer := make(chan int)
	go func() {
		resp, err := http.Get(url + "/")
		if err != nil {
			answer <- 0
			return
		}
		defer resp.Body.Close()
		answer <- resp.StatusCode
	}()
	time.Sleep(100 * time.Millisecond)
	if err := h.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got != 200 {
		t.Errorf("a request that had begun: want 200, got %d", got)
	}
	if len(r.Spans()) != 1 {
		t.Errorf("want the last span to arrive, got %d", len(r.Spans()))
	}
}

func TestStartErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "game.yaml")
	if err := os.WriteFile(file, []byte("services: [{name: a}, {nam: b}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{File: file, Log: slog.New(slog.DiscardHandler)})
	var invalid *InvalidError
	if want := file + ":1:24: services[1].nam: there is no such field; the nearest is name"; !errors.As(err, &invalid) || invalid.Error() != want {
		t.Errorf("want %q, got %v", want, err)
	}
	if err := os.WriteFile(file, []byte("services: [{name: a}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for reason, cfg := range map[string]Config{
		"There is no such service.":        {File: file, Service: "b", Listen: "127.0.0.1:0"},
		"There is no such load generator.": {File: file, LoadGenerator: "b"},
		"There is no such file.":           {File: file + "x"},
	} {
		cfg.Log = slog.New(slog.DiscardHandler)
		if _, err := Start(t.Context(), cfg); err == nil {
			t.Errorf("%s Want an error.", reason)
		}
	}
	t.Setenv("OTEL_TRACES_EXPORTER", "zipkin")
	if _, err := Start(t.Context(), Config{File: file, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("zipkin: want an error")
	}
}
