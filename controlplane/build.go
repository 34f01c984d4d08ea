// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"slices"

	"github.com/observe-k8s/observe-k8s/controlplane/programs"
)

// Build the programs that are not in the cache yet.
func Build(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	_, err = build(ctx, o)
	return err
}

// Built returns true if every program is in the cache.
func Built(o Options) (bool, error) {
	o, err := o.withDefaults()
	if err != nil {
		return false, err
	}
	return builder(o).Cached(table(o))
}

// Program returns the binary of the program of that name, the first if it has
// several, and builds it if it is not in the cache yet.
func Program(ctx context.Context, o Options, name string) (string, error) {
	o, err := o.withDefaults()
	if err != nil {
		return "", err
	}
	table := slices.DeleteFunc(append(programs.Table(), programs.Tools()...), func(p programs.Program) bool { return p.Name != name })
	if len(table) == 0 {
		return "", fmt.Errorf("there is no program %q", name)
	}
	built, err := builder(o).Build(ctx, table)
	if err != nil {
		return "", err
	}
	return built[name].Bin(table[0].Binary()), nil
}

func build(ctx context.Context, o Options) (map[string]programs.Built, error) {
	return builder(o).Build(ctx, table(o))
}

// table of the programs that a control plane needs.
func table(o Options) []programs.Program {
	return slices.DeleteFunc(programs.Table(), func(p programs.Program) bool {
		return !o.Flux && (p.Name == programs.FluxSourceController || p.Name == programs.FluxHelmController)
	})
}

func builder(o Options) programs.Builder {
	return programs.Builder{
		Modules:  o.modules(),
		Cache:    o.programCache(),
		Progress: programs.NewPrinter(o.Output, o.Live),
	}
}
