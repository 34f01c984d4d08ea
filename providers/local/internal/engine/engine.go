// SPDX-License-Identifier: Apache-2.0

// Package engine makes, finds and removes clusters on a container engine: with
// the libraries of kind and k3d what only they know, with the engine's own API
// what has to be quick or has to work on remains.
package engine

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
)

// A Request describes a cluster to make.
type Request struct {
	// Name of the cluster on the engine.
	Name string `json:"name"`
	// Network of the engine that its nodes join.
	Network string `json:"network"`
	// Nodes of the cluster.
	Nodes v1alpha1.NodeParameters `json:"nodes"`
	// Networking of a kind cluster; nil is kind's default.
	Networking *v1alpha1.KindNetworking `json:"networking,omitempty"`
	// Disable parts of k3s.
	Disable []v1alpha1.K3sFeature `json:"disable,omitempty"`
}

// An Observation is what the engine and the API server say of a cluster.
type Observation struct {
	// Nodes that are there, in any state, by name. A cluster without is not there.
	Nodes []v1alpha1.NodeStatus
	// HasLeftovers says that there are volumes and no nodes.
	HasLeftovers bool
	// Complete says that its creation came to its end.
	Complete bool
	// Stopped says that a node does not run.
	Stopped bool
	// Ready says that the API server answered /readyz.
	Ready bool
	// Unready says why it is not Ready.
	Unready string
	// Version of Kubernetes; empty while the API server is silent.
	Version string
	// Architecture of the machine; empty while the API server is silent.
	Architecture string
	// Endpoint and ExternalEndpoint of the API server.
	Endpoint, ExternalEndpoint string
	// Kubeconfig and ExternalKubeconfig to go with them.
	Kubeconfig, ExternalKubeconfig []byte
}

// Roles of nodes.
const (
	roleControlPlane = "control-plane"
	roleWorker       = "worker"
	roleLoadBalancer = "load-balancer"
)

// marker is a file on the first control plane. It is written last, and stays
// with the container: where it is, the creation came to its end.
const marker = "/etc/observe-k8s-complete"

// settleTime is what it takes a busy engine to make a container of a large image.
const settleTime = 5 * time.Second

// apiPort is the port of the API server in its container.
const apiPort = 6443

// A Docker is what is used of the engine's API.
type Docker interface {
	ContainerList(ctx context.Context, options container.ListOptions) ([]container.Summary, error)
	ContainerStart(ctx context.Context, id string, options container.StartOptions) error
	ContainerRemove(ctx context.Context, id string, options container.RemoveOptions) error
	volumes
	copier
}

// volumes that have names.
type volumes interface {
	VolumeList(ctx context.Context, options volume.ListOptions) (volume.ListResponse, error)
	VolumeRemove(ctx context.Context, name string, force bool) error
}

// An Engine runs clusters of one tool on one container engine.
type Engine struct {
	tool    Tool
	network string
	docker  Docker
	run     Runner
	// settle is how long the engine may take for what nobody waits for any more.
	settle time.Duration

	mu     sync.Mutex
	known  map[string]*access
	marked map[string]bool
}

// New returns an Engine for clusters of a tool on the container engine at a
// docker host, whose nodes join a network.
func New(tool Tool, host, network string) (*Engine, error) {
	c, err := client.NewClientWithOpts(client.WithHost(host), client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, errors.Wrapf(err, "cannot use the container engine at %s", host)
	}
	e := newEngine(tool, network, c, Subprocess{Tool: tool.Name, Host: host, Network: network})
	e.settle = settleTime
	return e, nil
}

func newEngine(tool Tool, network string, d Docker, r Runner) *Engine {
	return &Engine{tool: tool, network: network, docker: d, run: r, known: map[string]*access{}, marked: map[string]bool{}}
}

// Create makes a cluster, after removing what is there of its name. It takes
// minutes, and tells step what it is doing. Ending ctx ends it, and leaves what
// is there by then.
func (e *Engine) Create(ctx context.Context, r Request, step func(string)) error {
	r.Network = e.network
	step("Removing remains")
	if err := e.Delete(ctx, r.Name); err != nil {
		return errors.Wrap(err, "cannot remove what is left of an earlier attempt")
	}
	if err := e.run.Create(ctx, r, step); err != nil {
		if ctx.Err() != nil {
			// Whoever interrupts it removes what is there, and the engine may still be
			// at what it was told last.
			time.Sleep(e.settle)
		}
		return err
	}
	nodes, err := e.containers(ctx, r.Name)
	if err != nil {
		return err
	}
	step("Configuring nodes")
	for _, n := range nodes {
		if files := e.tool.files(r); len(files) > 0 && n.role != roleLoadBalancer {
			if err := writeFiles(ctx, e.docker, n.id, files); err != nil {
				return errors.Wrapf(err, "cannot configure node %s", n.name)
			}
		}
	}
	first, ok := firstControlPlane(nodes)
	if !ok {
		return errors.Errorf("%s made no control plane", e.tool.Name)
	}
	return errors.Wrap(writeFiles(ctx, e.docker, first.id, map[string]string{marker: e.tool.Name + "\n"}), "cannot note that the cluster is complete")
}

// Start the nodes of a cluster that do not run.
func (e *Engine) Start(ctx context.Context, name string) error {
	nodes, err := e.containers(ctx, name)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.state == stateRunning {
			continue
		}
		if err := e.docker.ContainerStart(ctx, n.id, container.StartOptions{}); err != nil {
			return errors.Wrapf(err, "cannot start node %s", n.name)
		}
	}
	return nil
}

