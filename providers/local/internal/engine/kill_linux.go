// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"os/exec"
	"syscall"
)

// killWithParent lets a command end with its parent, and its children with it.
func killWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
