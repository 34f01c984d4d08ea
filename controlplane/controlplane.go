// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/cloud"
	"github.com/observe-k8s/observe-k8s/controlplane/flock"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/oci"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
	"k8s.io/client-go/rest"
)

// Names of the processes, for Kill, Stop, Restart and Log.
const (
	ProcessEtcd                    = "etcd"
	ProcessAPIServer               = "apiserver"
	ProcessControllerManager       = "controller-manager"
	ProcessCrossplaneInit          = "crossplane-init"
	ProcessCrossplane              = "crossplane"
	ProcessRBACManager             = "rbac-manager"
	ProcessProviderHelm            = "provider-helm"
	ProcessProviderKubernetes      = "provider-kubernetes"
	ProcessProviderLocal           = "provider-local"
	ProcessFunction                = "function"
	ProcessRemoteAPIServer         = "remote-apiserver"
	ProcessRemoteControllerManager = "remote-controller-manager"
	ProcessRemoteScheduler         = "remote-scheduler"
	ProcessRemoteKWOK              = "remote-kwok"
	ProcessFluxSourceController    = "flux-source-controller"
	ProcessFluxHelmController      = "flux-helm-controller"
)

// ErrRunning is returned by Start if a control plane of the same name runs.
var ErrRunning = errors.New("a control plane of this name is running")

// A ControlPlane that runs.
type ControlPlane struct {
	opts     Options
	dir      string
	unlock   func()
	procs    *process.Supervisor
	ports    *ports.Pool
	programs map[string]programs.Built
	stages   *stages

	etcd       string
	registry   *oci.Registry
	management *cluster
	remote     *cluster
	crossplane crossplane
	functions  functions
	// localMetrics is where provider-local serves metrics.
	localMetrics int
	packages     []pkg
	install      install
	clouds       *cloud.Simulator
	// simulated are the kinds that the clouds serve, as names of CRDs.
	simulated  []string
	stopGoogle func() error

	cancel  context.CancelFunc
	watches sync.WaitGroup
	once    sync.Once
}

// Start builds what is not built yet, starts a control plane and returns when
// everything is installed and healthy. When it fails, nothing keeps running.
func Start(ctx context.Context, o Options) (*ControlPlane, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	built, err := build(ctx, o)
	if err != nil {
		return nil, err
	}
	unlock, err := claimDir(o.stateDir())
	if err != nil {
		return nil, err
	}
	procs, err := process.NewSupervisor(o.stateDir())
	if err != nil {
		unlock()
		return nil, err
	}
	cp := &ControlPlane{
		opts: o, dir: o.stateDir(), unlock: unlock, procs: procs, ports: ports.NewPool(),
		programs: built, stages: newStages(o.Output),
	}
	if err := cp.start(ctx); err != nil {
		cp.stopProcesses()
		unlock()
		return nil, err
	}
	return cp, nil
}

// start everything; a process that ends early ends the start.
func (cp *ControlPlane) start(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = cp.startAll(ctx)
	}()
	select {
	case <-done:
		return err
	case exit := <-cp.procs.Exits():
		fail(exit)
		<-done
		return exit
	}
}

func (cp *ControlPlane) startAll(ctx context.Context) error {
	var err error
	if cp.management, err = newCluster("management", "", cp.dir, cp.ports); err != nil {
		return err
	}
	if err := cp.startEtcd(); err != nil {
		return err
	}
	if err := cp.servePackages(); err != nil {
		return err
	}
	if err := cp.pushCharts(); err != nil {
		return err
	}
	// The remote cluster only competes for the processors until the management
	// API server is there.
	audit, err := cp.auditArgs()
	if err != nil {
		return err
	}
	err = cp.stages.run("start the management API server", func() error {
		return cp.management.startAPIServer(ctx, cp.procs, cp.programs[programs.Kubernetes], cp.etcd, audit...)
	})
	if err != nil {
		return err
	}
	if err := parallel(
		func() error { return cp.startCrossplane(ctx) },
		func() error { return cp.startRemote(ctx) },
	); err != nil {
		return err
	}
	if err := cp.publishRemote(ctx); err != nil {
		return err
	}
	if err := cp.startClouds(ctx); err != nil {
		return err
	}
	if err := cp.startDeployers(ctx); err != nil {
		return err
	}
	return cp.writeState()
}

