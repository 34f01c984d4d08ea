// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"sigs.k8s.io/yaml"
)

// A Persona is whom a dashboard is for.
type Persona string

// Personas of the founding document.
const (
	Practitioner  Persona = "Practitioner"
	Developer     Persona = "Developer"
	Analyst       Persona = "Analyst"
	BusinessOwner Persona = "Business owner"
)

// A Dashboard says what a person looks at, in no product's language.
type Dashboard struct {
	// Name of the dashboard, and of its file.
	Name string `json:"name"`

	// Title that a person reads.
	Title string `json:"title"`

	// Persona that it is for.
	Persona Persona `json:"persona"`

	// Purpose in a sentence or two.
	Purpose string `json:"purpose"`

	// Needs are the components without which it would be empty.
	Needs []string `json:"needs"`

	// Chaos marks when something was broken on purpose: by annotations in Grafana, by
	// a row of its own in Perses, which has none.
	Chaos bool `json:"chaos,omitempty"`

	// Range of time that it shows at first.
	Range string `json:"range,omitempty"`

	// Variables that a person can choose.
	Variables []Variable `json:"variables,omitempty"`

	// Rows of panels.
	Rows []Row `json:"rows"`
}

// A Variable is a label whose values a person chooses, all at first.
type Variable struct {
	// Name in queries, behind a dollar sign.
	Name string `json:"name"`

	// Title that a person reads.
	Title string `json:"title"`

	// Label whose values there are.
	Label string `json:"label"`

	// Of is a selector of series that have it.
	Of string `json:"of"`
}

// A Row of panels under a title.
type Row struct {
	Title  string  `json:"title"`
	Panels []Panel `json:"panels"`
}

// A Display is how a panel shows its series.
type Display string

// Displays of panels.
const (
	TimeSeries Display = "TimeSeries"
	Stat       Display = "Stat"
	Table      Display = "Table"
)

// A Panel shows the result of queries.
type Panel struct {
	Title string `json:"title"`

	// Description says what to look for.
	Description string `json:"description,omitempty"`

	// Display is TimeSeries when empty.
	Display Display `json:"display,omitempty"`

	// Unit of the values.
	Unit Unit `json:"unit,omitempty"`

	// Width in 24ths of the page, and height; what there is room for when zero.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`

	// Stack draws series on top of each other.
	Stack bool `json:"stack,omitempty"`

	// Thresholds from low to high. Below the first all is well.
	Thresholds []Threshold `json:"thresholds,omitempty"`

	// Low turns it round: above the last threshold all is well.
	Low bool `json:"low,omitempty"`

	Queries []Query `json:"queries"`
}

// A Threshold is a value from which things are worse, or better where low values
// are the bad ones.
type Threshold struct {
	Value float64 `json:"value"`
	Color Color   `json:"color"`
}

// A Color has a meaning.
type Color string

// Colors of thresholds.
const (
	Green  Color = "green"
	Orange Color = "orange"
	Red    Color = "red"
)

// A Query in PromQL.
type Query struct {
	Expr string `json:"expr"`

	// Legend of a series; {{label}} is a label's value.
	Legend string `json:"legend,omitempty"`
}

// A Unit of values.
type Unit string

// unit of each product.
type unit struct{ perses, grafana string }

// units by name. Percent is a share between 0 and 1.
func units() map[Unit]unit {
	return map[Unit]unit{
		"":                  {"decimal", "short"},
		"Percent":           {"percent-decimal", "percentunit"},
		"Seconds":           {"seconds", "s"},
		"Milliseconds":      {"milliseconds", "ms"},
		"Bytes":             {"bytes", "bytes"},
		"BytesPerSecond":    {"bytes/sec", "binBps"},
		"RequestsPerSecond": {"requests/sec", "reqps"},
		"EventsPerSecond":   {"events/sec", "eps"},
		"Dollars":           {"usd", "currencyUSD"},
	}
}

// Rules of a file, as Prometheus reads them, and what they need.
type Rules struct {
	// Name of the file.
	Name string `json:"-"`

	// Needs are the components without which the rules would be about nothing.
	Needs []string `json:"needs"`

	Groups []Group `json:"groups"`
}

// A Group of rules.
type Group struct {
	Name     string `json:"name"`
	Interval string `json:"interval,omitempty"`
	Rules    []Rule `json:"rules"`
}

