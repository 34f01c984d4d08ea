// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/tree"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ApplyFile applies the objects of a manifest to the management cluster and
// returns them.
func (cp *ControlPlane) ApplyFile(ctx context.Context, file string) ([]*unstructured.Unstructured, error) {
	objs, err := kube.ReadFiles(file)
	if err != nil {
		return nil, err
	}
	for _, o := range objs {
		if o.GetNamespace() == "" {
			o.SetNamespace(cp.opts.Namespace)
		}
	}
	return objs, cp.management.client.Apply(ctx, objs...)
}

// Follow shows the tree of a claim as it grows, until the claim is Ready.
func (cp *ControlPlane) Follow(ctx context.Context, claim *unstructured.Unstructured, v tree.View, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := tree.Walk(ctx, cp.management.client, claim.GroupVersionKind(), claim.GetNamespace(), claim.GetName())
		if err == nil {
			v.Show(n, time.Since(start))
		}
		if err == nil && n.Ready == "True" && n.Synced == "True" {
			return nil
		}
		select {
		case exit := <-cp.procs.Exits():
			return exit
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s %s is not Ready after %s", claim.GetKind(), claim.GetName(), timeout)
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
}
