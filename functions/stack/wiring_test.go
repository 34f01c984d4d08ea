// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/values"
	"google.golang.org/protobuf/types/known/structpb"
)

// wired is the wiring of a stack on a cluster.
func wired(t *testing.T, p v1alpha1.StackParameters, a v1alpha1.Capabilities) computedValues {
	t.Helper()
	all, problems, err := selection(p, nil, nil)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	w := computedValues{capabilities: &a, stack: p, cluster: "team-a/cluster", parts: map[string]selected{}}
	for _, s := range all {
		w.parts[s.Name] = s
	}
	return w
}

// dig finds a value at a path of names; nil when there is none.
func dig(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

func nonCNCF(names ...string) []v1alpha1.StackComponent {
	out := make([]v1alpha1.StackComponent, 0, len(names))
	for _, n := range names {
		out = append(out, v1alpha1.StackComponent{Name: n})
	}
	return out
}

func TestWire(t *testing.T) {
	off := map[string]any{"enabled": false}
	arm := []any{map[string]any{"key": "kubernetes.io/arch", "operator": "Equal", "value": "arm64", "effect": "NoSchedule"}}
	standard := v1alpha1.StackParameters{Profile: v1alpha1.ProfileStandard}
	with := func(f func(*v1alpha1.StackParameters)) v1alpha1.StackParameters {
		p := standard
		f(&p)
		return p
	}
	thanosWith := func(values string) v1alpha1.StackParameters {
		return v1alpha1.StackParameters{Profile: v1alpha1.ProfileFull, Components: []v1alpha1.StackComponent{{Name: thanos, Values: raw(values)}}}
	}
	export := func(e v1alpha1.Export) v1alpha1.StackParameters {
		return with(func(p *v1alpha1.StackParameters) { p.Exports = []v1alpha1.Export{e} })
	}
	cases := map[string]struct {
		reason       string
		stack        v1alpha1.StackParameters
		capabilities v1alpha1.Capabilities
		component    string
		path         []string
		want         any
	}{
		"ManagedControlPlane": {
			reason: "What nobody can reach is not scraped.", stack: standard, component: prometheus,
			path: []string{"kubeEtcd"}, want: off,
		},
		"OwnControlPlane": {
			reason: "What can be reached is scraped.", stack: standard, component: prometheus,
			capabilities: v1alpha1.Capabilities{ControlPlaneMetricsReachable: true}, path: []string{"kubeEtcd"},
		},
		"StorageClass": {
			reason: "Metrics outlive a pod where a storage class is given.", stack: standard, component: prometheus,
			capabilities: v1alpha1.Capabilities{StorageClassName: "fast"}, path: []string{"prometheus", "prometheusSpec", "storageSpec", "volumeClaimTemplate", "spec", "storageClassName"}, want: "fast",
		},
		"RetentionOnVolume": {
			reason: "A volume holds them for two weeks.", stack: standard, component: prometheus,
			capabilities: v1alpha1.Capabilities{StorageClassName: "fast"}, path: []string{"prometheus", "prometheusSpec", "retention"}, want: "15d",
		},
		"RetentionOnNode": {
			reason: "They do not fill the disk of a node.", stack: standard, component: prometheus,
			path: []string{"prometheus", "prometheusSpec", "retentionSize"}, want: "2GB",
		},
		"ARM64": {
			reason: "A component runs where all nodes are tainted for their architecture.", stack: standard, component: certManager,
			capabilities: v1alpha1.Capabilities{Architecture: v1alpha1.ArchitectureARM64}, path: []string{"webhook", "tolerations"}, want: arm,
		},
		"AMD64": {
			reason: "Elsewhere there is nothing to tolerate.", stack: standard, component: certManager,
			capabilities: v1alpha1.Capabilities{Architecture: v1alpha1.ArchitectureAMD64}, path: []string{"webhook", "tolerations"},
		},
		"GatewayAPICRDs": {
			reason: "The kinds have one owner.", stack: standard, component: gatewayAPI,
			capabilities: v1alpha1.Capabilities{GatewayAPICRDs: v1alpha1.GatewayAPICRDsPreinstalled}, path: []string{"enabled"}, want: false,
		},
		"Sidecar": {
			reason: "Thanos sees Prometheus by a sidecar.", stack: thanosWith("{}"), component: prometheus,
			path: []string{"prometheus", "thanosService", "enabled"}, want: true,
		},
		"NoSidecar": {
			reason: "Nobody looks for one otherwise.", stack: standard, component: prometheus, path: []string{"prometheus", "prometheusSpec", "thanos"},
		},
		"ObjectStore": {
			reason: "With an object store there is a past to keep.", stack: thanosWith(`{"global": {"objstore": {"secretName": "past"}}}`), component: thanos,
			path: []string{"storegateway", "enabled"}, want: true,
		},
		"SidecarObjectStore": {
			reason: "The sidecar writes to the store that Thanos reads.", stack: thanosWith(`{"global": {"objstore": {"secretName": "past"}}}`), component: prometheus,
			path: []string{"prometheus", "prometheusSpec", "thanos", "objectStorageConfig", "existingSecret"}, want: map[string]any{"name": "past", "key": "objstore.yml"},
		},
		"TracesToJaeger": {
			reason: "Traces go to who keeps them, and become metrics.", stack: standard, component: collectorGateway,
			path: []string{"config", "service", "pipelines", "traces", "exporters"}, want: []any{"otlp/jaeger", "spanmetrics", "servicegraph"},
		},
		"TracesToBoth": {
			reason: "Several stores each get all.", stack: with(func(p *v1alpha1.StackParameters) { p.NonCNCFComponents = nonCNCF(tempo) }), component: collectorGateway,
			path: []string{"config", "service", "pipelines", "traces", "exporters"}, want: []any{"otlp/jaeger", "otlp/tempo", "spanmetrics", "servicegraph"},
		},
		"LogsNowhere": {
			reason: "Logs that nobody keeps are dropped, not refused.", stack: standard, component: collectorGateway,
			path: []string{"config", "service", "pipelines", "logs", "exporters"}, want: []any{"nop"},
		},
		"LogsToLoki": {
			reason: "Loki keeps them.", stack: with(func(p *v1alpha1.StackParameters) { p.NonCNCFComponents = nonCNCF(loki) }), component: collectorGateway,
			path: []string{"config", "exporters", "otlphttp/loki", "endpoint"}, want: "http://loki.loki:3100/otlp",
		},
		"Exemplars": {
			reason: "Metrics of traces name the traces.", stack: standard, component: collectorGateway,
			path: []string{"config", "connectors", "spanmetrics", "exemplars", "enabled"}, want: true,
		},
		"Amazon": {
			reason: "Amazon's managed Prometheus wants signed requests.", component: prometheus,
			stack: export(v1alpha1.Export{Name: "amp", RemoteWrite: &v1alpha1.RemoteWriteExport{URL: "https://a.example.org", SigV4: &v1alpha1.SigV4{Region: "eu-west-1"}}}),
			path:  []string{"prometheus", "prometheusSpec", "remoteWrite"},
			want:  []any{map[string]any{"name": "amp", "url": "https://a.example.org", "sendExemplars": true, "sigv4": map[string]any{"region": "eu-west-1"}}},
		},
		"Azure": {
			reason: "Azure's managed Prometheus knows the identity of the nodes.", component: prometheus,
			stack: export(v1alpha1.Export{Name: "azure", RemoteWrite: &v1alpha1.RemoteWriteExport{URL: "https://a.example.org", AzureAD: &v1alpha1.AzureAD{ClientID: "id", Cloud: "AzurePublic"}}}),
			path:  []string{"prometheus", "prometheusSpec", "remoteWrite"},
			want: []any{map[string]any{"name": "azure", "url": "https://a.example.org", "sendExemplars": true, "azureAd": map[string]any{
				"cloud": "AzurePublic", "managedIdentity": map[string]any{"clientId": "id"},
			}}},
		},
		"GoogleMetrics": {
			reason: "Google's telemetry API speaks OTLP: Prometheus hands its metrics to the collectors.", component: collectorGateway,
			stack: export(v1alpha1.Export{Name: "gmp", OTLP: &v1alpha1.OTLPExport{Endpoint: "https://telemetry.googleapis.com", Signals: []v1alpha1.Signal{v1alpha1.SignalMetrics}, GoogleCloud: &v1alpha1.GoogleCloudExport{ProjectID: "p"}}}),
			path:  []string{"config", "service", "pipelines", "metrics/export"},
			want:  map[string]any{"receivers": []any{"prometheusremotewrite"}, "processors": []any{"memory_limiter", "batch"}, "exporters": []any{"otlphttp/export-gmp"}},
		},
		"OTLPSecret": {
			reason: "Credentials come from a Secret of the cluster, by the environment.", component: collectorGateway,
			stack: export(v1alpha1.Export{Name: "own", OTLP: &v1alpha1.OTLPExport{Endpoint: "https://a.example.org", Signals: []v1alpha1.Signal{v1alpha1.SignalTraces}, Auth: &v1alpha1.ExportAuth{BearerTokenSecretRef: v1alpha1.ClusterSecretKey{Name: "s", Key: "k"}}}}),
			path:  []string{"extraEnvs"},
			want:  []any{map[string]any{"name": "EXPORT_OWN", "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": "s", "key": "k"}}}},
		},
		"JaegerWithoutPrometheus": {
			reason: "Jaeger shows no metrics that nobody keeps.", component: jaeger, path: []string{"userconfig"},
			stack: with(func(p *v1alpha1.StackParameters) {
				for _, n := range []string{prometheus, "linkerd-viz", "opencost"} {
					p.Components = append(p.Components, disabled(v1alpha1.StackComponent{Name: n}))
				}
			}),
		},
		"LocalPrices": {
			reason: "A machine of one's own sends no bill.", stack: standard, capabilities: v1alpha1.Capabilities{IngressExposure: v1alpha1.IngressExposureHostPort}, component: "opencost",
			path: []string{"opencost", "customPricing", "enabled"}, want: true,
		},
		"ContainerdSocket": {
			reason: "Some runtimes listen elsewhere.", stack: v1alpha1.StackParameters{Profile: v1alpha1.ProfileFull}, component: "chaos-mesh",
			capabilities: v1alpha1.Capabilities{CRISocket: "/run/k3s/containerd/containerd.sock"}, path: []string{"chaosDaemon", "socketPath"}, want: "/run/k3s/containerd/containerd.sock",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := dig(wired(t, tc.stack, tc.capabilities).valuesOf(tc.component), tc.path...)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\n%s: -want, +got:\n%s", tc.reason, strings.Join(tc.path, "."), diff)
			}
		})
	}
}

