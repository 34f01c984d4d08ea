// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
)

// Counts say what became of spans or log records.
type Counts struct {
	// Exported have arrived.
	Exported int64 `json:"exported"`
	// QueueFull were dropped since the queue was full.
	QueueFull int64 `json:"queueFull"`
	// ExportFailed were dropped since nobody took them.
	ExportFailed int64 `json:"exportFailed"`
	// Queued are waiting now.
	Queued int64 `json:"queued"`
}

// Dropped is how many are lost.
func (c Counts) Dropped() int64 { return c.QueueFull + c.ExportFailed }

// queueConfig bounds a queue.
type queueConfig struct {
	size, batch    int
	delay, timeout time.Duration
}

// A queue of a bounded number of things that are exported in batches. The SDK's
// own queues are bounded as well, but do not say what they drop. When it is full
// it drops what comes, and never blocks.
type queue[T any] struct {
	cfg    queueConfig
	export func(ctx context.Context, batch []T) error

	items chan T
	flush chan chan struct{}
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once

	exported, full, failed atomic.Int64
}

func newQueue[T any](cfg queueConfig, export func(context.Context, []T) error) *queue[T] {
	q := &queue[T]{
		cfg:    cfg,
		export: export,
		items:  make(chan T, cfg.size),
		flush:  make(chan chan struct{}),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	go q.run()
	return q
}

func (q *queue[T]) put(item T) {
	select {
	case <-q.stop:
		q.full.Add(1)
		return
	default:
	}
	select {
	case q.items <- item:
	default:
		q.full.Add(1)
	}
}

func (q *queue[T]) counts() Counts {
	return Counts{Exported: q.exported.Load(), QueueFull: q.full.Load(), ExportFailed: q.failed.Load(), Queued: int64(len(q.items))}
}

func (q *queue[T]) run() {
	defer close(q.done)
	tick := time.NewTicker(q.cfg.delay)
	defer tick.Stop()
	var batch []T
	for {
		select {
		case item := <-q.items:
			batch = append(batch, item)
			if len(batch) >= q.cfg.batch {
				batch = q.send(batch)
			}
		case <-tick.C:
			batch = q.send(batch)
		case answer := <-q.flush:
			batch = q.drain(batch)
			close(answer)
		case <-q.stop:
			q.drain(batch)
			return
		}
	}
}

func (q *queue[T]) drain(batch []T) []T {
	for {
		select {
		case item := <-q.items:
			batch = append(batch, item)
			if len(batch) >= q.cfg.batch {
				batch = q.send(batch)
			}
		default:
			return q.send(batch)
		}
	}
}

// send returns the batch, empty. It forgets what was in it, so that no span
// stays in memory for the sake of an array.
func (q *queue[T]) send(batch []T) []T {
	if len(batch) == 0 {
		return batch
	}
	ctx, cancel := context.WithTimeout(context.Background(), q.cfg.timeout)
	defer cancel()
	if err := q.export(ctx, batch); err != nil {
		q.failed.Add(int64(len(batch)))
		otel.Handle(err)
	} else {
		q.exported.Add(int64(len(batch)))
	}
	clear(batch)
	return batch[:0]
}

// sync waits until everything that was there when it was called is exported or
// dropped.
func (q *queue[T]) sync(ctx context.Context) error {
	answer := make(chan struct{})
	select {
	case q.flush <- answer:
	case <-q.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot flush telemetry: %w", ctx.Err())
	}
	select {
	case <-answer:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot flush telemetry: %w", ctx.Err())
	}
}

// close exports what is left.
func (q *queue[T]) close(ctx context.Context) error {
	q.once.Do(func() { close(q.stop) })
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot export what is left: %w", ctx.Err())
	}
}
