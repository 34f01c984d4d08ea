// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// sshKey makes the Secret that the example with hosts names. Nobody logs in with
// it: hosts are simulated.
func sshKey(t *testing.T) {
	t.Helper()
	kubectlApply(t, `{apiVersion: v1, kind: Secret, metadata: {name: lab-ssh, namespace: `+namespace+`}, stringData: {ssh-privatekey: "-----BEGIN SIMULATED KEY-----"}}`)
	t.Cleanup(func() {
		if out, err := tryKubectl(t, "", "-n", namespace, "delete", "secret", "lab-ssh", "--ignore-not-found"); err != nil {
			t.Error(out)
		}
	})
}

// TestHostsAreNotShared proves that a second cluster of a namespace does not get
// a host that the first one has, and leaves it alone when it goes.
func TestHostsAreNotShared(t *testing.T) {
	sshKey(t)
	k3s := func(name string) *unstructured.Unstructured {
		return parse(t, `{apiVersion: observe-k8s.io/v1alpha1, kind: KubernetesCluster, metadata: {name: `+name+`, namespace: `+namespace+`},
			spec: {provider: K3s, k3s: {hosts: [{address: 192.0.2.10, role: Server}], ssh: {username: `+name+`, keySecretRef: {name: lab-ssh}}}}}`)
	}
	cluster := ours("KubernetesCluster")
	claim(t, k3s("first"))
	ready(t, cluster, "first")
	hosts := w.cp.Clouds().Resources()

	claim(t, k3s("second"))
	says(t, cluster, "second", "ControlPlaneReady", "False", "Waiting for host 192.0.2.10, unless another cluster of this namespace has it")
	// Crossplane tried to take the host for it, and was refused.
	says(t, cluster, "second", "Synced", "False", "ssh-192.0.2.10")
	logins, err := w.management.List(t.Context(), schema.GroupVersionKind{Group: "k3s.m.crossplane.io", Version: "v1alpha1", Kind: "ProviderConfig"}, namespace)
	if err != nil {
		t.Fatal(err)
	}
	if len(logins) != 1 {
		t.Fatalf("%d logins for one host", len(logins))
	}
	if user, _, _ := unstructured.NestedString(logins[0].Object, "spec", "username"); user != "first" {
		t.Errorf("the second cluster made %s the user of the first one's login", user)
	}

	kubectl(t, "-n", namespace, "delete", clusters, "second", "--timeout=60s")
	if diff := cmp.Diff(hosts, w.cp.Clouds().Resources()); diff != "" {
		t.Errorf("the second one did something to the hosts: -before, +after:\n%s", diff)
	}
	says(t, cluster, "first", "Ready", "True")
	remove(t, background, 0, k3s("first"))
}
