// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestK3d makes two clusters at once with the real k3d on the real engine. The
// image of their nodes stands in for k3s, which is not to be had everywhere.
func TestK3d(t *testing.T) {
	t.Log("SIMULATED: the image of the nodes stands in for k3s. k3d and the engine are real, so are etcd and the API server; there is no kubelet, and no pod runs")
	nodes := map[string]int{"lab": 2, "lab2": 1}
	start := time.Now()
	create(t, k3dCluster(), "lab", "workers: 1", "disable: [traefik, servicelb]")
	create(t, k3dCluster(), "lab2")
	for n := range nodes {
		t.Cleanup(func() { remove(t, k3dCluster(), n) })
	}
	for n := range nodes {
		ready(t, k3dCluster(), n)
		t.Logf("MEASURED K3dCluster %s Ready %.1f s after both were created", n, time.Since(start).Seconds())
	}
	for n, want := range nodes {
		for _, key := range []string{"kubeconfig", "kubeconfig-external"} {
			got, err := client(t, n+"-kubeconfig", key).List(t.Context(), gvk("v1", "Node"), "")
			if err != nil {
				t.Fatalf("%s of %s: %v", key, n, err)
			}
			if len(got) != want || got[0].GetLabels()["example.org/pool"] != "test" {
				t.Errorf("%s of %s: want %d nodes with our label, got %d: %v", key, n, want, len(got), got)
			}
		}
		o := get(t, k3dCluster(), n)
		for _, f := range []string{"version", "endpoint", "externalEndpoint", "architecture", "state"} {
			v, _, _ := unstructured.NestedString(o.Object, "status", "atProvider", f)
			if v == "" {
				t.Errorf("%s says no %s", n, f)
			}
			t.Logf("%s: %s = %s", n, f, v)
		}
	}
	server := ""
	for _, c := range containers(t, k3dCluster(), "lab") {
		if strings.Contains(c, "server") {
			server = c
		}
	}
	mirrors, err := w.engine.Docker(t.Context(), "exec", server, "cat", "/etc/rancher/k3s/registries.yaml")
	if err != nil || !strings.Contains(mirrors, w.mirror.URL()) {
		t.Errorf("the registry mirror did not reach %s: %q, %v", server, mirrors, err)
	}
	args, err := w.engine.Docker(t.Context(), "inspect", "--format", "{{.Args}}", server)
	if err != nil || !strings.Contains(args, "--disable=traefik") || !strings.Contains(args, "--disable=servicelb") {
		t.Errorf("what to leave out did not reach %s: %q, %v", server, args, err)
	}
	measureLooks(t, k3dCluster(), "k3d", "lab")

	took := remove(t, k3dCluster(), "lab")
	t.Logf("MEASURED K3dCluster lab gone %.1f s after it was deleted", took.Seconds())
	if left := left(t, k3dCluster(), "lab"); len(left) > 0 {
		t.Errorf("left on the engine: %v", left)
	}
	ready(t, k3dCluster(), "lab2")
}
