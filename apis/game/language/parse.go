// SPDX-License-Identifier: Apache-2.0

package language

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxSize of a game's file in bytes. It is what fits into a ConfigMap.
const MaxSize = 1 << 20

// Parse reads a game from YAML or JSON. It is strict: a field that does not exist
// or stands there twice is an error, as are anchors and tags. It returns a
// ProblemsError when the file can be read and the game is not valid.
func Parse(b []byte) (*Game, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("cannot read a game of %d bytes: it may have %d", len(b), MaxSize)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, ProblemsError{{Message: "there is no game in here"}}
		}
		return nil, fmt.Errorf("cannot read YAML: %w", err)
	}
	var second yaml.Node
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, ProblemsError{{Line: second.Line, Column: second.Column, Message: "a file holds one game: there is a second document"}}
	}

	r := &reader{at: map[string]position{}}
	g := &Game{}
	if len(doc.Content) == 1 {
		r.game(doc.Content[0], "", g)
	}
	// What could not be read would only make for more messages.
	if err := r.problems.err(); err != nil {
		return nil, err
	}
	problems := problemsOf(g)
	for i := range problems {
		at := r.find(problems[i].Path)
		problems[i].Line, problems[i].Column = at.line, at.column
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	return g, nil
}

type position struct{ line, column int }

// A reader turns nodes into a game and notes where everything stands.
type reader struct {
	at       map[string]position
	problems ProblemsError
}

// A field reads one field of an object.
type field func(n *yaml.Node, path string)

