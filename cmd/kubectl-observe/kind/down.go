// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Run deletes the management cluster, unless clusters that it made exist.
func (c *DownCmd) Run(ctx context.Context) error {
	if err := findEngine(ctx); err != nil {
		return err
	}
	if left := c.left(ctx); len(left) > 0 && !c.Force {
		return errors.Errorf("clusters that were made from here exist: %s. Delete their claims first, or nobody does", strings.Join(left, ", "))
	}
	if err := stage("delete the kind cluster "+c.Name, func() error { return c.provider().Delete(c.Name, c.kubeconfig()) }); err != nil {
		return err
	}
	if _, err := docker(ctx, "inspect", c.Name+registryContainer); err == nil {
		if _, err := docker(ctx, "rm", "--force", "--volumes", c.Name+registryContainer); err != nil {
			return err
		}
	}
	if err := os.Remove(c.kubeconfig()); err != nil && !os.IsNotExist(err) {
		return errors.Wrap(err, "cannot remove the kubeconfig")
	}
	return nil
}

// left are the clusters of containers that the management cluster knows. One
// that does not answer knows none.
func (c *DownCmd) left(ctx context.Context) []string {
	kube, err := c.client()
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
		l := &unstructured.UnstructuredList{}
		l.SetGroupVersionKind(schema.GroupVersionKind{Group: group, Version: "v1alpha1", Kind: kind + "List"})
		if err := kube.List(ctx, l, client.InNamespace("")); err != nil {
			continue
		}
		for _, o := range l.Items {
			out = append(out, fmt.Sprintf("%s %s/%s", kind, o.GetNamespace(), o.GetName()))
		}
	}
	return out
}
