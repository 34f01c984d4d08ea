// SPDX-License-Identifier: Apache-2.0

// The controlplane command builds and runs a Crossplane control plane of real
// programs as processes of this machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// interrupted is the status with which programs end that were interrupted.
const interrupted = 130

// cli is the command line.
type cli struct {
	Build  buildCommand  `cmd:"" help:"Build the programs that are not in the cache yet."`
	Up     upCommand     `cmd:"" help:"Run a control plane until told otherwise."`
	Down   downCommand   `cmd:"" help:"End a control plane, also one whose launcher was killed."`
	Status statusCommand `cmd:"" help:"Say whether a control plane runs and where, as JSON."`
	Tree   treeCommand   `cmd:"" help:"Show what a claim on a cluster consists of, and how each part is doing."`
	Demo   demoCommand   `cmd:"" help:"Run a control plane, apply a claim and watch it become a platform."`
}

func main() { os.Exit(run()) }

// run the command line and return its exit status.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	k := kong.Parse(&cli{},
		kong.Name("controlplane"),
		kong.Description("A Crossplane control plane of real programs, as processes of this machine."),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	err := k.Run()
	if errors.Is(err, context.Canceled) {
		return interrupted
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "controlplane: error:", err)
		return 1
	}
	return 0
}
