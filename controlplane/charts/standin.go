// SPDX-License-Identifier: Apache-2.0

// Package charts writes stand-ins for the charts of the catalogs: charts of
// the same names and versions that install simulated pods. Pods are simulated
// here, so a real chart's webhooks and hooks would never be answered.
package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Label marks whatever a stand-in installs.
const Label = "observe-k8s.io/stand-in"

// A StandIn for a chart.
type StandIn struct {
	// Repository, Name and Version of the real chart.
	Repository string
	Name       string
	Version    string
	// Deployments that the stand-in installs.
	Deployments []string
	// CRDs that it installs, of any schema.
	CRDs []CRD
	// Manifests that it installs as they are, by name of file.
	Manifests map[string][]byte
	// Objects that it installs, of kinds that another stand-in defines.
	Objects []Object
	// Folder with templates that it has instead of Deployments: they honour as many
	// of the real chart's values as whoever wrote them needs.
	Folder string
}

// A CRD in as many words as a stand-in needs.
type CRD struct {
	Group   string
	Version string
	Kind    string
	Plural  string
	Cluster bool
}

// An Object of a kind that a CRD defines.
type Object struct {
	APIVersion string
	Kind       string
	Name       string
	Spec       map[string]any
}

// Path of the chart below the mirror: its repository without the scheme.
func (s StandIn) Path() string {
	_, p, ok := strings.Cut(s.Repository, "://")
	if !ok {
		p = s.Repository
	}
	return path.Join(strings.TrimSuffix(p, "/"), s.Name)
}

// Tag is the chart's version.
func (s StandIn) Tag() string { return s.Version }

// Metadata returns the chart's Chart.yaml.
func (s StandIn) Metadata() map[string]any {
	return map[string]any{
		"apiVersion":  "v2",
		"type":        "application",
		"name":        s.Name,
		"version":     s.Version,
		"description": "A stand-in for the chart of this name: simulated pods only.",
	}
}

// Package returns the chart as Helm packages it.
func (s StandIn) Package() ([]byte, error) {
	files := []file{{"values.yaml", []byte("{}\n")}, {"templates/fail.yaml", []byte(failTemplate)}}
	meta, err := yaml.Marshal(s.Metadata())
	if err != nil {
		return nil, fmt.Errorf("cannot encode Chart.yaml: %w", err)
	}
	files = append(files, file{"Chart.yaml", meta})
	for _, c := range s.CRDs {
		b, err := yaml.Marshal(c.manifest())
		if err != nil {
			return nil, fmt.Errorf("cannot encode CRD: %w", err)
		}
		files = append(files, file{"templates/crd-" + c.Plural + ".yaml", b})
	}
	deployments := s.Deployments
	if s.Folder != "" {
		own, err := read(s.Folder)
		if err != nil {
			return nil, err
		}
		deployments, files = nil, append(files, own...)
	}
	for _, d := range deployments {
		// In one order, so that the same chart is the same bytes.
		files = append(files,
			file{"templates/deployment-" + d + ".yaml", []byte(strings.ReplaceAll(deploymentTemplate, "COMPONENT", d))},
			file{"templates/service-" + d + ".yaml", []byte(strings.ReplaceAll(serviceTemplate, "COMPONENT", d))},
		)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Manifests)) {
		// Not a template: nothing in it is for Helm to read.
		files = append(files,
			file{"files/" + name, s.Manifests[name]},
			file{"templates/" + name, []byte(`{{ .Files.Get "files/` + name + `" }}` + "\n")},
		)
	}
	for _, o := range s.Objects {
		b, err := yaml.Marshal(o.manifest())
		if err != nil {
			return nil, fmt.Errorf("cannot encode object: %w", err)
		}
		files = append(files, file{"templates/object-" + strings.ToLower(o.Kind) + "-" + o.Name + ".yaml", b})
	}
	return pack(s.Name, files)
}

type file struct {
	name    string
	content []byte
}

func pack(chart string, files []file) ([]byte, error) {
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	w := tar.NewWriter(gz)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: path.Join(chart, f.name), Mode: 0o644, Size: int64(len(f.content))}); err != nil {
			return nil, fmt.Errorf("cannot pack chart: %w", err)
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, fmt.Errorf("cannot pack chart: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("cannot pack chart: %w", err)
	}
	if err := gz.Close(); err != nil {
		return nil, fmt.Errorf("cannot pack chart: %w", err)
	}
	return buf.Bytes(), nil
}

func (c CRD) manifest() map[string]any {
	scope := "Namespaced"
	if c.Cluster {
		scope = "Cluster"
	}
	return map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": c.Plural + "." + c.Group, "labels": labels()},
		"spec": map[string]any{
			"group": c.Group,
			"scope": scope,
			"names": map[string]any{"kind": c.Kind, "listKind": c.Kind + "List", "plural": c.Plural, "singular": strings.ToLower(c.Kind)},
			"versions": []any{map[string]any{
				"name": c.Version, "served": true, "storage": true,
				"subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "x-kubernetes-preserve-unknown-fields": true,
				}},
			}},
		},
	}
}

func (o Object) manifest() map[string]any {
	return map[string]any{
		"apiVersion": o.APIVersion,
		"kind":       o.Kind,
		"metadata":   map[string]any{"name": o.Name, "labels": labels()},
		"spec":       o.Spec,
	}
}

func labels() map[string]any { return map[string]any{Label: "true"} }

// failTemplate lets a test provoke an error in the values.
const failTemplate = `{{- if .Values.standInFail }}
{{- fail .Values.standInFail }}
{{- end }}
`

const deploymentTemplate = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ printf "%s-COMPONENT" .Release.Name | trunc 63 | trimSuffix "-" }}
  labels: &labels
    observe-k8s.io/stand-in: "true"
    app.kubernetes.io/name: {{ .Chart.Name }}
    app.kubernetes.io/instance: {{ .Release.Name }}
    app.kubernetes.io/component: COMPONENT
spec:
  replicas: 1
  selector:
    matchLabels: &selector
      app.kubernetes.io/instance: {{ .Release.Name }}
      app.kubernetes.io/component: COMPONENT
  template:
    metadata:
      labels: *labels
    spec:
      containers:
      - name: simulated
        image: simulated.invalid/{{ .Chart.Name }}/COMPONENT:{{ .Chart.Version }}
`

const serviceTemplate = `apiVersion: v1
kind: Service
metadata:
  name: {{ printf "%s-COMPONENT" .Release.Name | trunc 63 | trimSuffix "-" }}
  labels:
    observe-k8s.io/stand-in: "true"
    app.kubernetes.io/name: {{ .Chart.Name }}
    app.kubernetes.io/instance: {{ .Release.Name }}
    app.kubernetes.io/component: COMPONENT
spec:
  selector:
    app.kubernetes.io/instance: {{ .Release.Name }}
    app.kubernetes.io/component: COMPONENT
  ports:
  - {name: http, port: 80}
`
