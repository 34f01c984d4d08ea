// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"

	"github.com/observe-k8s/observe-k8s/workloads/game/host"
	"github.com/spf13/cobra"
)

// newGameCommand returns the commands for simulated applications.
func newGameCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "game",
		Short: "Run or check a simulated application that a YAML file describes",
	}
	cmd.AddCommand(newGameRunCommand(), &cobra.Command{
		Use:   "check FILE",
		Short: "Check a simulated application",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return host.Check(args[0], cmd.OutOrStdout()) },
	})
	return cmd
}

func newGameRunCommand() *cobra.Command {
	c, seed := host.Config{}, uint64(0)
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run all services of a simulated application on this machine, with telemetry",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.File, c.Console, c.Log = args[0], cmd.OutOrStdout(), slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			if cmd.Flags().Changed("seed") {
				c.Seed = &seed
			}
			return host.Serve(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&c.NoLoad, "no-load", false, "run no load generators")
	cmd.Flags().IntVar(&c.Port, "port", 18080, "first port of the services on the loopback interface; 0 takes free ones")
	cmd.Flags().StringVar(&c.Admin, "admin", "127.0.0.1:0", "address of /healthz, /readyz and /statusz")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "make chance repeat itself: the same seed and requests give the same outcomes")
	return cmd
}