// TestWiringIsMerged proves that wiring and the values of the catalog meet.
func TestWiringIsMerged(t *testing.T) {
	res := run(t, settle(t, compose.Request{XR: toUnstructured(t, claim()), Required: cluster(map[string]any{
		"storageClassName": "fast",
	})}))
	spec := dig(res.Resources[prometheus].Object, "spec", "values", "prometheus", "prometheusSpec")
	got := []any{dig(spec, "enableOTLPReceiver"), dig(spec, "storageSpec") != nil}
	if diff := cmp.Diff([]any{true, true}, got); diff != "" {
		t.Errorf("\nWhat the cluster asks for comes beside what the catalog says.\nvalues: -want, +got:\n%s", diff)
	}
}

// TestEverythingIsScraped proves that what says that it gives metrics is asked
// for them, but for those that bring their own monitors or send their metrics.
func TestEverythingIsScraped(t *testing.T) {
	own := []string{prometheus, "linkerd-control-plane", "ebpf-instrumentation", "instrumentation"}
	w := wired(t, v1alpha1.StackParameters{Profile: v1alpha1.ProfileFull, NonCNCFComponents: nonCNCF(grafana, loki, tempo, pyroscope, "nginx-ingress", "flux-operator")}, v1alpha1.Capabilities{})
	services, pods := monitors(w)
	scraped := map[string]bool{}
	names := map[string]bool{}
	for _, m := range append(services, pods...) {
		name := dig(m, "name").(string)
		if names[name] {
			t.Errorf("two monitors are named %s", name)
		}
		names[name] = true
		for part := range w.parts {
			if name == part || strings.HasPrefix(name, part+"-") {
				scraped[part] = true
			}
		}
	}
	for _, name := range sortedKeys(w.parts) {
		gives := slices.Contains(w.parts[name].Produces, v1alpha1.SignalMetrics)
		if gives && !scraped[name] && !slices.Contains(own, name) {
			t.Errorf("nobody scrapes %s", name)
		}
	}
	if dig(w.valuesOf("linkerd-control-plane"), "podMonitor", "enabled") != true {
		t.Error("nobody scrapes the mesh")
	}
}

