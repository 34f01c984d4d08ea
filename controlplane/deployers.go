// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/argocd"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	fluxChart    = "flux2"
	argoChart    = "argo-cd"
	deployerPoll = 500 * time.Millisecond
)

// fluxCRDs are the real CRDs of Flux's controllers, which the stand-in for its
// chart installs; nothing without the controllers.
func (cp *ControlPlane) fluxCRDs() (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, name := range []string{programs.FluxSourceController, programs.FluxHelmController} {
		p, ok := cp.programs[name]
		if !ok {
			return nil, nil
		}
		files, err := filepath.Glob(p.Asset("crds/*.yaml"))
		if err != nil {
			return nil, fmt.Errorf("cannot list CRDs of %s: %w", name, err)
		}
		for _, f := range files {
			if out[filepath.Base(f)], err = os.ReadFile(f); err != nil {
				return nil, fmt.Errorf("cannot read CRD of %s: %w", name, err)
			}
		}
	}
	return out, nil
}

// startDeployers lets the deployers live as long as they are installed on
// the remote cluster. The pods there are simulated: Flux's controllers are
// processes of this machine, and Argo CD is a simulator.
func (cp *ControlPlane) startDeployers(ctx context.Context) error {
	if cp.remote == nil || cp.opts.UpstreamCharts {
		return nil
	}
	watch, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := cp.cancel
	cp.cancel = func() {
		cancel()
		if stop != nil {
			stop()
		}
	}
	if cp.opts.Flux {
		controllers, err := cp.fluxControllers()
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintln(cp.opts.Output, "  Flux's source- and helm-controller are real; they run on this machine while the chart of Flux is on the remote cluster")
		for _, c := range controllers {
			cp.watches.Go(func() { cp.follow(watch, c) })
		}
	}
	_, _ = fmt.Fprintln(cp.opts.Output, "  Argo CD is SIMULATED: it says that Applications are synced and healthy, and installs nothing")
	cp.watches.Go(func() {
		every(watch, func() {
			if cp.installed(watch, argoChart, "application-controller") {
				argocd.Play(watch, cp.remote.client)
			}
		})
	})
	return nil
}

// A controller of Flux, and the kinds that it cannot start without.
type controller struct {
	process.Spec

	component string
	crds      []string
}

func (cp *ControlPlane) fluxControllers() ([]controller, error) {
	out := make([]controller, 0, 2)
	storage := filepath.Join(cp.dir, "flux")
	if err := os.MkdirAll(storage, 0o755); err != nil {
		return nil, fmt.Errorf("cannot create a folder for Flux: %w", err)
	}
	for _, c := range []struct {
		process, program, component string
		crds                        []string
	}{
		{ProcessFluxSourceController, programs.FluxSourceController, "source-controller", []string{"ocirepositories.source.toolkit.fluxcd.io", "externalartifacts.source.toolkit.fluxcd.io"}},
		{ProcessFluxHelmController, programs.FluxHelmController, "helm-controller", []string{"ocirepositories.source.toolkit.fluxcd.io", "helmreleases.helm.toolkit.fluxcd.io"}},
	} {
		var metrics, health, artifacts int
		for _, p := range []*int{&metrics, &health, &artifacts} {
			var err error
			if *p, err = cp.ports.Free(); err != nil {
				return nil, err
			}
		}
		args := []string{"--events-addr=", "--metrics-addr=" + ports.Addr(metrics), "--health-addr=" + ports.Addr(health)}
		if c.process == ProcessFluxSourceController {
			args = append(args, "--storage-path="+storage, "--storage-addr="+ports.Addr(artifacts), "--storage-adv-addr="+ports.Addr(artifacts))
		}
		out = append(out, controller{
			Spec: process.Spec{
				Name: c.process,
				Path: cp.programs[c.program].Bin(c.component),
				Args: args,
				Env:  []string{"KUBECONFIG=" + cp.remote.kubeconfig(), "RUNTIME_NAMESPACE=flux-system"},
			},
			component: c.component,
			crds:      c.crds,
		})
	}
	return out, nil
}

// follow runs a controller while its Deployment is there, as a kubelet would.
func (cp *ControlPlane) follow(ctx context.Context, c controller) {
	started := false
	every(ctx, func() {
		wanted := cp.installed(ctx, fluxChart, c.component)
		// A test may have stopped it; then it stays as it is.
		switch runs := slices.Contains(cp.procs.Running(), c.Name); {
		case wanted && !started && cp.established(ctx, c.crds):
			started = cp.procs.Start(c.Spec) == nil
		case !wanted && ctx.Err() == nil:
			if runs {
				_ = cp.procs.Stop(c.Name)
			}
			started = false
		}
	})
}

// installed says whether a Deployment of a chart is on the remote cluster. When
// nobody can tell, what runs goes on.
func (cp *ControlPlane) installed(ctx context.Context, chart, component string) bool {
	deployments, err := cp.remote.client.List(ctx, kind("apps/v1", "Deployment"), "")
	if err != nil {
		return slices.Contains(cp.procs.Running(), "flux-"+component)
	}
	return slices.ContainsFunc(deployments, func(d unstructured.Unstructured) bool {
		l := d.GetLabels()
		return l["app.kubernetes.io/name"] == chart && l["app.kubernetes.io/component"] == component && d.GetDeletionTimestamp() == nil
	})
}

// established says whether the API server serves kinds.
func (cp *ControlPlane) established(ctx context.Context, crds []string) bool {
	for _, name := range crds {
		o, err := cp.remote.client.Get(ctx, kind("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "", name)
		if err != nil || o == nil {
			return false
		}
		conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
		if !slices.ContainsFunc(conditions, func(c any) bool {
			m, _ := c.(map[string]any)
			return m["type"] == "Established" && m["status"] == "True"
		}) {
			return false
		}
	}
	return true
}

// every calls f now and then until the context ends.
func every(ctx context.Context, f func()) {
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-time.After(deployerPoll):
		}
	}
}
