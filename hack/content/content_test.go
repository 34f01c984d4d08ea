// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/perses/perses/pkg/model/api/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

func content(t *testing.T) Content {
	t.Helper()
	c, err := Load(os.DirFS(filepath.Join("..", "..", sources)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestUpToDate fails when make generate was forgotten.
func TestUpToDate(t *testing.T) {
	if err := (&CLI{Root: filepath.Join("..", ".."), Check: true}).Run(); err != nil {
		t.Error(err)
	}
}

// An exporter is a list of the metrics that a program emits.
type exporter struct {
	Exporter, Component, Version, Source, Date string
	Counters, Gauges, Histograms, Summaries    []string

	// Labels that they may have, besides those of whatever is scraped.
	Labels []string
}

// series are the names that Prometheus has of an exporter's metrics.
func (e exporter) series() []string {
	out := slices.Concat(e.Counters, e.Gauges, e.Summaries)
	for _, h := range e.Histograms {
		out = append(out, h+"_bucket", h+"_count", h+"_sum")
	}
	for _, s := range e.Summaries {
		out = append(out, s+"_count", s+"_sum")
	}
	return out
}

// emitted is which component emits a metric, for all metrics that are known.
// What rules record comes with what they need.
func emitted(t *testing.T, c Content) map[string][][]string {
	t.Helper()
	out := map[string][][]string{}
	err := each(os.DirFS(filepath.Join("..", "..", sources)), "metrics", func(name string, raw []byte) error {
		e := exporter{}
		if err := yaml.UnmarshalStrict(raw, &e); err != nil {
			return err
		}
		if e.Exporter == "" || e.Version == "" || e.Source == "" || !regexp.MustCompile(`^20\d\d-\d\d$`).MatchString(e.Date) {
			t.Errorf("metrics/%s.yaml does not say where it comes from: %+v", name, e)
		}
		for _, s := range e.series() {
			out[s] = append(out[s], []string{e.Component})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rules {
		for _, g := range r.Groups {
			for _, rule := range g.Rules {
				if rule.Record != "" {
					out[rule.Record] = append(out[rule.Record], r.Needs)
				}
			}
		}
	}
	for _, rule := range slos(t) {
		if rule.Record != "" {
			out[rule.Record] = append(out[rule.Record], []string{"slos"})
		}
	}
	return out
}

// slos are the rules that the function makes of two SLOs.
func slos(t *testing.T) []Rule {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "functions", "slo", "testdata", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r := Rules{}
	if err := yaml.UnmarshalStrict(b, &r); err != nil {
		t.Fatal(err)
	}
	var out []Rule
	for _, g := range r.Groups {
		out = append(out, g.Rules...)
	}
	return out
}

// names of the metrics in a query, by PromQL's own parser.
func names(t *testing.T, where, query string) []string {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return nil
	}
	var out []string
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, m := range s.LabelMatchers {
			if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
				out = append(out, m.Value)
			}
		}
		return nil
	})
	return out
}

// TestQueries proves that every query of every dashboard and rule can be parsed,
// and asks only for what the components that it needs emit.
func TestQueries(t *testing.T) {
	c := content(t)
	known := emitted(t, c)
	queries, metrics := 0, map[string]bool{}
	check := func(where, query string, needs []string) {
		t.Helper()
		queries++
		for _, name := range names(t, where, query) {
			metrics[name] = true
			by := known[name]
			if len(by) == 0 {
				t.Errorf("%s: nobody emits %s: %s", where, name, query)
				continue
			}
			if !slices.ContainsFunc(by, func(b []string) bool { return subset(b, needs) }) {
				t.Errorf("%s: %s is emitted by %v, which is not needed: %v", where, name, by, needs)
			}
		}
	}
	for _, d := range c.Dashboards {
		for _, v := range d.Variables {
			check(d.Name+", variable "+v.Name, v.Of, d.Needs)
		}
		for _, r := range d.withLane().Rows {
			for _, p := range r.Panels {
				for _, q := range p.Queries {
					check(d.Name+", panel "+p.Title, q.Expr, d.Needs)
				}
			}
		}
	}
	for _, r := range c.Rules {
		for _, g := range r.Groups {
			for _, rule := range g.Rules {
				needs := r.Needs
				if r.Name == "orders" {
					// Counts what there is of two kinds of shop.
					needs = append(slices.Clone(needs), "collector-gateway")
				}
				check(r.Name+", rule "+rule.Record+rule.Alert, rule.Expr, needs)
			}
		}
	}
	for _, rule := range slos(t) {
		check("slo, rule "+rule.Record+rule.Alert, rule.Expr, []string{"kube-prometheus-stack", "collector-gateway", "slos"})
	}
	t.Logf("%d queries of %d dashboards and %d files of rules ask for %d metrics", queries, len(c.Dashboards), len(c.Rules), len(metrics))
}

func subset(a, of []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(of, s) })
}

