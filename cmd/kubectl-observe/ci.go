// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/ci"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/management"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/spf13/cobra"
)

// newCICommand returns the commands that give a job of a CI system an
// environment.
func newCICommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ci",
		Short: "Give a CI job an environment, and take it down again",
	}
	cmd.AddCommand(newCIUpCommand(), newCIDownCommand())
	return cmd
}

// ciCluster is the management cluster of one job.
func ciCluster(cmd *cobra.Command, kubeconfig string) management.Cluster {
	return management.Cluster{Name: "observe-k8s", Kubeconfig: kubeconfig, Output: cmd.OutOrStdout()}
}

func newCIUpCommand() *cobra.Command {
	o, f, settings := ci.UpOptions{}, upFlags{}, compose.Settings{}
	cmd := &cobra.Command{
		Use:   "up FILE",
		Short: "Apply a claim and wait until it is Ready",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			// A claim that is refused is refused before anything is made for it.
			docs, err := validate.Read(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			all, err := judge(cmd, settings, docs)
			if err != nil {
				return err
			}
			if err := printProblems(cmd.ErrOrStderr(), all); err != nil {
				return err
			}
			o.Claim = args[0]
			o.MakeCluster = func(ctx context.Context, kubeconfig string) error {
				return f.up(ctx, ciCluster(cmd, kubeconfig), o.Timeout)
			}
			return ci.Up(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", "observe-k8s", "folder for what is kept: state, trace and the platform's kubeconfig")
	cmd.Flags().StringVar(&o.Kubeconfig, "kubeconfig", "", "kubeconfig of a management cluster with our packages (default: one is created with kind, for this job only)")
	cmd.Flags().DurationVar(&o.Timeout, "timeout", 30*time.Minute, "how long the claim may take to become Ready")
	cmd.Flags().StringVar(&o.Lifetime, "lifetime", "2h", "lifetime of a claim that names none, so that nothing is left if ci down never runs")
	f.addTo(cmd)
	addSettings(cmd, &settings)
	return cmd
}

func newCIDownCommand() *cobra.Command {
	o := ci.DownOptions{}
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Save the platform's state, delete the claim and wait until nothing is left",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.DeleteCluster = func(ctx context.Context, kubeconfig string) error {
				return management.Down(ctx, ciCluster(cmd, kubeconfig), false)
			}
			return ci.Down(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", "observe-k8s", "folder that ci up was given")
	cmd.Flags().DurationVar(&o.Timeout, "timeout", 30*time.Minute, "how long the claim may take to go")
	return cmd
}
