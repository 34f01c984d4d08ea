package controlplane

import (
	"context"

	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/programs"
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
	return builder(o).Cached(programs.Table())
}

func build(ctx context.Context, o Options) (map[string]programs.Built, error) {
	return builder(o).Build(ctx, programs.Table())
}

func builder(o Options) programs.Builder {
	return programs.Builder{
		Modules:  o.modules(),
		Cache:    o.programCache(),
		Progress: programs.NewPrinter(o.Output, o.Live),
	}
}
