package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/flock"
	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/process"
)

const (
	stateFile    = "state.json"
	launcherFile = "launcher.json"

	// A launcher ends its processes in order, and forces them after a while.
	downTimeout = time.Minute
)

// State of a running control plane, as its state file has it.
type State struct {
	Kubeconfig       string                      `json:"kubeconfig"`
	Server           string                      `json:"server"`
	RemoteKubeconfig string                      `json:"remoteKubeconfig,omitempty"`
	RemoteServer     string                      `json:"remoteServer,omitempty"`
	Kubectl          string                      `json:"kubectl"`
	Metrics          string                      `json:"crossplaneMetrics"`
	Registry         string                      `json:"registry"`
	ChartMirror      string                      `json:"chartMirror,omitempty"`
	Namespace        string                      `json:"namespace"`
	Logs             string                      `json:"logs"`
	Processes        map[string]process.Identity `json:"processes"`
}

// State returns the control plane's addresses and processes.
func (cp *ControlPlane) State() (State, error) {
	procs, err := process.Recorded(cp.procs.PIDs())
	if err != nil {
		return State{}, err
	}
	s := State{
		Kubeconfig:  cp.Kubeconfig(),
		Server:      cp.management.url(),
		Kubectl:     cp.Kubectl(),
		Metrics:     cp.CrossplaneMetrics(),
		Registry:    cp.registry.Addr(),
		ChartMirror: cp.ChartMirror(),
		Namespace:   cp.opts.Namespace,
		Logs:        filepath.Join(cp.dir, "logs"),
		Processes:   procs,
	}
	if cp.remote != nil {
		s.RemoteKubeconfig, s.RemoteServer = cp.remote.kubeconfig(), cp.remote.url()
	}
	return s, nil
}

func (cp *ControlPlane) writeState() error {
	s, err := cp.State()
	if err != nil {
		return err
	}
	return writeJSON(filepath.Join(cp.dir, stateFile), s)
}

// Status returns the state of the control plane of that name, and false unless
// one runs and is complete.
func Status(o Options) (State, bool, error) {
	o, err := o.withDefaults()
	if err != nil {
		return State{}, false, err
	}
	var s State
	ok, err := readJSON(filepath.Join(o.stateDir(), stateFile), &s)
	if err != nil || !ok {
		return State{}, false, err
	}
	_, alive, err := launcher(o.stateDir())
	return s, alive, err
}

// Down ends the control plane of that name: it asks its launcher to, or, if
// the launcher is dead, ends what that left running. It returns false if
// there was nothing to end.
func Down(o Options) (bool, error) {
	o, err := o.withDefaults()
	if err != nil {
		return false, err
	}
	dir := o.stateDir()
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	id, alive, err := launcher(dir)
	if err != nil {
		return false, err
	}
	if alive {
		if err := syscall.Kill(id.PID, syscall.SIGTERM); err != nil {
			return false, fmt.Errorf("cannot end the launcher: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), downTimeout)
	defer cancel()
	unlock, err := flock.Lock(ctx, lockFile(dir))
	if err != nil {
		return false, fmt.Errorf("cannot end the control plane, its launcher still runs: %w", err)
	}
	defer unlock()
	return true, clean(dir)
}

// writeLauncher records this process as the launcher.
func writeLauncher(dir string) error {
	self, ok := process.Identify(os.Getpid())
	if !ok {
		return errors.New("cannot identify this process")
	}
	return writeJSON(filepath.Join(dir, launcherFile), self)
}

// launcher returns which process launched what is in a state folder, and
// whether it still runs.
func launcher(dir string) (process.Identity, bool, error) {
	var id process.Identity
	ok, err := readJSON(filepath.Join(dir, launcherFile), &id)
	if err != nil || !ok {
		return process.Identity{}, false, err
	}
	return id, id.Alive(), nil
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot encode %s: %w", filepath.Base(file), err)
	}
	if err := os.WriteFile(file, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot write state: %w", err)
	}
	return nil
}

// readJSON returns false if there is no such file.
func readJSON(file string, v any) (bool, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("cannot read state: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, fmt.Errorf("cannot parse %s: %w", file, err)
	}
	return true, nil
}
