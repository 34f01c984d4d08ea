// SPDX-License-Identifier: Apache-2.0

// Package docker runs a container engine of its own, and makes what clusters of
// kind need where no registry can be reached: a node image of Debian's packages
// and of programs built from Go modules.
//
// The engine is Debian's docker.io, started by hand: it has its own data, socket
// and bridge, so that it neither needs nor disturbs another one.
package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/flock"
)

// ErrUnavailable says that this machine cannot run a container engine. Its
// message says why.
var ErrUnavailable = errors.New("no container engine on this machine")

const (
	// gateway is the host's address on the engine's default bridge. Containers of
	// every network of the engine reach the host by it.
	gateway = "10.118.0.1"

	// One engine at a time: they would fight over the firewall.
	machineLock = "/run/lock/observe-k8s-docker.lock"

	startTimeout = time.Minute
	stopTimeout  = 30 * time.Second
)

// Options of an engine.
type Options struct {
	// Root of the repository.
	Root string
	// Cache is the folder for what is built, and for the engine's data.
	Cache string
	// Data is the folder of the engine's images and containers; one in the cache if
	// it is not given, so that images are loaded once.
	Data string
	// Output receives what a person wants to know.
	Output io.Writer
}

// An Engine that runs.
type Engine struct {
	opts   Options
	dir    string
	unlock func()
	cmd    *exec.Cmd
	ended  chan struct{}
}

// Up starts an engine. Debian's packages are installed if they are missing. An
// error that is ErrUnavailable says why there can be none.
func Up(ctx context.Context, o Options) (*Engine, error) {
	if o.Output == nil {
		o.Output = io.Discard
	}
	if err := prepare(ctx, o.Output); err != nil {
		return nil, err
	}
	dir := filepath.Join(o.Cache, "docker")
	if o.Data == "" {
		o.Data = filepath.Join(dir, "data")
	}
	for _, d := range []string{dir, o.Data} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("cannot make the engine's folder: %w", err)
		}
	}
	unlock, err := flock.Lock(ctx, machineLock)
	if err != nil {
		return nil, err
	}
	e := &Engine{opts: o, dir: dir, unlock: unlock}
	err = e.start(ctx)
	if err == nil {
		// A run that was killed leaves clusters, and a claim would take them for its own.
		err = e.Clean(ctx)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return e, nil
}

// start dockerd, after ending one that an earlier run left.
func (e *Engine) start(ctx context.Context) error {
	e.reap()
	// A run that ended in the middle of Fill.
	_ = syscall.Unmount(e.volumes(), syscall.MNT_DETACH)
	if err := goBuild(ctx, e.opts.Root, "runcw", e.runcw()); err != nil {
		return err
	}
	config := fmt.Sprintf(`{"runtimes": {"runcw": {"path": %q}}, "default-runtime": "runcw"}`, e.runcw())
	if err := os.WriteFile(e.file("daemon.json"), []byte(config), 0o644); err != nil {
		return fmt.Errorf("cannot configure the container engine: %w", err)
	}
	return e.Start(ctx)
}

