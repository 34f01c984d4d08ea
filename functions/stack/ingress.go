// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

const (
	gatewayAPIVersion = "gateway.networking.k8s.io/v1"
	nginxAPIGroup     = "gateway.nginx.org"
)

// domain below which views are published; empty when they are not.
func domain(p v1alpha1.StackParameters, a *v1alpha1.Capabilities) string {
	if a == nil {
		return p.Domain
	}
	return cmp.Or(p.Domain, a.DefaultDomain)
}

// A publishedUI view has a host.
type publishedUI struct {
	WebUI

	// component that serves it; empty for the page of a workload.
	component string

	// namespace of its Service.
	namespace string
	host      string
}

// publishedUIs are the views that a person can open, by host.
func (w computedValues) publishedUIs() []publishedUI {
	d := domain(w.stack, w.capabilities)
	if d == "" || !w.has(ingress) {
		return nil
	}
	var out []publishedUI
	for _, name := range sortedKeys(w.parts) {
		for _, v := range w.parts[name].Exposes {
			out = append(out, publishedUI{WebUI: v, component: name, namespace: w.parts[name].Namespace, host: v.Name + "." + d})
		}
	}
	for _, p := range w.workloadRoutes {
		page := publishedUI{WebUI: WebUI{Name: "workload-" + p.Name, Service: p.Service, Port: p.Port}, namespace: p.Namespace, host: p.Name + "." + d}
		// A view of the stack was there first.
		if !slices.ContainsFunc(out, func(v publishedUI) bool { return v.host == page.host }) {
			out = append(out, page)
		}
	}
	return out
}

// urls that a person opens, the dashboards first.
func (w computedValues) urls() []v1alpha1.URL {
	port := ""
	if w.capabilities != nil && w.capabilities.IngressHTTPSPort != 0 && w.capabilities.IngressHTTPSPort != 443 {
		port = ":" + strconv.FormatInt(w.capabilities.IngressHTTPSPort, 10)
	}
	var out []v1alpha1.URL
	for _, v := range w.publishedUIs() {
		out = append(out, v1alpha1.URL{Name: v.Name, URL: "https://" + v.host + port})
	}
	first := func(u v1alpha1.URL) int { return slices.Index([]string{"", grafana, "perses"}, u.Name) }
	slices.SortStableFunc(out, func(a, b v1alpha1.URL) int { return cmp.Compare(first(b), first(a)) })
	return out
}

// wireCertManager lets authorities reach its answers through the gateway.
func wireCertManager(w computedValues) map[string]any {
	if !w.acme() {
		return nil
	}
	return map[string]any{"config": map[string]any{
		"apiVersion": "controller.config.cert-manager.io/v1alpha1", "kind": "ControllerConfiguration", "enableGatewayAPI": true,
	}}
}

// acme says that certificates come from an authority that everybody trusts.
func (w computedValues) acme() bool {
	return w.has(ingress) && w.has(gatewayAPI) && w.stack.TLS != nil && w.stack.TLS.ACME != nil
}

// wireGatewayAPI leaves the kinds to clusters that bring them.
func wireGatewayAPI(w computedValues) map[string]any {
	return map[string]any{"enabled": w.capabilities.GatewayAPICRDs != v1alpha1.GatewayAPICRDsPreinstalled}
}

// wireIngress makes one door to all views: a gateway with a certificate, somebody
// who asks who is there, and a route to every view.
func wireIngress(w computedValues) map[string]any {
	views := w.publishedUIs()
	if len(views) == 0 {
		return manifests()
	}
	hosts := make([]any, 0, len(views))
	for _, v := range views {
		hosts = append(hosts, v.host)
	}
	objects := slices.Concat(
		[]any{w.proxy(), w.gateway()},
		w.issuers(),
		[]any{certificate("ingress-tls", issuer("Issuer", ingress), map[string]any{"dnsNames": hosts, "usages": []any{"server auth"}})},
		w.authObjects(),
		[]any{redirect()},
	)
	for _, v := range views {
		objects = append(objects, w.protectedRoute(v)...)
	}
	return manifests(append(objects, w.tracing(views)...)...)
}

