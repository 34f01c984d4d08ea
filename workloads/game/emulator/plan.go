// SPDX-License-Identifier: Apache-2.0

// Package emulator does what a game says: it answers requests as services would,
// calls other services, wastes time, breaks, and tells of it all.
package emulator

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// A Plan is what a service does, ready to be run.
type Plan struct {
	service   language.Name
	version   string
	endpoints map[string]*endpoint
	unknown   *endpoint
	chaos     []activeFault
	workers   chan struct{}
	queue     int64
	// waiting for a worker.
	waiting atomic.Int64
}

// PlanOf makes the plan of a service of a valid game. It returns an error when
// the game has no such service, or is not valid in a way that a plan notices.
func PlanOf(g *language.Game, name language.Name) (*Plan, error) {
	s := g.Service(name)
	if s == nil {
		return nil, fmt.Errorf("the game has no service %q", name)
	}
	p := &Plan{service: s.Name, version: s.Version, endpoints: make(map[string]*endpoint, len(s.Endpoints)), unknown: newEndpoint("")}
	if s.Capacity != nil {
		p.workers = make(chan struct{}, s.Capacity.MaxConcurrency)
		p.queue = int64(s.Capacity.MaxQueueLength)
	}
	for i := range s.Endpoints {
		e := newEndpoint(string(s.Endpoints[i].Path))
		var err error
		if e.ops, err = opsOf(s.Endpoints[i].Steps); err != nil {
			return nil, fmt.Errorf("cannot plan %s%s: %w", name, s.Endpoints[i].Path, err)
		}
		p.endpoints[e.route] = e
	}
	for i := range g.Chaos {
		if g.Chaos[i].Target != name {
			continue
		}
		d, err := newActiveFault(&g.Chaos[i])
		if err != nil {
			return nil, fmt.Errorf("cannot plan chaos %s: %w", g.Chaos[i].Name, err)
		}
		p.chaos = append(p.chaos, d)
	}
	return p, nil
}

// An step is a step that is ready to be run.
type step struct {
	// probability is 1 for what always happens, and then no dice are thrown.
	probability float64
	cron        *language.Cron
	ignore      bool
	do          executor
}

// A executor does something in the course of a request. It returns what went wrong,
// or nil.
type executor interface {
	do(r *run) *failure
}

// A failure ends a request.
type failure struct {
	// code is the status of the answer.
	code int
	// kind is the error.type of what failed.
	kind string
	// message is for people.
	message string
}

func opsOf(calls []language.Call) ([]step, error) {
	ops := make([]step, 0, len(calls))
	for i := range calls {
		c := &calls[i]
		if len(c.OneOf) == 0 {
			o, err := opOf(&c.Step)
			if err != nil {
				return nil, fmt.Errorf("call %d: %w", i, err)
			}
			ops = append(ops, o)
			continue
		}
		choice, err := choiceOf(c.OneOf)
		if err != nil {
			return nil, fmt.Errorf("call %d: %w", i, err)
		}
		o, err := conditionsOf(&c.Step, choice)
		if err != nil {
			return nil, fmt.Errorf("call %d: %w", i, err)
		}
		ops = append(ops, o)
	}
	return ops, nil
}

func choiceOf(choices []language.Choice) (*oneOf, error) {
	out := &oneOf{}
	for i := range choices {
		var list []step
		for j := range choices[i].Steps {
			o, err := opOf(&choices[i].Steps[j])
			if err != nil {
				return nil, err
			}
			list = append(list, o)
		}
		out.total += float64(language.Default(choices[i].Weight, 1))
		out.until = append(out.until, out.total)
		out.lists = append(out.lists, list)
	}
	return out, nil
}

func opOf(s *language.Step) (step, error) {
	switch timeout := language.Span(s.Timeout, language.DefaultRemoteTimeout); {
	case s.HTTP != nil:
		return conditionsOf(s, httpOf(s.HTTP, timeout))
	case s.Sleep != nil:
		return conditionsOf(s, sleep{rangeOf(s.Sleep)})
	case s.CPU != nil:
		return conditionsOf(s, busy{rangeOf(s.CPU)})
	case s.Cache != nil:
		return conditionsOf(s, cacheOf(s.Cache))
	case s.Database != nil:
		return conditionsOf(s, databaseOf(s.Database, timeout))
	case s.Log != nil:
		return conditionsOf(s, recordOf(s.Log))
	case s.Error != nil:
		kind := fmt.Sprint(s.Error.Code)
		return conditionsOf(s, fail{&failure{code: int(s.Error.Code), kind: kind, message: s.Error.Message}})
	case s.Leak != nil:
		return conditionsOf(s, leak{
			bytes:   int(s.Leak.KiBPerRequest) << 10,
			limit:   int64(language.Default(s.Leak.LimitMiB, language.DefaultLeakLimit)) << 20,
			restart: language.Span(s.Leak.RestartDelay, language.DefaultRestart),
		})
	default:
		return step{}, fmt.Errorf("a step does nothing")
	}
}