// TestGrafanaLinks proves that one gets from each signal to the others.
func TestGrafanaLinks(t *testing.T) {
	w := wired(t, v1alpha1.StackParameters{Profile: v1alpha1.ProfileStandard, NonCNCFComponents: nonCNCF(grafana, loki, tempo, pyroscope)}, v1alpha1.Capabilities{})
	links := map[string]any{}
	for _, s := range dig(w.valuesOf(grafana), "datasources", "datasources.yaml", "datasources").([]any) {
		links[dig(s, "name").(string)] = dig(s, "jsonData")
	}
	for _, tc := range []struct{ from, link, to string }{
		{prometheus, "exemplarTraceIdDestinations", tempo},
		{loki, "derivedFields", tempo},
		{tempo, "tracesToLogsV2", loki},
		{tempo, "tracesToMetrics", prometheus},
		{tempo, "tracesToProfiles", pyroscope},
		{jaeger, "tracesToLogsV2", loki},
	} {
		b, err := json.Marshal(dig(links[tc.from], tc.link))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), `"datasourceUid":"`+tc.to+`"`) {
			t.Errorf("%s of %s does not lead to %s: %s", tc.link, tc.from, tc.to, b)
		}
	}
}

// TestPersesSources proves that every store has a data source, and only those.
func TestPersesSources(t *testing.T) {
	got := func(p v1alpha1.StackParameters) []string {
		var names []string
		for _, o := range dig(wired(t, p, v1alpha1.Capabilities{}).valuesOf("perses"), "manifests").([]any) {
			if dig(o, "kind") == "PersesGlobalDatasource" {
				names = append(names, dig(o, "spec", "config", "plugin", "kind").(string))
			}
		}
		return names
	}
	if diff := cmp.Diff([]string{"PrometheusDatasource"}, got(v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal})); diff != "" {
		t.Errorf("Minimal: -want, +got:\n%s", diff)
	}
	all := []string{"PrometheusDatasource", "TempoDatasource", "JaegerDatasource", "LokiDatasource", "PyroscopeDatasource"}
	if diff := cmp.Diff(all, got(v1alpha1.StackParameters{Profile: v1alpha1.ProfileStandard, NonCNCFComponents: nonCNCF(loki, tempo, pyroscope)})); diff != "" {
		t.Errorf("everything: -want, +got:\n%s", diff)
	}
}

