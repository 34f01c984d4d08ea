// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// page of memory. It takes one byte per page to make memory real.
const page = 4096

// memoryLeak are memory that a service keeps for no reason.
type memoryLeak struct {
	mu    sync.Mutex
	kept  [][]byte
	bytes int64
	// until is when a service that broke down is back, in nanoseconds since 1970.
	// Every request looks at it.
	until atomic.Int64
}

// keep some more, and say false when that breaks the service down.
func (l *memoryLeak) keep(some leak, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bytes+int64(some.bytes) <= some.limit {
		b := make([]byte, some.bytes)
		for i := 0; i < len(b); i += page {
			b[i] = 1
		}
		l.kept = append(l.kept, b)
		l.bytes += int64(some.bytes)
		return true
	}
	l.kept, l.bytes = nil, 0
	l.until.Store(now.Add(some.restart).UnixNano())
	// A process that ends gives its memory back.
	go debug.FreeOSMemory()
	return false
}

func (l *memoryLeak) down(now time.Time) bool {
	return now.UnixNano() < l.until.Load()
}

func (l *memoryLeak) size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}
