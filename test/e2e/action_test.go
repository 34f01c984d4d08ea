// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAction does what a job of a CI system does: it gets an environment, uses
// it and takes it down.
func TestAction(t *testing.T) {
	claim(t)
	dir := t.TempDir()
	action := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), w.command, append([]string{"ci"}, args...)...)
		cmd.Env = append(os.Environ(), "GITHUB_ACTIONS=true", "GITHUB_OUTPUT="+filepath.Join(dir, "outputs"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("action %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	file, err := filepath.Abs(filepath.Join("..", "..", "examples", "existing.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	state, err := w.cp.State()
	if err != nil {
		t.Fatal(err)
	}
	environment := filepath.Join(dir, "environment")
	out := action("up", file, "--kubeconfig", state.Kubeconfig, "--dir", environment)
	t.Log("\n" + out)
	for _, words := range []string{"::group::wait for the stack", "kubeconfig=" + environment} {
		if !strings.Contains(out, words) {
			t.Errorf("the log has no %q", words)
		}
	}
	outputs, err := os.ReadFile(filepath.Join(dir, "outputs"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(outputs), "urls=[") {
		t.Errorf("the outputs have no URLs:\n%s", outputs)
	}
	t.Log("\n" + action("down", "--dir", environment))
	if left := leftovers(t.Context(), ""); len(left) > 0 {
		t.Errorf("the action said that nothing is left, but there is %s", strings.Join(left, ", "))
	}
	for _, file := range []string{"platform.yaml", "events.txt", "trace.jsonl"} {
		if _, err := os.Stat(filepath.Join(environment, file)); err != nil {
			t.Errorf("not kept: %v", err)
		}
	}
}
