// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/game/random"
	"github.com/observe-k8s/observe-k8s/workloads/game/telemetry"
)

// noon is when worlds of tests begin.
var noon = time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)

// A toy is a world without time and network: who sleeps moves the clock, and
// requests are calls of functions.
type toy struct {
	t        testing.TB
	world    *Runtime
	clock    atomic.Int64
	busy     atomic.Int64
	requests atomic.Int64
	services map[string]*Service
}

func newToy(t testing.TB, g *language.Game, seed *uint64) *toy {
	t.Helper()
	w := &toy{t: t, services: map[string]*Service{}}
	w.clock.Store(noon.UnixNano())
	w.world = &Runtime{
		Now: func() time.Time { return time.Unix(0, w.clock.Load()).UTC() },
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.clock.Add(int64(d))
			return ctx.Err()
		},
		Busy: func(ctx context.Context, d time.Duration) error {
			w.clock.Add(int64(d))
			w.busy.Add(int64(d))
			return ctx.Err()
		},
		Seed:      seed,
		Address:   func(n language.Name) string { return string(n) },
		Transport: w,
	}
	for i := range g.Services {
		p, err := PlanOf(g, g.Services[i].Name)
		if err != nil {
			t.Fatal(err)
		}
		// Who waits here waits for himself, since there is nobody else: in a world with
		// time it is the timeout that ends this.
		p.queue = 0
		tel, err := telemetry.New(t.Context(), telemetry.Options{Service: string(g.Services[i].Name)})
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewService(w.world, tel, p)
		if err != nil {
			t.Fatal(err)
		}
		w.services[string(g.Services[i].Name)] = s
	}
	return w
}

// most requests that one of a test may cause. Random games cause a thousand at
// most on average.
const most = 1_000_000

// RoundTrip calls a service's handler.
func (w *toy) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	if w.requests.Add(1) > most {
		return nil, errors.New("too many requests")
	}
	rec := httptest.NewRecorder()
	defer func() {
		if e := recover(); e != nil {
			if e != http.ErrAbortHandler {
				panic(e)
			}
			err = io.EOF
		}
	}()
	w.services[req.URL.Host].ServeHTTP(rec, req)
	return rec.Result(), nil
}

// ask a service. The status is 0 when there is no answer.
func (w *toy) ask(service, path string) (status int, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+service+path, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.RoundTrip(req)
	if err != nil {
		return 0, ""
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(b))
}

