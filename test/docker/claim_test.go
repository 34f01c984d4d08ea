// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// TestClaim takes a claim from kubectl apply to what a person sees, on a real
// cluster: a game runs, tells the collectors, and through the URLs in the claim's
// status one finds its requests in Prometheus and its spans in Jaeger.
func TestClaim(t *testing.T) {
	for what, by := range standIns() {
		t.Logf("STAND-IN %s: %s", what, by)
	}
	pushGame(t)
	port := freePort(t)
	claim := fmt.Sprintf(`apiVersion: observe-k8s.io/v1alpha1
kind: ObservabilityPlatform
metadata: {name: laptop, namespace: %s}
spec:
  cluster:
    provider: Kind
    kindCluster:
      image: %s
      registryMirrors: [{registry: "*", endpoints: [%q]}]
      ports: [{hostPort: %d, containerPort: 443}]
  stack:
    profile: Minimal
    deployer: Helm
    components:
    - {name: collector-gateway, enabled: true}
    - {name: collector-agent, enabled: true}
    - {name: jaeger, enabled: true}
    - {name: gateway-api, enabled: true}
    - {name: nginx-gateway-fabric, enabled: true}
    - {name: ingress, enabled: true}
  workloads:
  - name: shop
    app: o11y-game
    deployer: Helm
    game:
      services:
      - name: frontend
        endpoints:
        - path: /
          steps: [{http: {service: stock, path: /}}]
      - name: stock
        endpoints:
        - path: /
          steps: [{sleep: {duration: 1ms}}]
      loadGenerators:
      - name: visitors
        users: 2
        thinkTime: {duration: 200ms}
        requests: [{service: frontend}]
`, namespace, w.image, w.mirror.URL(), port)
	file := filepath.Join(t.TempDir(), "claim.yaml")
	if err := os.WriteFile(file, []byte(claim), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "apply", "-f", file)
	platform := gvk("observe-k8s.io/v1alpha1", "ObservabilityPlatform")
	t.Cleanup(func() {
		start := time.Now()
		remove(t, platform, "laptop")
		// The claim itself is gone at once, its cluster when nothing needs it.
		eventually(t, hang, "no container left", func() (bool, string) {
			left := containers(t, kindCluster(), "laptop")
			return len(left) == 0, strings.Join(left, ", ")
		})
		t.Logf("MEASURED nothing left on the engine %.0f s after kubectl delete", time.Since(start).Seconds())
	})
	start := time.Now()
	says(t, platform, "laptop", "ClusterReady", "True")
	c := laptop(t)
	makeVolumes(t, c)
	ready(t, platform, "laptop")
	t.Logf("MEASURED platform Ready %.0f s after kubectl apply", time.Since(start).Seconds())
	t.Cleanup(func() {
		if t.Failed() {
			describe(t, c)
		}
	})

	urls := urls(t, platform)
	visitor := &visitor{client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		// Names below localhost are this machine, where the resolver knows it or not.
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		},
		// Nobody issued what the gateway shows.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}}
	eventually(t, hang, "nobody gets in without the password", func() (bool, string) {
		status, b, err := visitor.get(t, urls["prometheus"]+"/-/ready")
		return status == http.StatusUnauthorized, fmt.Sprintf("%d %s %v", status, b, err)
	})
	eventually(t, hang, "there is a password", func() (bool, string) {
		s, err := c.Get(context.WithoutCancel(t.Context()), gvk("v1", "Secret"), "ingress", "password")
		if err != nil || s == nil {
			return false, fmt.Sprintf("no Secret: %v", err)
		}
		visitor.user, visitor.password = decoded(s, "username"), decoded(s, "password")
		return visitor.password != "", "it is empty"
	})

	// The page of the game, then what it told. It tells once a minute.
	visitor.sees(t, "the game", urls["workload-shop"]+"/", func([]byte) bool { return true })
	for what, query := range map[string]string{
		"requests per second":                    `sum(rate(http_server_request_duration_seconds_count{job=~"(.*/)?stock"}[5m]))`,
		"the same as a rule records it":          `sum(service:requests:rate5m{job=~"(.*/)?stock"})`,
		"the same as the collector counts spans": `sum(rate(traces_span_metrics_calls_total{service_name="stock"}[5m]))`,
		"collectors that are scraped":            `sum(up{namespace=~"collector-.*"})`,
	} {
		visitor.sees(t, what, urls["prometheus"]+"/api/v1/query?query="+url.QueryEscape(query+" > 0"), func(b []byte) bool {
			return strings.Contains(string(b), `"value":[`)
		})
	}
	visitor.sees(t, "a trace of both services", urls["jaeger"]+"/api/traces?limit=20&lookback=1h&service=frontend", func(b []byte) bool {
		return slices.ContainsFunc(traces(t, b), func(services []string) bool {
			return slices.Contains(services, "visitors") && slices.Contains(services, "frontend") && slices.Contains(services, "stock")
		})
	})
	t.Logf("MEASURED all of it seen %.0f s after kubectl apply", time.Since(start).Seconds())
	pods, err := c.List(t.Context(), gvk("v1", "Pod"), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("MEASURED %d pods on the cluster", len(pods))
}

// traces as Jaeger's API has them: the services of each.
func traces(t *testing.T, b []byte) [][]string {
	t.Helper()
	answer := struct {
		Data []struct {
			Processes map[string]struct {
				ServiceName string `json:"serviceName"`
			} `json:"processes"`
		} `json:"data"`
	}{}
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	out := make([][]string, 0, len(answer.Data))
	for _, trace := range answer.Data {
		var services []string
		for _, p := range trace.Processes {
			services = append(services, p.ServiceName)
		}
		out = append(out, services)
	}
	return out
}

// laptop is a client of the claim's cluster.
func laptop(t *testing.T) *kube.Client {
	t.Helper()
	clusters, err := w.management.List(t.Context(), kindCluster(), namespace)
	if err != nil || len(clusters) != 1 {
		t.Fatalf("want one KindCluster, got %d: %v", len(clusters), err)
	}
	secret, _, _ := unstructured.NestedString(clusters[0].Object, "spec", "writeConnectionSecretToRef", "name")
	return client(t, secret, "kubeconfig-external")
}

// makeVolumes is what kind's provisioner would do, for those who want a volume.
func makeVolumes(t *testing.T, c *kube.Client) {
	t.Helper()
	for _, name := range []string{"one", "two"} {
		objs, err := kube.Parse(fmt.Appendf(nil, `apiVersion: v1
kind: PersistentVolume
metadata: {name: %[1]s}
spec:
  storageClassName: standard
  capacity: {storage: 20Gi}
  accessModes: [ReadWriteOnce]
  hostPath: {path: /var/lib/volumes/%[1]s, type: DirectoryOrCreate}
`, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Apply(t.Context(), objs...); err != nil {
			t.Fatal(err)
		}
	}
}

// urls in the status of the claim, by name.
func urls(t *testing.T, platform schema.GroupVersionKind) map[string]string {
	t.Helper()
	list, _, _ := unstructured.NestedSlice(get(t, platform, "laptop").Object, "status", "urls")
	out := map[string]string{}
	for _, u := range list {
		if m, ok := u.(map[string]any); ok {
			out[fmt.Sprint(m["name"])] = fmt.Sprint(m["url"])
		}
	}
	t.Logf("URLs in the status of the claim: %v", out)
	return out
}

// A visitor opens the URLs of a claim.
type visitor struct {
	client         *http.Client
	user, password string
}

func (v *visitor) get(t *testing.T, address string) (int, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	if v.password != "" {
		req.SetBasicAuth(v.user, v.password)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// sees what is good, sooner or later.
func (v *visitor) sees(t *testing.T, what, address string, good func([]byte) bool) {
	t.Helper()
	took := eventually(t, hang, what+" at "+address, func() (bool, string) {
		status, b, err := v.get(t, address)
		text := fmt.Sprintf("%d %.300s %v", status, b, err)
		ok := err == nil && status == http.StatusOK && good(b)
		if ok {
			t.Logf("%s, at %s:\n    %s", what, address, text)
		}
		return ok, text
	})
	t.Logf("MEASURED %s after %.0f s", what, took.Seconds())
}

// describe pods and what those say that do not work, for whoever looks for the
// fault.
func describe(t *testing.T, c *kube.Client) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	pods, err := c.List(ctx, gvk("v1", "Pod"), "")
	if err != nil {
		t.Log(err)
	}
	for _, p := range pods {
		if p.GetNamespace() == "kube-system" {
			continue
		}
		statuses, _, _ := unstructured.NestedSlice(p.Object, "status", "containerStatuses")
		t.Logf("%s/%s: %v", p.GetNamespace(), p.GetName(), statuses)
		for _, s := range statuses {
			m, _ := s.(map[string]any)
			log, _ := c.Raw(ctx, fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log?container=%v&tailLines=15", p.GetNamespace(), p.GetName(), m["name"]))
			t.Logf("%s says:\n%s", m["name"], log)
		}
	}
	events, _ := c.List(ctx, gvk("v1", "Event"), "")
	for _, e := range events {
		if e.Object["type"] == "Warning" {
			t.Logf("%s %v %v", e.GetNamespace(), e.Object["involvedObject"], e.Object["message"])
		}
	}
}

// freePort on this machine that nobody has at the moment.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// pushGame pushes our workload's image under the name that its chart has.
func pushGame(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "package", "charts", "game", "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	chart := struct {
		AppVersion string `json:"appVersion"`
	}{}
	if err := yaml.Unmarshal(b, &chart); err != nil {
		t.Fatal(err)
	}
	image := "ghcr.io/observe-k8s/game:" + chart.AppVersion
	if err := w.mirror.Push(image, filepath.Join("..", "..", "_output", "game-"+runtime.GOARCH+".tar")); err != nil {
		t.Fatal(err)
	}
	t.Log("our own image is " + image)
}

// kubectl on the management cluster.
func kubectl(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), w.cp.Kubectl(), append([]string{"--kubeconfig", w.cp.Kubeconfig()}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
