// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"fmt"
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// warnings are what a person should know though nothing is wrong.
func (w computedValues) warnings() []v1alpha1.Warning {
	var out []v1alpha1.Warning
	add := func(name, message string) { out = append(out, v1alpha1.Warning{Name: name, Message: message}) }
	if w.has(collectorGateway) && !w.has(loki) && !exports(w.stack, v1alpha1.SignalLogs) {
		add("logs", "Logs are collected and kept nowhere, since the CNCF has no store for them: name loki in nonCNCFComponents, or give a backend of your own in exports")
	}
	if w.has(ingress) {
		switch ns := w.parts[ingress].Namespace; {
		case len(w.publishedUIs()) == 0:
			add("views", "No view is published, since there is no domain: give one in domain that leads to this cluster, or use kubectl port-forward")
		case w.oidc() != nil:
			add("sign-in", "The views send people to "+w.oidc().Issuer+", where each needs the redirect URI https://HOST/oauth2/callback. The client's secret has to be in Secret "+ns+"/"+w.oidc().ClientSecretRef.Name+" on the cluster, under "+w.oidc().ClientSecretRef.Key)
		default:
			add("password", "The views ask for user admin and the password in Secret "+ns+"/"+password+" on the cluster")
		}
	}
	if w.has(jaeger) {
		add("traces", "Jaeger keeps traces in memory: the newest 50000, and none that are older than its pod")
	}
	if kept, _ := w.retention(); w.capabilities != nil && slices.ContainsFunc(w.slos(), func(s v1alpha1.SLO) bool { return kept == diskRetention || s.Window != v1alpha1.SLOWindow7d }) {
		add("slos", "Prometheus keeps metrics for "+kept+": the error budget of an SLO with a longer window is counted over that time only")
	}
	return out
}

// exports says that a signal goes to a backend of the team.
func exports(p v1alpha1.StackParameters, signal v1alpha1.Signal) bool {
	return slices.ContainsFunc(p.Exports, func(e v1alpha1.Export) bool {
		return e.OTLP != nil && slices.Contains(e.OTLP.Signals, signal)
	})
}

// problems are what the team asked for and no component of the stack can do.
func (w computedValues) problems() []compose.Problem {
	var out []compose.Problem
	lacks := func(export, component string) {
		if !w.has(component) {
			out = append(out, compose.Problem{ConditionType: ConditionComponentsReady, Reason: "ComponentMissing", Message: fmt.Sprintf(
				"Export %s needs component %s, which is not part of this stack: add it, or take the export out", export, component)})
		}
	}
	for _, e := range w.stack.Exports {
		if e.RemoteWrite != nil {
			lacks(e.Name, prometheus)
			continue
		}
		lacks(e.Name, collectorGateway)
		if slices.Contains(e.OTLP.Signals, v1alpha1.SignalMetrics) {
			lacks(e.Name, prometheus)
		}
	}
	out = append(out, w.sloProblems()...)
	if w.stack.TLS != nil && w.stack.TLS.ACME != nil && !w.has(ingress) {
		out = append(out, compose.Problem{ConditionType: ConditionComponentsReady, Reason: "ComponentMissing", Message: "tls needs component " + ingress + ", which is not part of this stack: add it, or take tls out"})
	}
	if w.oidc() != nil && !w.has(ingress) {
		out = append(out, compose.Problem{ConditionType: ConditionComponentsReady, Reason: "ComponentMissing", Message: "auth needs component " + ingress + ", which is not part of this stack: add it, or take auth out"})
	}
	return out
}
