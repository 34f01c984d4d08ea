// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

// everything is a stack with all components of the catalog that can be together.
func everything() v1alpha1.StackParameters {
	return v1alpha1.StackParameters{
		Profile: v1alpha1.ProfileFull, Domain: "demo.example.org",
		Components:        []v1alpha1.StackComponent{{Name: "argo-cd"}},
		NonCNCFComponents: nonCNCF(grafana, loki, tempo, pyroscope, "nginx-ingress", "flux-operator"),
	}
}

// routes of a stack by host.
func routes(t *testing.T, w computedValues) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, o := range dig(w.valuesOf(ingress), "manifests").([]any) {
		if dig(o, "kind") != "HTTPRoute" || dig(o, "metadata", "name") == "redirect" {
			continue
		}
		for _, h := range dig(o, "spec", "hostnames").([]any) {
			out[h.(string)] = o
		}
	}
	return out
}

// signedIn is a stack whose people sign in at an identity provider.
func signedIn(p v1alpha1.StackParameters) v1alpha1.StackParameters {
	p.Auth = &v1alpha1.Auth{OIDC: &v1alpha1.OIDC{
		Issuer: "https://login.example.org/realms/team", ClientID: "observe",
		ClientSecretRef:     v1alpha1.OIDCSecret{Name: "oidc", Key: "client-secret"},
		AllowedEmailDomains: []string{"example.org"}, AllowedGroups: []string{"platform", "on call"}, GroupsClaim: "groups",
	}}
	return p
}

// TestNoViewIsOpen proves that every view that is published asks who is there,
// by default and with an identity provider of the team, and that nothing else
// leads into the cluster.
func TestNoViewIsOpen(t *testing.T) {
	t.Run("Password", func(t *testing.T) {
		w := wired(t, everything(), v1alpha1.Capabilities{})
		for host, r := range routes(t, w) {
			for _, rule := range dig(r, "spec", "rules").([]any) {
				asksForPassword(t, host, rule)
			}
		}
		closed(t, w)
	})
	t.Run("OIDC", func(t *testing.T) {
		w := wired(t, signedIn(everything()), v1alpha1.Capabilities{})
		for host, r := range routes(t, w) {
			for _, rule := range dig(r, "spec", "rules").([]any) {
				asksProvider(t, w, host, rule)
			}
		}
		closed(t, w)
	})
}

// asksForPassword sees that a rule of a route lets nobody in without.
func asksForPassword(t *testing.T, host string, rule any) {
	t.Helper()
	filters, _ := dig(rule, "filters").([]any)
	asks := slices.ContainsFunc(filters, func(f any) bool {
		return dig(f, "type") == "ExtensionRef" && dig(f, "extensionRef", "kind") == "AuthenticationFilter" && dig(f, "extensionRef", "name") == password
	})
	if !asks {
		t.Errorf("%s is open to the world", host)
	}
	forgets := slices.ContainsFunc(filters, func(f any) bool {
		return dig(f, "type") == "RequestHeaderModifier" && cmp.Equal(dig(f, "requestHeaderModifier", "remove"), []any{"Authorization"})
	})
	if !forgets {
		t.Errorf("the view at %s sees the password", host)
	}
}

