// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"testing"
)

// TestAction runs the tests of the GitHub Action, which starts this program.
func TestAction(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the action was NOT tested: there is no node on this machine")
		}
		t.Skip("the action was NOT tested: there is no node on this machine")
	}
	cmd := exec.CommandContext(t.Context(), "node", "--test", "action/run.test.cjs")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
