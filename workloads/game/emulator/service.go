// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/workloads/game/telemetry"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// maxActive is how many requests a service without a capacity handles at the
// same time.
const maxActive = 10000

// A Service answers requests as its plan says.
type Service struct {
	caller

	name   language.Name
	plan   atomic.Pointer[Plan]
	tel    *telemetry.Telemetry
	inst   *instruments
	leaked memoryLeak
	active atomic.Int64
}

var _ http.Handler = (*Service)(nil)

// NewService makes a service. It returns an error when there cannot be
// instruments.
func NewService(w *Runtime, tel *telemetry.Telemetry, p *Plan) (*Service, error) {
	s := &Service{name: p.service, tel: tel}
	inst, err := instrumentsOf(tel.Meter, s.leaked.size)
	if err != nil {
		return nil, err
	}
	s.inst = inst
	s.caller = caller{world: w, tracer: tel.Tracer, inject: tel.Propagator.Inject, client: inst.client}
	s.plan.Store(p)
	return s, nil
}

// SetPlan another plan from the next request on.
func (s *Service) SetPlan(p *Plan) { s.plan.Store(p) }

// Down says whether the service has broken down and is not back yet.
func (s *Service) Down() bool { return s.leaked.down(s.world.Now()) }

// Telemetry of the service.
func (s *Service) Telemetry() *telemetry.Telemetry { return s.tel }

// An endpoint that is ready to be asked.
type endpoint struct {
	route   string
	ops     []step
	attrs   *attributeCache
	names   [methodCount]string
	span    []trace.SpanStartOption
	refused metric.AddOption
	// asked counts requests that nobody gave a key.
	asked atomic.Uint64
}

func newEndpoint(route string) *endpoint {
	e := &endpoint{
		route: route, attrs: &attributeCache{route: route},
		span:    []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)},
		refused: metric.WithAttributeSet(attribute.NewSet(semconv.HTTPRoute(route))),
	}
	for i := range methodCount {
		e.names[i] = methodName(i)
		// A method that we do not know is called HTTP in names of spans.
		if i == methodCount-1 {
			e.names[i] = "HTTP"
		}
		if route != "" {
			e.names[i] += " " + route
		}
	}
	return e
}

// ServeHTTP answers a request.
func (s *Service) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	p := s.plan.Load()
	e := p.endpoints[req.URL.Path]
	if e == nil {
		e = p.unknown
	}
	ctx := s.tel.Propagator.Extract(req.Context(), propagation.HeaderCarrier(req.Header))
	r := run{ctx: ctx, service: s}
	s.carry(&r, e)

	if p.injectFault(&r) {
		// The only way to give no answer.
		panic(http.ErrAbortHandler)
	}
	if s.Down() || !s.enter() {
		s.inst.refused.Add(ctx, 1, e.refused)
		http.Error(w, "the service is not there", http.StatusServiceUnavailable)
		return
	}
	defer s.active.Add(-1)

	method := methodIndex(req.Method)
	began := s.world.Now()
	s.inst.active.Add(ctx, 1)
	defer s.inst.active.Add(ctx, -1)
	ctx, span := s.tracer.Start(ctx, e.names[method], e.span...)
	defer span.End()
	r.ctx = ctx

	f := s.handle(&r, p, e)
	status := http.StatusOK
	if f != nil {
		status = f.code
	}
	if span.IsRecording() {
		span.SetAttributes(s.attributes(req, method, e, status)...)
		if status >= http.StatusInternalServerError {
			span.SetAttributes(semconv.ErrorTypeKey.String(f.kind))
			span.SetStatus(codes.Error, f.message)
		}
	}
	s.inst.server.Record(ctx, s.world.Now().Sub(began).Seconds(), e.attrs.of(method, status)...)
	answer(w, status, f)
}

func answer(w http.ResponseWriter, status int, f *failure) {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	body := "ok\n"
	if f != nil {
		body = f.message + "\n"
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	// A caller who has gone does not want the answer.
	_, _ = w.Write([]byte(body))
}

// carry reads what the request brings from the services before.
func (s *Service) carry(r *run, e *endpoint) {
	bag := baggage.FromContext(r.ctx)
	if bag.Len() > 0 {
		// What cannot be read was not written by us.
		r.hops, _ = strconv.Atoi(bag.Member(baggageHops).Value())
	}
	if s.world.Seed == nil {
		return
	}
	key, ok := parseKey(bag.Member(baggageKey).Value())
	if !ok {
		key = e.asked.Add(1)
	}
	r.rng = newRNG(*s.world.Seed^hash(string(s.name), e.route), key)
}

func (s *Service) enter() bool {
	if s.active.Add(1) <= maxActive {
		return true
	}
	s.active.Add(-1)
	return false
}

// handle a request: wait for a worker, and do what the endpoint does.
func (s *Service) handle(r *run, p *Plan, e *endpoint) *failure {
	if e == p.unknown {
		return &failure{code: http.StatusNotFound, kind: "404", message: "there is nothing here"}
	}
	if r.hops >= language.MaxDepth {
		return &failure{code: http.StatusLoopDetected, kind: "loop", message: "the request has passed too many services"}
	}
	if p.workers == nil {
		return r.all(e.ops)
	}
	if f := p.work(r.ctx); f != nil {
		if f.code == http.StatusServiceUnavailable {
			s.inst.refused.Add(r.ctx, 1, e.refused)
		}
		return f
	}
	defer func() { <-p.workers }()
	return r.all(e.ops)
}

// work waits for a worker.
func (p *Plan) work(ctx context.Context) *failure {
	select {
	case p.workers <- struct{}{}:
		return nil
	default:
	}
	if p.waiting.Add(1) > p.queue {
		p.waiting.Add(-1)
		return &failure{code: http.StatusServiceUnavailable, kind: "overloaded", message: "too many requests are waiting"}
	}
	defer p.waiting.Add(-1)
	select {
	case p.workers <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &failure{code: statusClosed, kind: "canceled", message: "the caller has gone"}
	}
}

func (s *Service) attributes(req *http.Request, method int, e *endpoint, status int) []attribute.KeyValue {
	attrs := make([]attribute.KeyValue, 0, 9)
	attrs = append(attrs,
		semconv.HTTPRequestMethodKey.String(methodName(method)),
		semconv.URLScheme("http"),
		semconv.URLPath(req.URL.Path),
		semconv.HTTPResponseStatusCode(status),
		semconv.NetworkProtocolVersion("1.1"),
		semconv.ServerAddress(string(s.name)),
	)
	if e.route != "" {
		attrs = append(attrs, semconv.HTTPRoute(e.route))
	}
	if method == methodCount-1 {
		attrs = append(attrs, semconv.HTTPRequestMethodOriginal(req.Method))
	}
	if ua := req.UserAgent(); ua != "" {
		attrs = append(attrs, semconv.UserAgentOriginal(ua))
	}
	return attrs
}
