// SPDX-License-Identifier: Apache-2.0

package management

import (
	"bytes"
	"context"
	"os/exec"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// errNoEngine says what to do where there is no docker.
var errNoEngine = errors.New("cannot connect to docker on this machine: install or start it, or run `kubectl observe demo` in a checkout, which needs no container engine")

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
