// SPDX-License-Identifier: Apache-2.0

// Command action gives a job of a CI system an environment: a claim that
// becomes a platform, and is taken down again when the job ends. It is what the
// project's GitHub Action runs, and runs alike anywhere else.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Up   upCommand   `cmd:"" help:"Apply a claim and wait until it is Ready."`
	Down downCommand `cmd:"" help:"Keep how things stand, take the claim down and wait until nothing is left."`
}

// flags of both commands. The variables are those that GitHub gives to actions.
type flags struct {
	Dir string `env:"OBSERVE_K8S_DIR" help:"Folder for what is kept: state, trace and the platform's kubeconfig." default:"observe-k8s" type:"path"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "action: error:", err)
		os.Exit(1)
	}
}

// run the command line.
func run() error {
	// A job that is cancelled gets a signal, and its last steps still run.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Parse(&cli{}, kong.Name("action"), kong.Description("Environments for CI jobs."), kong.BindTo(ctx, (*context.Context)(nil)))
	return k.Run()
}
