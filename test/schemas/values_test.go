// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"os"
	"path/filepath"
	"testing"
)

func TestChartCheck(t *testing.T) {
	dir := t.TempDir()
	for file, content := range map[string]string{
		"app/Chart.yaml":         "{version: 1.2.3, dependencies: [{name: db, alias: store}]}",
		"app/values.yaml":        "{replicas: 1, image: {tag: ''}, resources: {}, settings: {}, extra: [], cert: {enabled: false}, unset: null}",
		"app/values.schema.json": `{"type": "object", "properties": {"replicas": {"type": "integer", "maximum": 3}, "more": {"$ref": "#/$defs/more"}}, "$defs": {"more": {"properties": {"name": {"type": "string"}}}}}`,
		"db/values.yaml":         "{persistence: {size: 1Gi}}",
		"db/Chart.yaml":          "{version: 1.0.0}",
	} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	chart, err := LoadChart(dir, "app")
	if err != nil {
		t.Fatal(err)
	}
	free := []Free{{Chart: "app", Path: "settings", Reason: "the program's own"}}

	cases := map[string]struct {
		reason string
		values string
		want   string
	}{
		"Known":         {reason: "A value of the chart may be set.", values: `{replicas: 2, image: {tag: v1}, cert: {enabled: true}}`},
		"Mistyped":      {reason: "A path that does not exist is a typing error: Helm would ignore it.", values: `{image: {tga: v1}}`, want: "image.tga is no value of the chart"},
		"Type":          {reason: "A word where the chart has a switch is refused.", values: `{cert: {enabled: "yes"}}`, want: "cert.enabled must be a boolean, not a string"},
		"ScalarForMap":  {reason: "A word where the chart has a map is refused.", values: `{image: v1}`, want: "image must be a map, not a string"},
		"Schema":        {reason: "What the chart's own schema refuses is refused.", values: `{replicas: 4}`, want: "values.schema.json"},
		"Declared":      {reason: "What only the schema knows is known.", values: `{more: {name: a}}`},
		"DeclaredTypo":  {reason: "What not even the schema knows is not.", values: `{less: {name: a}}`, want: "less is no value"},
		"Free":          {reason: "Below an empty map only what is listed with a reason.", values: `{settings: {a: {b: c}}}`},
		"Resources":     {reason: "What a container asks for is the same in every chart.", values: `{resources: {requests: {cpu: 1m}}}`},
		"ResourcesTypo": {reason: "And it is judged.", values: `{resources: {request: {cpu: 1m}}}`, want: "resources are no resource requirements"},
		"NotFree":       {reason: "Below an empty map nothing says what is right.", values: `{unset: {a: b}}`, want: "unset is set below an empty value"},
		"List":          {reason: "A list may get items.", values: `{extra: [a]}`},
		"ListType":      {reason: "A list must stay a list.", values: `{extra: a}`, want: "extra must be a list"},
		"Removed":       {reason: "A default may be taken away.", values: `{image: null}`},
		"SubChart":      {reason: "Values of a sub-chart are below its alias.", values: `{store: {persistence: {size: 2Gi}}}`},
		"SubChartTypo":  {reason: "Values of a sub-chart are judged too.", values: `{store: {persistence: {sise: 2Gi}}}`, want: "store.persistence.sise is no value"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			errs, _ := chart.Check(object(t, tc.values), free)
			check(t, tc.reason, tc.want, errs)
		})
	}
}
