// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/values"
)

// Names of components that others are wired to.
const (
	content          = "content"
	prometheus       = "kube-prometheus-stack"
	prometheusCRDs   = "prometheus-operator-crds"
	certManager      = "cert-manager"
	gatewayAPI       = "gateway-api"
	gatewayFabric    = "nginx-gateway-fabric"
	ingress          = "ingress"
	collectorGateway = "collector-gateway"
	jaeger           = "jaeger"
	thanos           = "thanos"
	grafana          = "grafana"
	loki             = "loki"
	tempo            = "tempo"
	pyroscope        = "pyroscope"
)

// A computedValues is all that the values of a component can depend on.
type computedValues struct {
	// capabilities of the cluster; nil while they are unknown.
	capabilities *v1alpha1.Capabilities

	// stack is what the team asked for.
	stack v1alpha1.StackParameters

	// workloadRoutes of workloads to publish, and what is promised of workloads.
	workloadRoutes []v1alpha1.WorkloadRoute
	workloadSLOs   []v1alpha1.SLO

	// cluster is the name by which telemetry tells clusters apart.
	cluster string

	// parts are the components of the stack by name.
	parts map[string]selected
}

// has says that a component is part of the stack.
func (w computedValues) has(component string) bool {
	_, ok := w.parts[component]
	return ok
}

// url of a Service of a component.
func (w computedValues) url(component, service, port string) string {
	return "http://" + service + "." + w.parts[component].Namespace + ":" + port
}

// valuesOf gives a component the values that depend on the cluster and on its peers.
func (w computedValues) valuesOf(component string) map[string]any {
	v := w.tolerations(component)
	if f := wireOf(component); f != nil {
		v = values.Merge(v, f(w))
	}
	return v
}

// wireOf a component: one row per component that has any.
func wireOf(component string) func(computedValues) map[string]any {
	switch component {
	case certManager:
		return wireCertManager
	case content:
		return wireContent
	case gatewayAPI:
		return wireGatewayAPI
	case ingress:
		return wireIngress
	case prometheus:
		return wirePrometheus
	case thanos:
		return wireThanos
	case "opencost":
		return wireOpenCost
	case collectorGateway:
		return wireCollectorGateway
	case jaeger:
		return wireJaeger
	case "perses":
		return wirePerses
	case grafana:
		return wireGrafana
	case loki:
		return wireLoki
	case tempo:
		return wireTempo
	case pyroscope:
		return wirePyroscope
	case "linkerd-identity":
		return wireMeshIdentity
	case "linkerd-viz-identity":
		return wireVizIdentity
	case "linkerd-control-plane":
		return wireMesh
	case "chaos-mesh":
		return wireChaosMesh
	}
	return nil
}

// tolerations let a component run on nodes that are tainted for their
// architecture, as Google Cloud taints arm64.
// https://cloud.google.com/kubernetes-engine/docs/how-to/prepare-arm-workloads-for-deployment, 2026-08.
func (w computedValues) tolerations(component string) map[string]any {
	t := w.tolerated()
	if len(t) == 0 {
		return nil
	}
	out := map[string]any{}
	for _, path := range w.parts[component].Tolerations {
		out = values.Merge(out, at(path, t))
	}
	return out
}

// tolerated are the taints that a pod has to tolerate.
func (w computedValues) tolerated() []any {
	if w.capabilities.Architecture != v1alpha1.ArchitectureARM64 {
		return nil
	}
	return []any{map[string]any{
		"key": "kubernetes.io/arch", "operator": "Equal", "value": string(v1alpha1.ArchitectureARM64), "effect": "NoSchedule",
	}}
}

// at is a value at a path of names with dots between them.
func at(path string, value any) map[string]any { return values.At(path, value) }

// wireChaosMesh tells where the container runtime listens.
func wireChaosMesh(w computedValues) map[string]any {
	if w.capabilities.CRISocket == "" {
		return nil
	}
	return at("chaosDaemon.socketPath", w.capabilities.CRISocket)
}