func conditionsOf(s *language.Step, d executor) (step, error) {
	o := step{probability: float64(language.Default(s.Probability, 1)), ignore: s.IgnoreErrors, do: d}
	if s.Schedule == "" {
		return o, nil
	}
	c, err := language.ParseSchedule(s.Schedule)
	if err != nil {
		return step{}, err
	}
	o.cron = &c
	return o, nil
}

// A timeRange is how long something takes, at least and at most.
type timeRange struct {
	least, most time.Duration
}

func rangeOf(d *language.Delay) timeRange {
	if d == nil {
		return timeRange{}
	}
	jitter := language.Span(d.Jitter, 0)
	return timeRange{d.Duration.Duration - jitter, d.Duration.Duration + jitter}
}

// pick a time. Nothing is thrown for a range of one value.
func (t timeRange) pick(d *rng) time.Duration {
	if t.least == t.most {
		return t.least
	}
	return t.least + time.Duration(d.float()*float64(t.most-t.least))
}

func httpOf(h *language.HTTP, timeout time.Duration) *httpCall {
	method, path := string(h.Method.Or()), string(h.Path.Or())
	return &httpCall{
		service: h.Service,
		path:    path,
		retries: int(h.Retries),
		backoff: language.Span(h.Backoff, 0),
		timeout: timeout,
		request: newClientRequest(h.Service, method, path),
	}
}

func cacheOf(c *language.Cache) *cache {
	name := string(c.Name)
	if name == "" {
		name = "cache"
	}
	attrs := func(hit bool) attribute.Set {
		return attribute.NewSet(attribute.String("game.cache.name", name), attribute.Bool("game.cache.hit", hit))
	}
	return &cache{
		miss: float64(language.Default(c.MissProbability, 0)), hitTime: rangeOf(c.Hit), missTime: rangeOf(c.Miss),
		hitAttrs: attrs(true), missAttrs: attrs(false),
	}
}

func databaseOf(d *language.Database, timeout time.Duration) *database {
	operation := d.Operation
	if operation == "" {
		operation = language.OperationSelect
	}
	name := string(operation) + " " + string(d.Name)
	common := []attribute.KeyValue{
		systemOf(d.System),
		semconv.DBNamespace(string(d.Name)),
		semconv.DBOperationName(string(operation)),
		semconv.ServerAddress(string(d.Name)),
	}
	if d.Collection != "" {
		name = string(operation) + " " + string(d.Collection)
		common = append(common, semconv.DBCollectionName(string(d.Collection)))
	}
	span := common
	if d.Query != "" {
		span = append(slices.Clip(span), semconv.DBQueryText(d.Query))
	}
	failed := func(kind string) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(slices.Clip(common), semconv.ErrorTypeKey.String(kind))...))
	}
	return &database{
		name: name, time: rangeOf(d.Time), errors: float64(language.Default(d.ErrorProbability, 0)), timeout: timeout,
		span:    []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(span...)},
		metrics: metric.WithAttributeSet(attribute.NewSet(common...)),
		failed:  failed("query_failed"),
		late:    failed("timeout"),
	}
}

func systemOf(s language.System) attribute.KeyValue {
	switch s {
	case language.SystemMySQL:
		return semconv.DBSystemNameMySQL
	case language.SystemMariaDB:
		return semconv.DBSystemNameMariaDB
	case language.SystemMongoDB:
		return semconv.DBSystemNameMongoDB
	case language.SystemRedis:
		return semconv.DBSystemNameRedis
	case language.SystemCassandra:
		return semconv.DBSystemNameCassandra
	default:
		return semconv.DBSystemNamePostgreSQL
	}
}

func recordOf(l *language.Log) *record {
	r := &record{severity: log.SeverityInfo, text: "INFO", message: l.Message}
	switch l.Level {
	case language.LevelDebug:
		r.severity, r.text = log.SeverityDebug, "DEBUG"
	case language.LevelWarn:
		r.severity, r.text = log.SeverityWarn, "WARN"
	case language.LevelError:
		r.severity, r.text = log.SeverityError, "ERROR"
	default:
	}
	return r
}
