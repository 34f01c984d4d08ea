// SPDX-License-Identifier: Apache-2.0

package rbac

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	for _, f := range files() {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const role = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ template "crossplane.name" . }}
  namespace: {{ .Release.Namespace }}
  labels:
    app: {{ template "crossplane.name" . }}
    {{- include "crossplane.labels" . | indent 4 }}
{{- if .Values.rbacManager.deploy }}
aggregationRule: {}
{{- end }}
`
	if err := os.WriteFile(filepath.Join(dir, "clusterrole.yaml"), []byte(role), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir, "system")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("Read: want 1 object, got %d", len(got))
	}
	want := map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
		"metadata":        map[string]any{"name": "crossplane", "namespace": "system", "labels": map[string]any{"app": "crossplane"}},
		"aggregationRule": map[string]any{},
	}
	if diff := cmp.Diff(want, got[0].Object); diff != "" {
		t.Errorf("Read: -want, +got:\n%s", diff)
	}
}