// TestNeeds holds needs against the catalog of components.
func TestNeeds(t *testing.T) {
	c := content(t)
	// Crossplane is where it runs, and SLOs are what a team asks for: neither is a
	// component.
	known := map[string]bool{"crossplane": true, "slos": true}
	files, err := filepath.Glob(filepath.Join("..", "..", "functions", "stack", "catalog", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		known[strings.TrimSuffix(filepath.Base(f), ".yaml")] = true
	}
	check := func(where string, needs []string) {
		if len(needs) == 0 {
			t.Errorf("%s: something must be there to ask", where)
		}
		for _, n := range needs {
			if !known[n] {
				t.Errorf("%s needs %s, which is not in the catalog", where, n)
			}
		}
	}
	for _, d := range c.Dashboards {
		check(d.Name, d.Needs)
	}
	for _, r := range c.Rules {
		check(r.Name, r.Needs)
	}
}

// TestPersonas proves that everybody has something to look at.
func TestPersonas(t *testing.T) {
	have := map[Persona]int{}
	for _, d := range content(t).Dashboards {
		have[d.Persona]++
		if d.Title == "" || d.Purpose == "" || len(d.Rows) == 0 {
			t.Errorf("%s does not say what it is for", d.Name)
		}
	}
	for _, p := range []Persona{Practitioner, Developer, Analyst, BusinessOwner} {
		if have[p] == 0 {
			t.Errorf("nothing for %s", p)
		}
	}
}

// TestPerses reads what was made with Perses' own model, which checks it.
func TestPerses(t *testing.T) {
	for _, d := range content(t).Dashboards {
		t.Run(d.Name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("..", "..", chart, "perses", d.Name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			spec := v1.DashboardSpec{}
			if err := json.Unmarshal(b, &spec); err != nil {
				t.Fatal(err)
			}
			if spec.Display == nil || spec.Display.Name != d.Title {
				t.Errorf("want the title %q, got %+v", d.Title, spec.Display)
			}
			panels := 0
			rows := d.withLane().Rows
			for _, r := range rows {
				panels += len(r.Panels)
			}
			if len(spec.Panels) != panels || len(spec.Layouts) != len(rows) {
				t.Errorf("want %d panels in %d rows, got %d in %d", panels, len(rows), len(spec.Panels), len(spec.Layouts))
			}
			if marked := strings.Contains(string(b), chaosWindows); marked != d.Chaos {
				t.Errorf("windows of chaos are on it: %t, want %t", marked, d.Chaos)
			}
			for _, l := range spec.Layouts {
				raw, err := json.Marshal(l.Spec)
				if err != nil {
					t.Fatal(err)
				}
				var grid struct {
					Items []struct {
						X, Y, Width, Height int
						Content             map[string]string
					}
				}
				if err := json.Unmarshal(raw, &grid); err != nil {
					t.Fatal(err)
				}
				var cells []cell
				for _, i := range grid.Items {
					cells = append(cells, cell{i.X, i.Y, i.Width, i.Height})
					if name := strings.TrimPrefix(i.Content["$ref"], "#/spec/panels/"); spec.Panels[name] == nil {
						t.Errorf("there is no panel %s", name)
					}
				}
				apart(t, cells)
			}
		})
	}
}

type cell struct{ x, y, w, h int }

// apart checks that panels lie on the grid, and not on each other.
func apart(t *testing.T, cells []cell) {
	t.Helper()
	for i, a := range cells {
		if a.x < 0 || a.w < 1 || a.h < 1 || a.x+a.w > 24 {
			t.Errorf("panel %d is not on the grid: %+v", i, a)
		}
		for j, b := range cells[:i] {
			if a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h {
				t.Errorf("panels %d and %d lie on each other: %+v %+v", j, i, b, a)
			}
		}
	}
}

// TestGrafana reads what was made as Grafana does.
func TestGrafana(t *testing.T) {
	uids := map[string]bool{}
	for _, d := range content(t).Dashboards {
		t.Run(d.Name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("..", "..", chart, "grafana", d.Name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var g grafanaDashboard
			if err := json.Unmarshal(b, &g); err != nil {
				t.Fatal(err)
			}
			if uids[g.UID] || g.UID == "" || len(g.UID) > 40 {
				t.Errorf("%q cannot be the identity of a dashboard", g.UID)
			}
			uids[g.UID] = true
			if len(g.Templating.List) != len(d.Variables)+1 {
				t.Errorf("want the data source and %d variables, got %d", len(d.Variables), len(g.Templating.List))
			}
			if marked := len(g.Annotations.List) == 1 && strings.Contains(fmt.Sprint(g.Annotations.List[0]), chaosWindows); marked != d.Chaos {
				t.Errorf("windows of chaos are annotations: %t, want %t", marked, d.Chaos)
			}
			ids, exprs := map[int]bool{}, []string{}
			var cells []cell
			for _, p := range g.Panels {
				if ids[p.ID] {
					t.Errorf("two panels have number %d", p.ID)
				}
				ids[p.ID] = true
				cells = append(cells, cell{p.GridPos.X, p.GridPos.Y, p.GridPos.W, p.GridPos.H})
				if p.Type == "row" {
					continue
				}
				if p.Datasource == nil || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
					t.Errorf("panel %q asks nobody, or nothing", p.Title)
				}
				for _, q := range p.Targets {
					exprs = append(exprs, q.Expr)
				}
			}
			apart(t, cells)
			var want []string
			for _, r := range d.Rows {
				for _, p := range r.Panels {
					for _, q := range p.Queries {
						want = append(want, q.Expr)
					}
				}
			}
			if !slices.Equal(want, exprs) {
				t.Errorf("want the queries of the definition, got %q", exprs)
			}
		})
	}
}

