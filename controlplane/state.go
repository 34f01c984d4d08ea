// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/flock"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
)

const (
	stateFile = "state.json"

	// A launcher ends its processes in order, and forces them after a while.
	downTimeout = time.Minute
	downPoll    = 50 * time.Millisecond
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
	unlock, err := takeOver(dir)
	if err != nil {
		return false, err
	}
	defer unlock()
	return true, clean(dir)
}

// takeOver ends the launcher that holds a state folder, if any, and takes its
// lock.
func takeOver(dir string) (unlock func(), err error) {
	deadline := time.Now().Add(downTimeout)
	told := 0
	for {
		unlock, err := flock.TryLock(lockFile(dir))
		if !errors.Is(err, flock.ErrHeld) {
			return unlock, err
		}
		if time.Now().After(deadline) {
			return nil, errors.New("cannot end the control plane: its launcher still runs")
		}
		// The launcher may have begun only just now, and not have said yet who
		// it is.
		id, alive, err := launcher(dir)
		if err == nil && alive && id.PID != told {
			told = id.PID
			if err := syscall.Kill(id.PID, syscall.SIGTERM); err != nil {
				return nil, fmt.Errorf("cannot end the launcher: %w", err)
			}
		}
		time.Sleep(downPoll)
	}
}

// writeLauncher records this process as the launcher, in the lock file that it
// holds.
func writeLauncher(dir string) error {
	self, ok := process.Identify(os.Getpid())
	if !ok {
		return errors.New("cannot identify this process")
	}
	return writeJSON(lockFile(dir), self)
}

// launcher returns which process launched what is in a state folder, and
// whether it still runs.
func launcher(dir string) (process.Identity, bool, error) {
	var id process.Identity
	ok, err := readJSON(lockFile(dir), &id)
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
