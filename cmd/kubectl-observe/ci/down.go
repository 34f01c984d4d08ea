// SPDX-License-Identifier: Apache-2.0

package ci

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// DownOptions say which environment ends.
type DownOptions struct {
	// Dir is the folder that Up was given.
	Dir string
	// Timeout is how long the claim may take to go.
	Timeout time.Duration
	// DeleteCluster deletes the management cluster that was made for this job.
	DeleteCluster func(ctx context.Context, kubeconfig string) error
}

// Down keeps how things stand, takes the environment down and waits until nothing
// is left, whatever became of it.
func Down(ctx context.Context, c DownOptions) (err error) {
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
	err = errors.Join(down(ctx, c, t, s), t.end(ctx, s))
	if err != nil {
		return err
	}
	return errors.Wrap(os.Remove(stateFile(c.Dir)), "cannot forget the environment")
}

func down(ctx context.Context, c DownOptions, t *tracer, s *state) error {
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
	return errors.Join(err, t.task(ctx, "take the management cluster down", func(ctx context.Context) error { return c.DeleteCluster(ctx, s.Kubeconfig) }))
}
