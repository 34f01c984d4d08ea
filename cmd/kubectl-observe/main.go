// SPDX-License-Identifier: Apache-2.0

// Command kubectl-observe is the command line of observe-k8s. It works as a
// plugin of kubectl and by itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
)

// interrupted is the exit status of a program that was interrupted.
const interrupted = 130

// version is what was built. The linker sets it.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, arguments(os.Args), os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// arguments of the command line. kubectl runs a program of the name
// kubectl_complete-observe for what may follow; a link of this name will do.
func arguments(args []string) []string {
	if filepath.Base(args[0]) == "kubectl_complete-observe" {
		return append([]string{cobra.ShellCompRequestCmd}, args[1:]...)
	}
	return args[1:]
}

// run a command and return its exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	cmd := newCommand() //nolint:contextcheck // Commands get it from ExecuteContext, when they run.
	cmd.SetArgs(args)
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) {
		return interrupted
	}
	_, _ = fmt.Fprintln(errOut, "error:", err)
	return 1
}

// newCommand returns the root of all commands.
func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "kubectl-observe",
		Short:         "Check, preview and run observability platforms",
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl observe"},
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.AddCommand(
		newCatalogCommand(),
		newRenderCommand(),
		newTreeCommand(),
		newValidateCommand(),
		newDemoCommand(),
		newUpCommand(),
		newDownCommand(),
		newMirrorCommand(),
		newGameCommand(),
		newCICommand(),
		newVersionCommand(),
	)
	return cmd
}
