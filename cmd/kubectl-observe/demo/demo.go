// SPDX-License-Identifier: Apache-2.0

//go:build !windows

// Package demo runs a control plane of real programs on this machine, and shows
// a claim become a platform on it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/checkout"
	"github.com/observe-k8s/observe-k8s/controlplane/tree"
)

// Options for a demonstration.
type Options struct {
	controlplane.Options

	// Claim is the file with the claim. Without one the control plane runs alone.
	Claim string
	// Stamp is the version that the function says of itself.
	Stamp string
	// Size of the terminal.
	Size func() (width, height int)
	// Timeout is how long the claim may take to become Ready.
	Timeout time.Duration
	// Exit ends the demonstration once the claim is Ready.
	Exit bool
}

// build the function and the packages from the checkout, and then the programs
// that are not in the cache yet.
func (o *Options) build(ctx context.Context) error {
	out := filepath.Join(o.Root, "_output")
	o.FunctionBinary = filepath.Join(out, "bin", "function")
	o.ConfigurationPackage = filepath.Join(out, "observe-k8s.xpkg")
	o.FunctionPackage = filepath.Join(out, "function-observe-k8s-"+runtime.GOARCH+".xpkg")
	if err := checkout.Go(ctx, o.Root, ".", "build", "-ldflags", "-X main.version="+o.Stamp, "-o", o.FunctionBinary, "./functions"); err != nil {
		return err
	}
	if err := checkout.Go(ctx, o.Root, "hack/build", "run", ".", "build", "--root", o.Root, "--version", o.PackageVersion, "--arch", runtime.GOARCH); err != nil {
		return err
	}
	return controlplane.Build(ctx, o.Options)
}

// Run the demonstration until the context ends.
func Run(ctx context.Context, o Options) error {
	began := time.Now()
	var err error
	if o.Claim != "" {
		if o.Clouds, err = inCloud(o.Claim); err != nil {
			return err
		}
		if o.Flux, err = byFlux(o.Claim); err != nil {
			return err
		}
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(o.Output, format+"\n", args...) }
	say("building the function, its packages and the programs of the control plane")
	if err := o.build(ctx); err != nil {
		return err
	}
	say("Starting the control plane: real programs, on loopback only. Nodes and pods of the remote cluster are SIMULATED.")
	if o.Clouds {
		say("The cloud, the hosts or the container engine are SIMULATED too: nothing is made anywhere, and every cluster of theirs is the remote cluster.")
	}
	warm := time.Now()
	cp, err := controlplane.Start(ctx, o.Options)
	if errors.Is(err, controlplane.ErrRunning) {
		return fmt.Errorf("%w: end it with `kubectl observe demo down` (`make demo-down`)", err)
	}
	if err != nil {
		return err
	}
	defer cp.Stop()

	if o.Claim != "" {
		say("\nkubectl apply -f %s\n", o.Claim)
		applied := time.Now()
		objs, err := cp.ApplyFile(ctx, o.Claim)
		if err != nil {
			return err
		}
		claim := objs[len(objs)-1]
		if err := cp.Follow(ctx, claim, tree.NewView(o.Output, o.Live, o.Size), o.Timeout); err != nil {
			return err
		}
		say("\n%s %s is Ready: %.1fs after it was applied, %.1fs after the programs were built, %.1fs in all",
			claim.GetKind(), claim.GetName(), time.Since(applied).Seconds(), time.Since(warm).Seconds(), time.Since(began).Seconds())
		if o.Exit {
			return nil
		}
	}
	if err := lookAround(o.Output, cp); err != nil {
		return err
	}
	return cp.Wait(ctx)
}

// lookAround prints how to look around.
func lookAround(w io.Writer, cp *controlplane.ControlPlane) error {
	s, err := cp.State()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `
Look around, in another terminal:

  export KUBECONFIG=%s
  alias kubectl=%s
  kubectl get observabilityplatforms,kubernetesclusters.observe-k8s.io,observabilitystacks,components,workloads -A
  kubectl get managed -A
  kubectl --kubeconfig %s get deployments,pods -A

  management API server  %s
  remote API server      %s   (its nodes and pods are simulated)
  Crossplane's metrics   %s
  logs                   %s

It runs until Ctrl-C here, or `+"`kubectl observe demo down` (`make demo-down`)"+` elsewhere.
`, s.Kubeconfig, s.Kubectl, s.RemoteKubeconfig, s.Server, s.RemoteServer, s.Metrics, s.Logs); err != nil {
		return fmt.Errorf("cannot print how to look around: %w", err)
	}
	return nil
}
