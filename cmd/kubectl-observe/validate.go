// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/spf13/cobra"
)

// newValidateCommand returns the command that says what is wrong with claims.
func newValidateCommand() *cobra.Command {
	var settings compose.Settings
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Say what is wrong with claims, and what would be right",
		Long: `Say what is wrong with claims, and what would be right: first as the API server
would, then as the composition function would.

FILE is a file, a folder, or - for standard input. A Namespace, Secret, ConfigMap
or EnvironmentConfig beside a claim is used. The exit status is 1 if anything is
refused.`,
		Example: `  kubectl observe validate claim.yaml
  kustomize build . | kubectl observe validate -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			docs, err := validate.Read(cmd.InOrStdin(), args...)
			if err != nil {
				return err
			}
			all, err := judge(cmd, settings, docs)
			if err != nil {
				return err
			}
			if err := printProblems(cmd.OutOrStdout(), all); err != nil {
				return err
			}
			objects, files := map[string]int{}, []string(nil)
			for _, d := range docs {
				objects[d.File]++
				if objects[d.File] == 1 {
					files = append(files, d.File)
				}
			}
			for _, f := range files {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: valid (%s)\n", f, plural(objects[f], "object")); err != nil {
					return fmt.Errorf("cannot print that %s is valid: %w", f, err)
				}
			}
			return nil
		},
	}
	addSettings(cmd, &settings)
	return cmd
}

// judge documents that belong together at a time. Some of them may have no claim.
func judge(cmd *cobra.Command, settings compose.Settings, docs []validate.Document) (validate.Result, error) {
	all, claims := validate.Result{}, false
	for _, together := range validate.Split(docs) {
		r, err := validate.Claims(cmd.Context(), settings, together, validate.Converge)
		if err != nil && !errors.Is(err, validate.ErrNoClaim) {
			return all, err
		}
		claims = claims || err == nil
		all.Problems, all.Notes = append(all.Problems, r.Problems...), append(all.Notes, r.Notes...)
	}
	if !claims {
		return all, validate.ErrNoClaim
	}
	return all, nil
}

// addSettings adds the flags of the composition function to a command.
func addSettings(cmd *cobra.Command, s *compose.Settings) {
	cmd.Flags().StringSliceVar(&s.ManagementClusterNamespaces, "management-cluster-namespaces", nil, "namespaces whose claims may use the management cluster itself, as the function's flag")
}

// printProblems prints what was found, a line for each, and returns an error if
// anything is refused.
func printProblems(w io.Writer, r validate.Result) error {
	for _, n := range r.Notes {
		if _, err := fmt.Fprintln(w, "note:", n); err != nil {
			return fmt.Errorf("cannot print the notes: %w", err)
		}
	}
	for _, p := range r.Problems {
		if _, err := fmt.Fprintln(w, p); err != nil {
			return fmt.Errorf("cannot print the problems: %w", err)
		}
	}
	if n := len(r.Problems); n > 0 {
		return errors.New(plural(n, "problem") + " found: correct the fields named above")
	}
	return nil
}

// plural returns a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
