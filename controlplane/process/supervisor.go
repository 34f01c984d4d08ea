// SPDX-License-Identifier: Apache-2.0

// Package process starts, watches and ends the control plane's processes.
package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Spec says how to run a process.
type Spec struct {
	// Name of the process, unique.
	Name string
	// Path of the binary, and its arguments.
	Path string
	Args []string
	// Env are variables beyond the few that every process gets.
	Env []string
	// Dir is the working directory; by default one of the process's own.
	Dir string
}

// An ExitError is a process that ended although nobody asked it to.
type ExitError struct {
	Name string
	Err  error
	Log  string
}

// Error says which process ended, and the last lines that it logged.
func (e *ExitError) Error() string {
	return fmt.Sprintf("%s ended unexpectedly (%v), last lines of %s:\n%s", e.Name, e.Err, e.Log, TailFile(e.Log, 15))
}

// A Supervisor runs processes. Each has a log file and, so that it can be
// ended even when the supervisor died, a file with its process id.
type Supervisor struct {
	dir   string
	exits chan *ExitError

	mu    sync.Mutex
	procs map[string]*proc
	order []string
}

type proc struct {
	spec Spec
	cmd  *exec.Cmd
	done chan struct{}
	// asked is set before the process is told to end.
	asked bool
}

// NewSupervisor returns a Supervisor that keeps its files below dir.
func NewSupervisor(dir string) (*Supervisor, error) {
	s := &Supervisor{dir: dir, exits: make(chan *ExitError, 64), procs: map[string]*proc{}}
	for _, d := range []string{s.PIDs(), s.logs(), s.home(), s.tmp()} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("cannot create folder for processes: %w", err)
		}
	}
	return s, nil
}

// PIDs returns the folder with the ids of the running processes.
func (s *Supervisor) PIDs() string { return PIDs(s.dir) }

// PIDs returns the folder in which a Supervisor of dir records processes.
func PIDs(dir string) string { return filepath.Join(dir, "pids") }

func (s *Supervisor) logs() string { return filepath.Join(s.dir, "logs") }
func (s *Supervisor) home() string { return filepath.Join(s.dir, "home") }
func (s *Supervisor) tmp() string  { return filepath.Join(s.dir, "tmp") }

// Log returns the path of a process's log.
func (s *Supervisor) Log(name string) string { return filepath.Join(s.logs(), name+".log") }

// Exits returns where processes are announced that ended unasked.
func (s *Supervisor) Exits() <-chan *ExitError { return s.exits }

// Start a process in a group of its own, so that Ctrl-C on a terminal reaches
// the launcher only, which ends its processes in order.
func (s *Supervisor) Start(spec Spec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.procs[spec.Name]; ok && p.running() {
		return fmt.Errorf("cannot start %s: it is running", spec.Name)
	}
	if spec.Dir == "" {
		spec.Dir = filepath.Join(s.dir, "work", spec.Name)
	}
	if err := os.MkdirAll(spec.Dir, 0o755); err != nil {
		return fmt.Errorf("cannot create working directory of %s: %w", spec.Name, err)
	}
	log, err := os.OpenFile(s.Log(spec.Name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("cannot open log of %s: %w", spec.Name, err)
	}
	defer log.Close() //nolint:errcheck // The process has its own handle.

	cmd := exec.Command(spec.Path, spec.Args...) //nolint:noctx // Processes outlive the call, and end in order.
	cmd.Dir, cmd.Stdout, cmd.Stderr = spec.Dir, log, log
	cmd.Env = append(s.env(), spec.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start %s: %w", spec.Name, err)
	}
	p := &proc{spec: spec, cmd: cmd, done: make(chan struct{})}
	if id, ok := Identify(cmd.Process.Pid); ok {
		// A process that has only just begun may not show its arguments yet.
		id.Command = spec.Path
		if err := writePID(s.PIDs(), spec.Name, id); err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return err
		}
	}
	if _, known := s.procs[spec.Name]; !known {
		s.order = append(s.order, spec.Name)
	}
	s.procs[spec.Name] = p
	go s.wait(p)
	return nil
}

