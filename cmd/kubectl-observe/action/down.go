// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type downCommand struct {
	flags `embed:""`

	Timeout time.Duration `env:"INPUT_DOWN_TIMEOUT" default:"30m" help:"How long the claim may take to go."`
	Root    string        `default:"../../.." help:"Root of this repository." type:"existingdir"`
}

// Run takes the environment down, whatever became of it.
func (c *downCommand) Run(ctx context.Context) (err error) {
	s, err := load(c.Dir)
	if err != nil {
		return err
	}
	if s == nil {
		fmt.Println("There is no environment in", c.Dir)
		return nil
	}
	t, err := newTracer(ctx, c.Dir, s)
	if err != nil {
		return err
	}
	err = errors.Join(c.down(ctx, t, s), t.end(ctx, s))
	if err != nil {
		return err
	}
	return errors.Wrap(os.Remove(stateFile(c.Dir)), "cannot forget the environment")
}

func (c *downCommand) down(ctx context.Context, t *tracer, s *state) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, errors.Errorf("something is left after %s", c.Timeout))
	defer cancel()
	claim := &unstructured.Unstructured{Object: s.Claim}
	k, err := newClient(s.Kubeconfig)
	if err == nil {
		err = errors.Join(
			t.task(ctx, "keep how things stand", func(ctx context.Context) error { return k.keep(ctx, claim, c.Dir) }),
			t.task(ctx, "take the claim down", func(ctx context.Context) error { return k.remove(ctx, claim) }),
		)
	}
	if !s.Made {
		return err
	}
	// What was made for this job goes in any case.
	return errors.Join(err, t.task(ctx, "take the management cluster down", func(ctx context.Context) error { return makeTarget(ctx, c.Root, "kind-down", s.Kubeconfig) }))
}
