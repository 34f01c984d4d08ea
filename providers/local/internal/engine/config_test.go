// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/k3d-io/k3d/v5/pkg/config"
	"github.com/k3d-io/k3d/v5/pkg/config/v1alpha5"
	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/yaml"
)

// full is a request with everything that both tools have.
func full() Request {
	return Request{
		Name:    "demo-1",
		Network: "kind",
		Nodes: v1alpha1.NodeParameters{
			Version:         new("1.36"),
			ControlPlanes:   3,
			Workers:         1,
			Ports:           []v1alpha1.PortMapping{{HostPort: 8080, ContainerPort: 30080, ListenAddress: "127.0.0.1", Protocol: "TCP"}},
			RegistryMirrors: []v1alpha1.RegistryMirror{{Registry: "*", Endpoints: []string{"http://10.0.0.1:5000"}}, {Registry: "docker.io", Endpoints: []string{"https://mirror.example.org/v2", "https://other.example.org"}}},
			Labels:          map[string]v1alpha1.LabelValue{"b": "2", "a": "1"},
		},
		Networking: &v1alpha1.KindNetworking{PodSubnet: "10.1.0.0/16", ServiceSubnet: "10.2.0.0/16", KubeProxyMode: "nftables", DisableDefaultCNI: true},
		Disable:    []v1alpha1.K3sFeature{"traefik"},
	}
}

func TestKindConfig(t *testing.T) {
	got, err := KindConfig(full())
	if err != nil {
		t.Fatal(err)
	}
	image, l := kindImages()["1.36"], map[string]string{"a": "1", "b": "2"}
	want := &v1alpha4.Cluster{
		TypeMeta:   v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		Name:       "demo-1",
		Networking: v1alpha4.Networking{PodSubnet: "10.1.0.0/16", ServiceSubnet: "10.2.0.0/16", KubeProxyMode: "nftables", DisableDefaultCNI: true},
		Nodes: []v1alpha4.Node{
			{Role: "control-plane", Image: image, Labels: l, ExtraPortMappings: []v1alpha4.PortMapping{{HostPort: 8080, ContainerPort: 30080, ListenAddress: "127.0.0.1", Protocol: "TCP"}}},
			{Role: "control-plane", Image: image, Labels: l},
			{Role: "control-plane", Image: image, Labels: l},
			{Role: "worker", Image: image, Labels: l},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

func TestK3dConfig(t *testing.T) {
	r := full()
	got, err := K3dConfig(r)
	if err != nil {
		t.Fatal(err)
	}
	if got.Image != k3sImages()["1.36"] || got.Network != "kind" || got.Servers != 3 || got.Agents != 1 || got.Options.K3dOptions.DisableLoadbalancer {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]v1alpha5.PortWithNodeFilters{{Port: "127.0.0.1:8080:30080/tcp", NodeFilters: []string{"server:0:direct"}}}, got.Ports); diff != "" {
		t.Errorf("ports: -want, +got:\n%s", diff)
	}
	if got.Options.KubeconfigOptions.UpdateDefaultKubeconfig {
		t.Error("it would write to the kubeconfig of whoever runs it")
	}
	want := `{"mirrors":{"*":{"endpoint":["http://10.0.0.1:5000"]},"docker.io":{"endpoint":["https://mirror.example.org/v2","https://other.example.org"]}}}` + "\n"
	if diff := cmp.Diff(want, got.Registries.Config); diff != "" {
		t.Errorf("mirrors: -want, +got:\n%s", diff)
	}
	r.Nodes.ControlPlanes = 1
	if got, err = K3dConfig(r); err != nil || !got.Options.K3dOptions.DisableLoadbalancer {
		t.Errorf("a single server needs no load balancer: %+v, %v", got, err)
	}
}

func TestMirrorFiles(t *testing.T) {
	want := map[string]string{
		"/etc/containerd/certs.d/_default/hosts.toml":  "[host.\"http://10.0.0.1:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n",
		"/etc/containerd/certs.d/docker.io/hosts.toml": "[host.\"https://mirror.example.org/v2\"]\n  capabilities = [\"pull\", \"resolve\"]\n  override_path = true\n[host.\"https://other.example.org\"]\n  capabilities = [\"pull\", \"resolve\"]\n",
	}
	if diff := cmp.Diff(want, containerdMirrors(full())); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

// TestVersions shows that every version that the schema admits has images.
func TestVersions(t *testing.T) {
	for _, v := range []string{"1.34", "1.35", "1.36", "1.37"} {
		for tool, images := range map[string]map[string]string{KindName: kindImages(), K3dName: k3sImages()} {
			if _, err := imageFor(v1alpha1.NodeParameters{Version: &v}, images); err != nil {
				t.Errorf("%s: %v", tool, err)
			}
			if len(images) != 4 {
				t.Errorf("%s has images that the schema does not admit: %v", tool, images)
			}
		}
	}
	if _, err := imageFor(v1alpha1.NodeParameters{Version: new("1.12")}, kindImages()); err == nil {
		t.Error("an image for an unknown version")
	}
}

// FuzzConfig shows that whatever is asked for becomes a configuration that the
// tools themselves read without a complaint, and that says what was asked for.
func FuzzConfig(f *testing.F) {
	seed, err := json.Marshal(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"name":"a","nodes":{"image":"x:1","labels":{"a\"b":"\n"},"registryMirrors":[{"registry":"a: b","endpoints":["\"\n- x"]}]}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := Request{}
		d := json.NewDecoder(bytes.NewReader(in))
		d.DisallowUnknownFields()
		if d.Decode(&r) != nil || r.Nodes.Workers > 100 || r.Nodes.ControlPlanes > 100 || unprintable(r) {
			return
		}
		k, err := KindConfig(r)
		if err == nil {
			roundTrip(t, k, &v1alpha4.Cluster{})
			if len(k.Nodes) != int(max(1, r.Nodes.ControlPlanes))+int(max(0, r.Nodes.Workers)) {
				t.Errorf("want %d+%d nodes, got %d", r.Nodes.ControlPlanes, r.Nodes.Workers, len(k.Nodes))
			}
		}
		c, err := K3dConfig(r)
		if err != nil {
			return
		}
		roundTrip(t, &c, &v1alpha5.SimpleConfig{})
		if err := config.ProcessSimpleConfig(&c); err != nil {
			t.Error(err)
		}
		mirrors := struct {
			Mirrors map[string]struct {
				Endpoint []string `json:"endpoint"`
			} `json:"mirrors"`
		}{}
		if err := yaml.UnmarshalStrict([]byte(c.Registries.Config), &mirrors); err != nil {
			t.Errorf("mirrors: %v in %q", err, c.Registries.Config)
		}
	})
}

// unprintable says that a request has characters that YAML cannot have. The
// schema admits none of them, and the tools themselves refuse them.
func unprintable(r Request) bool {
	b, err := json.Marshal(r)
	return err != nil || bytes.ContainsFunc(b, func(c rune) bool { return c != ' ' && !unicode.IsGraphic(c) })
}

// roundTrip writes a configuration as YAML, reads it strictly with the tool's own
// type, and compares.
func roundTrip[T any](t *testing.T, in, out *T) {
	t.Helper()
	b, err := yaml.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(b, out); err != nil {
		t.Fatalf("cannot be read: %v\n%s", err, b)
	}
	again, err := yaml.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(b), string(again)); diff != "" {
		t.Errorf("reads as something else: -want, +got:\n%s", diff)
	}
}