// Start the engine after Stop.
func (e *Engine) Start(ctx context.Context) error {
	log, err := os.Create(e.Log())
	if err != nil {
		return fmt.Errorf("cannot create the engine's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	// The engine outlives whoever starts it; Down ends it.
	cmd := exec.Command( //nolint:noctx // As said.
		"dockerd",
		"--config-file", e.file("daemon.json"),
		"--data-root", e.opts.Data,
		"--exec-root", e.file("exec"),
		"--pidfile", e.file("docker.pid"),
		"--host", e.Host(),
		"--bip", gateway+"/24",
		"--exec-opt", "native.cgroupdriver=cgroupfs",
	)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start the container engine: %w", err)
	}
	e.cmd, e.ended = cmd, make(chan struct{})
	go func(ended chan struct{}) {
		_ = cmd.Wait()
		close(ended)
	}(e.ended)

	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if _, err := e.Docker(ctx, "version"); err == nil {
			return nil
		}
		select {
		case <-e.ended:
			return fmt.Errorf("%w: dockerd ended: %s", ErrUnavailable, lastLine(e.Log()))
		case <-ctx.Done():
			_ = e.Stop()
			return fmt.Errorf("%w: dockerd does not answer: %s", ErrUnavailable, lastLine(e.Log()))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop the engine, and its containers with it. They stay, and so do images.
func (e *Engine) Stop() error { return e.end(syscall.SIGTERM) }

// end the engine by a signal.
func (e *Engine) end(s syscall.Signal) error {
	if e.cmd == nil {
		return nil
	}
	if err := e.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot stop the container engine: %w", err)
	}
	select {
	case <-e.ended:
	case <-time.After(stopTimeout):
		_ = e.cmd.Process.Kill()
		<-e.ended
	}
	e.cmd = nil
	return nil
}

// Fill lets the disk be full for what containers write outside of their images.
// What it returns removes every container, and undoes that.
func (e *Engine) Fill() (undo func(context.Context) error, err error) {
	// Mounted while the engine runs, or it would mount its own folder over it.
	if err := syscall.Mount("tmpfs", e.volumes(), "tmpfs", 0, "size=4m"); err != nil {
		return nil, fmt.Errorf("cannot mount a small disk: %w", err)
	}
	return func(ctx context.Context) error {
		if err := e.Clean(ctx); err != nil {
			return err
		}
		if err := syscall.Unmount(e.volumes(), syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("cannot unmount the small disk: %w", err)
		}
		return nil
	}, nil
}

// volumes is the folder of what containers write outside of their images.
func (e *Engine) volumes() string { return filepath.Join(e.opts.Data, "volumes") }

// Down removes every container and stops the engine. Images stay.
func (e *Engine) Down() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	_ = e.Clean(ctx)
	_ = e.Stop()
	e.unlock()
}

// Clean removes every container and what they left.
func (e *Engine) Clean(ctx context.Context) error {
	ids, err := e.Docker(ctx, "ps", "-aq")
	if err != nil {
		return err
	}
	if all := strings.Fields(ids); len(all) > 0 {
		if _, err := e.Docker(ctx, append([]string{"rm", "-f", "-v"}, all...)...); err != nil {
			return err
		}
	}
	_, err = e.Docker(ctx, "volume", "prune", "-f")
	return err
}

// Host is the engine's address, as DOCKER_HOST has it.
func (e *Engine) Host() string { return "unix://" + e.file("docker.sock") }

// Gateway is the host's address, as containers reach it.
func (e *Engine) Gateway() string { return gateway }

// Log is the file of the engine's log.
func (e *Engine) Log() string { return e.file("dockerd.log") }

// Docker runs the docker client, and returns what it prints.
func (e *Engine) Docker(ctx context.Context, args ...string) (string, error) {
	return run(ctx, []string{"DOCKER_HOST=" + e.Host()}, "docker", args...)
}

// Load an image from an archive, unless the engine has it.
func (e *Engine) Load(ctx context.Context, image, archive string) error {
	if id, err := e.Docker(ctx, "image", "inspect", "-f", "{{.Id}}", image); err == nil && id != "" {
		return nil
	}
	_, err := e.Docker(ctx, "load", "-q", "-i", archive)
	return err
}

func (e *Engine) file(name string) string { return filepath.Join(e.dir, name) }

func (e *Engine) runcw() string { return e.file("runcw") }

// reap ends an engine that an earlier run left. It is known by its arguments.
func (e *Engine) reap() {
	b, err := os.ReadFile(e.file("docker.pid"))
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(line), e.file("docker.pid")) {
		return
	}
	_ = syscall.Kill(pid, syscall.SIGTERM)
	for range 300 {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// run a command, with its output as the error's text.
func run(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	out := &strings.Builder{}
	problems := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, problems
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(problems.String())
		if len(text) > 1000 {
			text = text[len(text)-1000:]
		}
		return out.String(), fmt.Errorf("%s %s: %w: %s", name, args[0], err, text)
	}
	return strings.TrimSpace(out.String()), nil
}

// lastLine of a file.
func lastLine(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

// goBuild one of this package's programs. The same sources give the same bytes,
// whatever the commit.
func goBuild(ctx context.Context, root, name, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", out, "./docker/cmd/"+name)
	cmd.Dir = filepath.Join(root, "controlplane")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build %s: %w: %s", name, err, b)
	}
	return nil
}