// TestNoKeys proves that no private key and no password is part of what is
// composed.
func TestNoKeys(t *testing.T) {
	w := wired(t, v1alpha1.StackParameters{Profile: v1alpha1.ProfileFull, Domain: "demo.example.org"}, v1alpha1.Capabilities{})
	for _, name := range sortedKeys(w.parts) {
		b, err := json.Marshal([]any{w.parts[name].Values, w.valuesOf(name)})
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"PRIVATE KEY", `"kind":"Secret"`, "keyPEM", "adminPassword"} {
			if strings.Contains(string(b), word) {
				t.Errorf("%s has %s in its values", name, word)
			}
		}
	}
}

func TestExportProblems(t *testing.T) {
	minimal := v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal, Exports: []v1alpha1.Export{
		{Name: "own", OTLP: &v1alpha1.OTLPExport{Endpoint: "https://a.example.org", Signals: []v1alpha1.Signal{v1alpha1.SignalTraces}}},
	}, TLS: &v1alpha1.TLS{ACME: &v1alpha1.ACME{Email: "a@example.org"}}}
	var got []string
	for _, p := range wired(t, minimal, v1alpha1.Capabilities{}).problems() {
		got = append(got, p.Message)
	}
	want := []string{
		"Export own needs component collector-gateway, which is not part of this stack: add it, or take the export out",
		"tls needs component ingress, which is not part of this stack: add it, or take tls out",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("\nWhat nobody can do is not ignored.\nproblems: -want, +got:\n%s", diff)
	}
}

