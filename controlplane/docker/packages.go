// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// What has to be in the path, and the Debian package that it is in.
func needed() map[string]string {
	return map[string]string{
		"dockerd":     "docker.io",
		"docker":      "docker.io",
		"containerd":  "containerd",
		"ctr":         "containerd",
		"runc":        "runc",
		"debootstrap": "debootstrap",
		"iptables":    "iptables",
		BusyBox:       "busybox-static",
	}
}

// prepare the machine: install what is missing, or say why that cannot be.
func prepare(ctx context.Context, out io.Writer) error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("%w: it takes Linux", ErrUnavailable)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: it takes root to start one", ErrUnavailable)
	}
	packages := missing()
	if len(packages) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("%w: %s missing, and there is no apt-get to install it", ErrUnavailable, strings.Join(packages, " "))
	}
	_, _ = fmt.Fprintf(out, "installing Debian's packages %s, once\n", strings.Join(packages, " "))
	// Whoever has a docker client of a newer version keeps it in the path.
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	if _, err := run(ctx, env, "apt-get", "update"); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if _, err := run(ctx, env, "apt-get", append([]string{"install", "-y", "--no-install-recommends"}, packages...)...); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if packages := missing(); len(packages) > 0 {
		return fmt.Errorf("%w: %s cannot be installed", ErrUnavailable, strings.Join(packages, " "))
	}
	return nil
}

// missing packages.
func missing() []string {
	found := map[string]bool{}
	var out []string
	for program, pkg := range needed() {
		if _, err := exec.LookPath(program); err != nil && !found[pkg] {
			found[pkg] = true
			out = append(out, pkg)
		}
	}
	return out
}