// asksProvider sees that a rule of a route leads to a Service whose only pods ask
// the identity provider who is there, and let in those of the team alone.
func asksProvider(t *testing.T, w computedValues, host string, rule any) {
	t.Helper()
	objects := dig(w.valuesOf(ingress), "manifests").([]any)
	find := func(kind, name any) any {
		i := slices.IndexFunc(objects, func(o any) bool { return dig(o, "kind") == kind && dig(o, "metadata", "name") == name })
		if i < 0 {
			t.Fatalf("%s: there is no %v %v", host, kind, name)
		}
		return objects[i]
	}
	backends := dig(rule, "backendRefs").([]any)
	if len(backends) != 1 {
		t.Fatalf("%s leads to %v", host, backends)
	}
	service := find("Service", dig(backends[0], "name"))
	if dig(service, "spec", "type") != nil {
		t.Errorf("%s is open to the world: its Service is %v", host, dig(service, "spec"))
	}
	guard := find("Deployment", dig(service, "metadata", "name"))
	for _, o := range objects {
		same := cmp.Equal(dig(o, "spec", "template", "metadata", "labels"), dig(service, "spec", "selector"))
		if same != cmp.Equal(o, guard) {
			t.Errorf("%s: the Service selects pods of %v", host, dig(o, "metadata", "name"))
		}
	}
	containers := dig(guard, "spec", "template", "spec", "containers").([]any)
	args, _ := dig(containers[0], "args").([]any)
	i := slices.IndexFunc(w.publishedUIs(), func(v publishedUI) bool { return v.host == host })
	v := w.publishedUIs()[i]
	for _, want := range []string{
		"--oidc-issuer-url=https://login.example.org/realms/team", "--client-id=observe",
		"--email-domain=example.org", "--allowed-group=platform", "--allowed-group=on call",
		"--cookie-name=__Host-" + v.Name, "--pass-basic-auth=false", "--session-cookie-minimal=true",
		"--upstream=http://" + v.Service + "." + v.namespace + ".svc.cluster.local:" + strconv.FormatInt(v.Port, 10) + "/",
	} {
		if !slices.Contains(args, any(want)) {
			t.Errorf("%s: there is no %s in %v", host, want, args)
		}
	}
	for _, a := range args {
		if strings.Contains(a.(string), "skip-auth") || a == "--email-domain=*" {
			t.Errorf("%s: %s lets in who does not belong here", host, a)
		}
	}
	for _, e := range dig(containers[0], "env").([]any) {
		if dig(e, "value") != nil {
			t.Errorf("%s: %v is there for all to read", host, dig(e, "name"))
		}
	}
}

// closed sees that no other component opens a door of its own.
func closed(t *testing.T, w computedValues) {
	t.Helper()
	for _, name := range sortedKeys(w.parts) {
		var walk func(path string, v any)
		walk = func(path string, v any) {
			switch v := v.(type) {
			case []any:
				for _, e := range v {
					walk(path, e)
				}
			case map[string]any:
				for k, e := range v {
					walk(path+"."+k, e)
				}
			default:
				kind := path[strings.LastIndex(path, ".")+1:]
				if name != ingress && (v == "LoadBalancer" || v == "NodePort" || (kind == "enabled" && v == true && strings.Contains(path, "ingress"))) {
					t.Errorf("%s opens a door at %s", name, path)
				}
			}
		}
		walk("", w.parts[name].Values)
		walk("", w.valuesOf(name))
	}
}

// TestViews proves that every view of the catalog is published, with a
// certificate that names its host, and a URL in the status.
func TestViews(t *testing.T) {
	w := wired(t, everything(), v1alpha1.Capabilities{})
	all := routes(t, w)
	var want []string
	for _, name := range sortedKeys(w.parts) {
		for _, v := range w.parts[name].Exposes {
			want = append(want, v.Name+".demo.example.org")
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, sortedKeys(all)); diff != "" {
		t.Errorf("routes: -want, +got:\n%s", diff)
	}
	var named []string
	for _, o := range dig(w.valuesOf(ingress), "manifests").([]any) {
		if dig(o, "metadata", "name") == "ingress-tls" {
			for _, h := range dig(o, "spec", "dnsNames").([]any) {
				named = append(named, h.(string))
			}
		}
	}
	slices.Sort(named)
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("hosts in the certificate: -want, +got:\n%s", diff)
	}
	urls := w.urls()
	if len(urls) != len(want) || urls[0] != (v1alpha1.URL{Name: "perses", URL: "https://perses.demo.example.org"}) {
		t.Errorf("want a URL for each of %v, the dashboards first, got %v", want, urls)
	}
}

