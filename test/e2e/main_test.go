// SPDX-License-Identifier: Apache-2.0

// Package e2e proves on real programs what the product promises: it starts an
// embedded control plane and does to it what people, and bad luck, do.
//
// A test claims something with claim, which takes it away again when the test
// ends, however it ends. What takes time is noted with measured beside what is
// promised, and stands in a table at the end. No test fails because a machine is
// slow: only what hangs and what is wrong does.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// namespace is where claims live; the launcher puts the Secret with the remote
// cluster's kubeconfig there.
const namespace = "team-a"

// world is what every test of this package works on. Starting it takes longer
// than most tests, so they share it, one after another.
type world struct {
	options controlplane.Options
	// command is the program kubectl-observe.
	command    string
	cp         *controlplane.ControlPlane
	management *kube.Client
	remote     *kube.Client
	// before is what was on the remote cluster before any claim.
	before map[string]bool
	// cloud is the one that gets a whole platform.
	cloud string
	// clouds are the kinds of the simulated clouds.
	clouds []schema.GroupVersionKind
	// figures are what was measured.
	figures []figure
	// failures are what never came, said once more at the end.
	failures []string

	// spent says that the next claim needs a new control plane.
	spent bool

	// changing is held while a control plane is started or stopped.
	changing sync.Mutex
}

var w world

func TestMain(m *testing.M) {
	output := flag.String("output", filepath.Join("..", "..", "_output"), "Folder with the function and the packages.")
	name := flag.String("name", "e2e", "Name of the control plane; several run side by side.")
	flag.StringVar(&w.cloud, "cloud", "eks", "What TestClouds makes a whole platform of: eks, aks, gke, kind, k3d or k3s.")
	flag.BoolVar(&w.options.Audit, "audit", false, "Keep a log of what Crossplane asks the API server for, which TestPrivileges reads.")
	flag.Parse()
	code, err := run(m, *name, *output)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, name, output string) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w.command = filepath.Join(output, "bin", "kubectl-observe")
	w.options = controlplane.Options{
		Name:                 name,
		Output:               os.Stdout,
		FunctionBinary:       filepath.Join(output, "bin", "function"),
		ConfigurationPackage: filepath.Join(output, "observe-k8s.xpkg"),
		FunctionPackage:      filepath.Join(output, "function-observe-k8s-"+runtime.GOARCH+".xpkg"),
		CircuitBreakerBurst:  controlplane.InstallBurst,
		Namespace:            namespace,
		Clouds:               true,
		Flux:                 true,
		Audit:                w.options.Audit,
	}
	// Whoever interrupts does not want to watch every test fail.
	undo := context.AfterFunc(ctx, func() {
		w.stop()
		os.Exit(130)
	})
	// The end of the tests ends ctx as well, and is no interruption.
	defer undo()
	defer w.stop()
	if err := w.start(ctx); err != nil {
		return 1, err
	}
	code := m.Run()
	printFigures(os.Stdout)
	return code, nil
}

// start a control plane.
func (w *world) start(ctx context.Context) error {
	w.changing.Lock()
	defer w.changing.Unlock()
	var err error
	if w.cp, err = controlplane.Start(ctx, w.options); err != nil {
		return fmt.Errorf("cannot start the control plane: %w", err)
	}
	if w.management, err = kube.New(w.cp.Management()); err != nil {
		return err
	}
	if w.remote, err = kube.New(w.cp.Remote()); err != nil {
		return err
	}
	if w.before, err = remoteObjects(ctx); err != nil {
		return err
	}
	if w.cp.Clouds() == nil {
		return nil
	}
	w.clouds, err = cloudKinds(ctx)
	return err
}

func (w *world) stop() {
	w.changing.Lock()
	defer w.changing.Unlock()
	if w.cp != nil {
		w.cp.Stop()
		w.cp = nil
	}
}
