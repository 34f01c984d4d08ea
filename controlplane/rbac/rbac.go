// SPDX-License-Identifier: Apache-2.0

// Package rbac reads the roles and bindings of Crossplane's Helm chart, so that
// Crossplane may do here what it may do where people install it, and no more.
package rbac

import (
	"bytes"
	"fmt"
	"path/filepath"
	"text/template"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Accounts of the chart, in its namespace.
const (
	Crossplane = "crossplane"
	Manager    = "rbac-manager"
)

// AllowedPermissions is the role with which the RBAC manager limits what
// providers may ask for.
const AllowedPermissions = Crossplane + ":allowed-provider-permissions"

// files of the chart that matter here.
func files() []string {
	return []string{
		"serviceaccount.yaml",
		"clusterrole.yaml",
		"clusterrolebinding.yaml",
		"rbac-manager-serviceaccount.yaml",
		"rbac-manager-clusterrole.yaml",
		"rbac-manager-clusterrolebinding.yaml",
		"rbac-manager-managed-clusterroles.yaml",
		"rbac-manager-allowed-provider-permissions.yaml",
	}
}

// helpers stand in for the chart's own: its names, and no labels of a release.
const helpers = `{{ define "crossplane.name" }}` + Crossplane + `{{ end }}{{ define "crossplane.labels" }}{{ end }}`

// Read the objects from the templates of the chart in dir.
func Read(dir, namespace string) ([]*unstructured.Unstructured, error) {
	data := map[string]any{
		"Release": map[string]any{"Namespace": namespace},
		"Values": map[string]any{
			"rbacManager":    map[string]any{"deploy": true},
			"serviceAccount": map[string]any{"create": true},
		},
	}
	var out []*unstructured.Unstructured
	for _, f := range files() {
		b, err := render(filepath.Join(dir, f), data)
		if err != nil {
			return nil, err
		}
		objs, err := kube.Parse(b)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s of Crossplane's chart: %w", f, err)
		}
		out = append(out, objs...)
	}
	return out, nil
}

// render a template with as much of Helm as these templates use.
func render(file string, data any) ([]byte, error) {
	nothing := func(...any) string { return "" }
	t, err := template.New("helpers").Funcs(template.FuncMap{
		// Only labels are included this way.
		"include": nothing, "indent": nothing, "nindent": nothing, "toYaml": nothing,
	}).Parse(helpers)
	if err != nil {
		return nil, fmt.Errorf("cannot parse template helpers: %w", err)
	}
	if t, err = t.ParseFiles(file); err != nil {
		return nil, fmt.Errorf("cannot parse Crossplane's chart: %w", err)
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, filepath.Base(file), data); err != nil {
		return nil, fmt.Errorf("cannot render Crossplane's chart: %w", err)
	}
	return buf.Bytes(), nil
}