// TestPages publishes pages of workloads behind the same password as the views,
// of which none gets lost for a workload of its name.
func TestPages(t *testing.T) {
	w := wired(t, everything(), v1alpha1.Capabilities{})
	views := len(w.urls())
	w.workloadRoutes = []v1alpha1.WorkloadRoute{
		{Name: "shop", Namespace: "shops", Service: "frontend", Port: 8080},
		{Name: "perses", Namespace: "perses-2", Service: "web", Port: 80},
	}
	r := routes(t, w)["shop.demo.example.org"]
	if dig(r, "metadata", "name") != "workload-shop" {
		t.Fatalf("there is no route to the shop: %v", r)
	}
	filters, _ := dig(dig(r, "spec", "rules").([]any)[0], "filters").([]any)
	if !slices.ContainsFunc(filters, func(f any) bool { return dig(f, "extensionRef", "kind") == "AuthenticationFilter" }) {
		t.Error("the page of a workload is open to the world")
	}
	found := false
	for _, o := range dig(w.valuesOf(ingress), "manifests").([]any) {
		if dig(o, "kind") == "Service" && dig(o, "metadata", "name") == "workload-shop" {
			found = dig(o, "spec", "externalName") == "frontend.shops.svc.cluster.local"
		}
	}
	if !found {
		t.Error("the route does not lead to the workload's Service")
	}
	urls := w.urls()
	if len(urls) != views+1 || !slices.Contains(urls, v1alpha1.URL{Name: "workload-shop", URL: "https://shop.demo.example.org"}) {
		t.Errorf("want the shop beside %d views, got %v", views, urls)
	}
}

func TestDomain(t *testing.T) {
	standard := v1alpha1.StackParameters{Profile: v1alpha1.ProfileStandard}
	own := standard
	own.Domain = "demo.example.org"
	cases := map[string]struct {
		reason       string
		stack        v1alpha1.StackParameters
		capabilities v1alpha1.Capabilities
		want         string
		warning      string
	}{
		"None":  {reason: "Nobody would find the views: none is published.", stack: standard, warning: "views"},
		"Local": {reason: "A cluster on this machine has a domain.", stack: standard, capabilities: v1alpha1.Capabilities{DefaultDomain: "localhost"}, want: "https://perses.localhost", warning: "password"},
		"Port":  {reason: "Two clusters on a machine have ports of their own.", stack: standard, capabilities: v1alpha1.Capabilities{DefaultDomain: "localhost", IngressHTTPSPort: 8443}, want: "https://perses.localhost:8443", warning: "password"},
		"Own":   {reason: "The team's own domain wins.", stack: own, capabilities: v1alpha1.Capabilities{DefaultDomain: "localhost"}, want: "https://perses.demo.example.org", warning: "password"},
		"NoDoor": {
			reason: "Without the door there are no views.", warning: "",
			stack: v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal, Domain: "demo.example.org"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := wired(t, tc.stack, tc.capabilities)
			got := ""
			if urls := w.urls(); len(urls) > 0 {
				got = urls[0].URL
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nurl: -want, +got:\n%s", tc.reason, diff)
			}
			told := slices.ContainsFunc(w.warnings(), func(n v1alpha1.Warning) bool { return n.Name == tc.warning })
			if tc.warning != "" && !told {
				t.Errorf("\n%s\nnobody tells of %s: %v", tc.reason, tc.warning, w.warnings())
			}
		})
	}
}

// TestOIDC proves that who comes in is what the team said, that the team is told
// what it has to do, and that without a door there is nobody to ask.
func TestOIDC(t *testing.T) {
	p := signedIn(everything())
	p.Auth.OIDC.AllowedEmailDomains, p.Auth.OIDC.Scopes = nil, []string{"openid", "email"}
	w := wired(t, p, v1alpha1.Capabilities{Architecture: v1alpha1.ArchitectureARM64})
	guards := 0
	for _, o := range dig(w.valuesOf(ingress), "manifests").([]any) {
		switch dig(o, "kind") {
		case "AuthenticationFilter":
			t.Error("people are asked for a password that nobody told them")
		case "Deployment":
			guards++
			pod := dig(o, "spec", "template", "spec")
			args := dig(dig(pod, "containers").([]any)[0], "args").([]any)
			if !slices.Contains(args, any("--email-domain=*")) || !slices.Contains(args, any("--allowed-group=platform")) || !slices.Contains(args, any("--scope=openid email")) {
				t.Errorf("want everybody of the groups, got %v", args)
			}
			if dig(pod, "tolerations") == nil {
				t.Error("it does not run where all nodes are tainted for their architecture")
			}
		}
	}
	if guards == 0 || guards != len(w.publishedUIs()) {
		t.Errorf("want somebody before each of %d views, got %d", len(w.publishedUIs()), guards)
	}
	var told string
	for _, n := range w.warnings() {
		if n.Name == "sign-in" {
			told = n.Message
		}
		if n.Name == "password" {
			t.Error("somebody tells of a password that does not exist")
		}
	}
	for _, want := range []string{"https://login.example.org/realms/team", "/oauth2/callback", "Secret ingress/oidc"} {
		if !strings.Contains(told, want) {
			t.Errorf("the warning does not tell of %s: %q", want, told)
		}
	}
	if got := wired(t, signedIn(v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal}), v1alpha1.Capabilities{}).problems(); len(got) != 1 || got[0].Reason != "ComponentMissing" {
		t.Errorf("want to be told that there is no door, got %v", got)
	}
}

