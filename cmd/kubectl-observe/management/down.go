// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Down deletes the management cluster, unless clusters that it made exist. With
// force it deletes it anyway: those clusters stay, and nothing manages them.
func Down(ctx context.Context, c Cluster, force bool) error {
	if err := findEngine(ctx); err != nil {
		return err
	}
	if left := c.left(ctx); len(left) > 0 && !force {
		return errors.Errorf("cannot delete the management cluster: it still manages %s. Delete their ObservabilityPlatforms first, or pass --force to orphan them", strings.Join(left, ", "))
	}
	if err := c.stage("delete the kind cluster "+c.Name, func() error { return c.provider().Delete(c.Name, c.Kubeconfig) }); err != nil {
		return err
	}
	if _, err := docker(ctx, "inspect", c.Name+registryContainer); err == nil {
		if _, err := docker(ctx, "rm", "--force", "--volumes", c.Name+registryContainer); err != nil {
			return err
		}
	}
	if err := os.Remove(c.Kubeconfig); err != nil && !os.IsNotExist(err) {
		return errors.Wrap(err, "cannot remove the kubeconfig")
	}
	return nil
}

// left are the clusters of containers that the management cluster knows. One
// that does not answer knows none.
func (c Cluster) left(ctx context.Context) []string {
	client, err := c.client()
	if err != nil {
		return nil
	}
	known, err := cluster.Kinds()
	if err != nil {
		return nil
	}
	const group = "local.observe-k8s.io"
	var out []string
	for _, kind := range known.In(group) {
		objs, err := client.List(ctx, schema.GroupVersionKind{Group: group, Version: "v1alpha1", Kind: kind}, "")
		if err != nil {
			continue
		}
		for _, o := range objs {
			out = append(out, fmt.Sprintf("%s %q", kind, o.GetNamespace()+"/"+o.GetName()))
		}
	}
	return out
}
