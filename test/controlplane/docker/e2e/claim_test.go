// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestClaim takes a claim from kubectl apply to pods that answer, on a real
// cluster. Simulated are the charts of others: their stand-ins install real pods
// that do nothing. The workload is our own, its image too.
func TestClaim(t *testing.T) {
	pushGame(t)
	claim := fmt.Sprintf(`apiVersion: observe-k8s.io/v1alpha1
kind: ObservabilityPlatform
metadata: {name: laptop, namespace: %s}
spec:
  cluster:
    provider: Kind
    kind:
      image: %s
      registryMirrors: [{registry: "*", endpoints: [%q]}]
  stack: {profile: Minimal, delivery: Helm}
  workloads:
  - name: shop
    app: o11y-game
    delivery: Helm
    game:
      services:
      - name: frontend
        endpoints:
        - path: /
          calls: [{http: {service: stock, path: /}}]
      - name: stock
        endpoints:
        - path: /
          calls: [{sleep: {duration: 1ms}}]
`, namespace, w.image, w.mirror.URL())
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
	ready(t, platform, "laptop")
	t.Logf("MEASURED platform Ready %.0f s after kubectl apply", time.Since(start).Seconds())

	clusters, err := w.management.List(t.Context(), kindCluster(), namespace)
	if err != nil || len(clusters) != 1 {
		t.Fatalf("want one KindCluster, got %d: %v", len(clusters), err)
	}
	secret, _, _ := unstructured.NestedString(clusters[0].Object, "spec", "writeConnectionSecretToRef", "name")
	c := client(t, secret, "kubeconfig-external")
	services, err := c.List(t.Context(), gvk("v1", "Service"), "")
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	for _, s := range services {
		if !strings.HasSuffix(s.GetName(), "frontend") {
			continue
		}
		asked = true
		path := fmt.Sprintf("/api/v1/namespaces/%s/services/%s:http/proxy/", s.GetNamespace(), s.GetName())
		eventually(t, hang, path+" answers", func() (bool, string) {
			b, err := c.Raw(context.WithoutCancel(t.Context()), path)
			return err == nil, fmt.Sprintf("%s: %v", b, err)
		})
		t.Logf("%s/%s answers, which asks another service", s.GetNamespace(), s.GetName())
	}
	if !asked {
		t.Errorf("there is no Service of the frontend: %v", names(services))
	}
	pods, err := c.List(t.Context(), gvk("v1", "Pod"), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("MEASURED %d pods on the cluster", len(pods))
}

// pushGame pushes our workload's image under the name that its chart has.
func pushGame(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "package", "charts", "game", "Chart.yaml"))
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
	if err := w.mirror.Push(image, filepath.Join("..", "..", "..", "..", "_output", "game-"+runtime.GOARCH+".tar")); err != nil {
		t.Fatal(err)
	}
	t.Log("our own image is " + image)
}

func names(objs []unstructured.Unstructured) []string {
	out := make([]string, 0, len(objs))
	for _, o := range objs {
		out = append(out, o.GetNamespace()+"/"+o.GetName())
	}
	return out
}

// kubectl on the management cluster.
func kubectl(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), w.cp.Kubectl(), append([]string{"--kubeconfig", w.cp.Kubeconfig()}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
