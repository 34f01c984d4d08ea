// SPDX-License-Identifier: Apache-2.0

// Package slo makes Prometheus rules of SLOs: what records how an SLO stands,
// and alerts at the rate at which its error budget burns.
package slo

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// Names of the alerts, which runbooks are written for.
const (
	AlertBurnsFast   = "SLOErrorBudgetBurnFast"
	AlertBurnsSlowly = "SLOErrorBudgetBurnSlow"
	AlertNotMeasured = "SLOMetricsAbsent"
)

// Runbook of the alerts, one section each.
const Runbook = "https://github.com/observe-k8s/observe-k8s/blob/main/docs/runbooks/slo.md"

// A Group of rules, as a PrometheusRule has it.
type Group struct {
	Name string `json:"name"`

	// Interval between two rounds; that of Prometheus when empty.
	Interval string `json:"interval,omitempty"`

	Rules []Rule `json:"rules"`
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

// A burnWindow is a pair of windows over which the error budget is watched. The long
// one says that enough of it is gone to matter, the short one that it still
// burns.
type burnWindow struct {
	long, short time.Duration

	// percent of the budget that is gone if it burns for the long window.
	percent int64
}

// The windows and percentages of "The Site Reliability Workbook", chapter 5,
// table 5-8 (https://sre.google/workbook/alerting-on-slos, read 2026-11). Over 30
// days they are burn rates of 14.4, 6, 3 and 1.
const day = 24 * time.Hour

func fast() []burnWindow {
	return []burnWindow{{time.Hour, 5 * time.Minute, 2}, {6 * time.Hour, 30 * time.Minute, 5}}
}

func slow() []burnWindow {
	return []burnWindow{{day, 2 * time.Hour, 10}, {3 * day, 6 * time.Hour, 10}}
}

// Groups of rules that an SLO is made into. What the schema should have refused
// is an error.
func Groups(s v1alpha1.SLO) ([]Group, error) {
	g, err := groups(s)
	if err != nil {
		return nil, fmt.Errorf("cannot make rules of SLO %s: %w", s.Name, err)
	}
	return g, nil
}

func groups(s v1alpha1.SLO) ([]Group, error) {
	objective, ok := new(big.Rat).SetString(s.Objective)
	if !ok {
		return nil, fmt.Errorf("objective %q is no number", s.Objective)
	}
	budget := new(big.Rat).Sub(big.NewRat(1, 1), objective.Quo(objective, big.NewRat(100, 1)))
	if budget.Sign() <= 0 || budget.Cmp(big.NewRat(1, 1)) >= 0 {
		return nil, fmt.Errorf("objective %q is no percentage between 0 and 100", s.Objective)
	}
	window, err := length(s.Window)
	if err != nil {
		return nil, err
	}
	all, bad, err := indicator(s)
	if err != nil {
		return nil, err
	}

	r := rules{slo: s, labels: map[string]string{"slo": s.Name, "service": s.ServiceName}}
	if s.ServiceNamespace != "" {
		r.labels["service_namespace"] = s.ServiceNamespace
	}
	r.record("slo:objective:ratio", "vector("+decimal(new(big.Rat).Sub(big.NewRat(1, 1), budget))+")")
	r.record("slo:requests:rate5m", all)
	r.record("slo:errors:rate5m", bad)
	r.record(ratio(5*time.Minute), r.of("slo:errors:rate5m")+" / "+r.of("slo:requests:rate5m"))
	for _, d := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour} {
		r.record(ratio(d), r.over(d))
	}
	r.record("slo:burn_rate:ratio_rate1h", r.of(ratio(time.Hour))+" / "+decimal(budget))

	runbook := func(alert string) string { return Runbook + "#" + strings.ToLower(alert) }
	promise := objectiveRules(s)
	r.alert(AlertBurnsFast, r.burns(fast(), budget, window), "", "critical", map[string]string{
		"summary":     "SLO " + s.Name + " loses its error budget fast.",
		"description": "Of the requests of " + s.ServiceName + ", {{ $value | humanizePercentage }} were bad in the last minutes. The promise is that " + promise + ". If this goes on, the error budget is gone within days.",
		"runbook_url": runbook(AlertBurnsFast),
	})
	r.alert(AlertNotMeasured, "absent("+r.of(ratio(5*time.Minute))+")", "1h", "warning", map[string]string{
		"summary":     "SLO " + s.Name + " is not measured.",
		"description": "There are no request metrics of " + s.ServiceName + " of the kind that SLO " + s.Name + " counts. The promise that " + promise + " is not watched.",
		"runbook_url": runbook(AlertNotMeasured),
	})

	// What takes days to change is not worth reading days of samples for in every
	// round.
	budgets := rules{slo: s, labels: r.labels}
	for _, d := range []time.Duration{day, 3 * day} {
		budgets.record(ratio(d), budgets.over(d))
	}
	budgets.record("slo:error_budget_remaining:ratio", "1 - ("+budgets.over(window)+") / "+decimal(budget))
	budgets.alert(AlertBurnsSlowly, budgets.burns(slow(), budget, window), "", "warning", map[string]string{
		"summary":     "SLO " + s.Name + " loses its error budget slowly.",
		"description": "Of the requests of " + s.ServiceName + ", {{ $value | humanizePercentage }} were bad in the last hours. The promise is that " + promise + ". If this goes on, the error budget does not last.",
		"runbook_url": runbook(AlertBurnsSlowly),
	})
	return []Group{{Name: "slo-" + s.Name, Rules: r.rules}, {Name: "slo-" + s.Name + "-budget", Interval: "5m", Rules: budgets.rules}}, nil
}

