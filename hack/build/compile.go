// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// A program of this project that runs in an image.
type program struct {
	// name of the binary, and for people.
	name string
	// module that has it, relative to the root.
	module string
	// pkg is its package, relative to the module.
	pkg string
}

// functionProgram is the composition function.
func functionProgram() program {
	return program{name: "function", module: ".", pkg: "./functions"}
}

// gameProgram is the emulator of games.
func gameProgram() program {
	return program{name: "game", module: "workloads/game", pkg: "."}
}

// localProgram is the provider for clusters on a container engine.
func localProgram() program {
	return program{name: "provider-local", module: "providers/local", pkg: "./cmd/provider"}
}

// dockerProgram is the docker client, which kind runs.
func dockerProgram() program {
	return program{name: "docker", module: "providers/local/docker-cli", pkg: "github.com/docker/cli/cmd/docker"}
}

// commandProgram is the command line.
func commandProgram() program {
	return program{name: "kubectl-observe", module: "cmd/kubectl-observe", pkg: "."}
}

// compile a program as a static binary that knows its version, but not where, when
// or from which checkout it was built.
func compile(ctx context.Context, p program, root, out, version, goos, arch string) ([]byte, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, errors.Wrap(err, "cannot find the root of the project")
	}
	path := filepath.Join(root, out, p.name+"-"+goos+"-"+arch)

	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid= -X main.version="+version, "-o", path, p.pkg)
	cmd.Dir = filepath.Join(root, filepath.FromSlash(p.module))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, errors.Wrapf(err, "cannot compile the %s for %s/%s", p.name, goos, arch)
	}
	b, err := os.ReadFile(path)
	return b, errors.Wrapf(err, "cannot read the binary of the %s", p.name)
}
