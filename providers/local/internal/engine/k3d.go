// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/k3d-io/k3d/v5/pkg/client"
	"github.com/k3d-io/k3d/v5/pkg/config"
	"github.com/k3d-io/k3d/v5/pkg/config/types"
	"github.com/k3d-io/k3d/v5/pkg/config/v1alpha5"
	"github.com/k3d-io/k3d/v5/pkg/logger"
	"github.com/k3d-io/k3d/v5/pkg/runtimes"
	"github.com/k3d-io/k3d/v5/version"
	"github.com/sirupsen/logrus"
)

// k3dVersion is the version of the library, and of the helper images that go
// with it.
const k3dVersion = "5.9.0"

// k3sImages by minor version of Kubernetes (k3s' images on Docker Hub, read
// 2026-11-22).
func k3sImages() map[string]string {
	return map[string]string{
		"1.34": "docker.io/rancher/k3s:v1.34.10-k3s1",
		"1.35": "docker.io/rancher/k3s:v1.35.8-k3s1",
		"1.36": "docker.io/rancher/k3s:v1.36.4-k3s1",
		"1.37": "docker.io/rancher/k3s:v1.37.1-k3s1",
	}
}

// K3dConfig is a request as k3d's own configuration. A single server needs no
// load balancer in front of it. Nobody needs the volume for images, but without
// it k3d cannot start its helper (client.EnsureToolsNode of k3d v5.9.0).
func K3dConfig(r Request) (v1alpha5.SimpleConfig, error) {
	image, err := imageFor(r.Nodes, k3sImages())
	if err != nil {
		return v1alpha5.SimpleConfig{}, err
	}
	servers := max(1, int(r.Nodes.ControlPlanes))
	c := v1alpha5.SimpleConfig{
		TypeMeta:   types.TypeMeta{Kind: "Simple", APIVersion: v1alpha5.ApiVersion},
		ObjectMeta: types.ObjectMeta{Name: r.Name},
		Servers:    servers,
		Agents:     int(r.Nodes.Workers),
		Image:      image,
		Network:    r.Network,
		ExposeAPI:  v1alpha5.SimpleExposureOpts{HostIP: "127.0.0.1"},
		Options: v1alpha5.SimpleConfigOptions{
			K3dOptions: v1alpha5.SimpleConfigOptionsK3d{
				Wait:                true,
				Timeout:             creationLimit,
				DisableLoadbalancer: servers == 1,
				NoRollback:          true,
			},
		},
	}
	for _, d := range r.Disable {
		c.Options.K3sOptions.ExtraArgs = append(c.Options.K3sOptions.ExtraArgs, v1alpha5.K3sArgWithNodeFilters{Arg: "--disable=" + string(d), NodeFilters: []string{"server:*"}})
	}
	for _, l := range sorted(labels(r.Nodes)) {
		filters := []string{"server:*"}
		if r.Nodes.Workers > 0 {
			filters = append(filters, "agent:*")
		}
		c.Options.K3sOptions.NodeLabels = append(c.Options.K3sOptions.NodeLabels, v1alpha5.LabelWithNodeFilters{Label: l, NodeFilters: filters})
	}
	for _, p := range r.Nodes.Ports {
		c.Ports = append(c.Ports, v1alpha5.PortWithNodeFilters{
			Port:        fmt.Sprintf("%s:%d:%d/%s", p.ListenAddress, p.HostPort, p.ContainerPort, strings.ToLower(p.Protocol)),
			NodeFilters: []string{"server:0:direct"},
		})
	}
	if c.Registries.Config, err = k3sMirrors(r); err != nil {
		return v1alpha5.SimpleConfig{}, err
	}
	return c, nil
}

// k3sMirrors is k3s' file for registry mirrors, or nothing without any. It is
// JSON, which k3s reads as YAML; the line break tells k3d that it is no path.
func k3sMirrors(r Request) (string, error) {
	if len(r.Nodes.RegistryMirrors) == 0 {
		return "", nil
	}
	type mirror struct {
		Endpoint []string `json:"endpoint"`
	}
	mirrors := map[string]mirror{}
	for _, m := range r.Nodes.RegistryMirrors {
		mirrors[m.Registry] = mirror{Endpoint: m.Endpoints}
	}
	b, err := json.Marshal(map[string]any{"mirrors": mirrors})
	return string(b) + "\n", errors.Wrap(err, "cannot write the registry mirrors")
}

// sorted labels as key=value.
func sorted(labels map[string]string) []string {
	out := make([]string, 0, len(labels))
	for k, v := range labels {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// createK3d makes a cluster. k3d has one logger for everything, and finds the
// engine by its environment: this is for a process of its own.
func createK3d(ctx context.Context, r Request, step func(string)) error {
	version.HelperVersionOverride = k3dVersion
	logger.Log().SetOutput(io.Discard)
	logger.Log().AddHook(k3dHook{step: step})

	simple, err := K3dConfig(r)
	if err != nil {
		return err
	}
	if err := config.ProcessSimpleConfig(&simple); err != nil {
		return errors.Wrap(err, "cannot process the configuration")
	}
	c, err := config.TransformSimpleToClusterConfig(ctx, runtimes.SelectedRuntime, simple, "")
	if err != nil {
		return errors.Wrap(err, "cannot use the configuration")
	}
	if c, err = config.ProcessClusterConfig(*c); err != nil {
		return errors.Wrap(err, "cannot process the configuration")
	}
	if err := config.ValidateClusterConfig(ctx, runtimes.SelectedRuntime, *c); err != nil {
		return errors.Wrap(err, "cannot use the configuration")
	}
	ctx, cancel := context.WithTimeout(ctx, creationLimit+time.Minute)
	defer cancel()
	if err := client.ClusterRun(ctx, runtimes.SelectedRuntime, c); err != nil {
		return err //nolint:wrapcheck // Where it is explained it is looked through for the command that failed.
	}
	// It only helps to make clusters.
	tools, err := runtimes.SelectedRuntime.GetNodesByLabel(ctx, map[string]string{"k3d.cluster": r.Name, "k3d.role": "noRole"})
	if err != nil {
		// The cluster is there, and a helper that stays goes with it.
		return nil
	}
	for _, n := range tools {
		_ = runtimes.SelectedRuntime.DeleteNode(ctx, n)
	}
	return nil
}

// A k3dHook hears k3d's messages.
type k3dHook struct{ step func(string) }

// Levels that are heard.
func (k3dHook) Levels() []logrus.Level { return []logrus.Level{logrus.InfoLevel} }

// Fire hears one message.
func (h k3dHook) Fire(e *logrus.Entry) error {
	h.step(plain(e.Message))
	return nil
}
