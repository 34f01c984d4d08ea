// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/observe-k8s/observe-k8s/controlplane/charts"
	"github.com/observe-k8s/observe-k8s/controlplane/docker"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
	"sigs.k8s.io/yaml"
)

// standIns are what of the stack is not the real thing, besides charts, with what
// stands in for it.
func standIns() map[string]string {
	return map[string]string{
		"charts of others":          "templates of this test for prometheus-operator, Prometheus, the collector and Jaeger; pods that do nothing for all else",
		"cert-manager":              "issues nothing",
		"connector servicegraph":    "takes traces and makes no metrics of them; the rest of the collector is real",
		"nginx-gateway-fabric":      "a proxy of ours that serves what HTTPRoutes and the AuthenticationFilter say, with certificates of its own",
		"perses, its operator":      "pods that do nothing",
		"docker.io/alpine/kubectl":  "Debian's BusyBox and our kubectl under that name",
		"volumes":                   "folders of the node that the test makes, as there is no provisioner",
		"versions of the images":    "those that there are modules of, which the tags of the images say, not those of the real charts",
		"node image, control plane": "made of Debian's packages and Go modules; Crossplane runs beside docker, not in a cluster",
	}
}

// A stack is what the test runs for real of the stack.
type stack struct {
	programs map[string]programs.Built
	charts   string
}

// newStack builds programs and pushes them as images, under their upstream names.
func newStack(ctx context.Context, e *docker.Engine, m *docker.Mirror) (stack, error) {
	s := stack{charts: filepath.Join("testdata", "charts")}
	var err error
	if s.programs, err = e.StackPrograms(ctx); err != nil {
		return s, err
	}
	kubectl, err := e.Kubectl(ctx)
	if err != nil {
		return s, err
	}
	gateway, err := e.Program(ctx, "gateway")
	if err != nil {
		return s, err
	}
	bin := func(program, name string) map[string]string {
		return map[string]string{"bin/" + name: s.programs[program].Bin(name)}
	}
	images := map[string]struct {
		entrypoint string
		files      map[string]string
	}{
		"quay.io/prometheus-operator/prometheus-operator:v0.85.0":                                     {"/bin/operator", bin(programs.PrometheusOperator, "operator")},
		"quay.io/prometheus-operator/prometheus-config-reloader:v0.85.0":                              {"/bin/prometheus-config-reloader", bin(programs.PrometheusOperator, "prometheus-config-reloader")},
		"quay.io/prometheus/prometheus:v3.16.0":                                                       {"/bin/prometheus", bin(programs.Prometheus, "prometheus")},
		"ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-k8s:0.162.0": {"/bin/collector", bin(programs.Collector, "collector")},
		"docker.io/jaegertracing/jaeger:2.13.0":                                                       {"/bin/jaeger", bin(programs.Jaeger, "jaeger")},
		"stand-in.invalid/observe-k8s/gateway:1":                                                      {"/bin/gateway", map[string]string{"bin/gateway": gateway}},
		"docker.io/alpine/kubectl:1.34.2":                                                             {"", docker.Shell(map[string]string{"bin/kubectl": kubectl}, "sh", "head", "base64", "tr", "mkpasswd")},
	}
	for _, image := range slices.Sorted(maps.Keys(images)) {
		if err := m.PushPrograms(image, images[image].entrypoint, images[image].files); err != nil {
			return s, err
		}
	}
	return s, nil
}

// standIn gives charts their contents, where there is something to run.
func (s stack) standIn(c *charts.StandIn) error {
	if dir := filepath.Join(s.charts, c.Name); exists(dir) {
		// What stand-ins install besides, real ones do not.
		c.Folder, c.Objects = dir, nil
	}
	if c.Name != "prometheus-operator-crds" {
		return nil
	}
	c.CRDs, c.Manifests = nil, map[string][]byte{}
	dir := s.programs[programs.PrometheusOperator].Asset("crds")
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot list CRDs: %w", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return fmt.Errorf("cannot read CRD: %w", err)
		}
		var crd map[string]any
		if err := yaml.Unmarshal(b, &crd); err != nil {
			return fmt.Errorf("cannot parse CRD %s: %w", f.Name(), err)
		}
		// A release keeps its chart and what it made of it in one Secret, for which
		// these are too long with all that they explain.
		terse(crd)
		if c.Manifests[f.Name()], err = json.Marshal(crd); err != nil {
			return fmt.Errorf("cannot encode CRD %s: %w", f.Name(), err)
		}
	}
	return nil
}

// terse takes descriptions out, but no property of that name.
func terse(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["description"].(string); ok {
			delete(v, "description")
		}
		for _, e := range v {
			terse(e)
		}
	case []any:
		for _, e := range v {
			terse(e)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