// proxy is how NGINX runs. It finds the views by name, so that a route does not
// have to wait for the namespace of its view.
func (w computedValues) proxy() map[string]any {
	pod := map[string]any{}
	if t := w.tolerated(); len(t) > 0 {
		pod["tolerations"] = t
	}
	container := map[string]any{"resources": map[string]any{"requests": map[string]any{"cpu": "50m", "memory": "64Mi"}}}
	k := map[string]any{
		"deployment": map[string]any{"container": container, "pod": pod},
		"service":    map[string]any{"type": "LoadBalancer"},
	}
	if w.capabilities.IngressExposure == v1alpha1.IngressExposureHostPort {
		container["hostPorts"] = []any{
			map[string]any{"port": int64(80), "containerPort": int64(80)}, map[string]any{"port": int64(443), "containerPort": int64(443)},
		}
		k = map[string]any{"daemonSet": map[string]any{"container": container, "pod": pod}, "service": map[string]any{"type": "ClusterIP"}}
	}
	spec := map[string]any{
		"kubernetes":  k,
		"dnsResolver": map[string]any{"addresses": []any{map[string]any{"type": "Hostname", "value": "kube-dns.kube-system.svc.cluster.local"}}},
	}
	if w.has(collectorGateway) {
		spec["telemetry"] = map[string]any{"serviceName": ingress, "exporter": map[string]any{"endpoint": collectorGateway + "." + w.parts[collectorGateway].Namespace + ":4317"}}
	}
	return manifest(nginxAPIGroup+"/v1alpha2", "NginxProxy", ingress, map[string]any{"spec": spec})
}

// tracing lets NGINX begin a trace for every request that has none.
func (w computedValues) tracing(views []publishedUI) []any {
	if !w.has(collectorGateway) {
		return nil
	}
	// A policy has so many targets at most.
	const most = 16
	var out []any
	for chunk := range slices.Chunk(views, most) {
		targets := make([]any, 0, most)
		for _, v := range chunk {
			targets = append(targets, map[string]any{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": v.Name})
		}
		out = append(out, manifest(nginxAPIGroup+"/v1alpha2", "ObservabilityPolicy", "tracing-"+chunk[0].Name, map[string]any{"spec": map[string]any{
			"targetRefs": targets, "tracing": map[string]any{"strategy": "ratio", "ratio": int64(100), "context": "propagate"},
		}}))
	}
	return out
}

func (w computedValues) gateway() map[string]any {
	from := map[string]any{"namespaces": map[string]any{"from": "Same"}}
	return manifest(gatewayAPIVersion, "Gateway", ingress, map[string]any{"spec": map[string]any{
		"gatewayClassName": "nginx",
		"infrastructure":   map[string]any{"parametersRef": map[string]any{"group": nginxAPIGroup, "kind": "NginxProxy", "name": ingress}},
		"listeners": []any{
			map[string]any{"name": "http", "port": int64(80), "protocol": "HTTP", "allowedRoutes": from},
			map[string]any{
				"name": "https", "port": int64(443), "protocol": "HTTPS", "hostname": "*." + domain(w.stack, w.capabilities), "allowedRoutes": from,
				"tls": map[string]any{"mode": "Terminate", "certificateRefs": []any{map[string]any{"name": "ingress-tls"}}},
			},
		},
	}})
}

// issuers of the certificate: an authority of the cluster's own, or one that
// everybody trusts.
func (w computedValues) issuers() []any {
	if !w.acme() {
		return selfSignedCA(ingress)
	}
	a := w.stack.TLS.ACME
	return []any{manifest(certManagerAPI, "Issuer", ingress, map[string]any{"spec": map[string]any{"acme": map[string]any{
		"email":               a.Email,
		"server":              a.Server,
		"privateKeySecretRef": map[string]any{"name": "acme-account"},
		"solvers": []any{map[string]any{"http01": map[string]any{"gatewayHTTPRoute": map[string]any{
			"parentRefs": []any{map[string]any{"name": ingress, "kind": "Gateway", "sectionName": "http"}},
		}}}},
	}}})}
}

// redirect sends everybody to TLS.
func redirect() map[string]any {
	return manifest(gatewayAPIVersion, "HTTPRoute", "redirect", map[string]any{"spec": map[string]any{
		"parentRefs": []any{map[string]any{"name": ingress, "sectionName": "http"}},
		"rules": []any{map[string]any{"filters": []any{map[string]any{
			"type": "RequestRedirect", "requestRedirect": map[string]any{"scheme": "https", "statusCode": int64(301)},
		}}}},
	}})
}
