// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	kinderrors "sigs.k8s.io/kind/pkg/errors"
	kindexec "sigs.k8s.io/kind/pkg/exec"
)

var errBoom = errors.New("boom")

// A fakeDocker holds containers and their files.
type fakeDocker struct {
	containers []container.Summary
	volumes    []*volume.Volume
	files      map[string]string
	// fail is returned for the call of that name.
	fail  map[string]error
	calls []string
}

func (f *fakeDocker) call(what string) error {
	f.calls = append(f.calls, what)
	name, _, _ := strings.Cut(what, " ")
	return f.fail[name]
}

func (f *fakeDocker) ContainerList(_ context.Context, o container.ListOptions) ([]container.Summary, error) {
	if err := f.call("list"); err != nil {
		return nil, err
	}
	var out []container.Summary
	for _, c := range f.containers {
		if o.Filters.MatchKVList("label", c.Labels) {
			out = append(out, c)
		}
	}
	return out, nil
}

func (f *fakeDocker) ContainerStart(_ context.Context, id string, _ container.StartOptions) error {
	return f.call("start " + id)
}

func (f *fakeDocker) ContainerRemove(_ context.Context, id string, o container.RemoveOptions) error {
	if !o.Force || !o.RemoveVolumes {
		return errors.New("volumes or running containers would stay")
	}
	if err := f.call("remove " + id); err != nil {
		return err
	}
	f.containers = slices.DeleteFunc(f.containers, func(c container.Summary) bool { return c.ID == id })
	return nil
}

func (f *fakeDocker) VolumeList(_ context.Context, o volume.ListOptions) (volume.ListResponse, error) {
	if err := f.call("volumes"); err != nil {
		return volume.ListResponse{}, err
	}
	out := volume.ListResponse{}
	for _, v := range f.volumes {
		if o.Filters.MatchKVList("label", v.Labels) {
			out.Volumes = append(out.Volumes, v)
		}
	}
	return out, nil
}

func (f *fakeDocker) VolumeRemove(_ context.Context, name string, _ bool) error {
	if err := f.call("volume " + name); err != nil {
		return err
	}
	f.volumes = slices.DeleteFunc(f.volumes, func(v *volume.Volume) bool { return v.Name == name })
	return nil
}

func (f *fakeDocker) ContainerStatPath(_ context.Context, id, path string) (container.PathStat, error) {
	if err := f.call("stat " + id); err != nil {
		return container.PathStat{}, err
	}
	if _, ok := f.files[id+path]; !ok {
		return container.PathStat{}, errdefs.ErrNotFound
	}
	return container.PathStat{}, nil
}

func (f *fakeDocker) CopyToContainer(_ context.Context, id, path string, content io.Reader, _ container.CopyToContainerOptions) error {
	if err := f.call("write " + id); err != nil {
		return err
	}
	r := tar.NewReader(content)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		f.files[id+path+h.Name] = string(b)
	}
}

func (f *fakeDocker) CopyFromContainer(_ context.Context, id, path string) (io.ReadCloser, container.PathStat, error) {
	if err := f.call("read " + id); err != nil {
		return nil, container.PathStat{}, err
	}
	content, ok := f.files[id+path]
	if !ok {
		return nil, container.PathStat{}, errdefs.ErrNotFound
	}
	b := &bytes.Buffer{}
	w := tar.NewWriter(b)
	_ = w.WriteHeader(&tar.Header{Name: path, Size: int64(len(content))})
	_, _ = io.WriteString(w, content)
	_ = w.Close()
	return io.NopCloser(b), container.PathStat{}, nil
}

// A fakeRunner makes containers instead of clusters.
type fakeRunner struct {
	docker *fakeDocker
	err    error
}

func (f fakeRunner) Create(_ context.Context, r Request, step func(string)) error {
	step("Preparing nodes")
	f.docker.containers = append(f.docker.containers, kindNode("new", r.Name, "control-plane", "running"), kindNode("new2", r.Name, "worker", "running"))
	return f.err
}