// A Rule records a query's result, or alerts when there is one.
type Rule struct {
	Record      string            `json:"record,omitempty"`
	Alert       string            `json:"alert,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// runbooks are where the alerts of a file have a section each.
const runbooks = "https://github.com/observe-k8s/observe-k8s/blob/main/docs/runbooks/"

// Content is all that is shipped.
type Content struct {
	Dashboards []Dashboard
	Rules      []Rules
}

// Load dashboards and rules from their folders, in the order of their names.
func Load(files fs.FS) (Content, error) {
	c := Content{}
	err := each(files, "dashboards", func(name string, raw []byte) error {
		d := Dashboard{}
		if err := yaml.UnmarshalStrict(raw, &d); err != nil {
			return errors.Wrap(err, "cannot read a dashboard")
		}
		c.Dashboards = append(c.Dashboards, d)
		return d.check(name)
	})
	if err != nil {
		return c, err
	}
	return c, each(files, "rules", func(name string, raw []byte) error {
		r := Rules{Name: name}
		if err := yaml.UnmarshalStrict(raw, &r); err != nil {
			return errors.Wrap(err, "cannot read rules")
		}
		r.complete()
		c.Rules = append(c.Rules, r)
		return nil
	})
}

// complete gives every alert the address of its runbook.
func (r *Rules) complete() {
	for g := range r.Groups {
		for i := range r.Groups[g].Rules {
			rule := &r.Groups[g].Rules[i]
			if rule.Alert == "" {
				continue
			}
			if rule.Annotations == nil {
				rule.Annotations = map[string]string{}
			}
			rule.Annotations["runbook_url"] = runbooks + r.Name + ".md#" + strings.ToLower(rule.Alert)
		}
	}
}

func (d *Dashboard) check(name string) error {
	if d.Name != name {
		return errors.Errorf("it holds a dashboard named %q", d.Name)
	}
	if !slices.Contains([]Persona{Practitioner, Developer, Analyst, BusinessOwner}, d.Persona) {
		return errors.Errorf("persona %q is not known", d.Persona)
	}
	for _, r := range d.Rows {
		for _, p := range r.Panels {
			if _, ok := units()[p.Unit]; !ok {
				return errors.Errorf("panel %q: unit %q is not known", p.Title, p.Unit)
			}
			if !slices.Contains([]Display{"", TimeSeries, Stat, Table}, p.Display) {
				return errors.Errorf("panel %q: display %q is not known", p.Title, p.Display)
			}
		}
	}
	return nil
}

// width of a panel in its row.
func (r Row) width(p Panel) int {
	if p.Width > 0 {
		return p.Width
	}
	return 24 / min(len(r.Panels), 3)
}

// height of a panel in units of the grid.
func (p Panel) height() int {
	switch {
	case p.Height > 0:
		return p.Height
	case p.Display == Stat:
		return 4
	default:
		return 8
	}
}

// chaosWindows is the metric that is 1 while something of a workload is broken on
// purpose. A workload with chaos brings the rule, see functions/workload/chaos.go.
const chaosWindows = "workload:chaos:active"

// faultPanel shows windows of chaos on the same axis of time as the panels beside it.
func faultPanel() Row {
	return Row{Title: "Broken on purpose", Panels: []Panel{{
		Title: "Windows of chaos", Height: 4, Stack: true,
		Description: "What a claim says in workloads[].chaos. Empty when nothing was broken on purpose.",
		Queries:     []Query{{Expr: chaosWindows, Legend: "{{workload}}: {{fault}} of {{target}}"}},
	}}}
}

// withLane is the dashboard with windows of chaos below its first row, if it
// marks them.
func (d *Dashboard) withLane() Dashboard {
	out := *d
	if d.Chaos {
		out.Rows = slices.Insert(slices.Clone(d.Rows), 1, faultPanel())
	}
	return out
}

// each reads every YAML file of a folder.
func each(files fs.FS, dir string, read func(name string, raw []byte) error) error {
	names, err := fs.Glob(files, path.Join(dir, "*.yaml"))
	if err != nil {
		return errors.Wrapf(err, "cannot list %s", dir)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return errors.Wrapf(err, "cannot read %s", name)
		}
		if err := read(strings.TrimSuffix(path.Base(name), ".yaml"), raw); err != nil {
			return errors.Wrapf(err, "cannot read %s", name)
		}
	}
	return nil
}
