// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os/exec"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// errNoEngine is what a person reads where there is no docker.
var errNoEngine = errors.New("docker does not answer on this machine. Install or start it, or run `make demo`: it needs no container engine")

// network that kind puts its nodes into, and clusters that are made from here.
const network = "kind"

// docker runs docker and returns what it prints.
func docker(ctx context.Context, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", errors.Wrapf(err, "docker %s: %s", args[0], strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// findEngine fails with what to do where docker does not answer.
func findEngine(ctx context.Context) error {
	if _, err := exec.LookPath("docker"); err != nil {
		return errNoEngine
	}
	if _, err := docker(ctx, "version", "--format", "{{.Server.Version}}"); err != nil {
		return errors.Wrap(errNoEngine, err.Error())
	}
	return nil
}
