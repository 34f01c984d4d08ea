// SPDX-License-Identifier: Apache-2.0

// Package random makes random games for tests: many of them are valid, some are
// not, and all of them are odd.
package random

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// An Object is a game before it is parsed, or a part of one.
type Object = map[string]any

// Game makes a random game of up to six services that call each other, often in
// circles.
func Game(r *rand.Rand) Object {
	m := maker{r: r, services: 1 + r.IntN(6)}
	var services []any
	for i := range m.services {
		s := Object{"name": service(i)}
		if m.chance(0.2) {
			s["capacity"] = Object{"maxConcurrency": 1 + r.IntN(4), "maxQueueLength": r.IntN(5)}
		}
		if m.chance(0.2) {
			s["version"], s["replicas"] = "1.0", r.IntN(3)
		}
		var endpoints []any
		for j := range paths {
			e := Object{"path": path(j)}
			if calls := m.calls(); len(calls) > 0 {
				e["steps"] = calls
			}
			endpoints = append(endpoints, e)
		}
		s["endpoints"] = endpoints
		services = append(services, s)
	}
	g := Object{"services": services}
	if m.chance(0.5) {
		g["loadGenerators"] = []any{Object{
			"name": "load", "users": 1 + r.IntN(3), "thinkTime": m.delay(),
			"requests": []any{Object{"service": service(0), "path": path(0)}, Object{"service": service(0), "path": "/none", "expectNotFound": true, "method": "POST"}},
		}}
	}
	if m.chance(0.5) {
		c := Object{"name": "trouble", "target": service(0), "duration": "2s"}
		if m.chance(0.5) {
			c["interval"] = "1m"
		} else {
			c["schedule"] = "*/5 * * * *"
		}
		switch r.IntN(3) {
		case 0:
			c["hang"] = Object{}
		case 1:
			c["latency"] = m.delay()
		default:
			c["loss"] = Object{"probability": m.percentage()}
		}
		g["chaos"] = []any{c}
	}
	return g
}

// paths is how many endpoints each service has.
const paths = 2

type maker struct {
	r        *rand.Rand
	services int
}

func service(i int) string { return fmt.Sprintf("s%d", i) }

func path(i int) string { return fmt.Sprintf("/p%d", i) }

func (m maker) chance(p float64) bool { return m.r.Float64() < p }

// percentage with as many decimals as there may be.
func (m maker) percentage() string { return fmt.Sprintf("%.4f%%", 100*m.r.Float64()) }

func (m maker) calls() []any {
	var out []any
	for range m.r.IntN(5) {
		c := m.step()
		if m.chance(0.2) {
			c = m.conditions(Object{"oneOf": m.choices()})
		}
		out = append(out, c)
	}
	return out
}

func (m maker) choices() []any {
	var out []any
	for range 1 + m.r.IntN(3) {
		c := Object{}
		if m.chance(0.7) {
			c["weight"] = 1 + m.r.IntN(9)
		}
		if m.chance(0.8) {
			c["steps"] = []any{m.step()}
		}
		out = append(out, c)
	}
	return out
}

func (m maker) conditions(c Object) Object {
	if m.chance(0.7) {
		c["probability"] = m.percentage()
	}
	if m.chance(0.1) {
		c["schedule"] = "0-29 * * * *"
	}
	if m.chance(0.3) {
		c["ignoreErrors"] = true
	}
	return c
}

func (m maker) step() Object {
	c := m.conditions(Object{})
	switch m.r.IntN(9) {
	case 0:
		c["sleep"] = m.delay()
	case 1:
		c["cpu"] = m.delay()
	case 2:
		c["cache"] = Object{"name": "c", "missProbability": m.percentage(), "hit": m.delay(), "miss": m.delay()}
	case 3:
		c["database"] = Object{
			"name": "db", "system": "MySQL", "operation": "INSERT", "collection": "t", "query": "INSERT",
			"time": m.delay(), "errorProbability": m.percentage(),
		}
		c["timeout"] = "1s"
	case 4:
		c["log"] = Object{"level": "Warn", "message": "something"}
	case 5:
		c["error"] = Object{"code": 400 + m.r.IntN(200), "message": "wrong"}
	case 6:
		c["leak"] = Object{"kibPerRequest": 1 + m.r.IntN(64), "limitMiB": 1, "restartDelay": "1s"}
	default:
		h := Object{"service": service(m.r.IntN(m.services)), "path": path(m.r.IntN(paths))}
		if m.chance(0.3) {
			h["retries"], h["backoff"] = m.r.IntN(3), "1ms"
		}
		if m.chance(0.2) {
			h["method"] = "PUT"
		}
		c["http"] = h
	}
	return c
}

func (m maker) delay() Object {
	d := time.Duration(m.r.IntN(1000)) * time.Millisecond
	out := Object{"duration": fmt.Sprintf("%dms", d.Milliseconds())}
	if m.chance(0.5) {
		out["jitter"] = fmt.Sprintf("%dus", (d / 2).Microseconds())
	}
	return out
}
