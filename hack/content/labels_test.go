// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

// A labelset is which labels series may have.
type labelset map[string]bool

func (l labelset) with(names ...string) labelset {
	out := maps.Clone(l)
	if out == nil {
		out = labelset{}
	}
	for _, n := range names {
		out[n] = true
	}
	return out
}

// and are the labels of either.
func (l labelset) and(others labelset) labelset {
	return l.with(slices.Collect(maps.Keys(others))...)
}

// scraped are the labels that Prometheus gives to whatever it scrapes by a
// ServiceMonitor or PodMonitor, and the bound of a bucket.
// https://prometheus-operator.dev/docs/api-reference/api/, 2026-11.
func scraped() labelset {
	return labelset{}.with("job", "instance", "namespace", "pod", "service", "container", "endpoint", "le")
}

// A shelf is which labels every metric may have. Metrics that several exporters
// emit have those of all.
type shelf struct {
	metrics map[string]labelset
	rules   map[string][]Rule
}

// newShelf reads the lists of metrics, and notes the rules that record others.
func newShelf(t *testing.T, c Content) *shelf {
	t.Helper()
	s := &shelf{metrics: map[string]labelset{}, rules: map[string][]Rule{}}
	err := each(os.DirFS(filepath.Join("..", "..", sources)), "metrics", func(name string, raw []byte) error {
		e := exporter{}
		if err := yaml.UnmarshalStrict(raw, &e); err != nil {
			return err
		}
		if len(e.Labels) == 0 {
			t.Errorf("metrics/%s.yaml does not say which labels there are", name)
		}
		for _, m := range e.series() {
			s.metrics[m] = s.metrics[m].and(scraped()).with(e.Labels...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := slos(t)
	for _, r := range c.Rules {
		for _, g := range r.Groups {
			all = append(all, g.Rules...)
		}
	}
	for _, r := range all {
		if r.Record != "" {
			s.rules[r.Record] = append(s.rules[r.Record], r)
		}
	}
	return s
}

// of a metric, or of what rules record under its name.
func (s *shelf) of(metric string) labelset {
	if known, ok := s.metrics[metric]; ok {
		return known
	}
	out := labelset{}
	s.metrics[metric] = out // A rule that is made of itself ends here.
	for _, r := range s.rules[metric] {
		if expr, err := parser.NewParser(parser.Options{}).ParseExpr(r.Expr); err == nil {
			out = out.and(s.judge(expr, func(string) {}))
		}
		out = out.with(slices.Collect(maps.Keys(r.Labels))...)
	}
	s.metrics[metric] = out
	return out
}

// judge an expression: which labels its result may have. It complains of labels
// that are asked for and that nothing there has.
func (s *shelf) judge(expr parser.Expr, complain func(label string)) labelset {
	want := func(has labelset, names ...string) {
		for _, n := range names {
			if !has[n] {
				complain(n)
			}
		}
	}
	switch e := expr.(type) {
	case *parser.VectorSelector:
		// A selector of no metric asks for all that there is.
		has := scraped().with(model.MetricNameLabel)
		for _, m := range e.LabelMatchers {
			if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
				has = s.of(m.Value)
			}
		}
		for _, m := range e.LabelMatchers {
			if m.Name != model.MetricNameLabel {
				want(has, m.Name)
			}
		}
		return has
	case *parser.MatrixSelector:
		return s.judge(e.VectorSelector, complain)
	case *parser.SubqueryExpr:
		return s.judge(e.Expr, complain)
	case *parser.StepInvariantExpr:
		return s.judge(e.Expr, complain)
	case *parser.ParenExpr:
		return s.judge(e.Expr, complain)
	case *parser.UnaryExpr:
		return s.judge(e.Expr, complain)
	case *parser.AggregateExpr:
		inner := s.judge(e.Expr, complain)
		if e.Op == parser.TOPK || e.Op == parser.BOTTOMK || e.Op == parser.LIMITK {
			want(inner, e.Grouping...)
			return inner
		}
		if e.Without {
			out := maps.Clone(inner)
			for _, g := range e.Grouping {
				delete(out, g)
			}
			return out
		}
		want(inner, e.Grouping...)
		return labelset{}.with(e.Grouping...)
	case *parser.BinaryExpr:
		return s.judgeBinary(e, complain, want)
	case *parser.Call:
		return s.judgeCall(e, complain, want)
	}
	return labelset{}
}

func (s *shelf) judgeBinary(e *parser.BinaryExpr, complain func(string), want func(labelset, ...string)) labelset {
	left, right := s.judge(e.LHS, complain), s.judge(e.RHS, complain)
	vectors := e.LHS.Type() == parser.ValueTypeVector && e.RHS.Type() == parser.ValueTypeVector
	switch {
	case !vectors && e.RHS.Type() == parser.ValueTypeVector:
		return right
	case !vectors:
		return left
	case e.Op == parser.LOR:
		return left.and(right)
	}
	m := e.VectorMatching
	if m.On {
		want(left, m.MatchingLabels...)
		want(right, m.MatchingLabels...)
	}
	switch {
	case m.Card == parser.CardOneToMany:
		want(left, m.Include...)
		return right.with(m.Include...)
	case m.Card == parser.CardManyToOne:
		want(right, m.Include...)
		return left.with(m.Include...)
	case m.Card == parser.CardOneToOne && m.On:
		return labelset{}.with(m.MatchingLabels...)
	}
	return left
}

func (s *shelf) judgeCall(e *parser.Call, complain func(string), want func(labelset, ...string)) labelset {
	has := labelset{}
	for _, a := range e.Args {
		has = has.and(s.judge(a, complain))
	}
	text := func(i int) string { return e.Args[i].(*parser.StringLiteral).Val }
	switch e.Func.Name {
	case "label_replace":
		want(has, text(3))
		return has.with(text(1))
	case "label_join":
		return has.with(text(1))
	case "absent", "absent_over_time", "vector", "scalar":
		return labelset{}
	}
	return has
}

// TestLabels proves that every label that a query matches, groups or joins by is
// one that what it asks for may have, and that so is every label in a legend or
// in the words of an alert.
func TestLabels(t *testing.T) {
	c := content(t)
	s := newShelf(t, c)
	asked := 0
	check := func(where, query string, words ...string) {
		t.Helper()
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		has := s.judge(expr, func(label string) { t.Errorf("%s: nothing there has a label %s: %s", where, label, query) })
		for _, w := range words {
			for _, m := range regexp.MustCompile(`{{\s*(?:\$labels\.)?([a-z_]+)\s*}}`).FindAllStringSubmatch(w, -1) {
				asked++
				if !has[m[1]] {
					t.Errorf("%s: %q speaks of a label %s, and the result has %v", where, w, m[1], slices.Sorted(maps.Keys(has)))
				}
			}
		}
	}
	for _, d := range c.Dashboards {
		for _, v := range d.Variables {
			check(d.Name+", variable "+v.Name, fmt.Sprintf("sum by (%s) (%s)", v.Label, v.Of))
		}
		for _, r := range d.Rows {
			for _, p := range r.Panels {
				for _, q := range p.Queries {
					check(d.Name+", panel "+p.Title, q.Expr, q.Legend)
				}
			}
		}
	}
	for _, r := range c.Rules {
		for _, g := range r.Groups {
			for _, rule := range g.Rules {
				check(r.Name+", rule "+rule.Record+rule.Alert, rule.Expr, rule.Annotations["summary"], rule.Annotations["description"])
			}
		}
	}
	for _, rule := range slos(t) {
		check("slo, rule "+rule.Record+rule.Alert, rule.Expr, rule.Annotations["summary"], rule.Annotations["description"])
	}
	t.Logf("%d labels in legends and alerts, and all that queries match, group and join by", asked)
}
