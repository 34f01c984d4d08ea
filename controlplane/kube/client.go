// SPDX-License-Identifier: Apache-2.0

// Package kube is a small client for whatever kinds an API server has.
package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// Owner is the field manager of what the launcher applies.
const Owner = "observe-k8s-controlplane"

// A Client of an API server.
type Client struct {
	config  *rest.Config
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
	raw     rest.Interface
	// Discovery is not worth doing twice at once.
	reset *sync.Mutex
}

// New returns a Client.
func New(config *rest.Config) (*Client, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = -1, 0
	// Of what others name their finalizers, thousands of lines.
	config.WarningHandler = rest.NoWarnings{}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cannot create client: %w", err)
	}
	disco, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cannot create discovery client: %w", err)
	}
	return &Client{
		config:  config,
		dynamic: dyn,
		raw:     disco.RESTClient(),
		mapper:  restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco)),
		reset:   &sync.Mutex{},
	}, nil
}

// Config of the client.
func (c *Client) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Raw gets a path.
func (c *Client) Raw(ctx context.Context, path string) ([]byte, error) {
	b, err := c.raw.Get().AbsPath(path).DoRaw(ctx)
	if err != nil {
		// An answer that is an error has a body, too.
		return b, fmt.Errorf("cannot get %s: %w", path, err)
	}
	return b, nil
}

// Resource returns the interface to a kind's objects in a namespace, which is
// ignored if the kind has none.
func (c *Client) Resource(gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	m, err := c.mapping(gvk)
	if err != nil {
		return nil, err
	}
	if m.Scope.Name() == meta.RESTScopeNameRoot {
		return c.dynamic.Resource(m.Resource), nil
	}
	return c.dynamic.Resource(m.Resource).Namespace(namespace), nil
}

func (c *Client) mapping(gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	c.reset.Lock()
	defer c.reset.Unlock()
	m, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		m, err = c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot find kind %s: %w", gvk.Kind, err)
	}
	return m, nil
}

// Apply objects, one after another.
func (c *Client) Apply(ctx context.Context, objs ...*unstructured.Unstructured) error {
	for _, o := range objs {
		if err := c.apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// ApplyAll objects at once.
func (c *Client) ApplyAll(ctx context.Context, objs []*unstructured.Unstructured) error {
	errs := make(chan error, len(objs))
	for _, o := range objs {
		go func() { errs <- c.apply(ctx, o) }()
	}
	var first error
	for range objs {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// ApplyStatus applies the status of an object.
func (c *Client) ApplyStatus(ctx context.Context, o *unstructured.Unstructured) error {
	return c.apply(ctx, o, "status")
}

func (c *Client) apply(ctx context.Context, o *unstructured.Unstructured, subresources ...string) error {
	r, err := c.Resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return err
	}
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("cannot encode %s: %w", name(o), err)
	}
	force := true
	_, err = r.Patch(ctx, o.GetName(), types.ApplyPatchType, b, metav1.PatchOptions{FieldManager: Owner, Force: &force}, subresources...)
	if err != nil {
		return fmt.Errorf("cannot apply %s: %w", name(o), err)
	}
	return nil
}

// Get an object. It returns nil if there is none, or no such kind.
func (c *Client) Get(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error) {
	r, err := c.Resource(gvk, namespace)
	if meta.IsNoMatchError(unwrap(err)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	o, err := r.Get(ctx, name, metav1.GetOptions{})
	if errors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot get %s %s: %w", gvk.Kind, name, err)
	}
	return o, nil
}

// List the objects of a kind in a namespace, or everywhere if it is empty.
func (c *Client) List(ctx context.Context, gvk schema.GroupVersionKind, namespace string) ([]unstructured.Unstructured, error) {
	r, err := c.Resource(gvk, namespace)
	if err != nil {
		return nil, err
	}
	l, err := r.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", gvk.Kind, err)
	}
	return l.Items, nil
}

// Count the objects of a kind everywhere, without reading more than one of them.
func (c *Client) Count(ctx context.Context, gvk schema.GroupVersionKind) (int, error) {
	r, err := c.Resource(gvk, "")
	if err != nil {
		return 0, err
	}
	l, err := r.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return 0, fmt.Errorf("cannot count %s: %w", gvk.Kind, err)
	}
	n := len(l.Items)
	if more := l.GetRemainingItemCount(); more != nil {
		n += int(*more)
	}
	return n, nil
}

func name(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

func unwrap(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		err = u.Unwrap()
	}
}
