// SPDX-License-Identifier: Apache-2.0

// Package checkout finds a checkout of this repository, and runs Go in it.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNone is returned by Find if there is no checkout.
var ErrNone = errors.New("this needs a checkout of observe-k8s: run it there or pass --root DIR")

// Find returns the root of the checkout: the given folder or, if that is empty,
// the closest one above the working directory.
func Find(root string) (string, error) {
	dir, err := filepath.Abs(root)
	if err != nil {
		return "", fmt.Errorf("cannot resolve path: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "controlplane", "programs")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if root != "" || up == dir {
			return "", ErrNone
		}
		dir = up
	}
}

// Go runs Go in a folder of the checkout. What it prints goes to standard error.
func Go(ctx context.Context, root, folder string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(root, filepath.FromSlash(folder))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot run go %s in %s: %w", args[0], cmd.Dir, err)
	}
	return nil
}
