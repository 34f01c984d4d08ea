// SPDX-License-Identifier: Apache-2.0

package language

import "time"

// Defaults of what a game leaves out.
const (
	// DefaultRemoteTimeout is how long a call waits for its answer.
	DefaultRemoteTimeout = 30 * time.Second
	// DefaultWait is how long a user of a load generator waits after an answer.
	DefaultWait = time.Second
	// DefaultLeakLimit is where a leak breaks a replica, in MiB.
	DefaultLeakLimit = 64
	// DefaultRestart is how long a broken replica takes to come back.
	DefaultRestart = 5 * time.Second
)

// Default is *p, or otherwise when p is nil.
func Default[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// Span is d's time, or otherwise when d is nil.
func Span(d *Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return d.Duration
}

// Or is p, or / when p is empty.
func (p Path) Or() Path {
	if p == "" {
		return "/"
	}
	return p
}

// Or is m, or GET when m is empty.
func (m Method) Or() Method {
	if m == "" {
		return MethodGet
	}
	return m
}

// Service is the service of that name, or nil.
func (g *Game) Service(name Name) *Service {
	for i := range g.Services {
		if g.Services[i].Name == name {
			return &g.Services[i]
		}
	}
	return nil
}

// LoadGenerator is the load generator of that name, or nil.
func (g *Game) LoadGenerator(name Name) *LoadGenerator {
	for i := range g.LoadGenerators {
		if g.LoadGenerators[i].Name == name {
			return &g.LoadGenerators[i]
		}
	}
	return nil
}

// Endpoint is the endpoint at that path, or nil.
func (s *Service) Endpoint(path Path) *Endpoint {
	for i := range s.Endpoints {
		if s.Endpoints[i].Path == path {
			return &s.Endpoints[i]
		}
	}
	return nil
}