func (s *Supervisor) wait(p *proc) {
	err := p.cmd.Wait()
	_ = removePID(s.PIDs(), p.spec.Name)
	s.mu.Lock()
	asked := p.asked
	s.mu.Unlock()
	close(p.done)
	if asked {
		return
	}
	select {
	case s.exits <- &ExitError{Name: p.spec.Name, Err: err, Log: s.Log(p.spec.Name)}:
	default:
	}
}

// Run a process to its end.
func (s *Supervisor) Run(ctx context.Context, spec Spec) error {
	if err := s.Start(spec); err != nil {
		return err
	}
	s.mu.Lock()
	p := s.procs[spec.Name]
	p.asked = true
	s.mu.Unlock()
	select {
	case <-p.done:
	case <-ctx.Done():
		s.end(p, syscall.SIGTERM)
		return ctx.Err()
	}
	if !p.cmd.ProcessState.Success() {
		return &ExitError{Name: spec.Name, Err: fmt.Errorf("%s", p.cmd.ProcessState), Log: s.Log(spec.Name)}
	}
	return nil
}

// Stop a process, gently at first.
func (s *Supervisor) Stop(name string) error { return s.signal(name, syscall.SIGTERM) }

// Kill a process the hard way.
func (s *Supervisor) Kill(name string) error { return s.signal(name, syscall.SIGKILL) }

// Restart a process that was stopped, or that still runs, as it was started,
// with extra arguments at the end, which the next Restart knows nothing of.
func (s *Supervisor) Restart(name string, extra ...string) error {
	s.mu.Lock()
	p, ok := s.procs[name]
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("cannot restart %s: no such process", name)
	}
	s.end(p, syscall.SIGTERM)
	spec := p.spec
	spec.Args = append(append([]string{}, spec.Args...), extra...)
	if err := s.Start(spec); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.procs[name].spec.Args = p.spec.Args
	return nil
}

// StopAll processes, the last one to be started first; those of one turn are
// told to end together.
func (s *Supervisor) StopAll(turns ...[]string) {
	for _, names := range turns {
		var wg sync.WaitGroup
		for _, name := range names {
			wg.Go(func() { _ = s.Stop(name) })
		}
		wg.Wait()
	}
	s.mu.Lock()
	rest := append([]string{}, s.order...)
	s.mu.Unlock()
	for _, name := range slices.Backward(rest) {
		_ = s.Stop(name)
	}
}

// Running returns the names of the processes that run, in order of their
// first start.
func (s *Supervisor) Running() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, name := range s.order {
		if s.procs[name].running() {
			out = append(out, name)
		}
	}
	return out
}

// PID returns the id of a running process.
func (s *Supervisor) PID(name string) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.procs[name]
	if !ok || !p.running() {
		return 0, false
	}
	return p.cmd.Process.Pid, true
}

func (s *Supervisor) signal(name string, sig syscall.Signal) error {
	s.mu.Lock()
	p, ok := s.procs[name]
	s.mu.Unlock()
	if !ok {
		return fmt.Errorf("cannot stop %s: no such process", name)
	}
	s.end(p, sig)
	return nil
}

func (s *Supervisor) end(p *proc, sig syscall.Signal) {
	s.mu.Lock()
	p.asked = true
	s.mu.Unlock()
	if !p.running() {
		return
	}
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
		return
	case <-time.After(grace):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *proc) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// env is the environment of every process. Little of the launcher's own gets
// through: a KUBECONFIG or a proxy for the outside must not mislead a process.
func (s *Supervisor) env() []string {
	env := []string{"HOME=" + s.home(), "TMPDIR=" + s.tmp(), "NO_PROXY=localhost,127.0.0.1"}
	for _, name := range []string{"PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// TailFile returns the last n lines of a file, indented.
func TailFile(path string, n int) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "  (" + err.Error() + ")"
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "  " + strings.Join(lines, "\n  ")
}
