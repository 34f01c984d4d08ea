// SPDX-License-Identifier: Apache-2.0

// Command build makes the Crossplane packages of this project without a
// container engine, and pushes them. The same sources give the same bytes.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// CLI of the builder.
type CLI struct {
	Build   BuildCmd   `cmd:"" help:"Build the packages."`
	Push    PushCmd    `cmd:"" help:"Push the packages that were built."`
	Release ReleaseCmd `cmd:"" help:"Build the archives of the command line."`
	Schemas SchemasCmd `cmd:"" help:"Get the CRDs of the providers that the configuration depends on."`
}

// Paths that both commands share.
type Paths struct {
	Root    string   `default:"../.."     help:"Root of the project." type:"existingdir"`
	Out     string   `default:"_output"   help:"Folder of the packages, relative to the root."`
	Version string   `default:"v0.1.0"    help:"Version of the packages."`
	Arch    []string `default:"amd64,arm64" enum:"amd64,arm64" help:"Architectures of the function."`
}

// Configuration is the file of the configuration's package.
func (p Paths) Configuration() string {
	return filepath.Join(p.Root, p.Out, "observe-k8s.xpkg")
}

// Function is the file of the function's package for one architecture.
func (p Paths) Function(arch string) string {
	return filepath.Join(p.Root, p.Out, "function-observe-k8s-"+arch+".xpkg")
}

// Game is the file of the emulator's image for one architecture.
func (p Paths) Game(arch string) string {
	return filepath.Join(p.Root, p.Out, "game-"+arch+".tar")
}

// Local is the file of provider-local's package for one architecture.
func (p Paths) Local(arch string) string {
	return filepath.Join(p.Root, p.Out, "provider-local-"+arch+".xpkg")
}

// files of a kind, one per architecture.
func (p Paths) files(of func(arch string) string) []string {
	out := make([]string, 0, len(p.Arch))
	for _, arch := range p.Arch {
		out = append(out, of(arch))
	}
	return out
}

// A BuildCmd builds the packages.
type BuildCmd struct {
	Paths
}

// Run builds all packages and prints what it wrote.
func (c *BuildCmd) Run(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(c.Root, c.Out), 0o755); err != nil {
		return errors.Wrap(err, "cannot create the output folder")
	}

	img, err := Configuration(c.Root, c.Version)
	if err != nil {
		return errors.Wrap(err, "cannot build the configuration")
	}
	if err := c.write(img, c.Configuration()); err != nil {
		return err
	}

	for _, arch := range c.Arch {
		binary, err := compile(ctx, functionProgram(), c.Root, c.Out, c.Version, "linux", arch)
		if err != nil {
			return err
		}
		img, err := Function(c.Root, c.Version, arch, binary)
		if err != nil {
			return errors.Wrapf(err, "cannot build the function for %s", arch)
		}
		if err := c.write(img, c.Function(arch)); err != nil {
			return err
		}

		binary, err = compile(ctx, gameProgram(), c.Root, c.Out, c.Version, "linux", arch)
		if err != nil {
			return err
		}
		img, err = Game(c.Version, arch, binary)
		if err != nil {
			return errors.Wrapf(err, "cannot build the game's image for %s", arch)
		}
		if err := c.write(img, c.Game(arch)); err != nil {
			return err
		}

		if err := c.local(ctx, arch); err != nil {
			return err
		}
	}
	return nil
}

// local builds provider-local's package.
func (c *BuildCmd) local(ctx context.Context, arch string) error {
	provider, err := compile(ctx, localProgram(), c.Root, c.Out, c.Version, "linux", arch)
	if err != nil {
		return err
	}
	docker, err := compile(ctx, dockerProgram(), c.Root, c.Out, c.Version, "linux", arch)
	if err != nil {
		return err
	}
	img, err := Local(c.Root, c.Version, arch, provider, docker)
	if err != nil {
		return errors.Wrapf(err, "cannot build provider-local for %s", arch)
	}
	return c.write(img, c.Local(arch))
}

func (c *BuildCmd) write(img Image, path string) error {
	digest, err := Save(img, path)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(c.Root, path)
	if err != nil {
		rel = path
	}
	fmt.Println(rel, digest)
	return nil
}

// A PushCmd pushes packages and charts.
type PushCmd struct {
	Paths

	Registry string `arg:"" help:"Where to push, for example registry.example.org/observe-k8s."`
	Insecure bool   `help:"Talk plain HTTP to the registry."`
	Key      string `help:"Sign with the private key in this file, as cosign does; its password is in COSIGN_PASSWORD." placeholder:"FILE" xor:"sign"`
	Keyless  bool   `help:"Sign with the identity of this CI job, by the program cosign."                                                   xor:"sign"`
	Digests  string `help:"Write what was pushed, by digest, into this file." placeholder:"FILE"`
}

// signer that was asked for; nil for none.
func (c *PushCmd) signer() (Signer, error) {
	switch {
	case c.Keyless:
		return keyless{}, nil
	case c.Key != "":
		return newKeySigner(c.Key, os.Getenv("COSIGN_PASSWORD"))
	}
	return nil, nil
}

// Run pushes the charts, the configuration, and the function, the emulator and
// provider-local of all architectures as one index each. What others ask for goes
// first.
func (c *PushCmd) Run(ctx context.Context) error {
	signer, err := c.signer()
	if err != nil {
		return err
	}
	target := Target{Registry: c.Registry, Version: c.Version, Insecure: c.Insecure, Signer: signer}
	game, err := PushIndex(ctx, target, "game", c.files(c.Game))
	if err != nil {
		return err
	}
	provider, err := PushIndex(ctx, target, "provider-local", c.files(c.Local))
	if err != nil {
		return err
	}
	charts, err := PushCharts(ctx, target, c.Root)
	if err != nil {
		return err
	}
	packages, err := Push(ctx, target, c.Configuration(), c.files(c.Function))
	if err != nil {
		return err
	}
	pushed := strings.Join(slices.Concat([]string{game, provider}, charts, packages), "\n") + "\n"
	fmt.Print(pushed)
	if c.Digests == "" {
		return nil
	}
	return errors.Wrap(os.WriteFile(c.Digests, []byte(pushed), 0o644), "cannot write what was pushed")
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	k := kong.Parse(&CLI{}, kong.Name("build"), kong.Description("Build and push the packages of observe-k8s."), kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run())
}
