// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/perses/perses/go-sdk/common"
	"github.com/perses/perses/go-sdk/dashboard"
	"github.com/perses/perses/go-sdk/panel"
	panelgroup "github.com/perses/perses/go-sdk/panel-group"
	listvariable "github.com/perses/perses/go-sdk/variable/list-variable"
	v1 "github.com/perses/perses/pkg/model/api/v1"
	model "github.com/perses/perses/pkg/model/api/v1/common"
	dashboardmodel "github.com/perses/perses/pkg/model/api/v1/dashboard"
	"github.com/perses/plugins/prometheus/sdk/go/query"
	labelvalues "github.com/perses/plugins/prometheus/sdk/go/variable/label-values"
	stat "github.com/perses/plugins/statchart/sdk/go"
	table "github.com/perses/plugins/table/sdk/go"
	timeseries "github.com/perses/plugins/timeserieschart/sdk/go"
)

// Perses makes a dashboard of Perses, which asks the data source that is the
// default for Prometheus there.
func Perses(d Dashboard) (v1.DashboardSpec, error) {
	d = d.withLane()
	options := []dashboard.Option{dashboard.DurationAsString(d.span())}
	for _, v := range d.Variables {
		options = append(options, dashboard.AddVariable(v.Name, listvariable.List(
			labelvalues.PrometheusLabelValues(v.Label, labelvalues.Matchers(v.Of)),
			listvariable.DisplayName(v.Title),
			listvariable.AllowAllValue(true),
			listvariable.AllowMultiple(true),
			listvariable.CustomAllValue(".*"),
			listvariable.DefaultValue("$__all"),
		)))
	}
	for _, r := range d.Rows {
		group := make([]panelgroup.Option, 0, len(r.Panels))
		for _, p := range r.Panels {
			group = append(group, panelgroup.AddPanel(p.Title, persesPanel(p)...))
		}
		options = append(options, dashboard.AddPanelGroup(r.Title, group...))
	}
	b, err := dashboard.New(d.Name, options...)
	if err != nil {
		return v1.DashboardSpec{}, errors.Wrapf(err, "cannot make dashboard %s for Perses", d.Name)
	}
	spec := b.Dashboard.Spec
	spec.Display = &model.Display{Name: d.Title, Description: d.Purpose}
	return spec, arrange(d, spec.Layouts)
}

// arrange gives panels the sizes that they have everywhere; the SDK knows only
// one for all of a row.
func arrange(d Dashboard, layouts []dashboardmodel.Layout) error {
	for i, r := range d.Rows {
		grid, ok := layouts[i].Spec.(dashboardmodel.GridLayoutSpec)
		if !ok {
			return errors.Errorf("dashboard %s: row %q is no grid", d.Name, r.Title)
		}
		at := cursor{}
		for j, p := range r.Panels {
			x, y := at.next(r.width(p), p.height())
			grid.Items[j].X, grid.Items[j].Y = x, y
			grid.Items[j].Width, grid.Items[j].Height = r.width(p), p.height()
		}
	}
	return nil
}

func persesPanel(p Panel) []panel.Option {
	u := units()[p.Unit].perses
	format := common.Format{Unit: &u, ShortValues: p.Unit == ""}
	var out []panel.Option
	if p.Description != "" {
		out = append(out, panel.Description(p.Description))
	}
	switch p.Display {
	case Stat:
		options := []stat.Option{stat.Calculation(common.LastNumberCalculation), stat.Format(format)}
		if len(p.Thresholds) > 0 {
			options = append(options, stat.Thresholds(persesThresholds(p)))
		}
		out = append(out, stat.Chart(options...))
	case Table:
		out = append(out, table.Table(table.WithColumnSettings([]table.ColumnSettings{
			{Name: "timestamp", Hide: true},
			{Name: "value", Header: p.Title, Align: table.RightAlign, Format: &format, EnableSorting: true, Sort: table.DescSort},
		})))
	default:
		visual := timeseries.Visual{Display: timeseries.LineDisplay, LineWidth: 1.25}
		if p.Stack {
			visual.Stack, visual.AreaOpacity = timeseries.AllStack, 0.4
		}
		options := []timeseries.Option{
			timeseries.WithLegend(timeseries.Legend{Position: timeseries.BottomPosition, Mode: timeseries.ListMode}),
			timeseries.WithYAxis(timeseries.YAxis{Show: true, Format: &format}),
			timeseries.WithVisual(visual),
		}
		if len(p.Thresholds) > 0 {
			options = append(options, timeseries.Thresholds(persesThresholds(p)))
		}
		out = append(out, timeseries.Chart(options...))
	}
	for _, q := range p.Queries {
		out = append(out, panel.AddQuery(query.PromQL(q.Expr, query.SeriesNameFormat(q.Legend))))
	}
	return out
}

func persesThresholds(p Panel) common.Thresholds {
	t := common.Thresholds{Mode: common.AbsoluteMode, DefaultColor: string(p.first())}
	for _, s := range p.Thresholds {
		t.Steps = append(t.Steps, common.StepOption{Value: s.Value, Color: string(s.Color)})
	}
	return t
}

// first is the color below all thresholds.
func (p Panel) first() Color {
	if p.Low {
		return Red
	}
	return Green
}

// span of time that a dashboard shows at first.
func (d *Dashboard) span() string {
	if d.Range == "" {
		return "3h"
	}
	return d.Range
}

// A cursor puts panels beside each other on a grid of 24 columns.
type cursor struct{ x, y, height int }

func (c *cursor) next(width, height int) (x, y int) {
	if c.x+width > 24 {
		c.y += c.height
		c.x, c.height = 0, 0
	}
	x, y = c.x, c.y
	c.x += width
	c.height = max(c.height, height)
	return x, y
}
