// SPDX-License-Identifier: Apache-2.0

package ci

import (
	"context"
	"crypto/rand"

	"go.opentelemetry.io/otel/trace"
)

// ids generates IDs of spans; a new root gets the ones that were chosen for it.
type ids struct{ root trace.SpanContext }

// NewIDs are those of the root.
func (g *ids) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	return g.root.TraceID(), g.root.SpanID()
}

// NewSpanID is a random one.
func (*ids) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	_, span := random()
	return span
}

// random IDs. Go's source of randomness does not fail.
func random() (trace.TraceID, trace.SpanID) {
	var id trace.TraceID
	var span trace.SpanID
	_, _ = rand.Read(id[:])
	_, _ = rand.Read(span[:])
	return id, span
}
