// SPDX-License-Identifier: Apache-2.0

// Command kind makes a management cluster on this machine: a kind cluster with
// Crossplane, the packages of this project and its provider for clusters of
// containers, ready for a claim.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// CLI of the program.
type CLI struct {
	Up   UpCmd   `cmd:"" help:"Make the management cluster, or bring it up to date."`
	Down DownCmd `cmd:"" help:"Delete the management cluster."`
}

// Common are the flags of both commands.
type Common struct {
	Root string `default:"../../.."     help:"Root of the project."               type:"existingdir"`
	Name string `default:"observe-k8s" help:"Name of the management cluster."`
}

// kubeconfig is the file that reaches the management cluster. The one of the
// person is left alone.
func (c Common) kubeconfig() string {
	return filepath.Join(c.Root, "_output", c.Name+".kubeconfig")
}

// An UpCmd makes the management cluster.
type UpCmd struct {
	Common

	Version   string        `default:"v0.1.0"       help:"Version of the packages, as they were built."`
	Namespace string        `default:"team-a"       help:"Namespace for the first claim."`
	Socket    string        `default:"/var/run/docker.sock" help:"Socket of docker on this machine. The provider gets it, which makes it root here."`
	NodeImage string        `help:"Image of the cluster's node, instead of kind's own."`
	Registry  string        `default:"docker.io/library/registry:3" help:"Image of the registry from which the cluster takes our packages."`
	Mirror    string        `help:"HOST:PORT, as the cluster reaches it, of a registry without TLS that has every image and package below its own name: for machines without the internet. Ours are pushed to it too."`
	Timeout   time.Duration `default:"10m"          help:"How long a step may take."`
}

// A DownCmd deletes the management cluster.
type DownCmd struct {
	Common

	Force bool `help:"Delete it although clusters that it made exist. They stay, and nobody looks after them."`
}

// stage says what is done and how long it took.
func stage(what string, f func() error) error {
	start := time.Now()
	if err := f(); err != nil {
		return errors.Wrapf(err, "cannot %s", what)
	}
	fmt.Printf("%6.1fs  %s\n", time.Since(start).Seconds(), what)
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Parse(&CLI{}, kong.Name("kind"), kong.Description("A management cluster with observe-k8s on this machine."), kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run())
}
