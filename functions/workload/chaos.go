// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/values"
)

const (
	chaosMeshAPI       = "chaos-mesh.org/v1alpha1"
	prometheusRulesAPI = "monitoring.coreos.com/v1"

	// ChaosActive is the metric that is 1 while a window of chaos is open. Its
	// labels are namespace, workload, fault and target.
	ChaosActive = "workload:chaos:active"
)

// checkChaos finds windows that cannot be.
func checkChaos(app App, p v1alpha1.WorkloadParameters) []compose.Problem {
	var problems []compose.Problem
	refuse := func(i int, format string, args ...any) {
		problems = append(problems, compose.Problem{ConditionType: ConditionAppReady, Reason: "InvalidChaos", Message: fmt.Sprintf("chaos[%d]: ", i) + fmt.Sprintf(format, args...)})
	}
	parts := app.Targets.Names
	if p.Game != nil {
		parts = nil
		for i := range p.Game.Services {
			parts = append(parts, string(p.Game.Services[i].Name))
		}
	}
	for i, w := range p.Chaos {
		if _, err := language.ParseSchedule(language.Schedule(w.Schedule)); err != nil {
			refuse(i, "%v", err)
		}
		known, what := parts, "part"
		if w.Fault == v1alpha1.FaultFeatureFlag {
			known, what = app.Flags, "flag"
			if _, ok := hourly(w.Schedule); !ok {
				refuse(i, "a flag follows the minutes of every hour only: give a schedule such as \"30 * * * *\"")
			}
		}
		if !slices.Contains(known, w.Target) {
			refuse(i, "%s has no %s %s; it has %s", app.Name, what, w.Target, strings.Join(known, ", "))
		}
	}
	return problems
}

// chaosManifests are the objects that make chaos, and tell of its windows.
func chaosManifests(app App, xr v1alpha1.Workload) []any {
	var out []any
	for i, w := range xr.Spec.Chaos {
		if k := chaosKindOf(w.Fault); k.kind != "" {
			out = append(out, chaosSchedule(app, xr, i, w, k))
		}
	}
	if len(xr.Spec.Chaos) > 0 && has(xr.Spec.Environment, v1alpha1.CapabilityPrometheus) {
		rules := make([]any, 0, len(xr.Spec.Chaos))
		for _, w := range xr.Spec.Chaos {
			rules = append(rules, map[string]any{
				"record": ChaosActive,
				"expr":   WindowQuery(w.Schedule, w.Duration),
				"labels": map[string]any{"namespace": namespace(xr), "workload": xr.Name, "fault": string(w.Fault), "target": w.Target},
			})
		}
		out = append(out, map[string]any{
			"apiVersion": prometheusRulesAPI,
			"kind":       "PrometheusRule",
			"metadata":   map[string]any{"name": "chaos"},
			"spec": map[string]any{"groups": []any{map[string]any{
				"name": "chaos-" + namespace(xr), "interval": "15s", "rules": rules,
			}}},
		})
	}
	return out
}

// A chaosKind is how Chaos Mesh calls a fault.
type chaosKind struct {
	// kind of chaos, and the field of a Schedule that holds it.
	kind, field string

	// spec of the chaos besides whom it happens to and how long.
	spec map[string]any
}

// chaosKindOf is the kind of a fault; without a kind Chaos Mesh does not know it.
// https://chaos-mesh.org/docs/, 2026-08.
func chaosKindOf(f v1alpha1.Fault) chaosKind {
	switch f {
	case v1alpha1.FaultPodKill:
		return chaosKind{"PodChaos", "podChaos", map[string]any{"action": "pod-kill", "mode": "one"}}
	case v1alpha1.FaultNetworkLatency:
		return chaosKind{"NetworkChaos", "networkChaos", map[string]any{
			"action": "delay", "mode": "all", "delay": map[string]any{"latency": "250ms", "jitter": "50ms", "correlation": "0"},
		}}
	case v1alpha1.FaultPacketLoss:
		return chaosKind{"NetworkChaos", "networkChaos", map[string]any{
			"action": "loss", "mode": "all", "loss": map[string]any{"loss": "25", "correlation": "0"},
		}}
	case v1alpha1.FaultCPUStress:
		return chaosKind{"StressChaos", "stressChaos", map[string]any{
			"mode": "all", "stressors": map[string]any{"cpu": map[string]any{"workers": int64(1), "load": int64(100)}},
		}}
	case v1alpha1.FaultFeatureFlag:
	}
	return chaosKind{}
}

func chaosSchedule(app App, xr v1alpha1.Workload, i int, w v1alpha1.ChaosWindow, k chaosKind) map[string]any {
	spec := values.Merge(k.spec, map[string]any{
		"selector": map[string]any{
			"namespaces":     []any{namespace(xr)},
			"labelSelectors": map[string]any{app.Targets.Label: w.Target},
		},
	})
	// Killing takes no time.
	if w.Fault != v1alpha1.FaultPodKill {
		spec["duration"] = w.Duration
	}
	return map[string]any{
		"apiVersion": chaosMeshAPI,
		"kind":       "Schedule",
		"metadata":   map[string]any{"name": fmt.Sprintf("chaos-%d", i)},
		"spec": map[string]any{
			"schedule": w.Schedule, "type": k.kind, "historyLimit": int64(2), "concurrencyPolicy": "Forbid", k.field: spec,
		},
	}
}

// hourly are the minutes of a schedule that is the same in every hour of every
// day.
func hourly(schedule string) ([]int, bool) {
	minutes, rest, _ := strings.Cut(schedule, " ")
	if strings.Join(strings.Fields(rest), " ") != "* * * *" {
		return nil, false
	}
	return cronValues(minutes, 0, 59), true
}

