// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"sync"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/engine"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A tracker notes who uses a ProviderConfig.
type tracker interface {
	Track(ctx context.Context, mg resource.ModernManaged) error
}

// Engines by where they are. They are kept: an engine remembers how clusters are
// reached.
type Engines struct {
	// New returns an engine.
	New func(tool engine.Tool, host, network string) (Engine, error)

	mu   sync.Mutex
	made map[[3]string]Engine
}

// Get the engine for a tool's clusters at a host, in a network.
func (e *Engines) Get(tool engine.Tool, host, network string) (Engine, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := [3]string{tool.Name, host, network}
	if got, ok := e.made[key]; ok {
		return got, nil
	}
	got, err := e.New(tool, host, network)
	if err != nil {
		return nil, err
	}
	if e.made == nil {
		e.made = map[[3]string]Engine{}
	}
	e.made[key] = got
	return got, nil
}

// A connector connects to the engine that a cluster's ProviderConfig names.
type connector[T resource.ModernManaged] struct {
	kind    kind[T]
	kube    client.Reader
	usage   tracker
	engines *Engines
	jobs    Jobs
	// host of the engine that the provider was started for.
	host string
}

// Connect to the engine.
func (c *connector[T]) Connect(ctx context.Context, mg T) (managed.TypedExternalClient[T], error) {
	if err := c.usage.Track(ctx, mg); err != nil {
		return nil, errors.Wrap(err, "cannot note the use of the ProviderConfig")
	}
	var spec v1alpha1.ProviderConfigSpec
	ref := mg.GetProviderConfigReference()
	if ref == nil {
		return nil, errors.New("spec.providerConfigRef is missing: name a ProviderConfig or ClusterProviderConfig")
	}
	switch ref.Kind {
	case v1alpha1.ProviderConfigKind:
		pc := &v1alpha1.ProviderConfig{}
		if err := c.kube.Get(ctx, types.NamespacedName{Namespace: mg.GetNamespace(), Name: ref.Name}, pc); err != nil {
			return nil, errors.Wrap(err, "cannot get the ProviderConfig")
		}
		spec = pc.Spec
	case v1alpha1.ClusterProviderConfigKind:
		pc := &v1alpha1.ClusterProviderConfig{}
		if err := c.kube.Get(ctx, types.NamespacedName{Name: ref.Name}, pc); err != nil {
			return nil, errors.Wrap(err, "cannot get the ClusterProviderConfig")
		}
		spec = pc.Spec
	default:
		return nil, errors.Errorf("spec.providerConfigRef.kind is %q: it has to be ProviderConfig or ClusterProviderConfig", ref.Kind)
	}
	host := hostOf(spec, c.host)
	e, err := c.engines.Get(c.kind.tool, host, networkOf(spec))
	if err != nil {
		return nil, err
	}
	return &external[T]{kind: c.kind, engine: e, jobs: c.jobs, place: host}, nil
}
