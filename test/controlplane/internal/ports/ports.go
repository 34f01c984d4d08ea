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
	tries   = 1000
)

// A Pool hands out free loopback ports, each at most once.
type Pool struct {
	mu    sync.Mutex
	taken map[int]bool
}

// NewPool returns a pool.
func NewPool() *Pool { return &Pool{taken: map[int]bool{}} }

// Free returns a port on which nothing listens on loopback.
func (p *Pool) Free() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range tries {
		port := lowest + rand.IntN(highest-lowest) //nolint:gosec // Any port will do.
		if p.taken[port] {
			continue
		}
		l, err := net.Listen("tcp", Addr(port)) //nolint:noctx // Listening on loopback does not wait.
		if err != nil {
			continue
		}
		_ = l.Close()
		p.taken[port] = true
		return port, nil
	}
	return 0, fmt.Errorf("cannot find a free port between %d and %d", lowest, highest)
}

// Addr returns the loopback address of a port.
func Addr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
