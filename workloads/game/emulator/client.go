// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Baggage that requests carry from service to service. It passes through services
// that are not ours, as long as they propagate it.
const (
	// baggageHops is how many services a request has passed.
	baggageHops = "game.hops"
	// baggageKey decides about chance, when a seed was given.
	baggageKey = "game.key"
)

// maxBody is how much of an answer is read. Ours are shorter.
const maxBody = 1 << 20

// A clientRequest is what all requests of one call have in common.
type clientRequest struct {
	service      language.Name
	method, path string
	name         string
	span         []trace.SpanStartOption
}

func newClientRequest(service language.Name, method, path string) *clientRequest {
	return &clientRequest{
		service: service, method: method, path: path, name: method + " " + path,
		span: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient)},
	}
}

// An outgoing request.
type outgoing struct {
	request *clientRequest
	// attempt counts from 0.
	attempt int
	// hops that the request has made when it arrives.
	hops int
	// key of its dice, if seeded.
	key    uint64
	seeded bool
}

// A caller sends requests, and tells of them.
type caller struct {
	world  *Runtime
	tracer trace.Tracer
	inject func(ctx context.Context, to propagation.TextMapCarrier)
	client metric.Float64Histogram
}

// call another service. It returns the status of the answer, or an error when
// there was none.
func (c *caller) call(ctx context.Context, out outgoing) (int, error) {
	q := out.request
	host := c.world.Address(q.service)
	ctx, span := c.tracer.Start(ctx, q.name, q.span...)
	defer span.End()
	if span.IsRecording() {
		span.SetAttributes(c.attributes(q, host, out.attempt)...)
	}

	began := c.world.Now()
	status, err := c.send(ctx, q, host, out)
	kind := ""
	switch {
	case err == nil && status < 400:
	case err == nil:
		kind = strconv.Itoa(status)
		span.SetStatus(codes.Error, "")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		kind = "timeout"
		span.SetStatus(codes.Error, ctx.Err().Error())
	case ctx.Err() != nil:
		kind = "canceled"
		span.SetStatus(codes.Error, ctx.Err().Error())
	default:
		kind = "connection_failed"
		span.SetStatus(codes.Error, err.Error())
	}

	attrs := make([]attribute.KeyValue, 0, 7)
	attrs = append(attrs, semconv.HTTPRequestMethodKey.String(q.method), semconv.ServerAddress(string(q.service)), semconv.URLTemplate(q.path))
	if status > 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(status))
		attrs = append(attrs, semconv.HTTPResponseStatusCode(status))
	}
	if kind != "" {
		span.SetAttributes(semconv.ErrorTypeKey.String(kind))
		attrs = append(attrs, semconv.ErrorTypeKey.String(kind))
	}
	c.client.Record(ctx, c.world.Now().Sub(began).Seconds(), metric.WithAttributes(attrs...))
	return status, err
}

func (c *caller) attributes(q *clientRequest, host string, attempt int) []attribute.KeyValue {
	attrs := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(q.method),
		semconv.ServerAddress(string(q.service)),
		semconv.URLFull("http://" + host + q.path),
		semconv.URLTemplate(q.path),
		semconv.ServicePeerName(string(q.service)),
	}
	port := 80
	if _, p, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.Atoi(p); err == nil {
			port = n
		}
	}
	attrs = append(attrs, semconv.ServerPort(port))
	if attempt > 0 {
		attrs = append(attrs, semconv.HTTPRequestResendCount(attempt))
	}
	return attrs
}

func (c *caller) send(ctx context.Context, q *clientRequest, host string, out outgoing) (int, error) {
	ctx, err := withBaggage(ctx, out)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, q.method, "http://"+host+q.path, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("cannot make a request: %w", err)
	}
	c.inject(ctx, propagation.HeaderCarrier(req.Header))
	resp, err := c.world.Transport.RoundTrip(req)
	if err != nil {
		return 0, fmt.Errorf("cannot call %s: %w", q.service, err)
	}
	// A body that is not read to its end costs the connection.
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	if err := resp.Body.Close(); err != nil {
		return 0, fmt.Errorf("cannot read the answer of %s: %w", q.service, err)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read the answer of %s: %w", q.service, err)
	}
	return resp.StatusCode, nil
}

func withBaggage(ctx context.Context, out outgoing) (context.Context, error) {
	bag := baggage.FromContext(ctx)
	bag, err := set(bag, baggageHops, strconv.Itoa(out.hops))
	if err != nil {
		return nil, err
	}
	if out.seeded {
		if bag, err = set(bag, baggageKey, formatKey(out.key)); err != nil {
			return nil, err
		}
	}
	return baggage.ContextWithBaggage(ctx, bag), nil
}

func set(bag baggage.Baggage, key, value string) (baggage.Baggage, error) {
	m, err := baggage.NewMemberRaw(key, value)
	if err != nil {
		return bag, fmt.Errorf("cannot make baggage: %w", err)
	}
	bag, err = bag.SetMember(m)
	if err != nil {
		return bag, fmt.Errorf("cannot carry baggage: %w", err)
	}
	return bag, nil
}
