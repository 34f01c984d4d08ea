package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// compile the function as a static Linux binary that knows its version, but not
// where, when or from which checkout it was built.
func compile(ctx context.Context, root, out, version, arch string) ([]byte, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, errors.Wrap(err, "cannot find the root of the project")
	}
	path := filepath.Join(root, out, "function-linux-"+arch)

	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid= -X main.version="+version, "-o", path, "./functions")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, errors.Wrapf(err, "cannot compile the function for %s", arch)
	}
	b, err := os.ReadFile(path)
	return b, errors.Wrap(err, "cannot read the function's binary")
}
