// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
)

// TestWalk runs what the docs tell a newcomer to type, page by page, and sees
// that the claim alone says what is wrong when something is.
func TestWalk(t *testing.T) {
	claim(t)
	why := ""
	// The last one deletes the claim.
	for _, page := range []string{"quickstart.md", "walk.md", "operations.md"} {
		for i, commands := range commandsOf(t, page) {
			out := shell(t, commands)
			t.Logf("%s, block %d:\n%s%s", page, i+1, commands, out)
			if strings.Contains(commands, "StackReady=False") {
				why = explained(t)
				for j, look := range commandsOf(t, "troubleshooting.md") {
					t.Logf("troubleshooting.md, block %d:\n%s", j+1, shell(t, look))
				}
			}
			if strings.Contains(commands, "Huge") && !strings.Contains(out, "refused") {
				t.Error("a profile that does not exist was not refused")
			}
		}
	}
	if !strings.Contains(why, "kube-prometheus-stack") || !strings.Contains(why, "99.0.0") {
		t.Errorf("the claim does not say which component is wrong, and why:\n%s", why)
	}
	nothingLeft(t)
}

// explained is all that the claim says about what is wrong with it.
func explained(t *testing.T) string {
	t.Helper()
	var why string
	eventually(t, hang, "the claim names the chart that does not exist", func() (bool, string) {
		o := get(t, ours("ObservabilityPlatform"), "demo")
		if o == nil {
			return false, "it does not exist"
		}
		_, reason, message := kube.Condition(o, "StackReady")
		why = reason + ": " + message
		return strings.Contains(why, "99.0.0"), conditions(o)
	})
	return why
}

// nothingLeft waits until nothing of any claim is left.
func nothingLeft(t *testing.T) {
	t.Helper()
	eventually(t, 2*hang, "nothing left", func() (bool, string) {
		left := leftovers(t.Context(), "")
		return len(left) == 0, strings.Join(left, ", ")
	})
}

// commandsOf a page are the blocks that say that this test runs them.
func commandsOf(t *testing.T, page string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, rest := range strings.Split(string(b), "```sh run by TestWalk\n")[1:] {
		commands, _, _ := strings.Cut(rest, "```")
		out = append(out, commands)
	}
	if len(out) == 0 {
		t.Fatalf("%s has no commands for this test", page)
	}
	return out
}

// shell runs commands as a reader does: at the root of the repository, with
// kubectl, and the management cluster as its cluster.
func shell(t *testing.T, commands string) string {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "bash", "-euo", "pipefail", "-c", commands)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.cp.Kubeconfig(), "PATH="+filepath.Dir(w.cp.Kubectl())+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		failedf(t, "%v\n%s\n%s", err, commands, out)
	}
	return string(out)
}
