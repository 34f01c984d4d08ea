// SPDX-License-Identifier: Apache-2.0

package main

// grafanaSchema is the version of Grafana's model of a dashboard. Newer Grafanas
// migrate it when they read it.
const grafanaSchema = 39

// What Grafana has of a dashboard, as far as it is used here.
type (
	grafanaDashboard struct {
		UID           string         `json:"uid"`
		Title         string         `json:"title"`
		Description   string         `json:"description"`
		Tags          []string       `json:"tags"`
		SchemaVersion int            `json:"schemaVersion"`
		Editable      bool           `json:"editable"`
		GraphTooltip  int            `json:"graphTooltip"`
		Time          grafanaTime    `json:"time"`
		Refresh       string         `json:"refresh"`
		Templating    grafanaList    `json:"templating"`
		Annotations   grafanaList    `json:"annotations"`
		Links         []any          `json:"links"`
		Panels        []grafanaPanel `json:"panels"`
	}
	grafanaTime struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	grafanaList struct {
		List []any `json:"list"`
	}
	grafanaVariable struct {
		Type       string             `json:"type"`
		Name       string             `json:"name"`
		Label      string             `json:"label"`
		Query      string             `json:"query"`
		Datasource *grafanaDatasource `json:"datasource,omitempty"`
		Refresh    int                `json:"refresh,omitempty"`
		Sort       int                `json:"sort,omitempty"`
		Multi      bool               `json:"multi,omitempty"`
		IncludeAll bool               `json:"includeAll,omitempty"`
		AllValue   string             `json:"allValue,omitempty"`
		Current    any                `json:"current,omitempty"`
	}
	grafanaDatasource struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	// https://grafana.com/docs/grafana/latest/datasources/prometheus/annotations/, 2026-11.
	grafanaAnnotation struct {
		Name        string            `json:"name"`
		Datasource  grafanaDatasource `json:"datasource"`
		Enable      bool              `json:"enable"`
		IconColor   Color             `json:"iconColor"`
		Expr        string            `json:"expr"`
		Step        string            `json:"step"`
		TitleFormat string            `json:"titleFormat"`
		TextFormat  string            `json:"textFormat"`
		TagKeys     string            `json:"tagKeys"`
	}
	grafanaGrid struct {
		X int `json:"x"`
		Y int `json:"y"`
		W int `json:"w"`
		H int `json:"h"`
	}
	grafanaPanel struct {
		ID              int                `json:"id"`
		Type            string             `json:"type"`
		Title           string             `json:"title"`
		Description     string             `json:"description,omitempty"`
		GridPos         grafanaGrid        `json:"gridPos"`
		Datasource      *grafanaDatasource `json:"datasource,omitempty"`
		FieldConfig     *grafanaFields     `json:"fieldConfig,omitempty"`
		Options         map[string]any     `json:"options,omitempty"`
		Targets         []grafanaTarget    `json:"targets,omitempty"`
		Transformations []any              `json:"transformations,omitempty"`
		Collapsed       *bool              `json:"collapsed,omitempty"`
		Panels          []any              `json:"panels,omitempty"`
	}
	grafanaFields struct {
		Defaults  grafanaDefaults `json:"defaults"`
		Overrides []any           `json:"overrides"`
	}
	grafanaDefaults struct {
		Unit       string             `json:"unit"`
		Color      *grafanaColor      `json:"color,omitempty"`
		Thresholds *grafanaThresholds `json:"thresholds,omitempty"`
		Custom     map[string]any     `json:"custom,omitempty"`
	}
	grafanaColor struct {
		Mode string `json:"mode"`
	}
	grafanaThresholds struct {
		Mode  string        `json:"mode"`
		Steps []grafanaStep `json:"steps"`
	}
	grafanaStep struct {
		Value *float64 `json:"value"`
		Color Color    `json:"color"`
	}
	grafanaTarget struct {
		RefID        string            `json:"refId"`
		Expr         string            `json:"expr"`
		LegendFormat string            `json:"legendFormat,omitempty"`
		Datasource   grafanaDatasource `json:"datasource"`
		Range        bool              `json:"range,omitempty"`
		Instant      bool              `json:"instant,omitempty"`
		Format       string            `json:"format,omitempty"`
		Exemplar     bool              `json:"exemplar,omitempty"`
	}
)

// source is the data source that a person chooses; at first the default one.
func source() grafanaDatasource {
	return grafanaDatasource{Type: "prometheus", UID: "${datasource}"}
}

