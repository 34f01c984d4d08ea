// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestReference compares the page of the command line with what the commands say
// of themselves. With -update it writes the page.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("<!-- Generated from the commands by go test ./cmd/kubectl-observe -update. Do not edit. -->\n\n# Command line\n\n" +
		"`kubectl-observe` works by itself, and as `kubectl observe` if it is on your PATH.\n" +
		"The exit status is 0 if all is well, 1 if something is refused or fails, and 130 if you interrupt it.\n\n" +
		"`kubectl-observe completion SHELL` prints what completes its commands in your shell.\n" +
		"To complete `kubectl observe` too, link the program as `kubectl_complete-observe` on your PATH.\n")
	root := newCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	describe(&b, root)
	golden(t, "../../../docs/reference/command-line.md", "The page says what the commands are.", b.String())
}

// describe a command and those below it.
func describe(b *strings.Builder, cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		fmt.Fprintf(b, "\n## %s\n", c.CommandPath())
		long := c.Long
		if long == "" {
			long = c.Short + "."
		}
		fmt.Fprintf(b, "\n%s\n", long)
		if c.Runnable() {
			fmt.Fprintf(b, "\n```text\n%s\n```\n", c.UseLine())
		}
		if c.Example != "" {
			fmt.Fprintf(b, "\n```text\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
		}
		if c.LocalFlags().HasAvailableFlags() {
			b.WriteString("\n| Flag | Default | Meaning |\n|---|---|---|\n")
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name, value := "`--"+f.Name+"`", ""
			if f.Shorthand != "" {
				name = "`-" + f.Shorthand + "`, " + name
			}
			if f.DefValue != "" && f.DefValue != "[]" {
				value = "`" + f.DefValue + "`"
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", name, value, strings.ReplaceAll(f.Usage, "|", "\\|"))
		})
		describe(b, c)
	}
}
