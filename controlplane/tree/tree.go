// SPDX-License-Identifier: Apache-2.0

// Package tree shows what a composite resource is composed of, and how each
// of its resources is doing.
package tree

import (
	"context"
	"errors"
	"sort"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Node is a resource and those that it is composed of.
type Node struct {
	Group string
	Kind  string
	Name  string
	// Synced and Ready are the statuses of the conditions, empty for a
	// resource that has no such condition.
	Synced string
	Ready  string
	// Created is when the resource was created.
	Created time.Time
	// Message of what is not as it should be.
	Message string
	// Usages is how many Usages are among the resources that this one is
	// composed of. They only order the teardown and are not Children.
	Usages   int
	Children []Node

	// age for a person, where it is to be shown.
	age string
}

// A Getter gets an object, or nil if there is none.
type Getter interface {
	Get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error)
}

// usageGroup is the API group of Usages.
const usageGroup = "protection.crossplane.io"

// ErrNotFound is returned by Walk if the root does not exist.
var ErrNotFound = errors.New("no such resource")

// Walk the resources below a composite resource.
func Walk(ctx context.Context, g Getter, gvk schema.GroupVersionKind, namespace, name string) (Node, error) {
	o, err := g.Get(ctx, gvk, namespace, name)
	if err != nil {
		return Node{}, err
	}
	if o == nil {
		return Node{}, ErrNotFound
	}
	return walk(ctx, g, o)
}

func walk(ctx context.Context, g Getter, o *unstructured.Unstructured) (Node, error) {
	n := describe(o)
	refs, _, _ := unstructured.NestedSlice(o.Object, "spec", "crossplane", "resourceRefs")
	for _, r := range refs {
		m, _ := r.(map[string]any)
		name, _ := m["name"].(string)
		if name == "" {
			continue
		}
		apiVersion, _ := m["apiVersion"].(string)
		kind, _ := m["kind"].(string)
		gvk := schema.FromAPIVersionAndKind(apiVersion, kind)
		if gvk.Group == usageGroup {
			n.Usages++
			continue
		}
		child, err := g.Get(ctx, gvk, o.GetNamespace(), name)
		if err != nil {
			return Node{}, err
		}
		if child == nil {
			continue // Not created yet.
		}
		c, err := walk(ctx, g, child)
		if err != nil {
			return Node{}, err
		}
		n.Children = append(n.Children, c)
	}
	sort.SliceStable(n.Children, func(i, j int) bool { return less(n.Children[i], n.Children[j]) })
	return n, nil
}

// less puts resources that have conditions before those that only help.
func less(a, b Node) bool {
	if ha, hb := a.Ready != "", b.Ready != ""; ha != hb {
		return ha
	}
	if a.Kind != b.Kind {
		return a.Kind < b.Kind
	}
	return a.Name < b.Name
}

func describe(o *unstructured.Unstructured) Node {
	n := Node{Group: o.GroupVersionKind().Group, Kind: o.GetKind(), Name: o.GetName(), Created: o.GetCreationTimestamp().Time}
	var syncedMessage, readyReason, readyMessage string
	n.Synced, _, syncedMessage = kube.Condition(o, "Synced")
	n.Ready, readyReason, readyMessage = kube.Condition(o, "Ready")
	switch {
	case o.GetDeletionTimestamp() != nil:
		n.Message = "being deleted"
	case n.Synced == "False":
		n.Message = syncedMessage
	case n.Ready == "False" && readyMessage != "":
		n.Message = readyMessage
	case n.Ready == "False":
		n.Message = readyReason
	}
	return n
}

// Done says whether the resource is as it should be, for what its spec says.
func (n Node) Done() bool { return n.Ready == "True" && n.Synced != "False" && n.Message == "" }

// Count returns how many resources of the tree have a Ready condition, and
// for how many it is true.
func (n Node) Count() (ready, all int) {
	if n.Ready != "" {
		all++
	}
	if n.Ready == "True" {
		ready++
	}
	for _, c := range n.Children {
		r, a := c.Count()
		ready, all = ready+r, all+a
	}
	return ready, all
}
