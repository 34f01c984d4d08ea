// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// secretMarker is in Secrets that tests make. Nobody may ever see it elsewhere.
const secretMarker = "canary4711"

// secretly makes a Secret of one key, until the test ends.
func secretly(t *testing.T, name, key, value string) {
	t.Helper()
	apply(t, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name, "namespace": namespace},
		"data": map[string]any{key: base64.StdEncoding.EncodeToString([]byte(value))},
	}})
	t.Cleanup(func() {
		if out, err := tryKubectl(t, "", "-n", namespace, "delete", "secret", name, "--ignore-not-found", "--timeout=60s"); err != nil {
			t.Error(out)
		}
	})
}

// TestCanary plants canaries in Secrets that work and in Secrets that do not, lets
// everybody use them, and looks for them wherever people look: in the logs of all
// processes, in events, and in what every object says.
func TestCanary(t *testing.T) {
	cluster := ours("KubernetesCluster")
	kubeconfig := func(user string) string {
		return `{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
			clusters: [{name: c, cluster: {server: "` + w.cp.Remote().Host + `", insecure-skip-tls-verify: true}}], users: [{name: u, user: ` + user + `}]}`
	}
	var claims []*unstructured.Unstructured
	refuse := map[string]string{
		"token":    kubeconfig("{token: " + secretMarker + "}"),
		"password": kubeconfig("{username: admin, password: " + secretMarker + "}"),
		"exec":     kubeconfig("{exec: {apiVersion: client.authentication.k8s.io/v1, command: " + secretMarker + "}}"),
		"file":     kubeconfig("{tokenFile: /" + secretMarker + "}"),
		"text":     "[" + secretMarker,
	}
	t.Cleanup(func() { clean(t) })
	for name, content := range refuse {
		secretly(t, "canary-"+name, "kubeconfig", content)
		claims = append(claims, parse(t, `{apiVersion: observe-k8s.io/v1alpha1, kind: KubernetesCluster, metadata: {name: canary-`+name+`},
			spec: {provider: Existing, existing: {kubeconfigSecretRef: {name: canary-`+name+`}}}}`))
	}
	claims = append(claims, parse(t, `{apiVersion: observe-k8s.io/v1alpha1, kind: KubernetesCluster, metadata: {name: canary},
		spec: {provider: Existing, existing: {kubeconfigSecretRef: {name: remote-kubeconfig}}}}`))
	for name, content := range map[string]string{"values": "password: " + secretMarker, "no-values": "[" + secretMarker} {
		secretly(t, name, "values.yaml", content)
		claims = append(claims, parse(t, `{apiVersion: observe-k8s.io/v1alpha1, kind: Component, metadata: {name: `+name+`},
			spec: {clusterRef: {name: canary}, targetNamespace: `+name+`, source: {chart: {repository: "oci://ghcr.io/stefanprodan/charts", name: podinfo, version: 6.9.1}},
			valuesFrom: [{kind: Secret, name: `+name+`}]}}`))
	}
	claim(t, claims...)
	for name := range refuse {
		eventually(t, hang, "cluster canary-"+name+" says that it cannot be reached", func() (bool, string) {
			o := get(t, cluster, "canary-"+name)
			return o != nil && (strings.Contains(conditions(o), "InvalidKubeconfig") || strings.Contains(conditions(o), "Unreachable")), conditions(o)
		})
	}
	ready(t, ours("Component"), "values")
	says(t, ours("Component"), "no-values", "Deployed", "False", "values")
	t.Log(conditions(get(t, ours("Component"), "no-values")))
	secrets := append(keys(t), secretMarker)
	if n := lookFor(t, secrets); n == 0 {
		t.Error("nothing was looked through: the test tests nothing")
	}
	remove(t, background, 0, claims...)
	n := lookFor(t, secrets)
	t.Logf("%d canaries in %d Secrets, %d KiB of logs and objects: none shows one", len(secrets), len(refuse)+3, n>>10)
}

// keys are the secret parts of the kubeconfig that reaches the remote cluster, as they
// stand in it, and as they are decoded.
func keys(t *testing.T) []string {
	t.Helper()
	encoded, _, _ := unstructured.NestedString(get(t, secret, "remote-kubeconfig").Object, "data", "kubeconfig")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	objs, err := kube.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	users, _, _ := unstructured.NestedSlice(objs[0].Object, "users")
	var out []string
	for _, u := range users {
		key, _, _ := unstructured.NestedString(u.(map[string]any), "user", "client-key-data")
		pem, err := base64.StdEncoding.DecodeString(key)
		if err != nil || len(pem) < 100 {
			t.Fatalf("no key in the kubeconfig: %v", err)
		}
		lines := strings.Split(string(pem), "\n")
		out = append(out, key[len(key)/2:len(key)/2+40], lines[2])
	}
	return out
}

// lookFor secrets in logs, events and objects that are no Secrets, and say how many
// bytes were looked through.
func lookFor(t *testing.T, secrets []string) int {
	t.Helper()
	n := 0
	look := func(where string, text []byte) {
		n += len(text)
		for _, s := range secrets {
			if i := bytes.Index(text, []byte(s)); i >= 0 {
				t.Errorf("%s shows %.10s…: …%s", where, s, text[max(0, i-300):i])
			}
		}
	}
	logs, err := filepath.Glob(filepath.Join(w.cp.Dir(), "logs", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range logs {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		look("the log "+filepath.Base(file), text)
	}
	for _, k := range slices.Concat(kinds(), []schema.GroupVersionKind{{Version: "v1", Kind: "Event"}, {Version: "v1", Kind: "ConfigMap"}}) {
		objs, err := w.management.List(context.WithoutCancel(t.Context()), k, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objs {
			text, err := json.Marshal(o.Object)
			if err != nil {
				t.Fatal(err)
			}
			look(k.Kind+" "+o.GetName(), text)
		}
	}
	return n
}
