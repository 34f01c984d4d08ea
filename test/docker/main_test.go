// SPDX-License-Identifier: Apache-2.0

// Package e2e proves provider-local on a real container engine: its clusters are
// real, its faults are those of the engine.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/checkout"
	"github.com/observe-k8s/observe-k8s/controlplane/docker"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/skip"
)

// namespace is where clusters and claims live.
const namespace = "team-a"

// world is what every test of this package works on.
type world struct {
	engine *docker.Engine
	mirror *docker.Mirror
	// image of kind's nodes, and k3s of k3d's.
	image, k3s string
	cp         *controlplane.ControlPlane
	management *kube.Client
}

var w world

func TestMain(m *testing.M) {
	output := flag.String("output", filepath.Join("..", "..", "_output"), "Folder with the provider and the packages.")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, m, *output)
	if errors.Is(err, docker.ErrUnavailable) {
		code, err = 0, skip.Check("docker", err)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code) //nolint:gocritic // Everything has been stopped.
}

func run(ctx context.Context, m *testing.M, output string) (int, error) {
	root, err := checkout.Find("")
	if err != nil {
		return 1, err
	}
	cache, err := controlplane.CacheDir()
	if err != nil {
		return 1, err
	}
	if w.engine, err = docker.Up(ctx, docker.Options{Root: root, Cache: cache, Output: os.Stdout}); err != nil {
		return 1, err
	}
	defer w.engine.Down() //nolint:contextcheck // What was started is stopped, also after an interruption.
	if w.image, err = w.engine.NodeImage(ctx); err != nil {
		return 1, err
	}
	if w.k3s, err = w.engine.K3sImage(ctx); err != nil {
		return 1, err
	}
	if w.mirror, err = w.engine.Mirror(); err != nil {
		return 1, err
	}
	defer func() { _ = w.mirror.Close() }()
	if err := w.mirror.PushStandIn(ctx, w.engine); err != nil {
		return 1, err
	}
	stack, err := newStack(ctx, w.engine, w.mirror)
	if err != nil {
		return 1, err
	}
	w.cp, err = controlplane.Start(ctx, controlplane.Options{
		Name:                 "docker",
		Output:               os.Stdout,
		NoRemote:             true,
		StandIn:              stack.standIn,
		FunctionBinary:       filepath.Join(output, "bin", "function"),
		ConfigurationPackage: filepath.Join(output, "observe-k8s.xpkg"),
		FunctionPackage:      filepath.Join(output, "function-observe-k8s-"+runtime.GOARCH+".xpkg"),
		CircuitBreakerBurst:  controlplane.InstallBurst,
		Namespace:            namespace,
		Local: &controlplane.Local{
			Binary:     filepath.Join(output, "provider-local-linux-"+runtime.GOARCH),
			Package:    filepath.Join(output, "provider-local-"+runtime.GOARCH+".xpkg"),
			DockerHost: w.engine.Host(),
		},
	})
	if err != nil {
		return 1, fmt.Errorf("cannot start the control plane: %w", err)
	}
	defer w.cp.Stop()
	// Until now the provider of a run that was killed may have gone on.
	if err := w.engine.Clean(ctx); err != nil {
		return 1, err
	}
	if w.management, err = kube.New(w.cp.Management()); err != nil {
		return 1, err
	}
	// Every cluster uses it that names no other.
	configs, err := kube.Parse([]byte("{apiVersion: local.observe-k8s.io/v1alpha1, kind: ClusterProviderConfig, metadata: {name: default}}"))
	if err != nil {
		return 1, err
	}
	if err := w.management.Apply(ctx, configs...); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