// claimDir takes possession of a state folder: it ends what a launcher that
// was killed left running there, and empties the folder.
func claimDir(dir string) (unlock func(), err error) {
	unlock, err = flock.TryLock(lockFile(dir))
	if errors.Is(err, flock.ErrHeld) {
		return nil, ErrRunning
	}
	if err != nil {
		return nil, err
	}
	if err := writeLauncher(dir); err != nil {
		unlock()
		return nil, err
	}
	if err := clean(dir); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// clean ends the processes recorded in a state folder that nobody holds and
// removes it.
func clean(dir string) error {
	if _, err := process.Reap(process.PIDs(dir)); err != nil {
		return fmt.Errorf("cannot end processes of an earlier run: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("cannot remove data of an earlier run: %w", err)
	}
	return nil
}

// lockFile is beside the state folder, which is removed while it is locked.
func lockFile(dir string) string { return dir + ".lock" }

// Stop every process and remove all data. Logs stay until the next start.
func (cp *ControlPlane) Stop() {
	cp.once.Do(func() {
		cp.stopProcesses()
		cp.unlock()
	})
}

func (cp *ControlPlane) stopProcesses() {
	if cp.cancel != nil {
		cp.cancel()
	}
	cp.watches.Wait()
	cp.procs.StopAll(
		[]string{ProcessFunction, ProcessCrossplane, ProcessRBACManager, ProcessProviderHelm, ProcessProviderKubernetes, ProcessProviderLocal, ProcessFluxHelmController, ProcessFluxSourceController, ProcessRemoteKWOK, ProcessRemoteScheduler},
		[]string{ProcessControllerManager, ProcessRemoteControllerManager},
		[]string{ProcessAPIServer, ProcessRemoteAPIServer},
	)
	if cp.registry != nil {
		_ = cp.registry.Close()
	}
	if cp.stopGoogle != nil {
		_ = cp.stopGoogle()
	}
	cp.ports.Close()
	entries, _ := os.ReadDir(cp.dir)
	for _, e := range entries {
		if e.Name() != "logs" {
			_ = os.RemoveAll(filepath.Join(cp.dir, e.Name()))
		}
	}
}

// Management returns how to reach the management cluster as its admin.
func (cp *ControlPlane) Management() *rest.Config { return cp.management.client.Config() }

// Remote returns how to reach the remote cluster as its admin.
func (cp *ControlPlane) Remote() *rest.Config {
	if cp.remote == nil {
		return nil
	}
	return cp.remote.client.Config()
}

// Kubeconfig returns the path of the management cluster's kubeconfig.
func (cp *ControlPlane) Kubeconfig() string { return cp.management.kubeconfig() }

// RemoteKubeconfig returns the path of the remote cluster's kubeconfig.
func (cp *ControlPlane) RemoteKubeconfig() string {
	if cp.remote == nil {
		return ""
	}
	return cp.remote.kubeconfig()
}

// Clouds returns the simulated clouds; nil if there are none.
func (cp *ControlPlane) Clouds() *cloud.Simulator { return cp.clouds }

// Kubectl returns the path of a kubectl of the clusters' version.
func (cp *ControlPlane) Kubectl() string { return cp.programs[programs.Kubernetes].Bin("kubectl") }

// CrossplaneMetrics returns the URL of Crossplane's metrics.
func (cp *ControlPlane) CrossplaneMetrics() string {
	return fmt.Sprintf("http://127.0.0.1:%d/metrics", cp.crossplane.metrics)
}

// LocalMetrics returns the URL of provider-local's metrics.
func (cp *ControlPlane) LocalMetrics() string {
	return fmt.Sprintf("http://127.0.0.1:%d/metrics", cp.localMetrics)
}

// ChartMirror returns the URL below which the stand-in charts are, or nothing
// if charts come from their real registries.
func (cp *ControlPlane) ChartMirror() string {
	if cp.opts.UpstreamCharts {
		return ""
	}
	return "http://" + cp.registry.Addr() + "/" + chartsPrefix
}

// Dir returns the folder with the control plane's files.
func (cp *ControlPlane) Dir() string { return cp.dir }

// Log returns the path of a process's log.
func (cp *ControlPlane) Log(name string) string { return cp.procs.Log(name) }

// Processes returns the names of the running processes.
func (cp *ControlPlane) Processes() []string { return cp.procs.Running() }

// PID returns the id of a running process.
func (cp *ControlPlane) PID(name string) (int, bool) { return cp.procs.PID(name) }

// Kill a process as a crash would.
func (cp *ControlPlane) Kill(name string) error { return cp.procs.Kill(name) }

// StopProcess ends a process gently.
func (cp *ControlPlane) StopProcess(name string) error { return cp.procs.Stop(name) }

// Restart a process, whether it runs or not, with the arguments and on the
// ports that it had, and wait for an API server or Crossplane to be ready. Extra
// arguments, for this time only or until the next Restart, win over earlier ones.
func (cp *ControlPlane) Restart(ctx context.Context, name string, extra ...string) error {
	if err := cp.procs.Restart(name, extra...); err != nil {
		return err
	}
	if name == ProcessCrossplane {
		return cp.waitCrossplane(ctx)
	}
	for _, c := range []*cluster{cp.management, cp.remote} {
		if c == nil || name != c.process(ProcessAPIServer) {
			continue
		}
		return kube.Wait(ctx, apiServerTimeout, c.name+" API server", func(ctx context.Context) (bool, error) {
			_, err := c.client.Raw(ctx, "/readyz")
			return err == nil, err
		})
	}
	return nil
}

// Exits returns where processes are announced that ended although nobody
// asked them to.
func (cp *ControlPlane) Exits() <-chan *process.ExitError { return cp.procs.Exits() }

// Wait until the context ends or a process ends unasked.
func (cp *ControlPlane) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case exit := <-cp.procs.Exits():
		return exit
	}
}

// parallel runs functions at once and returns the first error.
func parallel(fs ...func() error) error {
	errs := make(chan error, len(fs))
	for _, f := range fs {
		go func() { errs <- f() }()
	}
	var first error
	for range fs {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// timeouts of steps that take a second or two, on a machine that is busy.
const stepTimeout = 2 * time.Minute