// Delete whatever there is of a cluster, complete or not. What vanishes
// meanwhile is fine.
func (e *Engine) Delete(ctx context.Context, name string) error {
	nodes, err := e.containers(ctx, name)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		err := e.docker.ContainerRemove(ctx, n.id, container.RemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil && !errdefs.IsNotFound(err) && !strings.Contains(err.Error(), "is already in progress") {
			return errors.Wrapf(err, "cannot remove node %s", n.name)
		}
	}
	e.invalidateCache(name)
	// Volumes without a name went with their nodes.
	volumes, err := e.volumes(ctx, name)
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if err := e.docker.VolumeRemove(ctx, v, true); err != nil && !errdefs.IsNotFound(err) {
			return errors.Wrapf(err, "cannot remove volume %s", v)
		}
	}
	return nil
}

// volumes of a cluster that have names.
func (e *Engine) volumes(ctx context.Context, name string) ([]string, error) {
	found, err := e.docker.VolumeList(ctx, volume.ListOptions{Filters: filters.NewArgs(filters.Arg("label", e.tool.clusterLabel+"="+name))})
	if err != nil {
		return nil, errors.Wrap(err, "cannot reach the container engine")
	}
	names := make([]string, 0, len(found.Volumes))
	for _, v := range found.Volumes {
		names = append(names, v.Name)
	}
	return names, nil
}

// Observe a cluster. The container engine's silence is an error; that of the API
// server is not.
func (e *Engine) Observe(ctx context.Context, name string) (Observation, error) {
	nodes, err := e.containers(ctx, name)
	if err != nil {
		return Observation{}, err
	}
	o := Observation{}
	for _, n := range nodes {
		o.Nodes = append(o.Nodes, v1alpha1.NodeStatus{Name: n.name, Role: n.role, State: n.state})
		o.Stopped = o.Stopped || n.state != stateRunning
	}
	if len(nodes) == 0 {
		left, err := e.volumes(ctx, name)
		if err != nil {
			return o, err
		}
		o.HasLeftovers = len(left) > 0
	}
	first, ok := firstControlPlane(nodes)
	if !ok {
		e.invalidateCache(name)
		return o, nil
	}
	if o.Complete, err = e.complete(ctx, first); err != nil {
		return o, err
	}
	front := apiServerNode(nodes, first)
	if first.state != stateRunning || front.ip == "" {
		o.Unready = "node " + first.name + " does not run"
		return o, nil
	}
	e.probe(ctx, name, first, front, &o)
	return o, nil
}

// complete says whether the cluster of a control plane is complete.
func (e *Engine) complete(ctx context.Context, first node) (bool, error) {
	e.mu.Lock()
	known := e.marked[first.id]
	e.mu.Unlock()
	if known {
		return true, nil
	}
	_, err := e.docker.ContainerStatPath(ctx, first.id, marker)
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, errors.Wrap(err, "cannot see whether the cluster is complete")
	}
	e.mu.Lock()
	e.marked[first.id] = true
	e.mu.Unlock()
	return true, nil
}

// invalidateCache what is known of a cluster.
func (e *Engine) invalidateCache(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a, ok := e.known[name]; ok {
		delete(e.marked, a.id)
		a.http.CloseIdleConnections()
	}
	delete(e.known, name)
}

const stateRunning = "running"

// A node is a container of a cluster.
type node struct {
	id, name, role, state string
	// ip on the engine's network; empty if the container does not run.
	ip string
	// published address of the API server on the machine; empty if it is not.
	published string
}

// containers of a cluster, by name.
func (e *Engine) containers(ctx context.Context, name string) ([]node, error) {
	found, err := e.docker.ContainerList(ctx, container.ListOptions{
		All:     true,
		Filters: filters.NewArgs(filters.Arg("label", e.tool.clusterLabel+"="+name)),
	})
	if err != nil {
		return nil, errors.Wrap(err, "cannot reach the container engine")
	}
	nodes := make([]node, 0, len(found))
	for _, c := range found {
		n := node{id: c.ID, name: strings.TrimPrefix(slices.Min(append(c.Names, "/~")), "/"), role: e.tool.role(c.Labels), state: c.State}
		n.ip = e.address(c)
		for _, p := range c.Ports {
			if p.PrivatePort == apiPort && p.PublicPort != 0 {
				n.published = "https://" + loopbackIfAny(p.IP) + ":" + strconv.Itoa(int(p.PublicPort))
			}
		}
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.name, b.name) })
	return nodes, nil
}

// address of a container on the engine's network, or on the first other one.
func (e *Engine) address(c container.Summary) string {
	if c.NetworkSettings == nil {
		return ""
	}
	if n, ok := c.NetworkSettings.Networks[e.network]; ok && n != nil {
		return n.IPAddress
	}
	names := []string{}
	for name := range c.NetworkSettings.Networks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if n := c.NetworkSettings.Networks[name]; n != nil && n.IPAddress != "" {
			return n.IPAddress
		}
	}
	return ""
}

// loopbackIfAny is an address that a person can connect to.
func loopbackIfAny(ip string) string {
	if a, err := netip.ParseAddr(ip); err != nil || a.IsUnspecified() {
		return "127.0.0.1"
	}
	return ip
}

// firstControlPlane of the nodes, which come by name.
func firstControlPlane(nodes []node) (node, bool) {
	i := slices.IndexFunc(nodes, func(n node) bool { return n.role == roleControlPlane })
	if i < 0 {
		return node{}, false
	}
	return nodes[i], true
}

// apiServerNode a cluster is the node at which its API server is reached.
func apiServerNode(nodes []node, first node) node {
	i := slices.IndexFunc(nodes, func(n node) bool { return n.role == roleLoadBalancer })
	if i < 0 {
		return first
	}
	return nodes[i]
}
