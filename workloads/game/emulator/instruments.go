// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// instruments of a service, under the names of the semantic conventions where
// there are any.
type instruments struct {
	server   metric.Float64Histogram
	active   metric.Int64UpDownCounter
	client   metric.Float64Histogram
	database metric.Float64Histogram
	cache    metric.Int64Counter
	refused  metric.Int64Counter
	restarts metric.Int64Counter
}

func instrumentsOf(m metric.Meter, leaked func() int64) (*instruments, error) {
	seconds := metric.WithUnit("s")
	web := metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
	i, errs := &instruments{}, [8]error{}
	i.server, errs[0] = m.Float64Histogram("http.server.request.duration", seconds, web, metric.WithDescription("Duration of HTTP server requests."))
	i.active, errs[1] = m.Int64UpDownCounter("http.server.active_requests", metric.WithUnit("{request}"), metric.WithDescription("Number of active HTTP server requests."))
	i.client, errs[2] = m.Float64Histogram("http.client.request.duration", seconds, web, metric.WithDescription("Duration of HTTP client requests."))
	i.database, errs[3] = m.Float64Histogram("db.client.operation.duration", seconds,
		metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10), metric.WithDescription("Duration of database client operations."))
	i.cache, errs[4] = m.Int64Counter("game.cache.requests", metric.WithUnit("{request}"), metric.WithDescription("Look-ups in caches."))
	i.refused, errs[5] = m.Int64Counter("game.requests.refused", metric.WithUnit("{request}"), metric.WithDescription("Requests that found no worker, or a service that was down."))
	i.restarts, errs[6] = m.Int64Counter("game.restarts", metric.WithUnit("{restart}"), metric.WithDescription("How often the service broke down."))
	_, errs[7] = m.Int64ObservableGauge("game.leaked", metric.WithUnit("By"), metric.WithDescription("Memory that was leaked."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(leaked())
			return nil
		}))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("cannot make instruments: %w", err)
	}
	return i, nil
}

// methods that telemetry knows by name. Any other is _OTHER, so that callers
// cannot make up dimensions.
func methodIndex(method string) int {
	switch method {
	case "GET":
		return 0
	case "HEAD":
		return 1
	case "POST":
		return 2
	case "PUT":
		return 3
	case "PATCH":
		return 4
	case "DELETE":
		return 5
	default:
		return 6
	}
}

// methodCount is how many methodIndex knows.
const methodCount = 7

func methodName(index int) string {
	return [methodCount]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "_OTHER"}[index]
}

// attributeCache keeps the attributes of one route's measurements, by method and
// status: making them takes longer than answering.
type attributeCache struct {
	route   string
	methods [methodCount]atomic.Pointer[statuses]
}

// statuses that an emulator answers with: 200, and from 400 to 599.
type statuses [201]atomic.Pointer[[]metric.RecordOption]

func (c *attributeCache) of(method, status int) []metric.RecordOption {
	known := c.methods[method].Load()
	if known == nil {
		c.methods[method].CompareAndSwap(nil, &statuses{})
		known = c.methods[method].Load()
	}
	at := &known[max(0, status-399)]
	if o := at.Load(); o != nil {
		return *o
	}
	attrs := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(methodName(method)),
		semconv.URLScheme("http"),
		semconv.HTTPResponseStatusCode(status),
		semconv.NetworkProtocolVersion("1.1"),
	}
	if c.route != "" {
		attrs = append(attrs, semconv.HTTPRoute(c.route))
	}
	if status >= 500 {
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(status)))
	}
	o := []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(attrs...))}
	at.Store(&o)
	return o
}
