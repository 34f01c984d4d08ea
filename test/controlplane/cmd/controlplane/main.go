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

// cli is the command line.
type cli struct {
	Build  buildCommand  `cmd:"" help:"Build the programs that are not in the cache yet."`
	Up     upCommand     `cmd:"" help:"Run a control plane until told otherwise."`
	Down   downCommand   `cmd:"" help:"End a control plane, also one whose launcher was killed."`
	Status statusCommand `cmd:"" help:"Say whether a control plane runs and where, as JSON."`
	Demo   demoCommand   `cmd:"" help:"Run a control plane, apply a claim and watch it become a platform."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	k := kong.Parse(&cli{},
		kong.Name("controlplane"),
		kong.Description("A Crossplane control plane of real programs, as processes of this machine."),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	err := k.Run()
	if errors.Is(err, context.Canceled) {
		os.Exit(130)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "controlplane: error:", err)
		os.Exit(1)
	}
}
