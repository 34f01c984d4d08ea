// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/engine"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/jobs"
)

// An Engine runs clusters. Create takes minutes; Start and Delete take seconds.
type Engine interface {
	Create(ctx context.Context, r engine.Request, step func(string)) error
	Start(ctx context.Context, name string) error
	Delete(ctx context.Context, name string) error
	Observe(ctx context.Context, name string) (engine.Observation, error)
}

// Jobs run what takes longer than a reconcile may.
type Jobs interface {
	Start(key, kind string, work jobs.Func)
	State(key string) (jobs.State, bool)
}

// Kinds of jobs.
const (
	jobCreate = "create"
	jobRepair = "repair"
	jobStart  = "start"
	jobDelete = "delete"
)

// A kind of managed resource that is a cluster.
type kind[T resource.ModernManaged] struct {
	// name of the kind.
	name string
	// list is an empty list of them.
	list resource.ManagedList
	// object is an empty one.
	object T
	// tool that makes such clusters.
	tool engine.Tool
	// request for such a cluster.
	request func(T) engine.Request
	// observation in its status.
	observation func(T) *v1alpha1.ClusterObservation
}

// An external client of clusters of one kind on one engine. No method waits for
// a cluster: what takes long is a job, whose stage Observe reports.
type external[T resource.ModernManaged] struct {
	kind   kind[T]
	engine Engine
	jobs   Jobs
	// place tells clusters of the same name on different engines apart.
	place string
	// repair says that Observe found remains.
	repair bool
}

func (e *external[T]) key(mg T) string {
	return e.place + " " + e.kind.tool.Name + " " + meta.GetExternalName(mg)
}

// Observe a cluster, or the job that works on it.
func (e *external[T]) Observe(ctx context.Context, mg T) (managed.ExternalObservation, error) {
	name := meta.GetExternalName(mg)
	if err := checkName(name); err != nil {
		mg.SetConditions(xpv2.Unavailable().WithMessage(err.Error()))
		return managed.ExternalObservation{}, err
	}
	status := e.kind.observation(mg)
	job, busy := e.jobs.State(e.key(mg))
	if busy && job.Running {
		return e.observeJob(mg, job), nil
	}

	o, err := e.engine.Observe(ctx, name)
	if err != nil {
		mg.SetConditions(xpv2.Unavailable().WithMessage(err.Error()))
		return managed.ExternalObservation{}, err
	}
	record(status, o)

	if meta.WasDeleted(mg) {
		// Of a failed attempt to create it only remains matter now.
		if busy && job.Kind == jobDelete && job.Pausing {
			return managed.ExternalObservation{}, errors.Wrap(job.Err, "cannot delete the cluster")
		}
		return managed.ExternalObservation{ResourceExists: len(o.Nodes) > 0 || o.HasLeftovers, ResourceUpToDate: true}, nil
	}
	if busy && job.Err != nil && job.Pausing {
		err := errors.Wrap(job.Err, "cannot "+job.Kind+" the cluster")
		mg.SetConditions(xpv2.Unavailable().WithMessage(err.Error()))
		return managed.ExternalObservation{}, err
	}
	if len(o.Nodes) == 0 {
		return managed.ExternalObservation{}, nil
	}
	// Nobody works on it, and it did not get to its end: whoever did is gone. What
	// was not made here is what it is.
	if !o.Complete && createdHere(mg) {
		e.repair = true
		status.State = v1alpha1.StateRecreating
		mg.SetConditions(xpv2.Creating().WithMessage("Its creation was interrupted: it is made again"))
		return managed.ExternalObservation{}, nil
	}
	return e.observeCluster(mg, o), nil
}

