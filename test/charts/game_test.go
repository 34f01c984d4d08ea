// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// A rendered chart, by name.
type rendered struct {
	deployments map[string]*appsv1.Deployment
	services    map[string]*corev1.Service
	configMaps  map[string]*corev1.ConfigMap
	routes      map[string]map[string]any
}

func render(values map[string]any) (*rendered, error) {
	c, err := loader.Load(filepath.Join(published, "game"))
	if err != nil {
		return nil, err
	}
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "shop", Namespace: "team-a", IsInstall: true}, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return nil, err
	}
	out := &rendered{map[string]*appsv1.Deployment{}, map[string]*corev1.Service{}, map[string]*corev1.ConfigMap{}, map[string]map[string]any{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for doc := range strings.SplitSeq(files[name], "\n---\n") {
			if err := out.add(doc); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func (r *rendered) add(doc string) error {
	var head struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if err := sigsyaml.Unmarshal([]byte(doc), &head); err != nil {
		return err
	}
	name := head.Metadata.Name
	switch head.Kind {
	case "Deployment":
		r.deployments[name] = &appsv1.Deployment{}
		return yaml.UnmarshalStrict([]byte(doc), r.deployments[name])
	case "Service":
		r.services[name] = &corev1.Service{}
		return yaml.UnmarshalStrict([]byte(doc), r.services[name])
	case "ConfigMap":
		r.configMaps[name] = &corev1.ConfigMap{}
		return yaml.UnmarshalStrict([]byte(doc), r.configMaps[name])
	case "HTTPRoute":
		out := map[string]any{}
		r.routes[name] = out
		return sigsyaml.Unmarshal([]byte(doc), &out)
	default:
		return nil
	}
}

// game that the project ships, as values are read and as the emulator reads it.
func game(t *testing.T, name string) (map[string]any, *language.Game) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "workloads", "game", "games", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := language.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := sigsyaml.Unmarshal(b, &values); err != nil {
		t.Fatal(err)
	}
	return values, g
}

func TestGames(t *testing.T) {
	for _, name := range []string{"shop", "frontends", "trouble"} {
		t.Run(name, func(t *testing.T) {
			values, g := game(t, name)
			r, err := render(map[string]any{"game": values})
			if err != nil {
				t.Fatal(err)
			}

			// What the emulator reads in the cluster is the game that was given.
			got, err := language.Parse([]byte(r.configMaps["shop-game"].Data["game.yaml"]))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(g, got); diff != "" {
				t.Errorf("the game in the ConfigMap: -want, +got:\n%s", diff)
			}

			if want := len(g.Services) + len(g.LoadGenerators); len(r.deployments) != want {
				t.Errorf("want %d Deployments, got %d", want, len(r.deployments))
			}
			for i := range g.Services {
				s := &g.Services[i]
				reachable(t, r, s)
			}
			for i := range g.LoadGenerators {
				name := string(g.LoadGenerators[i].Name)
				d := r.deployments[name]
				if d == nil || !slices.Contains(d.Spec.Template.Spec.Containers[0].Args, "--loader="+name) {
					t.Errorf("there is no load generator %s", name)
				}
			}
		})
	}
}

// reachable checks that a service has a Service of its name that leads to its
// pods.
func reachable(t *testing.T, r *rendered, s *language.Service) {
	t.Helper()
	name := string(s.Name)
	svc, d := r.services[name], r.deployments[name]
	if svc == nil || d == nil {
		t.Fatalf("there is no Service and Deployment of %s", name)
	}
	if want := language.Default(s.Replicas, 1); *d.Spec.Replicas != want {
		t.Errorf("%s: want %d replicas, got %d", name, want, *d.Spec.Replicas)
	}
	pod := d.Spec.Template
	if diff := cmp.Diff(d.Spec.Selector.MatchLabels, svc.Spec.Selector); diff != "" {
		t.Errorf("%s: selectors differ: -Deployment, +Service:\n%s", name, diff)
	}
	for k, v := range svc.Spec.Selector {
		if pod.Labels[k] != v {
			t.Errorf("%s: pods have %s=%s, the Service selects %s", name, k, pod.Labels[k], v)
		}
	}
	c := pod.Spec.Containers[0]
	if !slices.Contains(c.Args, "--service="+name) {
		t.Errorf("%s: unexpected arguments %v", name, c.Args)
	}
	port := slices.IndexFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == svc.Spec.Ports[0].TargetPort.StrVal })
	// The emulator's own default is where it calls others: port 80 of their name.
	if port < 0 || c.Ports[port].ContainerPort != 8080 || svc.Spec.Ports[0].Port != 80 {
		t.Errorf("%s: the Service does not lead to the emulator's port: %v", name, c.Ports)
	}
}

