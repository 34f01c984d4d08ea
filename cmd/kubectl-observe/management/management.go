// SPDX-License-Identifier: Apache-2.0

// Package management makes a management cluster on this machine: a kind cluster
// with Crossplane, the packages of this project and its provider for clusters of
// containers, ready for a claim.
package management

import (
	"fmt"
	"io"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cmd"
)

// A Cluster is a management cluster on this machine.
type Cluster struct {
	// Name of the kind cluster.
	Name string
	// Kubeconfig is the file that connects to it. Yours is left alone.
	Kubeconfig string
	// Output receives what is done and how long it took.
	Output io.Writer
}

func (c Cluster) provider() *cluster.Provider {
	return cluster.NewProvider(cluster.ProviderWithDocker(), cluster.ProviderWithLogger(cmd.NewLogger()))
}

func (c Cluster) client() (*kube.Client, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the kubeconfig")
	}
	client, err := kube.New(cfg)
	return client, errors.Wrap(err, "cannot connect to the management cluster")
}

// stage says what is done and how long it took.
func (c Cluster) stage(what string, f func() error) error {
	start := time.Now()
	if err := f(); err != nil {
		return errors.Wrapf(err, "cannot %s", what)
	}
	_, _ = fmt.Fprintf(c.Output, "%6.1fs  %s\n", time.Since(start).Seconds(), what)
	return nil
}