// objectiveRules that an SLO makes, in words.
func objectiveRules(s v1alpha1.SLO) string {
	good := "succeed"
	if s.Indicator.Type == v1alpha1.SLOLatency {
		good = "are answered within " + s.Indicator.Threshold
	}
	return s.Objective + "% " + good + " over " + string(s.Window)
}

// rules of one SLO.
type rules struct {
	slo    v1alpha1.SLO
	labels map[string]string
	rules  []Rule
}

func (r *rules) record(name, expr string) {
	r.rules = append(r.rules, Rule{Record: name, Expr: expr, Labels: r.labels})
}

func (r *rules) alert(name, expr, after, severity string, annotations map[string]string) {
	if expr == "" {
		return
	}
	labels := maps.Clone(r.labels)
	labels["severity"] = severity
	r.rules = append(r.rules, Rule{Alert: name, Expr: expr, For: after, Labels: labels, Annotations: annotations})
}

// of is a recorded metric of this SLO.
func (r *rules) of(metric string) string { return metric + `{slo="` + r.slo.Name + `"}` }

// over is the share of bad requests in a window. It is made of what is recorded
// every round, so that the raw metrics are read for five minutes only, and each
// request counts the same.
func (r *rules) over(d time.Duration) string {
	w := "[" + duration(d) + "]"
	return "sum_over_time(" + r.of("slo:errors:rate5m") + w + ") / sum_over_time(" + r.of("slo:requests:rate5m") + w + ")"
}

// burns is true while the budget burns too fast. A pair of windows that would
// need more errors than there are requests never would be: it is left out.
func (r *rules) burns(bs []burnWindow, budget *big.Rat, window time.Duration) string {
	var out []string
	for _, b := range bs {
		limit := new(big.Rat).Mul(big.NewRat(b.percent*int64(window/time.Minute), 100*int64(b.long/time.Minute)), budget)
		if limit.Cmp(big.NewRat(1, 1)) >= 0 {
			continue
		}
		out = append(out, fmt.Sprintf("(%s > %s and %s > %[2]s)", r.of(ratio(b.short)), decimal(limit), r.of(ratio(b.long))))
	}
	return strings.Join(out, " or ")
}

func ratio(d time.Duration) string { return "slo:error:ratio_rate" + duration(d) }