// observeJob reports what a running job does.
func (e *external[T]) observeJob(mg T, job jobs.State) managed.ExternalObservation {
	status := e.kind.observation(mg)
	status.Message = job.Step
	switch job.Kind {
	case jobDelete:
		status.State = v1alpha1.StateDeleting
		mg.SetConditions(xpv2.Deleting())
	case jobStart:
		status.State = v1alpha1.StateStarting
		mg.SetConditions(xpv2.Unavailable().WithMessage("Its nodes had stopped and are being started"))
	case jobRepair:
		status.State = v1alpha1.StateRecreating
		mg.SetConditions(xpv2.Creating().WithMessage(job.Step))
	default:
		status.State = v1alpha1.StateCreating
		mg.SetConditions(xpv2.Creating().WithMessage(job.Step))
	}
	return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true}
}

// observeCluster reports a cluster that is complete.
func (e *external[T]) observeCluster(mg T, o engine.Observation) managed.ExternalObservation {
	status := e.kind.observation(mg)
	status.State, status.Message = v1alpha1.StateRunning, ""
	if o.Ready {
		mg.SetConditions(xpv2.Available())
	} else {
		mg.SetConditions(xpv2.Unavailable().WithMessage(o.Unready))
	}
	out := managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: !o.Stopped}
	if len(o.Kubeconfig) > 0 {
		out.ConnectionDetails = managed.ConnectionDetails{
			v1alpha1.KubeconfigKey:         o.Kubeconfig,
			v1alpha1.KubeconfigExternalKey: o.ExternalKubeconfig,
			v1alpha1.EndpointKey:           []byte(o.Endpoint),
		}
	}
	return out
}

// Create starts to make a cluster.
func (e *external[T]) Create(_ context.Context, mg T) (managed.ExternalCreation, error) {
	r := e.kind.request(mg)
	r.Name = meta.GetExternalName(mg)
	mg.SetConditions(xpv2.Creating())
	job := jobCreate
	if e.repair {
		job = jobRepair
	}
	e.jobs.Start(e.key(mg), job, func(ctx context.Context, step func(string)) error {
		return e.engine.Create(ctx, r, step)
	})
	return managed.ExternalCreation{}, nil
}

// Update starts nodes that had stopped. Nothing else of a cluster can be changed.
func (e *external[T]) Update(_ context.Context, mg T) (managed.ExternalUpdate, error) {
	name := meta.GetExternalName(mg)
	e.jobs.Start(e.key(mg), jobStart, func(ctx context.Context, _ func(string)) error {
		return e.engine.Start(ctx, name)
	})
	return managed.ExternalUpdate{}, nil
}

// Delete starts to remove a cluster, whatever there is of it. It ends its
// creation first.
func (e *external[T]) Delete(_ context.Context, mg T) (managed.ExternalDelete, error) {
	name := meta.GetExternalName(mg)
	mg.SetConditions(xpv2.Deleting())
	e.jobs.Start(e.key(mg), jobDelete, func(ctx context.Context, _ func(string)) error {
		return e.engine.Delete(ctx, name)
	})
	return managed.ExternalDelete{}, nil
}

// Disconnect has nothing to do: engines are kept.
func (e *external[T]) Disconnect(context.Context) error { return nil }

// createdHere says that this provider began to create the cluster.
func createdHere(mg resource.Managed) bool {
	return !meta.GetExternalCreatePending(mg).IsZero()
}

// record an observation in the status. What the API server said last stays while
// it is silent.
func record(status *v1alpha1.ClusterObservation, o engine.Observation) {
	status.Nodes = o.Nodes
	if o.Version != "" {
		status.Version = o.Version
	}
	if o.Architecture != "" {
		status.Architecture = o.Architecture
	}
	if o.Endpoint != "" {
		status.Endpoint = o.Endpoint
	}
	if o.ExternalEndpoint != "" {
		status.ExternalEndpoint = o.ExternalEndpoint
	}
}

// hostOf is the engine of a ProviderConfig, or the default one.
func hostOf(s v1alpha1.ProviderConfigSpec, def string) string {
	if s.DockerHost == nil || strings.TrimSpace(*s.DockerHost) == "" {
		return def
	}
	return *s.DockerHost
}

// networkOf a ProviderConfig.
func networkOf(s v1alpha1.ProviderConfigSpec) string {
	if s.Network == "" {
		return "kind"
	}
	return s.Network
}