// cronValues are the values that a field of a schedule matches.
func cronValues(field string, low, high int) []int {
	var out []int
	for v := low; v <= high; v++ {
		for part := range strings.SplitSeq(field, ",") {
			what, every, stepped := strings.Cut(part, "/")
			from, to := low, high
			if what != "*" {
				first, last, ranged := strings.Cut(what, "-")
				from, _ = strconv.Atoi(first)
				switch {
				case ranged:
					to, _ = strconv.Atoi(last)
				case !stepped:
					to = from
				}
			}
			step := 1
			if stepped {
				step, _ = strconv.Atoi(every)
			}
			if v >= from && v <= to && step > 0 && (v-from)%step == 0 {
				out = append(out, v)
				break
			}
		}
	}
	return out
}

// WindowQuery is a query for Prometheus that gives 1 while a window is open that
// begins by the schedule and lasts that many minutes, and nothing otherwise.
func WindowQuery(schedule, lasts string) string {
	f := strings.Fields(schedule)
	minutes, _ := strconv.Atoi(strings.TrimSuffix(lasts, "m"))
	var alternatives []string
	for _, m := range cronValues(f[0], 0, 59) {
		// How many minutes ago it was minute m, and when that was.
		ago := fmt.Sprintf("(minute() + %d) %% 60", 60-m)
		then := fmt.Sprintf("vector(time() - 60 * scalar(%s))", ago)
		clauses := []string{fmt.Sprintf("(%s < %d)", ago, minutes)}
		if c := clause("hour", then, f[1], 0, 23); c != "" {
			clauses = append(clauses, c)
		}
		if c := clause("month", then, f[3], 1, 12); c != "" {
			clauses = append(clauses, c)
		}
		day, weekday := clause("day_of_month", then, f[2], 1, 31), clause("day_of_week", then, weekdays(f[4]), 0, 6)
		switch {
		// Cron's oldest rule: when both days are restricted, either is enough.
		case day != "" && weekday != "" && !strings.HasPrefix(f[2], "*") && !strings.HasPrefix(f[4], "*"):
			clauses = append(clauses, "("+day+" or "+weekday+")")
		default:
			clauses = append(clauses, slices.DeleteFunc([]string{day, weekday}, func(c string) bool { return c == "" })...)
		}
		alternatives = append(alternatives, strings.Join(clauses, " and "))
	}
	return "(" + strings.Join(alternatives, " or ") + ") * 0 + 1"
}

// clause compares a part of a time with a field of a schedule; empty when the
// field allows everything.
func clause(function, time, field string, low, high int) string {
	vs := cronValues(field, low, high)
	if len(vs) == high-low+1 {
		return ""
	}
	either := make([]string, 0, len(vs))
	for _, v := range vs {
		either = append(either, fmt.Sprintf("%s(%s) == %d", function, time, v))
	}
	return "(" + strings.Join(either, " or ") + ")"
}

// weekdays is a field of weekdays in which Sunday is 0 and not 7.
func weekdays(field string) string {
	days := make([]string, 0, 7)
	for _, d := range cronValues(field, 0, 7) {
		if s := strconv.Itoa(d % 7); !slices.Contains(days, s) {
			days = append(days, s)
		}
	}
	return strings.Join(days, ",")
}

// A flag as flagd reads it.
type flag struct {
	State          string         `json:"state"`
	Variants       map[string]any `json:"variants"`
	DefaultVariant string         `json:"defaultVariant"`
	Targeting      any            `json:"targeting,omitempty"`
}

// constant is a flag with one value.
func constant(v any) flag {
	return flag{State: "ENABLED", Variants: map[string]any{"on": v}, DefaultVariant: "on"}
}

// chaosFlags are flags that are on in their windows. flagd gives every evaluation
// the time: https://flagd.dev/reference/flag-definitions/, 2026-08.
func chaosFlags(windows []v1alpha1.ChaosWindow) map[string]flag {
	open := map[string][]any{}
	for _, w := range windows {
		if w.Fault != v1alpha1.FaultFeatureFlag {
			continue
		}
		minutes, _ := hourly(w.Schedule)
		lasts, _ := strconv.Atoi(strings.TrimSuffix(w.Duration, "m"))
		for _, m := range minutes {
			// Seconds since the window began in this hour or the one before.
			since := map[string]any{"%": []any{map[string]any{"+": []any{map[string]any{"var": "$flagd.timestamp"}, (60 - m) * 60}}, 3600}}
			open[w.Target] = append(open[w.Target], map[string]any{"<": []any{since, lasts * 60}})
		}
	}
	out := make(map[string]flag, len(open))
	for name, windows := range open {
		out[name] = flag{
			State: "ENABLED", Variants: map[string]any{"on": true, "off": false}, DefaultVariant: "off",
			Targeting: map[string]any{"if": []any{map[string]any{"or": windows}, "on", "off"}},
		}
	}
	return out
}

// flagValues let flagd read flags from a file of ours after its own: the last one
// wins.
func flagValues(flags map[string]flag) (map[string]any, error) {
	b, err := json.Marshal(map[string]any{"flags": flags})
	if err != nil {
		return nil, fmt.Errorf("cannot encode the feature flags: %w", err)
	}
	return map[string]any{"components": map[string]any{"flagd": map[string]any{
		"command": []any{
			"/flagd-build", "start", "--port", "8013", "--ofrep-port", "8016",
			"--uri", "file:./etc/flagd/demo.flagd.json", "--uri", "file:/etc/observe-k8s/flags.json",
		},
		"mountedConfigMaps": []any{map[string]any{
			"name": "observe-k8s-flags", "mountPath": "/etc/observe-k8s", "data": map[string]any{"flags.json": string(b)},
		}},
	}}}, nil
}