// indicator is the rate of all requests and of the bad ones.
func indicator(s v1alpha1.SLO) (all, bad string, err error) {
	// What comes by OTLP has the job that the specification makes of the service
	// (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/, read 2026-11).
	job := `job=~"(.+/)?` + strings.ReplaceAll(regexp.QuoteMeta(s.ServiceName), `\`, `\\`) + `"`
	if s.ServiceNamespace != "" {
		job = fmt.Sprintf("job=%q", s.ServiceNamespace+"/"+s.ServiceName)
	}
	m, ok := metrics()[cmp.Or(s.Indicator.MetricSource, v1alpha1.SLOMetricSourceHTTPServer)]
	if !ok {
		return "", "", fmt.Errorf("metrics %q are not known", s.Indicator.MetricSource)
	}
	rate := func(metric string, matchers ...string) string {
		return "sum(rate(" + metric + "{" + strings.Join(slices.DeleteFunc(append([]string{job}, matchers...), func(m string) bool { return m == "" }), ", ") + "}[5m]))"
	}
	switch s.Indicator.Type {
	case v1alpha1.SLOAvailability:
		all = rate(m.count, m.server)
		// Without any error so far there are no metrics of one.
		return all, "(" + rate(m.count, m.server, m.failed) + ") or 0 * " + all, nil
	case v1alpha1.SLOLatency:
		le, err := bound(s.Indicator.Threshold)
		if err != nil {
			return "", "", err
		}
		all = rate(m.duration+"_count", m.server)
		return all, all + " - " + rate(m.duration+"_bucket", m.server, le), nil
	default:
		return "", "", fmt.Errorf("indicator %q is not known", s.Indicator.Type)
	}
}

// A source is where requests are counted.
type source struct {
	// count of requests, and duration, a histogram in seconds.
	count, duration string

	// server selects requests that are answered, failed those with an error.
	server, failed string
}

func metrics() map[v1alpha1.SLOMetricSource]source {
	return map[v1alpha1.SLOMetricSource]source{
		// https://opentelemetry.io/docs/specs/semconv/http/http-metrics/, read 2026-11.
		v1alpha1.SLOMetricSourceHTTPServer: {
			count:    "http_server_request_duration_seconds_count",
			duration: "http_server_request_duration_seconds",
			failed:   `http_response_status_code=~"5.."`,
		},
		// The connector spanmetrics of the OpenTelemetry collector, in seconds.
		v1alpha1.SLOMetricSourceSpanMetrics: {
			count:    "traces_span_metrics_calls_total",
			duration: "traces_span_metrics_duration_seconds",
			server:   `span_kind=~"SPAN_KIND_SERVER|SPAN_KIND_CONSUMER"`,
			failed:   `status_code="STATUS_CODE_ERROR"`,
		},
	}
}

// bound of a histogram. Prometheus writes that of a whole second in two ways,
// depending on how it got the histogram.
func bound(threshold string) (string, error) {
	d, err := time.ParseDuration(threshold)
	if err != nil || d <= 0 {
		return "", fmt.Errorf("threshold %q is no duration", threshold)
	}
	if d%time.Second == 0 {
		return fmt.Sprintf(`le=~"%d(\\.0)?"`, d/time.Second), nil
	}
	return fmt.Sprintf("le=%q", decimal(big.NewRat(d.Milliseconds(), 1000))), nil
}

func length(w v1alpha1.SLOWindow) (time.Duration, error) {
	switch w {
	case v1alpha1.SLOWindow7d:
		return 7 * day, nil
	case v1alpha1.SLOWindow28d:
		return 28 * day, nil
	case v1alpha1.SLOWindow30d, "":
		return 30 * day, nil
	default:
		return 0, fmt.Errorf("window %q is not known", w)
	}
}

// duration as Prometheus writes it.
func duration(d time.Duration) string {
	switch {
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	default:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
}

// decimal is exact for what comes of objectives, and short.
func decimal(r *big.Rat) string {
	s := strings.TrimRight(r.FloatString(12), "0")
	return strings.TrimSuffix(s, ".")
}
