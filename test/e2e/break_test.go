// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/controlplane"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// wider is the example with one more workload, a chart of the team's own in a
// version, and with values for cert-manager.
func wider(t *testing.T, version string, values map[string]any) *unstructured.Unstructured {
	t.Helper()
	o := example(t, "existing.yaml")
	workloads := []any{
		map[string]any{"name": "podinfo", "app": "podinfo"},
		map[string]any{"name": "own", "chart": map[string]any{
			"repository": "oci://ghcr.io/stefanprodan/charts", "name": "podinfo", "version": version,
		}},
	}
	components := []any{map[string]any{
		"name": "cert-manager", "values": values,
		"valuesFrom": []any{map[string]any{"kind": "ConfigMap", "name": "team-values"}},
	}}
	for _, f := range []struct {
		value  any
		fields []string
	}{{workloads, []string{"spec", "workloads"}}, {components, []string{"spec", "stack", "components"}}} {
		if err := unstructured.SetNestedField(o.Object, f.value, f.fields...); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// TestBreak takes one platform through everything that may go wrong around it.
// Each time the claim says what is wrong, the rest stays, and it recovers when
// the cause is gone.
func TestBreak(t *testing.T) {
	platform := ours("ObservabilityPlatform")
	fine := map[string]any{"replicaCount": int64(1)}
	const version = "6.9.1"
	apply(t, parse(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: team-values}
data: {values.yaml: "podLabels: {team: a}"}
`))
	demo := example(t, "existing.yaml")
	claim(t, demo)
	ready(t, platform, "demo")

	// broken applies a claim that is wrong and waits until it says so, then the
	// right one, and waits until that works. What is touched names whose specs
	// change.
	broken := func(t *testing.T, wrong *unstructured.Unstructured, condition string, words []string, touched ...string) {
		t.Helper()
		onFailure(t)
		untouched := specs(t)
		apply(t, wrong)
		measured(t, "the claim says what is wrong", says(t, platform, "demo", condition, "False", words...), 0)
		t.Log(conditions(get(t, platform, "demo")))
		same(t, untouched, touched...)
		apply(t, wider(t, version, fine))
		measured(t, "the claim recovers", works(t, "demo"), 0)
	}

	t.Run("ChartThatDoesNotExist", func(t *testing.T) {
		broken(t, wider(t, "9.9.9", fine), "WorkloadsReady", []string{"own", "podinfo:9.9.9", "not found"}, "cert-manager")
	})
	t.Run("ValuesError", func(t *testing.T) {
		broken(t, wider(t, version, map[string]any{"standInFail": "replicas must be a number"}), "StackReady",
			[]string{"cert-manager", "replicas must be a number"}, "cert-manager")
	})
	t.Run("UnknownComponent", func(t *testing.T) {
		wrong := wider(t, version, fine)
		components, _, _ := unstructured.NestedSlice(wrong.Object, "spec", "stack", "components")
		if err := unstructured.SetNestedSlice(wrong.Object, append(components, map[string]any{"name": "prometeus"}), "spec", "stack", "components"); err != nil {
			t.Fatal(err)
		}
		broken(t, wrong, "StackReady", []string{"prometeus", "not in the catalog", "kube-prometheus-stack"})
	})

	t.Run("RemoteClusterGone", func(t *testing.T) {
		onFailure(t)
		untouched := specs(t)
		kill(t, controlplane.ProcessRemoteAPIServer)
		measured(t, "the claim says what is wrong", says(t, platform, "demo", "ClusterReady", "False", "does not answer"), 0)
		t.Log(conditions(get(t, platform, "demo")))
		// Time in which something could be given up, if anything were.
		time.Sleep(10 * time.Second)
		same(t, untouched)
		if err := w.cp.Restart(t.Context(), controlplane.ProcessRemoteAPIServer); err != nil {
			t.Fatal(err)
		}
		measured(t, "the claim recovers", works(t, "demo"), 0)
	})

	// The catalog's values, those of the team's ConfigMap and those of the claim
	// all reached the release.
	t.Run("ValuesAreLayered", func(t *testing.T) {
		for _, want := range []string{`"crds":{"enabled":true,"keep":false}`, `"podLabels":{"team":"a"}`, `"replicaCount":1`} {
			eventually(t, hang, "the release's values contain "+want, func() (bool, string) {
				got := releaseValues(t, "cert-manager")
				return strings.Contains(got, want), got
			})
		}
	})

	t.Run("KubeconfigSecretIsProtected", func(t *testing.T) {
		out, err := tryKubectl(t, "", "-n", namespace, "delete", "secret", "remote-kubeconfig", "--timeout=5s")
		if err == nil {
			t.Fatalf("the Secret that reaches the cluster could be deleted: %s", out)
		}
		if !strings.Contains(out, "in-use") {
			t.Errorf("the message does not say that the Secret is in use: %s", out)
		}
		t.Logf("refused: %s", out)
	})

	remove(t, background, 0, demo)
	// Crossplane could make up for the refused deletion three seconds later.
	time.Sleep(4 * time.Second)
	if get(t, secret, "remote-kubeconfig") == nil {
		t.Error("the team's Secret went with the platform because somebody had tried to delete it")
	}
}

// TestDeleteFailed deletes a claim that failed: a component's chart cannot be
// rendered, so that its release failed and is tried again, and a workload's does not
// exist. Nothing is left.
func TestDeleteFailed(t *testing.T) {
	apply(t, parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: team-values}, data: {values.yaml: \"podLabels: {team: a}\"}}"))
	o := wider(t, "9.9.9", map[string]any{"standInFail": "replicas must be a number"})
	claim(t, o)
	says(t, o.GroupVersionKind(), "demo", "StackReady", "False", "replicas must be a number")
	remove(t, background, 0, o)
}

// kill a process. It runs again when the test ends, at the latest.
func kill(t *testing.T, process string) {
	t.Helper()
	t.Cleanup(func() {
		if slices.Contains(w.cp.Processes(), process) {
			return
		}
		if err := w.cp.Restart(context.WithoutCancel(t.Context()), process); err != nil {
			t.Error(err)
		}
	})
	if err := w.cp.Kill(process); err != nil {
		t.Fatal(err)
	}
}

// releaseValues are the values that Helm installed with in a namespace of the
// remote cluster, as JSON; empty while no release is deployed there.
func releaseValues(t *testing.T, ns string) string {
	t.Helper()
	secrets, err := w.remote.List(t.Context(), secret, ns)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if s.GetLabels()["owner"] != "helm" || s.GetLabels()["status"] != "deployed" {
			continue
		}
		encoded, _, _ := unstructured.NestedString(s.Object, "data", "release")
		values, err := helmConfig(encoded)
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	return ""
}

// helmConfig reads the values of a release as Helm stores it.
func helmConfig(encoded string) (string, error) {
	stored, err := helmRelease(encoded)
	return string(stored["config"]), err
}

// helmRelease reads a release as Helm stores it: gzipped JSON, base64 twice.
func helmRelease(encoded string) (map[string]json.RawMessage, error) {
	once, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, err
	}
	twice, err := base64.StdEncoding.DecodeString(string(once))
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(twice))
	if err != nil {
		return nil, err
	}
	stored := map[string]json.RawMessage{}
	err = json.NewDecoder(z).Decode(&stored)
	return stored, err
}

// TestManagementClusterIsOff sees that nobody gets the providers' own identity
// unless the platform team allows it.
func TestManagementClusterIsOff(t *testing.T) {
	o := parse(t, `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: management}
spec: {provider: Existing, existing: {managementCluster: true}}
`)
	claim(t, o)
	says(t, o.GroupVersionKind(), "management", "AccessReady", "False", "platform team has not allowed", namespace)
	for _, k := range kinds() {
		if k.Kind != "ProviderConfig" {
			continue
		}
		objs, err := w.management.List(t.Context(), k, namespace)
		if err != nil {
			t.Fatal(err)
		}
		if len(objs) != 0 {
			t.Errorf("%s %s was composed", k.Kind, objs[0].GetName())
		}
	}
	remove(t, background, 0, o)
}

// TestKubeconfigSecretMissing sees that a claim which comes before its Secret
// says so, and goes on when the Secret comes.
func TestKubeconfigSecretMissing(t *testing.T) {
	o := parse(t, `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: early}
spec: {provider: Existing, existing: {kubeconfigSecretRef: {name: late}}}
`)
	claim(t, o)
	says(t, o.GroupVersionKind(), "early", "AccessReady", "False", "Secret late does not exist")
	late := get(t, secret, "remote-kubeconfig").DeepCopy()
	late.Object["metadata"] = map[string]any{"name": "late", "namespace": namespace}
	apply(t, late)
	measured(t, "Ready after its Secret came", ready(t, o.GroupVersionKind(), "early"), 0)
	remove(t, background, 0, o)
	eventually(t, hang, "the Secret may be deleted again", func() (bool, string) {
		out, err := tryKubectl(t, "", "-n", namespace, "delete", "secret", "late", "--timeout=5s")
		return err == nil, out
	})
}

// specs are the specs of everything that the platform consists of.
func specs(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, k := range kinds() {
		objs, err := w.management.List(context.WithoutCancel(t.Context()), k, namespace)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objs {
			if k.Kind != "ProviderConfigUsage" && k.Kind != "ObservabilityPlatform" && k.Kind != "ObservabilityStack" {
				out[k.Group+"/"+k.Kind+"/"+o.GetName()] = map[string]any{"uid": string(o.GetUID()), "spec": withoutRefs(o.Object["spec"])}
			}
		}
	}
	return out
}

// withoutRefs leaves out what Crossplane itself keeps in a spec.
func withoutRefs(spec any) any {
	m, ok := spec.(map[string]any)
	if !ok {
		return spec
	}
	out := map[string]any{}
	for k, v := range m {
		if k != "crossplane" {
			out[k] = v
		}
	}
	return out
}

// same sees that everything that was there is still there, unchanged but for
// what the test itself changed.
func same(t *testing.T, before map[string]any, but ...string) {
	t.Helper()
	now := specs(t)
	for name, b := range before {
		if slices.ContainsFunc(but, func(s string) bool { return strings.Contains(name, s) }) {
			continue
		}
		if diff := cmp.Diff(b, now[name]); diff != "" {
			t.Errorf("%s was touched: -before, +after:\n%s", name, diff)
		}
	}
}