// find where a field stands, or else what it is missing from.
func (r *reader) find(path string) position {
	for {
		if at, ok := r.at[path]; ok || path == "" {
			return at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

func (r *reader) wrongf(n *yaml.Node, path, format string, args ...any) {
	r.problems = append(r.problems, Problem{Line: n.Line, Column: n.Column, Path: path, Message: fmt.Sprintf(format, args...)})
}

// plain notes where a node stands, and says whether it has the kind that is
// expected and nothing that the language does not have.
func (r *reader) plain(n *yaml.Node, path string, kind yaml.Kind, what string) bool {
	r.at[path] = position{n.Line, n.Column}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.wrongf(n, path, "a game has no anchors and aliases")
	case n.Style&yaml.TaggedStyle != 0:
		r.wrongf(n, path, "a game has no tags")
	case n.Kind != kind:
		r.wrongf(n, path, "must be %s", what)
	default:
		return true
	}
	return false
}

func (r *reader) object(n *yaml.Node, path string, fields map[string]field) {
	if !r.plain(n, path, yaml.MappingNode, "an object with fields") {
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		sub := join(path, key.Value)
		if key.Kind != yaml.ScalarNode || key.Anchor != "" {
			r.wrongf(key, path, "a field's name must be a word")
			continue
		}
		if seen[key.Value] {
			r.wrongf(key, sub, "the field is there twice")
			continue
		}
		seen[key.Value] = true
		read, ok := fields[key.Value]
		if !ok {
			r.wrongf(key, sub, "there is no such field%s", nearestOf(key.Value, slices.Sorted(maps.Keys(fields))))
			continue
		}
		r.at[sub] = position{key.Line, key.Column}
		if isNull(value) {
			continue
		}
		read(value, sub)
	}
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && n.Style&yaml.TaggedStyle == 0 && n.Anchor == ""
}

// list reads a list. Elements are named by the value of their key, so that a
// message says services[shop], or else by their number.
func list[T any](r *reader, to *[]T, key string, read func(*yaml.Node, string, *T)) field {
	return func(n *yaml.Node, path string) {
		if !r.plain(n, path, yaml.SequenceNode, "a list") {
			return
		}
		out := make([]T, len(n.Content))
		for i, e := range n.Content {
			read(e, element(path, i, valueOf(e, key)), &out[i])
		}
		*to = out
	}
}

func element(path string, i int, key string) string {
	if key == "" {
		return fmt.Sprintf("%s[%d]", path, i)
	}
	return fmt.Sprintf("%s[%s]", path, key)
}

func valueOf(n *yaml.Node, key string) string {
	if key == "" || n.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && n.Content[i+1].Kind == yaml.ScalarNode {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// pointer reads into what a pointer will point at.
func pointer[T any](to **T, read func(*yaml.Node, string, *T)) field {
	return func(n *yaml.Node, path string) {
		*to = new(T)
		read(n, path, *to)
	}
}

// value reads in place.
func value[T any](to *T, read func(*yaml.Node, string, *T)) field {
	return func(n *yaml.Node, path string) { read(n, path, to) }
}

func text[T ~string](r *reader, to *T) field {
	return func(n *yaml.Node, path string) {
		if !r.plain(n, path, yaml.ScalarNode, "text") {
			return
		}
		if n.ShortTag() != "!!str" && n.ShortTag() != "!!timestamp" {
			r.wrongf(n, path, "must be text: put %s in quotes", n.Value)
			return
		}
		*to = T(n.Value)
	}
}

func (r *reader) boolean(n *yaml.Node, path string, to *bool) {
	if !r.plain(n, path, yaml.ScalarNode, "true or false") {
		return
	}
	if n.ShortTag() != "!!bool" || n.Decode(to) != nil {
		r.wrongf(n, path, "must be true or false, not %q", n.Value)
	}
}

func (r *reader) integer(n *yaml.Node, path string, to *int32) {
	if !r.plain(n, path, yaml.ScalarNode, "an integer") {
		return
	}
	var i int64
	if n.ShortTag() != "!!int" || n.Decode(&i) != nil || i < math.MinInt32 || i > math.MaxInt32 {
		r.wrongf(n, path, "must be an integer, not %q", n.Value)
		return
	}
	*to = int32(i)
}

func (r *reader) probability(n *yaml.Node, path string, to *Probability) {
	if !r.plain(n, path, yaml.ScalarNode, "a percentage such as 20%") {
		return
	}
	p, err := parseProbability(n.Value)
	if err != nil {
		r.wrongf(n, path, "%v", err)
		return
	}
	*to = p
}

func (r *reader) duration(n *yaml.Node, path string, to *Duration) {
	if !r.plain(n, path, yaml.ScalarNode, "a duration such as 300ms") {
		return
	}
	d, err := parseDuration(n.Value)
	if err != nil {
		r.wrongf(n, path, "%v", err)
		return
	}
	to.Duration = d
}

func (r *reader) game(n *yaml.Node, path string, g *Game) {
	r.object(n, path, map[string]field{
		"services":       list(r, &g.Services, "name", r.service),
		"loadGenerators": list(r, &g.LoadGenerators, "name", r.loadGenerator),
		"chaos":          list(r, &g.Chaos, "name", r.chaos),
	})
}

func (r *reader) service(n *yaml.Node, path string, s *Service) {
	r.object(n, path, map[string]field{
		"name":      text(r, &s.Name),
		"version":   text(r, &s.Version),
		"replicas":  pointer(&s.Replicas, r.integer),
		"capacity":  pointer(&s.Capacity, r.capacity),
		"endpoints": list(r, &s.Endpoints, "path", r.endpoint),
	})
}

func (r *reader) capacity(n *yaml.Node, path string, c *Capacity) {
	r.object(n, path, map[string]field{
		"maxConcurrency": value(&c.MaxConcurrency, r.integer),
		"maxQueueLength": value(&c.MaxQueueLength, r.integer),
	})
}

func (r *reader) endpoint(n *yaml.Node, path string, e *Endpoint) {
	r.object(n, path, map[string]field{
		"path":  text(r, &e.Path),
		"steps": list(r, &e.Steps, "", r.call),
	})
}

func (r *reader) call(n *yaml.Node, path string, c *Call) {
	fields := r.stepFields(&c.Step)
	fields["oneOf"] = list(r, &c.OneOf, "", r.choice)
	r.object(n, path, fields)
}

func (r *reader) choice(n *yaml.Node, path string, c *Choice) {
	r.object(n, path, map[string]field{
		"weight": pointer(&c.Weight, r.integer),
		"steps":  list(r, &c.Steps, "", r.step),
	})
}

func (r *reader) step(n *yaml.Node, path string, s *Step) {
	r.object(n, path, r.stepFields(s))
}

func (r *reader) stepFields(s *Step) map[string]field {
	return map[string]field{
		"probability":  pointer(&s.Probability, r.probability),
		"schedule":     text(r, &s.Schedule),
		"timeout":      pointer(&s.Timeout, r.duration),
		"ignoreErrors": value(&s.IgnoreErrors, r.boolean),
		"http":         pointer(&s.HTTP, r.http),
		"sleep":        pointer(&s.Sleep, r.delay),
		"cpu":          pointer(&s.CPU, r.delay),
		"cache":        pointer(&s.Cache, r.cache),
		"database":     pointer(&s.Database, r.database),
		"log":          pointer(&s.Log, r.log),
		"error":        pointer(&s.Error, r.error),
		"leak":         pointer(&s.Leak, r.leak),
	}
}

func (r *reader) http(n *yaml.Node, path string, h *HTTP) {
	r.object(n, path, map[string]field{
		"service": text(r, &h.Service),
		"path":    text(r, &h.Path),
		"method":  text(r, &h.Method),
		"retries": value(&h.Retries, r.integer),
		"backoff": pointer(&h.Backoff, r.duration),
	})
}

func (r *reader) delay(n *yaml.Node, path string, d *Delay) {
	r.object(n, path, map[string]field{
		"duration": value(&d.Duration, r.duration),
		"jitter":   pointer(&d.Jitter, r.duration),
	})
}

func (r *reader) cache(n *yaml.Node, path string, c *Cache) {
	r.object(n, path, map[string]field{
		"name":            text(r, &c.Name),
		"missProbability": pointer(&c.MissProbability, r.probability),
		"hit":             pointer(&c.Hit, r.delay),
		"miss":            pointer(&c.Miss, r.delay),
	})
}

func (r *reader) database(n *yaml.Node, path string, d *Database) {
	r.object(n, path, map[string]field{
		"name":             text(r, &d.Name),
		"system":           text(r, &d.System),
		"operation":        text(r, &d.Operation),
		"collection":       text(r, &d.Collection),
		"query":            text(r, &d.Query),
		"time":             pointer(&d.Time, r.delay),
		"errorProbability": pointer(&d.ErrorProbability, r.probability),
	})
}

func (r *reader) log(n *yaml.Node, path string, l *Log) {
	r.object(n, path, map[string]field{"level": text(r, &l.Level), "message": text(r, &l.Message)})
}

func (r *reader) error(n *yaml.Node, path string, e *Error) {
	r.object(n, path, map[string]field{"code": value(&e.Code, r.integer), "message": text(r, &e.Message)})
}

func (r *reader) leak(n *yaml.Node, path string, l *Leak) {
	r.object(n, path, map[string]field{
		"kibPerRequest": value(&l.KiBPerRequest, r.integer),
		"limitMiB":      pointer(&l.LimitMiB, r.integer),
		"restartDelay":  pointer(&l.RestartDelay, r.duration),
	})
}

func (r *reader) loadGenerator(n *yaml.Node, path string, l *LoadGenerator) {
	r.object(n, path, map[string]field{
		"name":      text(r, &l.Name),
		"users":     pointer(&l.Users, r.integer),
		"thinkTime": pointer(&l.ThinkTime, r.delay),
		"requests":  list(r, &l.Requests, "", r.request),
	})
}

func (r *reader) request(n *yaml.Node, path string, q *Request) {
	r.object(n, path, map[string]field{
		"service":        text(r, &q.Service),
		"path":           text(r, &q.Path),
		"method":         text(r, &q.Method),
		"expectNotFound": value(&q.ExpectNotFound, r.boolean),
	})
}

func (r *reader) chaos(n *yaml.Node, path string, c *Chaos) {
	r.object(n, path, map[string]field{
		"name":     text(r, &c.Name),
		"target":   text(r, &c.Target),
		"interval": pointer(&c.Interval, r.duration),
		"schedule": text(r, &c.Schedule),
		"duration": value(&c.Duration, r.duration),
		"hang":     pointer(&c.Hang, r.pause),
		"latency":  pointer(&c.Latency, r.delay),
		"loss":     pointer(&c.Loss, r.loss),
	})
}

func (r *reader) pause(n *yaml.Node, path string, _ *Hang) {
	r.object(n, path, nil)
}

func (r *reader) loss(n *yaml.Node, path string, l *Loss) {
	r.object(n, path, map[string]field{"probability": value(&l.Probability, r.probability)})
}
