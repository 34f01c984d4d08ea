// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/management"
	"github.com/observe-k8s/observe-k8s/controlplane/checkout"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
)

// defaultVersion of packages that are built from a checkout.
const defaultVersion = "v0.1.0"

// released returns whether this program is a release, so that packages of its
// version are released too.
func released() bool { return regexp.MustCompile(`^v\d+\.\d+\.\d+$`).MatchString(version) }

// upFlags are the flags of a management cluster and its packages.
type upFlags struct {
	management.UpOptions

	root string
}

func (f *upFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.root, "root", "", "build the packages from this checkout of observe-k8s (default for a program that is not a release: found from the working directory upwards)")
	cmd.Flags().StringVar(&f.Packages, "packages", "", "take released packages from this registry, for example xpkg.crossplane.io/observe-k8s (default for a release)")
	cmd.Flags().StringVar(&f.Version, "version", "", "version of the packages (default: the version of this program)")
	cmd.MarkFlagsMutuallyExclusive("root", "packages")
	cmd.Flags().StringVar(&f.Namespace, "namespace", "team-a", "namespace for the first claim")
	cmd.Flags().StringVar(&f.Socket, "socket", "/var/run/docker.sock", "socket of docker on this machine; the provider gets it, which makes it root here")
	cmd.Flags().StringVar(&f.NodeImage, "node-image", "", "image of the cluster's node, instead of kind's own")
	cmd.Flags().StringVar(&f.Registry, "registry", "docker.io/library/registry:3", "image of the registry from which the cluster takes packages that were built here")
	cmd.Flags().StringVar(&f.Mirror, "mirror", "", "HOST:PORT, as the cluster connects to it, of a registry without TLS that has every image and package below its own name; packages that were built here are pushed to it")
}

// up makes the management cluster, with packages from a checkout unless released
// ones are asked for or this program is a release.
func (f *upFlags) up(ctx context.Context, c management.Cluster, timeout time.Duration) error {
	o := f.UpOptions
	o.Cluster, o.Timeout = c, timeout
	if f.Packages == "" && (f.root != "" || !released()) {
		root, err := checkout.Find(f.root)
		if err != nil {
			return fmt.Errorf("cannot build the packages: %w, or pass --packages xpkg.crossplane.io/observe-k8s --version VERSION for released ones", err)
		}
		o.Checkout = root
	}
	if o.Version == "" {
		o.Version = defaultVersion
		if released() {
			o.Version = version
		}
	}
	return management.Up(ctx, o)
}

// addClusterFlags adds the flags that say which management cluster is meant.
func addClusterFlags(cmd *cobra.Command, c *management.Cluster) {
	cmd.Flags().StringVar(&c.Name, "name", "observe-k8s", "name of the management cluster")
	cmd.Flags().StringVar(&c.Kubeconfig, "kubeconfig", "", "file for its kubeconfig (default: ~/.kube/NAME.kubeconfig)")
}

// complete a cluster by what follows from the rest.
func complete(cmd *cobra.Command, c management.Cluster) management.Cluster {
	c.Output = cmd.OutOrStdout()
	if c.Kubeconfig == "" {
		c.Kubeconfig = filepath.Join(clientcmd.RecommendedConfigDir, c.Name+".kubeconfig")
	}
	return c
}

// newUpCommand returns the command that makes a management cluster.
func newUpCommand() *cobra.Command {
	f, c, timeout := upFlags{}, management.Cluster{}, time.Duration(0)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Create a kind management cluster with observe-k8s, or update it",
		Long: `Create a kind management cluster with Crossplane and observe-k8s on this machine,
or update it. This needs docker.

A release of this program installs the packages of its own version. Any other
build of it builds the packages, which needs Go and a checkout.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.up(cmd.Context(), complete(cmd, c), timeout)
		},
	}
	f.addTo(cmd)
	addClusterFlags(cmd, &c)
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "how long a step may take")
	return cmd
}

// newDownCommand returns the command that deletes a management cluster.
func newDownCommand() *cobra.Command {
	c, force := management.Cluster{}, false
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Delete the kind management cluster",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return management.Down(cmd.Context(), complete(cmd, c), force)
		},
	}
	addClusterFlags(cmd, &c)
	cmd.Flags().BoolVar(&force, "force", false, "delete it although clusters that it made exist; they stay, and nothing manages them")
	return cmd
}
