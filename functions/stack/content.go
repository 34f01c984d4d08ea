// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"fmt"
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/slo"
)

// contentAbout are the components that have dashboards or rules, or show them.
// Others may come and go without a change of content.
func contentAbout() []string {
	return []string{
		"argo-cd", certManager, collectorGateway, "fluent-bit", "flux", grafana, prometheus,
		"linkerd-control-plane", "opencost", "perses-operator", thanos,
	}
}

// wireContent brings what there is something to see of, with links to the other
// views, and the rules of SLOs.
func wireContent(w computedValues) map[string]any {
	there := map[string]any{}
	for _, name := range contentAbout() {
		if w.has(name) {
			there[name] = true
		}
	}
	v := map[string]any{"components": there}
	var links []any
	for _, p := range w.publishedUIs() {
		if p.component != grafana && p.component != "perses" {
			links = append(links, map[string]any{"name": p.Name, "url": "https://" + p.host})
		}
	}
	if len(links) > 0 {
		v["links"] = links
	}
	var rules []any
	for _, s := range w.slos() {
		// What is wrong with one is a problem; the others are watched.
		if groups, err := slo.Groups(s); err == nil {
			rules = append(rules, map[string]any{"name": s.Name, "groups": groupValues(groups)})
		}
	}
	if len(rules) > 0 {
		v["slos"] = rules
	}
	return v
}

// groupValues are groups of rules as plain as values have to be.
func groupValues(groups []slo.Group) []any {
	words := func(m map[string]string) map[string]any {
		out := make(map[string]any, len(m))
		for k, v := range m {
			out[k] = v
		}
		return out
	}
	out := make([]any, 0, len(groups))
	for _, g := range groups {
		rules := make([]any, 0, len(g.Rules))
		for _, r := range g.Rules {
			rule := map[string]any{"expr": r.Expr}
			for k, v := range map[string]string{"record": r.Record, "alert": r.Alert, "for": r.For} {
				if v != "" {
					rule[k] = v
				}
			}
			for k, m := range map[string]map[string]string{"labels": r.Labels, "annotations": r.Annotations} {
				if len(m) > 0 {
					rule[k] = words(m)
				}
			}
			rules = append(rules, rule)
		}
		group := map[string]any{"name": g.Name, "rules": rules}
		if g.Interval != "" {
			group["interval"] = g.Interval
		}
		out = append(out, group)
	}
	return out
}

// slos of the stack, and those of workloads that it can measure: workloads tell
// the collectors, and nobody else.
func (w computedValues) slos() []v1alpha1.SLO {
	out := slices.Clone(w.stack.SLOs)
	if !w.has(prometheus) || !w.has(content) || !w.has(collectorGateway) {
		return out
	}
	for _, s := range w.workloadSLOs {
		if !slices.ContainsFunc(out, func(o v1alpha1.SLO) bool { return o.Name == s.Name }) {
			out = append(out, s)
		}
	}
	return out
}

// sloProblems are SLOs that nobody would watch.
func (w computedValues) sloProblems() []compose.Problem {
	var out []compose.Problem
	add := func(format string, a ...any) {
		out = append(out, compose.Problem{ConditionType: ConditionComponentsReady, Reason: "ComponentMissing", Message: fmt.Sprintf(format, a...)})
	}
	for _, s := range w.stack.SLOs {
		if _, err := slo.Groups(s); err != nil {
			add("%s", err)
			continue
		}
		for _, c := range []string{prometheus, content} {
			if !w.has(c) {
				add("SLO %s needs component %s, which is not part of this stack: add it, or take the SLO out", s.Name, c)
			}
		}
		if s.Indicator.MetricSource == v1alpha1.SLOMetricSourceSpanMetrics && !w.has(collectorGateway) {
			add("SLO %s counts spans and needs component %s, which is not part of this stack: add it, or count HTTPServer", s.Name, collectorGateway)
		}
	}
	return out
}
