// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/controlplane/checkout"
)

// A registry holds packages for the cluster.
type registry struct {
	// push is HOST:PORT as this machine reaches it, pull as the cluster does.
	push, pull string
	// everything says that it has the packages and images of others, too, below
	// their own names.
	everything bool
}

// The registry's container, and its name on the network: Crossplane talks plain
// HTTP to names that end with .local.
const (
	registryContainer = "-registry"
	registryHost      = "registry.observe-k8s.local"
	registryPort      = "5000"
)

// startRegistry starts a registry beside the cluster, unless there is a mirror or
// the packages are released ones.
func (c UpOptions) startRegistry(ctx context.Context) (registry, error) {
	if c.Mirror != "" {
		return registry{push: c.Mirror, pull: c.Mirror, everything: true}, nil
	}
	if c.Checkout == "" {
		return registry{}, nil
	}
	name := c.Name + registryContainer
	if _, err := docker(ctx, "inspect", name); err != nil {
		if _, err := docker(ctx, "run", "--detach", "--restart=always", "--name", name, "--network", network, "--network-alias", registryHost,
			"--publish", "127.0.0.1::"+registryPort, c.Registry); err != nil {
			return registry{}, err
		}
	}
	if _, err := docker(ctx, "start", name); err != nil {
		return registry{}, err
	}
	addr, err := docker(ctx, "port", name, registryPort+"/tcp")
	if err != nil {
		return registry{}, err
	}
	first, _, _ := strings.Cut(addr, "\n")
	return registry{push: first, pull: registryHost + ":" + registryPort}, nil
}

// trust lets the nodes pull from the registry without TLS. Where it has
// everything, they ask it for everything.
func (r registry) trust(ctx context.Context, nodes []string) error {
	folders := []string{r.pull}
	if r.everything {
		folders = append(folders, "_default")
	}
	for _, n := range nodes {
		for _, f := range folders {
			dir := "/etc/containerd/certs.d/" + f
			if _, err := docker(ctx, "exec", n, "mkdir", "-p", dir); err != nil {
				return err
			}
			cmd := exec.CommandContext(ctx, "docker", "exec", "--interactive", n, "tee", dir+"/hosts.toml")
			cmd.Stdin = strings.NewReader("[host.\"http://" + r.pull + "\"]\n  capabilities = [\"pull\", \"resolve\"]\n")
			if out, err := cmd.CombinedOutput(); err != nil {
				return errors.Wrapf(err, "cannot write %s of node %s: %s", f, n, out)
			}
		}
	}
	return nil
}

// prefix of our packages, as the world knows them.
const prefix = "xpkg.crossplane.io/observe-k8s"

// buildPackages builds the packages of the checkout and pushes them.
func (c UpOptions) buildPackages(ctx context.Context, r registry) error {
	flags := []string{"--root", c.Checkout, "--version", c.Version, "--arch", runtime.GOARCH}
	for _, args := range [][]string{{"build"}, {"push", "--insecure", r.push + "/" + r.path(prefix)}} {
		if err := checkout.Go(ctx, c.Checkout, "hack/build", slices.Concat([]string{"run", "."}, args, flags)...); err != nil {
			return err
		}
	}
	return nil
}

// path below which the registry has what the world knows under a name: that
// without the host, as container engines ask mirrors.
func (r registry) path(name string) string {
	_, p, _ := strings.Cut(name, "/")
	return p
}