func parse(t testing.TB, game string) *language.Game {
	t.Helper()
	g, err := language.Parse([]byte(game))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// pair is a game of a service a with these calls, and a service b with those.
func pair(a, b string) string {
	return "services:\n- {name: a, endpoints: [{path: /, steps: [" + a + "]}]}\n- {name: b, endpoints: [{path: /, steps: [" + b + "]}]}\n"
}

func TestAnswer(t *testing.T) {
	type want struct {
		Status int
		Body   string
		Took   time.Duration
		Busy   time.Duration
	}
	cases := map[string]struct {
		reason string
		game   string
		path   string
		want   want
	}{
		"Nothing": {
			reason: "An endpoint without calls does nothing, well.",
			game:   pair("", ""),
			want:   want{Status: 200, Body: "ok"},
		},
		"UnknownPath": {
			reason: "An unknown path is 404.",
			game:   pair("", ""), path: "/x",
			want: want{Status: 404, Body: "there is nothing here"},
		},
		"InOrder": {
			reason: "What comes before an error happens, what comes after does not.",
			game:   pair("{sleep: {duration: 1s}}, {cpu: {duration: 2s}}, {error: {code: 418, message: tea}}, {sleep: {duration: 4s}}", ""),
			want:   want{Status: 418, Body: "tea", Took: 3 * time.Second, Busy: 2 * time.Second},
		},
		"CodeIsInteger": {
			reason: "The code of an error is that of the answer, and not 500.",
			game:   pair("{error: {code: 404, message: gone}}", ""),
			want:   want{Status: 404, Body: "gone"},
		},
		"Ignored": {
			reason: "An error that is ignored does not end the request.",
			game:   pair("{error: {code: 500}, ignoreErrors: true}, {sleep: {duration: 1s}}", ""),
			want:   want{Status: 200, Body: "ok", Took: time.Second},
		},
		"FailedCall": {
			reason: "A failed call ends the request with an error.",
			game:   pair("{http: {service: b}}, {sleep: {duration: 1s}}", "{error: {code: 403}}"),
			want:   want{Status: 502, Body: "b answered with an error"},
		},
		"FailedCallIgnored": {
			reason: "Unless it is ignored.",
			game:   pair("{http: {service: b}, ignoreErrors: true}, {sleep: {duration: 1s}}", "{error: {code: 403}}"),
			want:   want{Status: 200, Body: "ok", Took: time.Second},
		},
		"Retries": {
			reason: "A call is tried again, after a pause.",
			game:   pair("{http: {service: b, retries: 2, backoff: 1s}}", "{sleep: {duration: 5s}}, {error: {code: 500}}"),
			want:   want{Status: 502, Body: "b answered with an error", Took: 17 * time.Second},
		},
		"Schedule": {
			reason: "It is noon.",
			game:   pair(`{sleep: {duration: 1s}, schedule: "0 12 * * *"}, {sleep: {duration: 2s}, schedule: "30 12 * * *"}`, ""),
			want:   want{Status: 200, Body: "ok", Took: time.Second},
		},
		"Probability": {
			reason: "0 is never and 1 is always.",
			game:   pair("{sleep: {duration: 1s}, probability: 0%}, {sleep: {duration: 2s}, probability: 100%}", ""),
			want:   want{Status: 200, Body: "ok", Took: 2 * time.Second},
		},
		"OneOf": {
			reason: "A failure in a choice ends the request.",
			game:   pair("{oneOf: [{steps: [{sleep: {duration: 1s}}, {error: {code: 409, message: no}}]}]}, {sleep: {duration: 1s}}", ""),
			want:   want{Status: 409, Body: "no", Took: time.Second},
		},
		"Cache": {
			reason: "A miss takes its time.",
			game:   pair("{cache: {missProbability: 100%, hit: {duration: 1s}, miss: {duration: 2s}}}", ""),
			want:   want{Status: 200, Body: "ok", Took: 2 * time.Second},
		},
		"DatabaseTimeout": {
			reason: "A query that takes too long fails when it is given up.",
			game:   pair("{database: {name: d, time: {duration: 3s}}, timeout: 2s}", ""),
			want:   want{Status: 504, Body: "the database did not answer in time", Took: 2 * time.Second},
		},
		"DatabaseError": {
			reason: "A query fails after its time.",
			game:   pair("{database: {name: d, time: {duration: 3s}, errorProbability: 100%}}", ""),
			want:   want{Status: 500, Body: "the query failed", Took: 3 * time.Second},
		},
		"Latency": {
			reason: "Chaos lets a request take longer.",
			game:   pair("", "") + "chaos: [{name: c, target: a, schedule: '59 11 * * *', duration: 61s, latency: {duration: 3s}}]\n",
			want:   want{Status: 200, Body: "ok", Took: 3 * time.Second},
		},
		"Pause": {
			reason: "A pause ends when the chaos ends.",
			game:   pair("", "") + "chaos: [{name: c, target: a, schedule: '59 11 * * *', duration: 70s, hang: {}}]\n",
			want:   want{Status: 200, Body: "ok", Took: 10 * time.Second},
		},
		"Loss": {
			reason: "A request that is lost gets no answer.",
			game:   pair("", "") + "chaos: [{name: c, target: a, interval: 1h, duration: 1s, loss: {probability: 100%}}]\n",
		},
		"ChaosIsOver": {
			reason: "What lasts a minute is over after a minute.",
			game:   pair("", "") + "chaos: [{name: c, target: a, schedule: '59 11 * * *', duration: 1m, hang: {}}]\n",
			want:   want{Status: 200, Body: "ok"},
		},
		"LostCall": {
			reason: "A call without an answer is a failed one.",
			game:   pair("{http: {service: b}}", "") + "chaos: [{name: c, target: b, interval: 1h, duration: 1s, loss: {probability: 100%}}]\n",
			want:   want{Status: 502, Body: "b did not answer"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newToy(t, parse(t, tc.game), nil)
			path := tc.path
			if path == "" {
				path = "/"
			}
			var got want
			got.Status, got.Body = w.ask("a", path)
			got.Took = w.world.Now().Sub(noon)
			got.Busy = time.Duration(w.busy.Load())
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nask(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestLeak(t *testing.T) {
	w := newToy(t, parse(t, pair("{leak: {kibPerRequest: 256, limitMiB: 1, restartDelay: 10s}}", "")), nil)
	var got []int
	for range 6 {
		status, _ := w.ask("a", "/")
		got = append(got, status)
	}
	if !w.services["a"].Down() || w.services["b"].Down() {
		t.Error("a service that is out of memory must be down, and no other")
	}
	w.clock.Add(int64(11 * time.Second))
	status, _ := w.ask("a", "/")
	// Four times 256 KiB are a MiB; the fifth breaks it down, the sixth finds it down.
	if diff := cmp.Diff([]int{200, 200, 200, 200, 503, 503, 200}, append(got, status)); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

func TestCapacity(t *testing.T) {
	w := newToy(t, parse(t, "services: [{name: a, capacity: {maxConcurrency: 1, maxQueueLength: 1}, endpoints: [{path: /, steps: [{sleep: {duration: 1s}}]}]}]"), nil)
	p := w.services["a"].plan.Load()
	p.queue = 1
	enter, leave := make(chan struct{}, 3), make(chan struct{})
	w.world.Sleep = func(context.Context, time.Duration) error {
		enter <- struct{}{}
		<-leave
		return nil
	}
	var (
		wg  sync.WaitGroup
		got [2]int
	)
	for i := range got {
		wg.Go(func() { got[i], _ = w.ask("a", "/") })
	}
	<-enter
	for p.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if status, _ := w.ask("a", "/"); status != 503 {
		t.Errorf("a request that finds the queue full: want 503, got %d", status)
	}
	close(leave)
	wg.Wait()
	if diff := cmp.Diff([2]int{200, 200}, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

func TestHopLimit(t *testing.T) {
	// A game that Parse would refuse: what a cycle through services that are not
	// ours looks like.
	g := &language.Game{Services: []language.Service{{Name: "a", Endpoints: []language.Endpoint{{Path: "/", Steps: []language.Call{
		{Step: language.Step{HTTP: &language.HTTP{Service: "a"}}},
	}}}}}}
	w := newToy(t, g, nil)
	if status, _ := w.ask("a", "/"); status != 502 {
		t.Errorf("want 502, got %d", status)
	}
	if got := w.requests.Load(); got != language.MaxDepth+1 {
		t.Errorf("want %d requests, got %d", language.MaxDepth+1, got)
	}
}

func TestSeed(t *testing.T) {
	// What becomes of a request depends on both services: the dice of b must belong
	// to the request, not to the order in which b is asked.
	game := pair("{oneOf: [{steps: [{http: {service: b}}]}, {steps: [{http: {service: b}, ignoreErrors: true}]}]}", "{error: {code: 500}, probability: 50%}")
	outcome := func(seed *uint64, workers int) map[int]int {
		w := newToy(t, parse(t, game), seed)
		out := map[int]int{}
		var (
			wg sync.WaitGroup
			mu sync.Mutex
		)
		for range workers {
			wg.Go(func() {
				for range 400 / workers {
					status, _ := w.ask("a", "/")
					mu.Lock()
					out[status]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		return out
	}
	seed, other := uint64(7), uint64(8)
	if diff := cmp.Diff(outcome(&seed, 1), outcome(&seed, 8)); diff != "" {
		t.Errorf("the same seed, one and eight callers: -one, +eight:\n%s", diff)
	}
	if cmp.Equal(outcome(&seed, 1), outcome(&other, 1)) {
		t.Error("two seeds have the same outcome")
	}
}

// TestEnds is the promise of the language: whatever Parse accepts, every request
// ends.
func TestEnds(t *testing.T) {
	accepted, cyclic := 0, 0
	for n := range uint64(400) {
		b, err := json.Marshal(random.Game(rand.New(rand.NewPCG(n, 1))))
		if err != nil {
			t.Fatal(err)
		}
		g, err := language.Parse(b)
		if err != nil {
			continue
		}
		accepted++
		w := newToy(t, g, &n)
		for range 20 {
			for i := range g.Services {
				for j := range g.Services[i].Endpoints {
					before := w.requests.Load()
					w.ask(string(g.Services[i].Name), string(g.Services[i].Endpoints[j].Path))
					if made := w.requests.Load() - before; made > 4096 {
						cyclic++
					}
				}
			}
		}
		if w.requests.Load() > most {
			t.Errorf("game %d: requests do not end:\n%s", n, b)
		}
	}
	t.Logf("%d of 400 random games are valid; %d requests caused more than 4096", accepted, cyclic)
	if accepted < 100 {
		t.Errorf("only %d of 400 random games are valid", accepted)
	}
}

func FuzzPlan(f *testing.F) {
	for n := range uint64(20) {
		b, err := json.Marshal(random.Game(rand.New(rand.NewPCG(n, 2))))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := language.Parse(b)
		if err != nil {
			return
		}
		seed := uint64(1)
		w := newToy(t, g, &seed)
		began := time.Now()
		for i := range g.Services {
			for j := range g.Services[i].Endpoints {
				w.ask(string(g.Services[i].Name), string(g.Services[i].Endpoints[j].Path))
			}
		}
		if w.requests.Load() > most || time.Since(began) > 30*time.Second {
			t.Errorf("%d requests in %s", w.requests.Load(), time.Since(began))
		}
	})
}

// BenchmarkNoOp measures a service over a real connection, with a client that
// costs next to nothing but is measured as well: the true figure is higher.
func BenchmarkNoOp(b *testing.B) {
	b.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	b.Setenv("OTEL_METRICS_EXPORTER", "otlp")
	b.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	b.Setenv("OTEL_TRACES_SAMPLER_ARG", "0.01")
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer sink.Close()
	b.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.URL)

	g := parse(b, "services: [{name: a, endpoints: [{path: /}]}]")
	p, err := PlanOf(g, "a")
	if err != nil {
		b.Fatal(err)
	}
	tel, err := telemetry.New(b.Context(), telemetry.Options{Service: "a"})
	if err != nil {
		b.Fatal(err)
	}
	s, err := NewService(Real(nil, func(n language.Name) string { return string(n) }), tel, p)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(s)
	defer server.Close()

	before := cpu(b)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		request, answer := []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), make([]byte, 4096)
		for pb.Next() {
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
			n, err := conn.Read(answer)
			if err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 200") {
				b.Errorf("%q, %v", answer[:n], err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/(cpu(b)-before).Seconds(), "req/cpu-s")
	if err := tel.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
	if c := tel.Spans(); c.Dropped() > 0 {
		b.Logf("dropped %d of %d spans", c.Dropped(), c.Dropped()+c.Exported)
	}
}

// cpu time that this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
