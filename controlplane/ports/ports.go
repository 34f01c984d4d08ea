// SPDX-License-Identifier: Apache-2.0

// Package ports finds free ports on loopback.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken from below the ranges from which Linux and macOS pick local
// ports of outgoing connections: a port that is free now would otherwise often
// be taken by the time that a restarted program listens on it.
const (
	lowest  = 20000
	highest = 30000
	// block is how many ports a pool takes at a time.
	block = 100
	tries = 1000
)

// A Pool hands out free loopback ports, each at most once. No other pool on this
// machine hands them out too: it holds the first port of each block from which it
// takes them.
type Pool struct {
	mu     sync.Mutex
	guards []net.Listener
	next   []int
}

// NewPool returns a pool.
func NewPool() *Pool { return &Pool{} }

// Free returns a port on which nothing listens on loopback.
func (p *Pool) Free() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range tries {
		if len(p.next) == 0 && !p.reserve() {
			continue
		}
		port := p.next[0]
		p.next = p.next[1:]
		l, err := listen(port)
		if err != nil {
			continue
		}
		_ = l.Close()
		return port, nil
	}
	return 0, fmt.Errorf("cannot find a free port between %d and %d", lowest, highest)
}

// reserve a block, if nobody has it.
func (p *Pool) reserve() bool {
	first := lowest + block*rand.IntN((highest-lowest)/block) //nolint:gosec // Any block will do.
	guard, err := listen(first)
	if err != nil {
		return false
	}
	p.guards = append(p.guards, guard)
	for port := first + 1; port < first+block; port++ {
		p.next = append(p.next, port)
	}
	return true
}

// Close gives the pool's ports back.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.guards {
		_ = g.Close()
	}
	p.guards, p.next = nil, nil
}

func listen(port int) (net.Listener, error) {
	l, err := net.Listen("tcp", Addr(port)) //nolint:noctx // Listening on loopback does not wait.
	if err != nil {
		return nil, fmt.Errorf("cannot listen on port %d: %w", port, err)
	}
	return l, nil
}

// Addr returns the loopback address of a port.
func Addr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
