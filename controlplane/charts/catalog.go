// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// API groups of kinds that stand-ins install.
const (
	nginxGateway       = "gateway.nginx.org"
	perses             = "perses.dev"
	prometheusOperator = "monitoring.coreos.com"
)

// ours is the repository of the charts that the project publishes. They need no
// stand-in: their source is here.
const ours = "oci://ghcr.io/observe-k8s/charts"

// FromCatalogs returns a stand-in for every chart of others in the catalogs of the
// repository at root. A chart that nothing special is known about gets one
// Deployment.
func FromCatalogs(root string) ([]StandIn, error) {
	var out []StandIn
	for _, pattern := range []string{"functions/stack/catalog/*.yaml", "functions/workload/catalog/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, fmt.Errorf("cannot list catalog: %w", err)
		}
		for _, f := range files {
			s, ok, err := fromCatalogFile(f)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, s)
			}
		}
	}
	return out, nil
}

func fromCatalogFile(file string) (StandIn, bool, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return StandIn{}, false, fmt.Errorf("cannot read catalog: %w", err)
	}
	var entry struct {
		Chart struct {
			Repository string `json:"repository"`
			Name       string `json:"name"`
			Version    string `json:"version"`
		} `json:"chart"`
	}
	if err := yaml.Unmarshal(b, &entry); err != nil {
		return StandIn{}, false, fmt.Errorf("cannot parse catalog %s: %w", file, err)
	}
	if entry.Chart.Name == "" || entry.Chart.Repository == ours {
		return StandIn{}, false, nil
	}
	return For(entry.Chart.Repository, entry.Chart.Name, entry.Chart.Version), true, nil
}

// For returns the stand-in for a chart.
func For(repository, name, version string) StandIn {
	s := StandIn{Repository: repository, Name: name, Version: version, Deployments: []string{"server"}}
	if known, ok := contents()[name]; ok {
		s.Deployments, s.CRDs, s.Objects = known.Deployments, known.CRDs, known.Objects
	}
	return s
}

// contents of the stand-ins of which more is known, by chart.
func contents() map[string]StandIn {
	return map[string]StandIn{
		"prometheus-operator-crds": {CRDs: []CRD{
			{Group: prometheusOperator, Version: "v1", Kind: "ServiceMonitor", Plural: "servicemonitors"},
			{Group: prometheusOperator, Version: "v1", Kind: "PodMonitor", Plural: "podmonitors"},
			{Group: prometheusOperator, Version: "v1", Kind: "PrometheusRule", Plural: "prometheusrules"},
			{Group: prometheusOperator, Version: "v1", Kind: "Prometheus", Plural: "prometheuses"},
			{Group: prometheusOperator, Version: "v1", Kind: "Alertmanager", Plural: "alertmanagers"},
			{Group: prometheusOperator, Version: "v1alpha1", Kind: "AlertmanagerConfig", Plural: "alertmanagerconfigs"},
			{Group: prometheusOperator, Version: "v1", Kind: "Probe", Plural: "probes"},
			{Group: prometheusOperator, Version: "v1alpha1", Kind: "ScrapeConfig", Plural: "scrapeconfigs"},
		}},
		"nginx-gateway-fabric": {Deployments: []string{"gateway"}, CRDs: []CRD{
			{Group: nginxGateway, Version: "v1alpha2", Kind: "NginxProxy", Plural: "nginxproxies"},
			{Group: nginxGateway, Version: "v1alpha1", Kind: "AuthenticationFilter", Plural: "authenticationfilters"},
			{Group: nginxGateway, Version: "v1alpha2", Kind: "ObservabilityPolicy", Plural: "observabilitypolicies"},
		}},
		"trust-manager": {Deployments: []string{"trust-manager"}, CRDs: []CRD{
			{Group: "trust.cert-manager.io", Version: "v1alpha1", Kind: "Bundle", Plural: "bundles", Cluster: true},
		}},
		"linkerd-crds": {CRDs: []CRD{
			{Group: "linkerd.io", Version: "v1alpha2", Kind: "ServiceProfile", Plural: "serviceprofiles"},
		}},
		"linkerd-control-plane": {Deployments: []string{"destination", "identity", "proxy-injector"}},
		"linkerd-viz":           {Deployments: []string{"metrics-api", "tap", "web"}},
		"opentelemetry-operator": {Deployments: []string{"operator"}, CRDs: []CRD{
			{Group: "opentelemetry.io", Version: "v1alpha1", Kind: "Instrumentation", Plural: "instrumentations"},
			{Group: "opentelemetry.io", Version: "v1beta1", Kind: "OpenTelemetryCollector", Plural: "opentelemetrycollectors"},
		}},
		"perses-operator": {Deployments: []string{"operator"}, CRDs: []CRD{
			{Group: perses, Version: "v1alpha2", Kind: "Perses", Plural: "perses"},
			{Group: perses, Version: "v1alpha2", Kind: "PersesDashboard", Plural: "persesdashboards"},
			{Group: perses, Version: "v1alpha2", Kind: "PersesDatasource", Plural: "persesdatasources"},
			{Group: perses, Version: "v1alpha2", Kind: "PersesGlobalDatasource", Plural: "persesglobaldatasources", Cluster: true},
		}},
		"argo-rollouts": {Deployments: []string{"controller", "dashboard"}, CRDs: []CRD{
			{Group: "argoproj.io", Version: "v1alpha1", Kind: "Rollout", Plural: "rollouts"},
			{Group: "argoproj.io", Version: "v1alpha1", Kind: "AnalysisTemplate", Plural: "analysistemplates"},
		}},
		"kube-prometheus-stack": {
			Deployments: []string{"operator", "prometheus", "kube-state-metrics"},
			// Fails to install unless the CRDs are there first.
			Objects: []Object{{
				APIVersion: prometheusOperator + "/v1", Kind: "ServiceMonitor", Name: "prometheus",
				Spec: map[string]any{
					"endpoints": []any{map[string]any{"port": "http"}},
					"selector":  map[string]any{"matchLabels": map[string]any{"app.kubernetes.io/component": "prometheus"}},
				},
			}},
		},
		"flux2": {
			Deployments: []string{"source-controller", "kustomize-controller", "helm-controller"},
		},
		"argo-cd": {
			Deployments: []string{"application-controller", "repo-server", "server", "redis"},
			CRDs: []CRD{
				{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application", Plural: "applications"},
				{Group: "argoproj.io", Version: "v1alpha1", Kind: "AppProject", Plural: "appprojects"},
			},
		},
		"cert-manager": {
			Deployments: []string{"controller", "webhook", "cainjector"},
			CRDs: []CRD{
				{Group: "cert-manager.io", Version: "v1", Kind: "Certificate", Plural: "certificates"},
				{Group: "cert-manager.io", Version: "v1", Kind: "Issuer", Plural: "issuers"},
				{Group: "cert-manager.io", Version: "v1", Kind: "ClusterIssuer", Plural: "clusterissuers", Cluster: true},
			},
		},
	}
}
