// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestArguments(t *testing.T) {
	cases := map[string]struct {
		reason string
		args   []string
		want   []string
	}{
		"Itself":     {reason: "Arguments follow the program.", args: []string{"/bin/kubectl-observe", "tree", "a"}, want: []string{"tree", "a"}},
		"Completion": {reason: "kubectl asks a program of another name what may follow.", args: []string{"/bin/kubectl_complete-observe", "cat", ""}, want: []string{"__complete", "cat", ""}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, arguments(tc.args)); diff != "" {
				t.Errorf("\n%s\narguments(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestCommands runs what needs no file.
func TestCommands(t *testing.T) {
	cases := map[string]struct {
		reason string
		args   []string
		status int
		want   string
	}{
		"Help":        {reason: "Help names the program as kubectl does.", args: []string{"--help"}, want: "kubectl observe [command]"},
		"Version":     {reason: "The version is what the linker was told.", args: []string{"version"}, want: version},
		"Bash":        {reason: "Commands are completed in bash.", args: []string{"completion", "bash"}, want: "# bash completion"},
		"Zsh":         {reason: "Commands are completed in zsh.", args: []string{"completion", "zsh"}, want: "#compdef kubectl-observe"},
		"Fish":        {reason: "Commands are completed in fish.", args: []string{"completion", "fish"}, want: "# fish completion"},
		"PowerShell":  {reason: "Commands are completed in PowerShell.", args: []string{"completion", "powershell"}, want: "# powershell completion"},
		"Complete":    {reason: "Arguments are completed too.", args: []string{"__complete", "catalog", "p"}, want: "profiles"},
		"Components":  {reason: "The catalog of components is a table.", args: []string{"catalog", "components"}, want: "cert-manager "},
		"Workloads":   {reason: "The catalog of workloads is a table.", args: []string{"catalog", "workloads"}, want: "podinfo "},
		"Profiles":    {reason: "Profiles are told with what is in them.", args: []string{"catalog", "profiles"}, want: "Minimal "},
		"NoCatalog":   {reason: "There is no other catalog.", args: []string{"catalog", "nodes"}, status: 1, want: `invalid argument "nodes"`},
		"NoFormat":    {reason: "There is no other format.", args: []string{"catalog", "workloads", "-o", "xml"}, status: 1, want: "use -o table|json|yaml"},
		"NoCommand":   {reason: "A mistyped command is refused.", args: []string{"tre"}, status: 1, want: "unknown command"},
		"NoFlag":      {reason: "A mistyped flag is refused.", args: []string{"version", "--short"}, status: 1, want: "unknown flag"},
		"NoFile":      {reason: "A file that is not there is no claim of a cluster.", args: []string{"tree", "nothing.yaml"}, status: 1, want: "no such file"},
		"NoName":      {reason: "An empty name is refused.", args: []string{"tree", "team-a/"}, status: 1, want: "is not NAME, NAMESPACE/NAME"},
		"NoCluster":   {reason: "Without a cluster there is no tree.", args: []string{"tree", "team-a/demo", "--kubeconfig", "/nothing"}, status: 1, want: "cannot load the kubeconfig"},
		"NoDemo":      {reason: "The demo is built from source.", args: []string{"demo", "--root", "/nothing"}, status: 1, want: "cannot run the demo: this needs a checkout of observe-k8s: run it there or pass --root DIR"},
		"NoCharts":    {reason: "Charts come from two places.", args: []string{"demo", "--charts", "mine"}, status: 1, want: "--charts is stand-in or upstream"},
		"NoPackages":  {reason: "A program that is not a release builds packages.", args: []string{"up", "--root", "/nothing"}, status: 1, want: "cannot build the packages: this needs a checkout of observe-k8s"},
		"Packages":    {reason: "Packages are built or taken, not both.", args: []string{"up", "--root", "a", "--packages", "b"}, status: 1, want: "none of the others can be"},
		"NoMirror":    {reason: "A mirror is of something.", args: []string{"mirror"}, status: 1, want: "pass --profile or --packages"},
		"NoProfile":   {reason: "There is no other profile.", args: []string{"mirror", "--profile", "Huge"}, status: 1, want: "profiles are Minimal, Standard and Full"},
		"NoTo":        {reason: "A registry is told by its URL.", args: []string{"mirror", example, "--to", "example.org"}, status: 1, want: "cannot read --to"},
		"Game":        {reason: "A game is checked.", args: []string{"game", "check", "../../workloads/game/games/shop.yaml"}, want: "valid: 8 services"},
		"NoGame":      {reason: "What is no game is refused.", args: []string{"game", "check", example}, status: 1, want: "existing.yaml"},
		"LastingCI":   {reason: "What outlives a job is not left to a cluster that ends with it.", args: []string{"ci", "up", "../../examples/eks.yaml"}, status: 1, want: "outlives the job"},
		"WatchOfFile": {reason: "A file does not change by being watched.", args: []string{"tree", example, "--watch"}, status: 1, want: "cannot watch"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := execute(t, "", tc.args...)
			if got.status != tc.status || !strings.Contains(got.out+got.errOut, tc.want) {
				t.Errorf("\n%s\n%v: want status %d and %q, got %d: %s", tc.reason, tc.args, tc.status, tc.want, got.status, got.out+got.errOut)
			}
		})
	}
}

// TestCatalogFormats proves that both formats for programs hold the same.
func TestCatalogFormats(t *testing.T) {
	for _, list := range []string{"components", "workloads", "profiles"} {
		var asJSON, asYAML []map[string]any
		if err := json.Unmarshal([]byte(execute(t, "", "catalog", list, "-o", "json").out), &asJSON); err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal([]byte(execute(t, "", "catalog", list, "-o", "yaml").out), &asYAML); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asJSON, asYAML); diff != "" || len(asJSON) == 0 {
			t.Errorf("%s: %d entries; -json, +yaml:\n%s", list, len(asJSON), diff)
		}
	}
}

// TestRefusedBeforeAnythingIsMade proves that ci and demo judge a claim before they
// make anything for it.
func TestRefusedBeforeAnythingIsMade(t *testing.T) {
	claim := write(t, "apiVersion: observe-k8s.io/v1alpha1\nkind: ObservabilityPlatform\nmetadata: {name: a}\nspec: {cluster: {provider: Kindly}}\n")
	dir := t.TempDir() + "/environment"
	for _, args := range [][]string{{"ci", "up", claim, "--dir", dir, "--kubeconfig", "/nothing"}, {"demo", claim}} {
		got := execute(t, "", args...)
		if got.status != 1 || !strings.Contains(got.out+got.errOut, "Kindly") {
			t.Errorf("%v: want status 1 and the value that is wrong, got %d: %s", args, got.status, got.out+got.errOut)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the environment's folder is there: %v", err)
	}
}
