// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestInterrupted leaves releases as they are when provider-helm is killed in the
// middle of a rollback and of an uninstallation. Without help they would stay so.
func TestInterrupted(t *testing.T) {
	claims := []*unstructured.Unstructured{parse(t, `{apiVersion: observe-k8s.io/v1alpha1, kind: KubernetesCluster, metadata: {name: halfway},
		spec: {provider: Existing, existing: {kubeconfigSecretRef: {name: remote-kubeconfig}}}}`)}
	// By name, what is the last revision of each.
	revisions := map[string]string{"rollback": "2", "uninstallation": "1"}
	for name := range revisions {
		claims = append(claims, parse(t, `{apiVersion: observe-k8s.io/v1alpha1, kind: Component, metadata: {name: `+name+`},
			spec: {clusterRef: {name: halfway}, targetNamespace: `+name+`, releaseName: `+name+`, timeout: 30s,
			source: {chart: {repository: "oci://ghcr.io/stefanprodan/charts", name: podinfo, version: 6.9.1}}}}`))
	}
	claim(t, claims...)
	onFailure(t)
	component := ours("Component")
	for name := range revisions {
		ready(t, component, name)
	}

	interrupt(t, "rollback", revisions["rollback"], "pending-rollback")
	interrupt(t, "uninstallation", revisions["uninstallation"], "uninstalling")
	for name, revision := range revisions {
		measured(t, name+": the component says what is wrong", says(t, component, name, "Deployed", "False", "interrupted", name+"/sh.helm.release.v1."+name+".v"+revision), 0)
	}
	// What Helm keeps in it holds all values.
	object := schema.GroupVersionKind{Group: "kubernetes.m.crossplane.io", Version: "v1alpha1", Kind: "Object"}
	eventually(t, hang, "the records are looked at", func() (bool, string) {
		objects, err := w.management.List(t.Context(), object, namespace)
		if err != nil {
			return false, err.Error()
		}
		seen := 0
		for _, o := range objects {
			manifest, _, _ := unstructured.NestedMap(o.Object, "status", "atProvider", "manifest")
			if manifest["kind"] != "Secret" {
				continue
			}
			seen++
			data, _, _ := unstructured.NestedMap(manifest, "data")
			if v, _ := data["release"].(string); v != "" {
				t.Errorf("Object %s shows %d bytes of what Helm keeps", o.GetName(), len(v))
			}
		}
		return seen == len(revisions), fmt.Sprint(seen)
	})
	for name := range revisions {
		measured(t, name+": Helm goes on by itself", ready(t, component, name), 0)
	}
	eventually(t, hang, "nothing is left of the help", func() (bool, string) {
		left := strings.Join(listed(t.Context(), []schema.GroupVersionKind{object}, namespace), ", ")
		return !strings.Contains(left, "interrupted-"), left
	})
	remove(t, background, 0, claims...)
}

// interrupt makes a revision of a release on the remote cluster, in the namespace of
// its name, what Helm makes of it when it begins something.
func interrupt(t *testing.T, release, revision, state string) {
	t.Helper()
	const records = "sh.helm.release.v1."
	was, err := w.remote.Get(t.Context(), secret, release, records+release+".v1")
	if err != nil || was == nil {
		t.Fatalf("there is no record of the installation: %v", err)
	}
	encoded, _, _ := unstructured.NestedString(was.Object, "data", "release")
	stored, err := helmRelease(encoded)
	if err != nil {
		t.Fatal(err)
	}
	info := map[string]any{}
	if err := json.Unmarshal(stored["info"], &info); err != nil {
		t.Fatal(err)
	}
	info["status"] = state
	if stored["info"], err = json.Marshal(info); err != nil {
		t.Fatal(err)
	}
	stored["version"] = json.RawMessage(revision)
	plain, err := json.Marshal(stored)
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": was.Object["type"],
		"metadata": map[string]any{"name": records + release + ".v" + revision, "namespace": release, "labels": map[string]any{
			"owner": "helm", "name": release, "status": state, "version": revision,
		}},
		"stringData": map[string]any{"release": base64.StdEncoding.EncodeToString(zipped.Bytes())},
	}}
	if err := w.remote.Apply(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}
