// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"testing"

	"github.com/observe-k8s/observe-k8s/controlplane/skip"
)

// TestAction runs the tests of the GitHub Action, which starts this program.
func TestAction(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		skip.Test(t, "node", err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "--test", "action/run.test.cjs")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
