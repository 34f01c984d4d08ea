// SPDX-License-Identifier: Apache-2.0

package language

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Validate says what is wrong with a game, as a ProblemsError without positions.
// A game that Parse returned is valid.
func Validate(g *Game) error {
	return problemsOf(g).err()
}

func problemsOf(g *Game) ProblemsError {
	v := &validator{
		game:  g,
		name:  regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`),
		path:  regexp.MustCompile(`^/[A-Za-z0-9._~/-]*$`),
		label: regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`),
	}
	v.all()
	// Only of what exists can be said whether it ends.
	if len(v.problems) == 0 {
		v.problems = endless(g)
	}
	return v.problems
}

type validator struct {
	game              *Game
	name, path, label *regexp.Regexp
	problems          ProblemsError
}

func (v *validator) wrongf(path, format string, args ...any) {
	v.problems = append(v.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (v *validator) between(path string, n, low, high int32) {
	if n < low || n > high {
		v.wrongf(path, "%d is not between %d and %d", n, low, high)
	}
}

func (v *validator) most(path string, n, most int) {
	if n > most {
		v.wrongf(path, "has %d elements; %d are allowed", n, most)
	}
}

func (v *validator) length(path, s string, most int) {
	if len(s) > most {
		v.wrongf(path, "has %d characters; %d are allowed", len(s), most)
	}
}

func (v *validator) all() {
	g := v.game
	if len(g.Services) == 0 {
		v.wrongf("services", "a game needs at least one service")
	}
	v.most("services", len(g.Services), MaxServices)
	v.most("loadGenerators", len(g.LoadGenerators), 32)
	v.most("chaos", len(g.Chaos), 32)

	seen := map[Name]bool{}
	for i := range g.Services {
		s := &g.Services[i]
		path := element("services", i, string(s.Name))
		v.unique(path, s.Name, seen)
		v.service(path, s)
	}
	// Load generators run beside services and share their names.
	for i := range g.LoadGenerators {
		l := &g.LoadGenerators[i]
		path := element("loadGenerators", i, string(l.Name))
		v.unique(path, l.Name, seen)
		v.loadGenerator(path, l)
	}
	seen = map[Name]bool{}
	for i := range g.Chaos {
		c := &g.Chaos[i]
		path := element("chaos", i, string(c.Name))
		v.unique(path, c.Name, seen)
		v.chaos(path, c)
	}
}

func (v *validator) unique(path string, n Name, seen map[Name]bool) {
	v.label63(path+".name", n)
	if n != "" && seen[n] {
		v.wrongf(path, "the name %s is there twice", n)
	}
	seen[n] = true
}

func (v *validator) label63(path string, n Name) {
	if len(n) > 63 || !v.name.MatchString(string(n)) {
		v.wrongf(path, "%q is no DNS label: it has lower-case letters, digits and dashes, begins with a letter, and is not longer than 63", n)
	}
}

func (v *validator) optionalName(path string, n Name) {
	if n != "" {
		v.label63(path, n)
	}
}

func (v *validator) service(path string, s *Service) {
	if s.Version != "" && (len(s.Version) > 63 || !v.label.MatchString(s.Version)) {
		v.wrongf(path+".version", "%q must consist of letters, digits, dashes, dots and underscores, at most 63", s.Version)
	}
	if s.Replicas != nil {
		v.between(path+".replicas", *s.Replicas, 0, 20)
	}
	if s.Capacity != nil {
		v.between(path+".capacity.maxConcurrency", s.Capacity.MaxConcurrency, 1, 1000)
		v.between(path+".capacity.maxQueueLength", s.Capacity.MaxQueueLength, 0, 10000)
	}
	v.most(path+".endpoints", len(s.Endpoints), MaxEndpoints)
	seen := map[Path]bool{}
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		sub := element(path+".endpoints", i, string(e.Path))
		if len(e.Path) > 256 || !v.path.MatchString(string(e.Path)) {
			v.wrongf(sub+".path", "%q must begin with / and consist of letters, digits and ._~/-, at most 256", e.Path)
		}
		if seen[e.Path] {
			v.wrongf(sub, "the path %s is there twice", e.Path)
		}
		seen[e.Path] = true
		v.calls(sub+".steps", e.Steps)
	}
}

func (v *validator) calls(path string, calls []Call) {
	v.most(path, len(calls), MaxSteps)
	for i := range calls {
		c := &calls[i]
		sub := fmt.Sprintf("%s[%d]", path, i)
		v.step(sub, &c.Step, len(c.OneOf) > 0)
		v.most(sub+".oneOf", len(c.OneOf), MaxChoices)
		for j := range c.OneOf {
			choice := &c.OneOf[j]
			one := fmt.Sprintf("%s.oneOf[%d]", sub, j)
			if choice.Weight != nil {
				v.between(one+".weight", *choice.Weight, 1, 1000000)
			}
			v.most(one+".steps", len(choice.Steps), MaxSteps)
			for k := range choice.Steps {
				v.step(fmt.Sprintf("%s.steps[%d]", one, k), &choice.Steps[k], false)
			}
		}
	}
}

func (v *validator) step(path string, s *Step, oneOf bool) {
	v.form(path, s, oneOf)
	v.probability(path+".probability", s.Probability)
	v.schedule(path+".schedule", s.Schedule)
	if s.Timeout != nil {
		v.duration(path+".timeout", s.Timeout.Duration, time.Millisecond, MaxDuration)
		if s.HTTP == nil && s.Database == nil {
			v.wrongf(path+".timeout", "only http and database have a timeout")
		}
	}
	v.delay(path+".sleep", s.Sleep)
	v.delay(path+".cpu", s.CPU)
	if h := s.HTTP; h != nil {
		v.target(path+".http", h.Service, h.Path, false)
		v.method(path+".http.method", h.Method)
		v.between(path+".http.retries", h.Retries, 0, MaxRetries)
		v.duration(path+".http.backoff", Span(h.Backoff, 0), 0, MaxDuration)
	}
	if c := s.Cache; c != nil {
		v.optionalName(path+".cache.name", c.Name)
		v.probability(path+".cache.missProbability", c.MissProbability)
		v.delay(path+".cache.hit", c.Hit)
		v.delay(path+".cache.miss", c.Miss)
	}
	if d := s.Database; d != nil {
		v.database(path+".database", d)
	}
	if l := s.Log; l != nil {
		oneOfThese(v, path+".log.level", l.Level, LevelDebug, LevelInfo, LevelWarn, LevelError)
		v.length(path+".log.message", l.Message, 1024)
		if l.Message == "" {
			v.wrongf(path+".log", "a log needs a message")
		}
	}
	if e := s.Error; e != nil {
		v.between(path+".error.code", e.Code, 400, 599)
		v.length(path+".error.message", e.Message, 1024)
	}
	if l := s.Leak; l != nil {
		v.between(path+".leak.kibPerRequest", l.KiBPerRequest, 1, 1024)
		v.between(path+".leak.limitMiB", Default(l.LimitMiB, DefaultLeakLimit), 1, 1024)
		v.duration(path+".leak.restartDelay", Span(l.RestartDelay, DefaultRestart), time.Millisecond, time.Hour)
	}
}

// form checks that a step is exactly one thing.
func (v *validator) form(path string, s *Step, oneOf bool) {
	forms := []string{"http", "sleep", "cpu", "cache", "database", "log", "error", "leak", "oneOf"}
	there := []bool{s.HTTP != nil, s.Sleep != nil, s.CPU != nil, s.Cache != nil, s.Database != nil, s.Log != nil, s.Error != nil, s.Leak != nil, oneOf}
	var given []string
	for i, is := range there {
		if is {
			given = append(given, forms[i])
		}
	}
	switch {
	case len(given) == 0:
		v.wrongf(path, "is nothing: give exactly one of %s", strings.Join(forms, ", "))
	case len(given) > 1:
		v.wrongf(path, "is %s at once: give exactly one", strings.Join(given, " and "))
	}
}

func (v *validator) database(path string, d *Database) {
	v.label63(path+".name", d.Name)
	v.optionalName(path+".collection", d.Collection)
	oneOfThese(v, path+".system", d.System, SystemPostgreSQL, SystemMySQL, SystemMariaDB, SystemMongoDB, SystemRedis, SystemCassandra)
	oneOfThese(v, path+".operation", d.Operation, OperationSelect, OperationInsert, OperationUpdate, OperationDelete, OperationGet, OperationSet)
	v.length(path+".query", d.Query, 1024)
	v.delay(path+".time", d.Time)
	v.probability(path+".errorProbability", d.ErrorProbability)
}

// oneOfThese checks an enumeration. Empty is the default.
func oneOfThese[T ~string](v *validator, path string, got T, allowed ...T) {
	if got == "" || slices.Contains(allowed, got) {
		return
	}
	v.wrongf(path, "%q is not allowed%s", got, nearestOf(got, allowed))
}

func (v *validator) method(path string, m Method) {
	oneOfThese(v, path, m, MethodGet, MethodHead, MethodPost, MethodPut, MethodPatch, MethodDelete)
}

func (v *validator) probability(path string, p *Probability) {
	// Written so that what is not a number is refused as well.
	if p != nil && !(*p >= 0 && *p <= 1) {
		v.wrongf(path, "%v%% is not between 0%% and 100%%", 100*float64(*p))
	}
}

func (v *validator) schedule(path string, s Schedule) {
	if s == "" {
		return
	}
	v.length(path, string(s), 128)
	if _, err := ParseSchedule(s); err != nil {
		v.wrongf(path, "%v", err)
	}
}

func (v *validator) duration(path string, d, least, most time.Duration) {
	if d < least || d > most {
		v.wrongf(path, "%s is not between %s and %s", d, least, most)
	}
}

func (v *validator) delay(path string, d *Delay) {
	if d == nil {
		return
	}
	v.duration(path+".duration", d.Duration.Duration, 0, MaxDuration)
	v.duration(path+".jitter", Span(d.Jitter, 0), 0, d.Duration.Duration)
}

// target checks that what is called exists.
func (v *validator) target(path string, service Name, at Path, unknown bool) {
	s := v.game.Service(service)
	if s == nil {
		names := make([]Name, 0, len(v.game.Services))
		for i := range v.game.Services {
			names = append(names, v.game.Services[i].Name)
		}
		v.wrongf(path+".service", "there is no service %q%s", service, nearestOf(service, names))
		return
	}
	if unknown {
		if !v.path.MatchString(string(at.Or())) {
			v.wrongf(path+".path", "%q is no path", at)
		}
		return
	}
	if s.Endpoint(at.Or()) != nil {
		return
	}
	paths := make([]Path, 0, len(s.Endpoints))
	for i := range s.Endpoints {
		paths = append(paths, s.Endpoints[i].Path)
	}
	v.wrongf(path+".path", "service %s has no endpoint %q%s", service, at.Or(), nearestOf(at.Or(), paths))
}

func (v *validator) loadGenerator(path string, l *LoadGenerator) {
	v.between(path+".users", Default(l.Users, 1), 1, 10000)
	v.delay(path+".thinkTime", l.ThinkTime)
	if len(l.Requests) == 0 {
		v.wrongf(path+".requests", "a load generator needs at least one request")
	}
	v.most(path+".requests", len(l.Requests), 64)
	for i := range l.Requests {
		q := &l.Requests[i]
		sub := fmt.Sprintf("%s.requests[%d]", path, i)
		v.target(sub, q.Service, q.Path, q.ExpectNotFound)
		v.method(sub+".method", q.Method)
	}
}

func (v *validator) chaos(path string, c *Chaos) {
	if v.game.Service(c.Target) == nil {
		v.target(path, c.Target, "", false)
		v.problems[len(v.problems)-1].Path = path + ".target"
	}
	if (c.Interval == nil) == (c.Schedule == "") {
		v.wrongf(path, "give exactly one of interval and schedule")
	}
	v.schedule(path+".schedule", c.Schedule)
	v.duration(path+".duration", c.Duration.Duration, time.Millisecond, time.Hour)
	if c.Interval != nil {
		v.duration(path+".interval", c.Interval.Duration, time.Millisecond, MaxDuration)
	}

	forms := 0
	for _, is := range []bool{c.Hang != nil, c.Latency != nil, c.Loss != nil} {
		if is {
			forms++
		}
	}
	if forms != 1 {
		v.wrongf(path, "give exactly one of hang, latency and loss")
	}
	v.delay(path+".latency", c.Latency)
	if c.Loss != nil {
		v.probability(path+".loss.probability", &c.Loss.Probability)
	}
}