// TestWireIsJSON proves that what components are wired with is as plain as JSON: it is
// sent as it is.
func TestWireIsJSON(t *testing.T) {
	known := v1alpha1.Capabilities{
		Architecture: v1alpha1.ArchitectureARM64, ControlPlaneMetricsReachable: true, GatewayAPICRDs: v1alpha1.GatewayAPICRDsPreinstalled, IngressExposure: v1alpha1.IngressExposureHostPort,
		IngressHTTPSPort: 8443, DefaultDomain: "demo.example.org", StorageClassName: "fast", CRISocket: "/run/k3s/containerd/containerd.sock",
	}
	asked := signedIn(everything())
	asked.TLS = &v1alpha1.TLS{ACME: &v1alpha1.ACME{Email: "a@example.org", Server: "https://acme.example.org"}}
	asked.SLOs = []v1alpha1.SLO{
		{Name: "orders", ServiceName: "checkout", Objective: "99.9", Window: v1alpha1.SLOWindow7d, Indicator: v1alpha1.SLOIndicator{Type: v1alpha1.SLOAvailability, MetricSource: v1alpha1.SLOMetricSourceSpanMetrics}},
	}
	key := &v1alpha1.ExportAuth{BearerTokenSecretRef: v1alpha1.ClusterSecretKey{Name: "vendor", Key: "token"}}
	asked.Exports = []v1alpha1.Export{
		{Name: "amazon", RemoteWrite: &v1alpha1.RemoteWriteExport{URL: "https://a.example.org", SigV4: &v1alpha1.SigV4{Region: "eu-west-1", RoleARN: "arn:aws:iam::1:role/a"}}},
		{Name: "azure", RemoteWrite: &v1alpha1.RemoteWriteExport{URL: "https://b.example.org", AzureAD: &v1alpha1.AzureAD{ClientID: "0", Cloud: "AzurePublic"}}},
		{Name: "own", RemoteWrite: &v1alpha1.RemoteWriteExport{URL: "https://c.example.org", Auth: key}},
		{Name: "google", OTLP: &v1alpha1.OTLPExport{Endpoint: "https://d.example.org", Protocol: "HTTP", Signals: []v1alpha1.Signal{v1alpha1.SignalMetrics}, GoogleCloud: &v1alpha1.GoogleCloudExport{ProjectID: "my-project"}}},
		{Name: "vendor", OTLP: &v1alpha1.OTLPExport{Endpoint: "https://e.example.org", Protocol: "GRPC", Signals: []v1alpha1.Signal{v1alpha1.SignalTraces, v1alpha1.SignalLogs}, Auth: key}},
	}
	for name, tc := range map[string]struct {
		stack        v1alpha1.StackParameters
		capabilities v1alpha1.Capabilities
	}{
		"Nothing": {stack: everything()},
		"Known":   {stack: everything(), capabilities: known},
		"Asked":   {stack: asked, capabilities: known},
	} {
		t.Run(name, func(t *testing.T) {
			w := wired(t, tc.stack, tc.capabilities)
			w.workloadRoutes = []v1alpha1.WorkloadRoute{{Name: "shop", Namespace: "shops", Service: "frontend", Port: 8080}}
			if len(w.problems()) > 0 {
				t.Fatal(w.problems())
			}
			for _, c := range sortedKeys(w.parts) {
				v := values.Merge(w.parts[c].Values, w.valuesOf(c))
				if _, err := structpb.NewStruct(v); err != nil {
					t.Errorf("component %s: %v", c, err)
				}
			}
		})
	}
}
