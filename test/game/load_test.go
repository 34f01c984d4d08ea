// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/workloads/game/host"
	"github.com/observe-k8s/observe-k8s/workloads/game/telemetry"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// busy is a game of five services, each of which is asked as often as front: 100
// users who wait a fifth of a second make 2,500 requests per second in all, if they
// are answered at once: 2,000 are left where an answer takes 50 ms.
const busy = `
services:
- {name: front, endpoints: [{path: /, steps: [{http: {service: left}}, {http: {service: right}}]}]}
- {name: left, endpoints: [{path: /, steps: [{http: {service: lower}}, {log: {level: Debug, message: asked}, probability: 1%}]}]}
- {name: right, endpoints: [{path: /, steps: [{http: {service: deeper}}, {cache: {name: c, missProbability: 10%}}]}]}
- {name: lower, endpoints: [{path: /, steps: [{database: {name: orders}}]}]}
- {name: deeper, endpoints: [{path: /, steps: [{error: {code: 500}, probability: 1%}]}]}
loadGenerators:
- name: many
  users: 100
  thinkTime: {duration: 200ms, jitter: 100ms}
  requests: [{service: front}]
`

// A counter takes spans and counts them.
type counter struct{ spans atomic.Int64 }

// ServeHTTP takes OTLP over HTTP.
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	if r.URL.Path != "/v1/traces" {
		return
	}
	in := &coltrace.ExportTraceServiceRequest{}
	if err := proto.Unmarshal(b, in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, rs := range in.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			c.spans.Add(int64(len(ss.GetSpans())))
		}
	}
}

// all sums up what became of the spans of a game.
func all(s host.Status) telemetry.Counts {
	sum := telemetry.Counts{}
	add := func(c telemetry.Counts) {
		sum.Exported += c.Exported
		sum.QueueFull += c.QueueFull
		sum.ExportFailed += c.ExportFailed
		sum.Queued += c.Queued
	}
	for _, one := range s.Services {
		add(one.Spans)
	}
	for _, one := range s.LoadGenerators {
		add(one.Spans)
	}
	return sum
}

// TestLoad lets a game have 2,000 requests per second for as long as GAME_LOAD
// says, 20s otherwise, of which nothing may be lost and for which no memory may
// grow, and goes on without a collector.
func TestLoad(t *testing.T) {
	took := 20 * time.Second
	if s := os.Getenv("GAME_LOAD"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			t.Fatal(err)
		}
		took = d
	}
	prometheus := startPrometheus(t)
	sink := &counter{}
	server := httptest.NewServer(sink)
	t.Cleanup(server.Close)
	c := startCollector(t, server.URL, prometheus)

	file := filepath.Join(t.TempDir(), "game.yaml")
	if err := os.WriteFile(file, []byte(busy), 0o600); err != nil {
		t.Fatal(err)
	}
	admin := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	game := run(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.url, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_METRIC_EXPORT_INTERVAL=5000"},
		build(t, "game"), "--game="+file, "--port=0", "--admin="+admin, "--seed=1")
	status := func() telemetry.Counts {
		var s host.Status
		if err := json.Unmarshal(fetch(t, "http://"+admin+"/statusz"), &s); err != nil {
			game.lives(t)
			t.Fatal(err)
		}
		return all(s)
	}
	eventually(t, "spans arrive", func() bool { return sink.spans.Load() > 0 })

	// A fifth of the time is for caches and pools to fill.
	time.Sleep(took / 5)
	requests := func() float64 { return query(t, prometheus, "sum(http_server_request_duration_seconds_count)") }
	began, before := time.Now(), requests()
	var memory []int
	for time.Since(began) < took*4/5 {
		time.Sleep(took / 100)
		memory = append(memory, game.rss(t))
	}
	rate := (requests() - before) / time.Since(began).Seconds()
	quarter := len(memory) / 4
	first, last := mean(memory[:quarter]), mean(memory[len(memory)-quarter:])
	up := status()
	t.Logf("%s: %.0f requests per second (2000 are promised); memory %d KiB, in the end %d KiB; spans: %+v", took, rate, first, last, up)
	// In less time it only shows how the garbage collector finds its pace.
	if took >= 5*time.Minute && last > first+first/10 {
		t.Errorf("memory has grown from %d KiB to %d KiB", first, last)
	}
	eventually(t, "every span that was exported arrives", func() bool { return sink.spans.Load() >= up.Exported })
	if lost := up.QueueFull + up.ExportFailed; lost > 0 {
		t.Errorf("%d spans were lost with the collector up", lost)
	}

	// Without a collector queues stay as they are bounded, and what is lost is
	// counted.
	c.stop(t)
	eventually(t, "losses are counted", func() bool { s := status(); return s.QueueFull > 0 || s.ExportFailed > 0 })
	time.Sleep(min(took/2, time.Minute))
	down := status()
	// Five services and a load generator, with the default of OTEL_BSP_MAX_QUEUE_SIZE.
	const bound = 6 * 2048
	if down.Queued > bound {
		t.Errorf("%d spans are queued; %d is the bound", down.Queued, bound)
	}
	without := game.rss(t)
	t.Logf("without a collector: memory %d KiB; spans: %+v", without, down)
	if without > 2*last {
		t.Errorf("memory has grown from %d KiB to %d KiB without a collector", last, without)
	}

	c.start(t)
	eventually(t, "spans arrive again", func() bool { return status().Exported > down.Exported })
	game.stop(t)
	lost := down.QueueFull + down.ExportFailed
	t.Logf("%d spans arrived; about %d were lost without a collector", sink.spans.Load(), lost)
}

func mean(of []int) int {
	sum := 0
	for _, n := range of {
		sum += n
	}
	return sum / max(1, len(of))
}