func kindNode(id, cluster, role, state string) container.Summary {
	c := container.Summary{
		ID: id, Names: []string{"/" + cluster + "-" + role}, State: state,
		Labels: map[string]string{"io.x-k8s.kind.cluster": cluster, "io.x-k8s.kind.role": role},
	}
	if state == stateRunning {
		c.NetworkSettings = &container.NetworkSettingsSummary{Networks: map[string]*network.EndpointSettings{
			"bridge": {IPAddress: "10.0.0.1"}, "kind": {IPAddress: "10.0.0.2"},
		}}
		c.Ports = []container.Port{{PrivatePort: 6443, PublicPort: 40000, IP: "0.0.0.0"}}
	}
	return c
}

func fake(cs ...container.Summary) *fakeDocker {
	return &fakeDocker{containers: cs, files: map[string]string{}, fail: map[string]error{}}
}

func TestCreate(t *testing.T) {
	d := fake(kindNode("old", "demo", "worker", "exited"), kindNode("other", "other", "control-plane", "running"))
	e := newEngine(Kind(), "kind", d, fakeRunner{docker: d})
	var steps []string
	r := Request{Name: "demo", Nodes: v1alpha1.NodeParameters{RegistryMirrors: []v1alpha1.RegistryMirror{{Registry: "*", Endpoints: []string{"http://m"}}}}}
	if err := e.Create(t.Context(), r, func(s string) { steps = append(steps, s) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Removing remains", "Preparing nodes", "Configuring nodes"}, steps); diff != "" {
		t.Errorf("steps: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"list", "remove old", "volumes", "list", "write new", "write new2", "write new"}, d.calls); diff != "" {
		t.Errorf("calls: -want, +got:\n%s", diff)
	}
	if d.files["new"+marker] == "" || d.files["new2/etc/containerd/certs.d/_default/hosts.toml"] == "" {
		t.Errorf("files: %v", d.files)
	}
}

func TestCreateFails(t *testing.T) {
	d := fake()
	e := newEngine(Kind(), "kind", d, fakeRunner{docker: d, err: errBoom})
	if err := e.Create(t.Context(), Request{Name: "demo"}, func(string) {}); !errors.Is(err, errBoom) {
		t.Errorf("got %v", err)
	}
	o, err := e.Observe(t.Context(), "demo")
	if err != nil || o.Complete || len(o.Nodes) != 2 {
		t.Errorf("what a failed creation left passes for a cluster: %+v, %v", o, err)
	}
}

// TestCreateInterrupted shows that an interrupted creation ends when the engine
// has had the time for what it was told last.
func TestCreateInterrupted(t *testing.T) {
	d := fake()
	e := newEngine(Kind(), "kind", d, fakeRunner{docker: d, err: errBoom})
	e.settle = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if err := e.Create(ctx, Request{Name: "demo"}, func(string) {}); !errors.Is(err, errBoom) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took < e.settle {
		t.Errorf("it ended after %s, and what the engine still makes would stay", took)
	}
}

func TestDelete(t *testing.T) {
	cases := map[string]struct {
		reason string
		fail   error
		want   error
	}{
		"There":    {reason: "What is there is removed."},
		"Vanished": {reason: "Somebody else was faster.", fail: errdefs.ErrNotFound},
		"Removing": {reason: "Somebody else is at it.", fail: errors.New("removal of container a is already in progress")},
		"Refused":  {reason: "What cannot be removed is reported.", fail: errBoom, want: errBoom},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := fake(kindNode("a", "demo", "control-plane", "running"), kindNode("b", "demo", "worker", "created"))
			d.fail["remove"] = tc.fail
			if err := newEngine(Kind(), "kind", d, nil).Delete(t.Context(), "demo"); !errors.Is(err, tc.want) {
				t.Errorf("\n%s\nwant %v, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

// TestDeleteVolumes shows that the volumes of a cluster go with it, and those of
// others stay.
func TestDeleteVolumes(t *testing.T) {
	d := fake(container.Summary{ID: "a", Names: []string{"/k3d-demo-server-0"}, Labels: map[string]string{"k3d.cluster": "demo", "k3d.role": "server"}})
	d.volumes = []*volume.Volume{{Name: "k3d-demo-images", Labels: map[string]string{"k3d.cluster": "demo"}}, {Name: "k3d-other-images", Labels: map[string]string{"k3d.cluster": "other"}}}
	e := newEngine(K3d(), "kind", d, nil)
	d.fail["volume"] = errBoom
	if err := e.Delete(t.Context(), "demo"); !errors.Is(err, errBoom) {
		t.Errorf("a volume that cannot be removed: got %v", err)
	}
	if o, err := e.Observe(t.Context(), "demo"); err != nil || !o.HasLeftovers || len(o.Nodes) > 0 {
		t.Errorf("a volume is left: got %+v, %v", o, err)
	}
	d.fail["volume"] = errdefs.ErrNotFound
	if err := e.Delete(t.Context(), "demo"); err != nil {
		t.Errorf("somebody else was faster: got %v", err)
	}
	d.fail["volume"] = nil
	if err := e.Delete(t.Context(), "demo"); err != nil {
		t.Error(err)
	}
	if o, err := e.Observe(t.Context(), "demo"); err != nil || o.HasLeftovers || len(d.volumes) != 1 {
		t.Errorf("nothing is left: got %+v, %v, %v", o, err, d.volumes)
	}
}

func TestStart(t *testing.T) {
	d := fake(kindNode("a", "demo", "control-plane", "exited"), kindNode("b", "demo", "worker", "running"))
	if err := newEngine(Kind(), "kind", d, nil).Start(t.Context(), "demo"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"list", "start a"}, d.calls); diff != "" {
		t.Errorf("calls: -want, +got:\n%s", diff)
	}
}

// TestObserve observes a cluster whose API server is a test server, and shows
// what is remembered between two observations.
func TestObserve(t *testing.T) {
	healthy := true
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" && !healthy {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, `{"gitVersion": "v1.36.3", "platform": "linux/arm64"}`)
	}))
	defer s.Close()

	d := fake(kindNode("a", "demo", "control-plane", "running"))
	e := newEngine(Kind(), "kind", d, nil)
	o, err := e.Observe(t.Context(), "demo")
	if err != nil || o.Ready || o.Complete || o.Unready != "the control plane has no kubeconfig yet" {
		t.Errorf("before it has a kubeconfig: %+v, %v", o, err)
	}

	d.files["a"+marker] = "kind\n"
	d.files["a/etc/kubernetes/admin.conf"] = kubeconfig(t)
	if o, err = e.Observe(t.Context(), "demo"); err != nil || o.Ready || !o.Complete || o.Endpoint != "https://10.0.0.2:6443" || o.ExternalEndpoint != "https://127.0.0.1:40000" {
		t.Errorf("while its API server is silent: %+v, %v", o, err)
	}
	internal, err := clientcmd.Load(o.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if c := internal.Clusters["demo"]; c.Server != "https://10.0.0.2:6443" || c.TLSServerName != "kubernetes" || internal.AuthInfos["demo"].Token != "secret" {
		t.Errorf("kubeconfig: %s", o.Kubeconfig)
	}

	// An address of the test cannot be that of a container.
	e.known["demo"] = &access{id: "a", endpoint: "https://10.0.0.2:6443", external: "https://127.0.0.1:40000", http: &http.Client{Transport: redirect{to: s}}}
	if o, err = e.Observe(t.Context(), "demo"); err != nil || !o.Ready || o.Version != "v1.36.3" || o.Architecture != "arm64" {
		t.Errorf("when it answers: %+v, %v", o, err)
	}
	d.calls = nil
	if o, err = e.Observe(t.Context(), "demo"); err != nil || !o.Ready {
		t.Errorf("again: %+v, %v", o, err)
	}
	if diff := cmp.Diff([]string{"list"}, d.calls); diff != "" {
		t.Errorf("an observation of what is known asks the engine once: -want, +got:\n%s", diff)
	}
	healthy = false
	if o, err = e.Observe(t.Context(), "demo"); err != nil || o.Ready || !strings.Contains(o.Unready, "500") {
		t.Errorf("when it is not healthy: %+v, %v", o, err)
	}

	d.fail["list"] = errBoom
	if _, err := e.Observe(t.Context(), "demo"); !errors.Is(err, errBoom) {
		t.Errorf("a silent engine: %v", err)
	}
}

// redirect sends every request to a test server.
type redirect struct{ to *httptest.Server }

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Host = strings.TrimPrefix(r.to.URL, "https://")
	return r.to.Client().Transport.RoundTrip(req)
}

func kubeconfig(t *testing.T) string {
	t.Helper()
	c := api.NewConfig()
	c.CurrentContext = "x"
	c.Contexts["x"] = &api.Context{Cluster: "y", AuthInfo: "z"}
	c.Clusters["y"] = &api.Cluster{Server: "https://127.0.0.1:1"}
	c.AuthInfos["z"] = &api.AuthInfo{Token: "secret"}
	b, err := clientcmd.Write(*c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRoles(t *testing.T) {
	d := fake(
		container.Summary{ID: "1", Names: []string{"/k3d-demo-serverlb"}, State: "running", Labels: map[string]string{"k3d.cluster": "demo", "k3d.role": "loadbalancer"}},
		container.Summary{ID: "2", Names: []string{"/k3d-demo-server-0"}, State: "running", Labels: map[string]string{"k3d.cluster": "demo", "k3d.role": "server"}},
		container.Summary{ID: "3", Names: []string{"/k3d-demo-tools"}, State: "running", Labels: map[string]string{"k3d.cluster": "demo", "k3d.role": "noRole"}},
	)
	nodes, err := newEngine(K3d(), "kind", d, nil).containers(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range nodes {
		got = append(got, n.name+" "+n.role)
	}
	if diff := cmp.Diff([]string{"k3d-demo-server-0 control-plane", "k3d-demo-serverlb load-balancer", "k3d-demo-tools helper"}, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	first, _ := firstControlPlane(nodes)
	if front := apiServerNode(nodes, first); first.id != "2" || front.id != "1" {
		t.Errorf("first %+v, front %+v", first, front)
	}
}

// TestExplain shows what is told of a command's output, and what is not.
func TestExplain(t *testing.T) {
	cases := map[string]struct {
		reason string
		about  string
		output string
		want   string
	}{
		"About": {
			reason: "What the command was about is told, too.",
			about:  "failed to pull image \"a:1\"",
			output: "Error response from daemon: connection refused\n",
			want:   "failed to pull image \"a:1\"; Error response from daemon: connection refused",
		},
		"DiskFull": {
			reason: "What went wrong is told.",
			output: "9f1c\ndocker: Error response from daemon: mkdir /var/lib: no space left on device.\n",
			want:   "docker: Error response from daemon: mkdir /var/lib: no space left on device.",
		},
		"Token": {
			reason: "A token that joins the cluster is not.",
			output: "error: kubeadm join 10.0.0.2:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash sha256:" + strings.Repeat("a", 64) + " --certificate-key " + strings.Repeat("b", 64) + "\n",
			want:   "error: kubeadm join 10.0.0.2:6443 … --discovery-token-ca-cert-hash … …",
		},
		"Silent": {
			reason: "A command that says nothing is named.",
			output: "I1122 nothing to see\n",
			want:   "a command failed: docker",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var err error = &kindexec.RunError{Command: []string{"docker", "run"}, Output: []byte(tc.output), Inner: errBoom}
			if tc.about != "" {
				err = kinderrors.Wrap(err, tc.about)
			}
			if diff := cmp.Diff(tc.want, explain(err)); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestSteps shows what is heard of kind.
func TestSteps(t *testing.T) {
	var got []string
	l := kindLogger{step: func(s string) { got = append(got, s) }}
	l.V(0).Infof(" • %s  ...\n", "Preparing nodes 📦 ")
	l.V(0).Infof(" ✓ %s\n", "Preparing nodes 📦 ")
	l.V(1).Info(" • too much")
	l.Warn("deprecated")
	if diff := cmp.Diff([]string{"Preparing nodes"}, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}