// Grafana makes a dashboard of Grafana.
func Grafana(d Dashboard) any {
	out := grafanaDashboard{
		UID:           "observe-" + d.Name,
		Title:         d.Title,
		Description:   d.Purpose,
		Tags:          []string{"observe-k8s", string(d.Persona)},
		SchemaVersion: grafanaSchema,
		GraphTooltip:  1,
		Time:          grafanaTime{From: "now-" + d.span(), To: "now"},
		Refresh:       "1m",
		Templating:    grafanaList{List: []any{grafanaVariable{Type: "datasource", Name: "datasource", Label: "Data source", Query: "prometheus"}}},
		Annotations:   grafanaList{List: []any{}},
		Links:         []any{},
	}
	for _, v := range d.Variables {
		s := source()
		out.Templating.List = append(out.Templating.List, grafanaVariable{
			Type: "query", Name: v.Name, Label: v.Title, Datasource: &s,
			Query:   "label_values(" + v.Of + ", " + v.Label + ")",
			Refresh: 2, Sort: 1, Multi: true, IncludeAll: true, AllValue: ".*",
			Current: map[string]any{"text": []string{"All"}, "value": []string{"$__all"}},
		})
	}
	if d.Chaos {
		out.Annotations.List = append(out.Annotations.List, grafanaAnnotation{
			Name: "Chaos", Datasource: source(), Enable: true, IconColor: Red, Expr: chaosWindows, Step: "60s",
			TitleFormat: "Chaos: {{fault}} of {{target}}", TextFormat: "Workload {{workload}} in namespace {{namespace}} is broken on purpose", TagKeys: "fault,target,workload",
		})
	}
	id, y := 0, 0
	for _, r := range d.Rows {
		id++
		open := false
		out.Panels = append(out.Panels, grafanaPanel{ID: id, Type: "row", Title: r.Title, GridPos: grafanaGrid{Y: y, W: 24, H: 1}, Collapsed: &open})
		y++
		at := cursor{}
		for _, p := range r.Panels {
			id++
			px, py := at.next(r.width(p), p.height())
			out.Panels = append(out.Panels, panelOfGrafana(p, id, grafanaGrid{X: px, Y: y + py, W: r.width(p), H: p.height()}))
		}
		y += at.y + at.height
	}
	return out
}

func panelOfGrafana(p Panel, id int, grid grafanaGrid) grafanaPanel {
	s := source()
	out := grafanaPanel{
		ID: id, Title: p.Title, Description: p.Description, GridPos: grid, Datasource: &s,
		FieldConfig: &grafanaFields{Defaults: grafanaDefaults{Unit: units()[p.Unit].grafana}, Overrides: []any{}},
	}
	if len(p.Thresholds) > 0 {
		out.FieldConfig.Defaults.Thresholds = thresholdsOfGrafana(p)
	}
	target := grafanaTarget{Range: true, Exemplar: true}
	switch p.Display {
	case Stat:
		out.Type = "stat"
		out.Options = map[string]any{
			"colorMode": "value", "graphMode": "area", "textMode": "auto",
			"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}},
		}
		if len(p.Thresholds) > 0 {
			out.FieldConfig.Defaults.Color = &grafanaColor{Mode: "thresholds"}
		}
		target = grafanaTarget{Range: true}
	case Table:
		out.Type = "table"
		out.Transformations = []any{map[string]any{"id": "organize", "options": map[string]any{
			"excludeByName": map[string]any{"Time": true}, "renameByName": map[string]any{"Value": p.Title},
		}}}
		target = grafanaTarget{Instant: true, Format: "table"}
	default:
		out.Type = "timeseries"
		custom := map[string]any{"lineWidth": 1, "fillOpacity": 5, "showPoints": "never"}
		if p.Stack {
			custom["fillOpacity"] = 40
			custom["stacking"] = map[string]any{"mode": "normal"}
		}
		if len(p.Thresholds) > 0 {
			custom["thresholdsStyle"] = map[string]any{"mode": "line"}
		}
		out.FieldConfig.Defaults.Custom = custom
		out.Options = map[string]any{
			"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true},
			"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
		}
	}
	for i, q := range p.Queries {
		t := target
		t.RefID, t.Expr, t.LegendFormat, t.Datasource = string(rune('A'+i)), q.Expr, q.Legend, source()
		out.Targets = append(out.Targets, t)
	}
	return out
}

func thresholdsOfGrafana(p Panel) *grafanaThresholds {
	t := &grafanaThresholds{Mode: "absolute", Steps: []grafanaStep{{Color: p.first()}}}
	for _, s := range p.Thresholds {
		t.Steps = append(t.Steps, grafanaStep{Value: &s.Value, Color: s.Color})
	}
	return t
}
