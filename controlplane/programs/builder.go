// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/flock"
)

// A Built program.
type Built struct {
	dir string
}

// Key identifies the build: another one has another key.
func (b Built) Key() string { return filepath.Base(b.dir) }

// Bin returns the path of one of the program's binaries.
func (b Built) Bin(name string) string { return filepath.Join(b.dir, "bin", name) }

// Asset returns the path of one of the program's assets.
func (b Built) Asset(name string) string {
	return filepath.Join(b.dir, "assets", filepath.FromSlash(name))
}

// Progress hears about builds.
type Progress interface {
	// Wait is told when another process builds into the same cache.
	Wait()
	// Plan is told once what has to be built; cached programs are left out.
	Plan(todo []Program)
	// Begin and End enclose the build of one program.
	Begin(p Program)
	End(p Program, took time.Duration, err error)
}

// A Builder builds programs into a cache.
type Builder struct {
	// Modules is the folder that holds one small Go module per program.
	Modules string
	// Cache is the folder for what is built.
	Cache string
	// Progress hears about builds that have to be done.
	Progress Progress
}

// Cached returns true if every program is in the cache.
func (b Builder) Cached(table []Program) (bool, error) {
	todo, err := b.missing(table)
	return len(todo) == 0, err
}

// Build every program of the table that is not in the cache, one at a time,
// and return all of them by name. Processes that build into the same cache
// wait for each other.
func (b Builder) Build(ctx context.Context, table []Program) (map[string]Built, error) {
	todo, err := b.missing(table)
	if err != nil {
		return nil, err
	}
	if len(todo) > 0 {
		if err := b.buildMissing(ctx, table); err != nil {
			return nil, err
		}
	}

	out := make(map[string]Built, len(table))
	for _, p := range table {
		dir, err := b.dir(p)
		if err != nil {
			return nil, err
		}
		out[p.Name] = Built{dir: dir}
	}
	return out, nil
}

func (b Builder) buildMissing(ctx context.Context, table []Program) error {
	if err := os.MkdirAll(b.Cache, 0o755); err != nil {
		return fmt.Errorf("cannot create the cache folder: %w", err)
	}
	lock := filepath.Join(b.Cache, "lock")
	unlock, err := flock.TryLock(lock)
	if errors.Is(err, flock.ErrHeld) {
		b.Progress.Wait()
		unlock, err = flock.Lock(ctx, lock)
	}
	if err != nil {
		return fmt.Errorf("cannot lock the cache folder: %w", err)
	}
	defer unlock()

	// Another process may have built some while this one waited.
	todo, err := b.missing(table)
	if err != nil {
		return err
	}
	b.Progress.Plan(todo)
	for _, p := range todo {
		b.Progress.Begin(p)
		start := time.Now()
		err := b.build(ctx, p)
		b.Progress.End(p, time.Since(start), err)
		if err != nil {
			return fmt.Errorf("cannot build %s: %w", p.Name, err)
		}
	}
	return nil
}

func (b Builder) missing(table []Program) ([]Program, error) {
	var todo []Program
	for _, p := range table {
		dir, err := b.dir(p)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(dir); err != nil {
			todo = append(todo, p)
		}
	}
	return todo, nil
}

// dir is where the program ends up. It exists only once it is complete.
func (b Builder) dir(p Program) (string, error) {
	k, err := key(p, b.module(p))
	if err != nil {
		return "", err
	}
	return filepath.Join(b.Cache, p.Name+"-"+k), nil
}

func (b Builder) module(p Program) string { return filepath.Join(b.Modules, p.Name) }

func (b Builder) build(ctx context.Context, p Program) error {
	final, err := b.dir(p)
	if err != nil {
		return err
	}
	work := final + ".partial"
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("cannot clear a previous attempt: %w", err)
	}
	bin := filepath.Join(work, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("cannot create the output folder: %w", err)
	}

	g := golang{dir: b.module(p)}
	if _, err := g.run(ctx, "mod", "download"); err != nil {
		return err
	}
	args := append([]string{"build"}, buildFlags()...)
	args = append(args, "-ldflags", strings.Join(append([]string{"-s", "-w"}, p.LDFlags...), " "))
	if len(p.Tags) > 0 {
		args = append(args, "-tags", strings.Join(p.Tags, ","))
	}
	if len(p.Patches) > 0 {
		modfile, err := patch(ctx, g, p.Patches, filepath.Join(work, "src"))
		if err != nil {
			return err
		}
		args = append(args, "-modfile", modfile)
	}
	for _, pkg := range p.Packages {
		if _, err := g.run(ctx, append(args, "-o", filepath.Join(bin, binary(pkg)), pkg)...); err != nil {
			return err
		}
	}
	for _, a := range p.Assets {
		dir, err := g.moduleDir(ctx, a.Module)
		if err != nil {
			return err
		}
		if err := copyTree(filepath.Join(dir, filepath.FromSlash(a.Path)), filepath.Join(work, "assets", filepath.FromSlash(a.As))); err != nil {
			return fmt.Errorf("cannot copy %s of %s: %w", a.Path, a.Module, err)
		}
	}
	if err := os.RemoveAll(filepath.Join(work, "src")); err != nil {
		return fmt.Errorf("cannot remove patched sources: %w", err)
	}
	if err := os.Rename(work, final); err != nil {
		return fmt.Errorf("cannot move the build into the cache: %w", err)
	}
	return nil
}

// binary returns the name for the binary of a main package: the last element
// of its path that is not a major version.
func binary(pkg string) string {
	base := path.Base(pkg)
	if base == "v3" {
		return "etcd"
	}
	return base
}

// buildFlags are the flags that every build shares.
func buildFlags() []string { return []string{"-trimpath", "-mod=readonly"} }

// golang runs the go command in a module's folder.
type golang struct{ dir string }

func (g golang) moduleDir(ctx context.Context, module string) (string, error) {
	out, err := g.run(ctx, "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(out), nil
}

func (g golang) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("go %s: %w", args[0], errors.Join(err, errors.New(tail(stderr.String(), 20))))
	}
	return stdout.String(), nil
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}
