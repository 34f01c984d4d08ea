// Package e2e proves on real programs what the product promises: it starts an
// embedded control plane and does to it what people, and bad luck, do.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/observe-k8s/observe-k8s/test/controlplane"
	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/kube"
)

// namespace is where claims live; the launcher puts the Secret with the remote
// cluster's kubeconfig there.
const namespace = "team-a"

// world is what every test of this package works on. Starting it takes longer
// than most tests, so they share it, one after another.
type world struct {
	cp         *controlplane.ControlPlane
	management *kube.Client
	remote     *kube.Client
}

var w world

func TestMain(m *testing.M) {
	output := flag.String("output", filepath.Join("..", "..", "..", "_output"), "Folder with the function and the packages.")
	flag.Parse()
	code, err := run(m, *output)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, output string) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cp, err := controlplane.Start(ctx, controlplane.Options{
		Name:                 "e2e",
		Output:               os.Stdout,
		FunctionBinary:       filepath.Join(output, "bin", "function"),
		ConfigurationPackage: filepath.Join(output, "observe-k8s.xpkg"),
		FunctionPackage:      filepath.Join(output, "function-observe-k8s-"+runtime.GOARCH+".xpkg"),
		CircuitBreakerBurst:  controlplane.InstallBurst,
		Namespace:            namespace,
		Clouds:               os.Getenv(controlplane.SchemasEnv) != "",
	})
	if err != nil {
		return 1, fmt.Errorf("cannot start the control plane: %w", err)
	}
	defer cp.Stop()
	// Whoever interrupts does not want to watch every test fail.
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		cp.Stop()
		os.Exit(130)
	}()
	w.cp = cp
	if w.management, err = kube.New(cp.Management()); err != nil {
		return 1, err
	}
	if w.remote, err = kube.New(cp.Remote()); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
