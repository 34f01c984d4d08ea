// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// newRenderCommand returns the command that prints what a claim becomes.
func newRenderCommand() *cobra.Command {
	p := preview{}
	cmd := &cobra.Command{
		Use:   "render FILE",
		Short: "Show every object that a claim becomes, as YAML, without a cluster",
		Long: `Show every object that a claim becomes, as YAML, without a cluster.

FILE is a file, a folder, or - for standard input. The claim is validated first.
The exit status is 1 if anything is refused.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.run(cmd, args[0], func(s *simulate.Simulation) error {
				for _, o := range s.Composed() {
					raw, err := yaml.Marshal(o.Object)
					if err != nil {
						return fmt.Errorf("cannot print %s %s: %w", o.GetKind(), o.GetName(), err)
					}
					if _, err := fmt.Fprintf(cmd.OutOrStdout(), "---\n%s", raw); err != nil {
						return fmt.Errorf("cannot print %s %s: %w", o.GetKind(), o.GetName(), err)
					}
				}
				return nil
			})
		},
	}
	p.addFlags(cmd)
	return cmd
}

// A preview of what the claims of a file become.
type preview struct {
	step     int
	settings compose.Settings
}

// addFlags adds the flags of a preview to a command.
func (p *preview) addFlags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.step, "step", validate.Converge, "show how things stand after so many reconciles, instead of at the end")
	addSettings(cmd, &p.settings)
}

// run validates and simulates a file's claims, and shows the simulation if the
// API server would accept them. It returns an error if anything is refused.
func (p *preview) run(cmd *cobra.Command, file string, show func(*simulate.Simulation) error) error {
	docs, err := validate.Read(cmd.InOrStdin(), file)
	if err != nil {
		return err
	}
	r, err := validate.Claims(cmd.Context(), p.settings, docs, p.step)
	if err != nil {
		return err
	}
	if r.Simulation != nil {
		if err := show(r.Simulation); err != nil {
			return err
		}
	}
	return printProblems(cmd.ErrOrStderr(), r)
}
