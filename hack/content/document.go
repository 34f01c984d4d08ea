// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// Document says which dashboards and alerts there are, for whom.
func Document(c Content) []byte {
	b := &strings.Builder{}
	b.WriteString(`# Dashboards, rules and alerts

What the component ` + "`content`" + ` brings: the same dashboards for Perses and, where Grafana is enabled, for Grafana, made of one definition each
(` + "`package/content/dashboards`" + `), and rules (` + "`package/content/rules`" + `). A dashboard or a file of rules comes when all components that it needs are enabled. This page is
made of them by ` + "`make generate`" + `. What kube-prometheus-stack brings by itself, it does not repeat.

Two needs are no components. ` + "`slos`" + ` is there when the stack has [SLOs](slos.md). ` + "`crossplane`" + ` is for the cluster that runs Crossplane, with its metrics on; a team says so, and
Prometheus scrapes it:

` + "```yaml\nstack:\n  components:\n  - {name: content, values: {components: {crossplane: true}}}\n```" + `

## Dashboards

| Dashboard | For | Shows | Needs |
|---|---|---|---|
`)
	for _, p := range []Persona{Practitioner, Developer, Analyst, BusinessOwner} {
		for _, d := range c.Dashboards {
			if d.Persona == p {
				fmt.Fprintf(b, "| %s (`%s`) | %s | %s | %s |\n", d.Title, d.Name, p, d.Purpose, strings.Join(d.Needs, ", "))
			}
		}
	}
	b.WriteString(`
## Alerts

Each has a section in its runbook, and a unit test. Critical ones are worth waking somebody.

| Alert | Severity | Says | Needs |
|---|---|---|---|
`)
	for _, r := range c.Rules {
		for _, g := range r.Groups {
			for _, rule := range g.Rules {
				if rule.Alert != "" {
					fmt.Fprintf(b, "| [%s](runbooks/%s.md#%s) | %s | %s | %s |\n", rule.Alert, r.Name, strings.ToLower(rule.Alert), rule.Labels["severity"], rule.Annotations["summary"], strings.Join(r.Needs, ", "))
				}
			}
		}
	}
	b.WriteString(`
Alerts of SLOs are made of the claim, see [SLOs](slos.md).

## Recorded metrics

What other queries can be made of. A team's own rule may record a metric of the same name with other labels: ` + "`business:orders:rate5m`" + ` is meant for that.

| Metric | Query |
|---|---|
`)
	for _, r := range c.Rules {
		for _, g := range r.Groups {
			for _, rule := range g.Rules {
				if rule.Record != "" {
					fmt.Fprintf(b, "| `%s` | `%s` |\n", rule.Record, strings.ReplaceAll(strings.Join(strings.Fields(rule.Expr), " "), "|", `\|`))
				}
			}
		}
	}
	return []byte(b.String())
}