// TestVariables proves that a variable is used, and that what is used is one.
func TestVariables(t *testing.T) {
	for _, d := range content(t).Dashboards {
		var used []string
		for _, r := range d.Rows {
			for _, p := range r.Panels {
				for _, q := range p.Queries {
					for _, m := range regexp.MustCompile(`\$([a-z_]+)`).FindAllStringSubmatch(q.Expr, -1) {
						used = append(used, m[1])
					}
				}
			}
		}
		for _, v := range d.Variables {
			if !slices.Contains(used, v.Name) {
				t.Errorf("%s: variable %s changes nothing", d.Name, v.Name)
			}
		}
		for _, u := range used {
			if !slices.ContainsFunc(d.Variables, func(v Variable) bool { return v.Name == u }) {
				t.Errorf("%s: there is no variable %s", d.Name, u)
			}
		}
	}
}

// TestAlerts proves that every alert says what is wrong and what to do, and that
// no runbook is about an alert that is no more.
func TestAlerts(t *testing.T) {
	c := content(t)
	files := map[string][]Rule{"slo": slos(t)}
	for _, r := range c.Rules {
		for _, g := range r.Groups {
			files[r.Name] = append(files[r.Name], g.Rules...)
		}
	}
	seen := map[string]bool{}
	for name, rules := range files {
		var alerts []string
		for _, r := range rules {
			if r.Alert == "" {
				continue
			}
			if !slices.Contains(alerts, r.Alert) {
				alerts = append(alerts, r.Alert)
				if seen[r.Alert] {
					t.Errorf("two alerts are called %s", r.Alert)
				}
				seen[r.Alert] = true
			}
			if s := r.Labels["severity"]; s != "critical" && s != "warning" {
				t.Errorf("%s: severity %q is not known", r.Alert, s)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s does not say what is wrong", r.Alert)
			}
			if want := fmt.Sprintf("%s%s.md#%s", runbooks, name, strings.ToLower(r.Alert)); r.Annotations["runbook_url"] != want {
				t.Errorf("%s: want the runbook %s, got %s", r.Alert, want, r.Annotations["runbook_url"])
			}
		}
		if len(alerts) == 0 {
			continue
		}
		b, err := os.ReadFile(filepath.Join("..", "..", "docs", "runbooks", name+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		var sections []string
		for _, m := range regexp.MustCompile(`(?m)^## (\S+)$`).FindAllStringSubmatch(string(b), -1) {
			sections = append(sections, m[1])
		}
		slices.Sort(alerts)
		slices.Sort(sections)
		if !slices.Equal(alerts, sections) {
			t.Errorf("runbook %s.md: want the sections %v, got %v", name, alerts, sections)
		}
	}
}