func TestLogsNotice(t *testing.T) {
	told := func(p v1alpha1.StackParameters) bool {
		return slices.ContainsFunc(wired(t, p, v1alpha1.Capabilities{}).warnings(), func(n v1alpha1.Warning) bool {
			return n.Name == "logs" && strings.Contains(n.Message, "nonCNCFComponents")
		})
	}
	standard := v1alpha1.StackParameters{Profile: v1alpha1.ProfileStandard}
	if !told(standard) {
		t.Error("nobody says that logs are kept nowhere")
	}
	standard.NonCNCFComponents = nonCNCF(loki)
	if told(standard) {
		t.Error("logs are said to be kept nowhere though Loki keeps them")
	}
	standard.NonCNCFComponents = nil
	standard.Exports = []v1alpha1.Export{{Name: "own", OTLP: &v1alpha1.OTLPExport{Signals: []v1alpha1.Signal{v1alpha1.SignalLogs}}}}
	if told(standard) {
		t.Error("logs are said to be kept nowhere though the team keeps them")
	}
}

// TestACME proves that certificates that everybody trusts come by the door
// itself, for which cert-manager has to know the Gateway API.
func TestACME(t *testing.T) {
	p := v1alpha1.StackParameters{Profile: v1alpha1.ProfileStandard, Domain: "demo.example.org", TLS: &v1alpha1.TLS{ACME: &v1alpha1.ACME{Email: "a@example.org", Server: "https://acme.example.org"}}}
	w := wired(t, p, v1alpha1.Capabilities{})
	if dig(w.valuesOf(certManager), "config", "enableGatewayAPI") != true {
		t.Error("cert-manager does not know the Gateway API")
	}
	if !slices.Contains(w.parts[certManager].after(), gatewayAPI) {
		t.Error("cert-manager does not wait for the kinds that it looks for when it starts")
	}
	found := false
	for _, o := range dig(w.valuesOf(ingress), "manifests").([]any) {
		found = found || dig(o, "kind") == "Issuer" && dig(o, "spec", "acme", "email") == "a@example.org"
	}
	if !found {
		t.Error("no issuer asks the authority")
	}
	if dig(wired(t, v1alpha1.StackParameters{Profile: v1alpha1.ProfileStandard, Domain: "demo.example.org"}, v1alpha1.Capabilities{}).valuesOf(certManager), "config") != nil {
		t.Error("without ACME cert-manager looks for kinds that it does not need")
	}
}

func TestHostPorts(t *testing.T) {
	proxyOf := func(a v1alpha1.Capabilities) any {
		for _, o := range dig(wired(t, v1alpha1.StackParameters{Profile: v1alpha1.ProfileStandard, Domain: "demo.example.org"}, a).valuesOf(ingress), "manifests").([]any) {
			if dig(o, "kind") == "NginxProxy" {
				return dig(o, "spec", "kubernetes")
			}
		}
		return nil
	}
	if got := dig(proxyOf(v1alpha1.Capabilities{IngressExposure: v1alpha1.IngressExposureHostPort}), "daemonSet", "container", "hostPorts"); got == nil {
		t.Error("where nobody gives out load balancers, NGINX listens on the nodes")
	}
	if got := dig(proxyOf(v1alpha1.Capabilities{}), "service", "type"); got != "LoadBalancer" {
		t.Errorf("want a load balancer, got %v", got)
	}
}