func TestValues(t *testing.T) {
	values, _ := game(t, "shop")
	r, err := render(map[string]any{
		"game": values, "load": false, "seed": 0,
		"image":     map[string]any{"digest": "sha256:abc"},
		"telemetry": map[string]any{"endpoint": "http://collector:4318", "sampleRatio": "0.01"},
		"routes":    []any{map[string]any{"service": "frontend", "hostnames": []any{"shop.example.org"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.deployments["visitors"] != nil {
		t.Error("load: false must run no load generators")
	}
	if r.routes["frontend"] == nil {
		t.Error("want a route to frontend")
	}
	c := r.deployments["frontend"].Spec.Template.Spec.Containers[0]
	if c.Image != "ghcr.io/observe-k8s/game@sha256:abc" {
		t.Errorf("unexpected image %s", c.Image)
	}
	if !slices.Contains(c.Args, "--seed=0") {
		t.Errorf("want a seed of 0, got %v", c.Args)
	}
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	for name, want := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
		"OTEL_TRACES_SAMPLER_ARG":     "0.01",
		"OTEL_LOGS_EXPORTER":          "otlp,console",
	} {
		if env[name] != want {
			t.Errorf("%s: want %q, got %q", name, want, env[name])
		}
	}
}

// TestLoadersOnly runs load generators for an application that has none.
func TestLoadersOnly(t *testing.T) {
	r, err := render(map[string]any{
		"services": false, "peers": "{service}:9898",
		"game": map[string]any{
			"services":       []any{map[string]any{"name": "podinfo", "endpoints": []any{map[string]any{"path": "/"}}}},
			"loadGenerators": []any{map[string]any{"name": "load", "requests": []any{map[string]any{"service": "podinfo"}}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.services) > 0 || len(r.deployments) != 1 {
		t.Errorf("want one load generator and nothing else, got %v and %v", slices.Sorted(maps.Keys(r.services)), slices.Sorted(maps.Keys(r.deployments)))
	}
	if args := r.deployments["load"].Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--peers={service}:9898") {
		t.Errorf("want the address of the application, got %v", args)
	}
}

// TestNoRestart shows that a changed game changes no pod: the emulator follows it
// by itself.
func TestNoRestart(t *testing.T) {
	values, _ := game(t, "shop")
	before, err := render(map[string]any{"game": values})
	if err != nil {
		t.Fatal(err)
	}
	values["chaos"] = nil
	after, err := render(map[string]any{"game": values})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.deployments, after.deployments); diff != "" {
		t.Errorf("-before, +after:\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	services := []any{map[string]any{"name": "a"}}
	cases := map[string]struct {
		reason string
		values map[string]any
	}{
		"NoGame":       {"Nothing would run.", nil},
		"UnknownField": {"A typo would be ignored.", map[string]any{"game": map[string]any{"services": services, "loader": []any{}}}},
		"Route":        {"A route must lead somewhere.", map[string]any{"game": map[string]any{"services": services}, "routes": []any{map[string]any{"service": "b"}}}},
		"Protocol":     {"Only what the emulator speaks.", map[string]any{"game": map[string]any{"services": services}, "telemetry": map[string]any{"protocol": "http/json"}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := render(tc.values); err == nil {
				t.Errorf("%s Want an error.", tc.reason)
			}
		})
	}
}
