// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/stack"
	"github.com/observe-k8s/observe-k8s/functions/workload"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// A profileEntry is a profile with the names of its components.
type profileEntry struct {
	Name       v1alpha1.Profile `json:"name"`
	Components []string         `json:"components"`
}

// A listing is a part of the catalog: its entries, and a table of them that begins
// with the names of the columns.
type listing struct {
	entries any
	table   [][]string
}

// newCatalogCommand returns the command that lists what a claim can name.
func newCatalogCommand() *cobra.Command {
	lists := map[string]func() (listing, error){"components": listComponents, "workloads": listWorkloads, "profiles": listProfiles}
	formats := []string{"table", "json", "yaml"}
	var format string
	cmd := &cobra.Command{
		Use:       "catalog {components | workloads | profiles}",
		Short:     "List the components, workloads and profiles that a claim can name",
		Example:   "  kubectl observe catalog components\n  kubectl observe catalog workloads -o yaml",
		ValidArgs: slices.Sorted(maps.Keys(lists)),
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(formats, format) {
				return fmt.Errorf("cannot print the catalog as %q: use -o %s", format, strings.Join(formats, "|"))
			}
			l, err := lists[args[0]]()
			if err != nil {
				return fmt.Errorf("cannot read the catalog: %w", err)
			}
			return l.print(cmd.OutOrStdout(), format)
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", formats[0], "format of the list: "+strings.Join(formats, ", "))
	// It fails only for a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// print a listing in a format.
func (l listing) print(w io.Writer, format string) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if err := e.Encode(l.entries); err != nil {
			return fmt.Errorf("cannot print the catalog: %w", err)
		}
		return nil
	case "yaml":
		raw, err := yaml.Marshal(l.entries)
		if err != nil {
			return fmt.Errorf("cannot encode the catalog: %w", err)
		}
		_, err = w.Write(raw)
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, row := range l.table {
		if _, err := fmt.Fprintln(t, strings.Join(row, "\t")); err != nil {
			return fmt.Errorf("cannot print the catalog: %w", err)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("cannot print the catalog: %w", err)
	}
	return nil
}

// listComponents lists the components of stacks.
func listComponents() (listing, error) {
	entries, err := stack.Catalog()
	l := listing{table: [][]string{{"NAME", "VERSION", "PROJECT", "CNCF", "PROFILES", "PURPOSE"}}}
	all := sorted(entries)
	l.entries = all
	for _, c := range all {
		profiles := make([]string, 0, len(c.Profiles))
		for _, p := range c.Profiles {
			profiles = append(profiles, string(p))
		}
		l.table = append(l.table, []string{c.Name, dash(c.Chart.Version), c.Project.Name, string(c.Project.Maturity), dash(strings.Join(profiles, ",")), c.Purpose})
	}
	return l, err
}

// listWorkloads lists the applications that can be observed.
func listWorkloads() (listing, error) {
	entries, err := workload.Catalog()
	l := listing{table: [][]string{{"NAME", "VERSION", "LICENCE", "SIGNALS", "PURPOSE"}}}
	all := sorted(entries)
	l.entries = all
	for _, a := range all {
		signals := make([]string, 0, len(a.Signals))
		for _, s := range a.Signals {
			signals = append(signals, string(s))
		}
		l.table = append(l.table, []string{a.Name, dash(a.Chart.Version), a.Licence, dash(strings.Join(signals, ",")), a.Purpose})
	}
	return l, err
}

// listProfiles lists the profiles of stacks, the smallest first.
func listProfiles() (listing, error) {
	entries, err := stack.Catalog()
	var all []profileEntry
	l := listing{table: [][]string{{"NAME", "COMPONENTS"}}}
	for _, p := range []v1alpha1.Profile{v1alpha1.ProfileMinimal, v1alpha1.ProfileStandard, v1alpha1.ProfileFull} {
		e := profileEntry{Name: p}
		for _, c := range sorted(entries) {
			if slices.Contains(c.Profiles, p) {
				e.Components = append(e.Components, c.Name)
			}
		}
		all = append(all, e)
		l.table = append(l.table, []string{string(p), strings.Join(e.Components, ",")})
	}
	l.entries = all
	return l, err
}

// sorted returns the values of a map in the order of its keys.
func sorted[T any](m map[string]T) []T {
	out := make([]T, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// dash stands for nothing in a table.
func dash(s string) string { return cmp.Or(s, "-") }
