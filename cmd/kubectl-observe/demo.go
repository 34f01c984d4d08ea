// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package main

import (
	"encoding/json"
	"fmt"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/demo"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/checkout"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"github.com/spf13/cobra"
)

// newDemoCommand returns the command that runs a control plane on this machine
// and shows a claim become a platform on it.
func newDemoCommand() *cobra.Command {
	o := demo.Options{Stamp: version, Size: terminalSize}
	charts := ""
	// prepare completes the options. What the demo runs is built from source.
	prepare := func(cmd *cobra.Command, _ []string) error {
		if !slices.Contains([]string{"stand-in", "upstream"}, charts) {
			return fmt.Errorf("cannot take charts from %q: --charts is stand-in or upstream", charts)
		}
		root, err := checkout.Find(o.Root)
		if err != nil {
			return fmt.Errorf("cannot run the demo: %w", err)
		}
		o.Root, o.Output, o.Live, o.UpstreamCharts = root, cmd.OutOrStdout(), isTerminal(), charts == "upstream"
		return nil
	}
	run := func(cmd *cobra.Command, _ []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP)
		defer stop()
		return demo.Run(ctx, o)
	}
	cmd := &cobra.Command{
		Use:   "demo [FILE]",
		Short: "Run a control plane on this machine and watch a claim become a platform",
		Long: `Run a control plane on this machine and watch a claim become a platform.

The control plane consists of real programs, which are built from source: this
needs Go and a checkout of observe-k8s. Clouds, nodes and pods are simulated.`,
		Args:              cobra.MaximumNArgs(1),
		PersistentPreRunE: prepare,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Claim = filepath.Join(o.Root, "examples", "existing.yaml")
			if len(args) > 0 {
				o.Claim = args[0]
			}
			// The tree comes first: it is there before anything is built.
			p := preview{step: validate.Converge}
			if err := p.run(cmd, o.Claim, func(s *simulate.Simulation) error {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s will become:\n\n", o.Claim); err != nil {
					return fmt.Errorf("cannot print what %s becomes: %w", o.Claim, err)
				}
				return printTrees(cmd.OutOrStdout(), s.Trees())
			}); err != nil {
				return err
			}
			return run(cmd, args)
		},
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&o.Name, "name", "demo", "name of the control plane; several can run side by side")
	flags.StringVar(&o.Root, "root", "", "root of the checkout (default: found from the working directory upwards)")
	flags.StringVar(&o.PackageVersion, "version", defaultVersion, "version under which the packages are installed")
	flags.StringVar(&charts, "charts", "stand-in", "where charts come from: stand-in or upstream")
	flags.IntVar(&o.Nodes, "nodes", 3, "how many simulated nodes the remote cluster has")
	flags.StringVar(&o.Namespace, "namespace", "team-a", "namespace of the examples")
	cmd.Flags().DurationVar(&o.Timeout, "timeout", 5*time.Minute, "how long the claim may take to become Ready")
	cmd.Flags().BoolVar(&o.Exit, "exit", false, "end once the claim is Ready")
	o.CircuitBreakerBurst = controlplane.InstallBurst
	cmd.AddCommand(
		&cobra.Command{
			Use:   "down",
			Short: "Stop the demo, also one whose launcher was killed",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				found, err := controlplane.Down(o.Options)
				if err != nil {
					return err
				}
				said := "the control plane is gone"
				if !found {
					said = "nothing was running"
				}
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), said); err != nil {
					return fmt.Errorf("cannot print that %s: %w", said, err)
				}
				return nil
			},
		},
		// What follows is for the development of the control plane.
		&cobra.Command{
			Use:    "build",
			Short:  "Build the programs of the control plane that are not in the cache yet",
			Hidden: true,
			Args:   cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				o.Flux = true
				return controlplane.Build(cmd.Context(), o.Options)
			},
		},
		&cobra.Command{
			Use:    "up",
			Short:  "Run the control plane without a claim",
			Hidden: true,
			Args:   cobra.NoArgs,
			RunE:   run,
		},
		&cobra.Command{
			Use:    "status",
			Short:  "Print whether the control plane runs and where, as JSON",
			Hidden: true,
			Args:   cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				s, running, err := controlplane.Status(o.Options)
				if err != nil {
					return err
				}
				if !running {
					return fmt.Errorf("cannot find control plane %q: it is not running", o.Name)
				}
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(s)
			},
		},
	)
	return cmd
}
