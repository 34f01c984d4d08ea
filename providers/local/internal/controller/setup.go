// SPDX-License-Identifier: Apache-2.0

// Package controller reconciles the managed resources of provider-local.
package controller

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/crossplane/crossplane-runtime/v2/pkg/feature"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/providerconfig"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"github.com/crossplane/crossplane-runtime/v2/pkg/statemetrics"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/engine"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/jobs"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// unreadyPoll is how often a cluster that is not ready is looked at.
const unreadyPoll = 3 * time.Second

// Options of the controllers.
type Options struct {
	controller.Options

	// Host of the container engine of ProviderConfigs that name none.
	Host string
	// Calls of engines are measured by it.
	Calls *prometheus.HistogramVec
}

// kindClusters are made by kind.
func kindClusters() kind[*v1alpha1.KindCluster] {
	return kind[*v1alpha1.KindCluster]{
		name:   v1alpha1.KindClusterKind,
		object: &v1alpha1.KindCluster{},
		list:   &v1alpha1.KindClusterList{},
		tool:   engine.Kind(),
		request: func(c *v1alpha1.KindCluster) engine.Request {
			p := c.Spec.ForProvider.DeepCopy()
			return engine.Request{Nodes: p.NodeParameters, Networking: p.Networking}
		},
		observation: func(c *v1alpha1.KindCluster) *v1alpha1.ClusterObservation { return &c.Status.AtProvider },
	}
}

// k3dClusters are made by k3d.
func k3dClusters() kind[*v1alpha1.K3dCluster] {
	return kind[*v1alpha1.K3dCluster]{
		name:   v1alpha1.K3dClusterKind,
		object: &v1alpha1.K3dCluster{},
		list:   &v1alpha1.K3dClusterList{},
		tool:   engine.K3d(),
		request: func(c *v1alpha1.K3dCluster) engine.Request {
			p := c.Spec.ForProvider.DeepCopy()
			return engine.Request{Nodes: p.NodeParameters, Disable: p.Disable}
		},
		observation: func(c *v1alpha1.K3dCluster) *v1alpha1.ClusterObservation { return &c.Status.AtProvider },
	}
}

// SetupGated adds all controllers to a manager. Those of clusters start when the
// CRD of their kind is there.
func SetupGated(ctx context.Context, mgr ctrl.Manager, o Options) error {
	if err := setupConfig(mgr, o, &v1alpha1.ProviderConfig{}, v1alpha1.ProviderConfigKind); err != nil {
		return err
	}
	if err := setupConfig(mgr, o, &v1alpha1.ClusterProviderConfig{}, v1alpha1.ClusterProviderConfigKind); err != nil {
		return err
	}
	engines := &Engines{New: func(tool engine.Tool, host, network string) (Engine, error) {
		e, err := engine.New(tool, host, network)
		if err != nil {
			return nil, err
		}
		return metered{engine: e, calls: o.Calls.MustCurryWith(prometheus.Labels{"tool": tool.Name})}, nil
	}}
	runner := jobs.NewRunner(ctx)
	failed := func(err error) {
		if err != nil {
			panic(errors.Wrap(err, "cannot set up a controller"))
		}
	}
	o.Gate.Register(func() { failed(setup(mgr, o, kindClusters(), engines, runner)) }, v1alpha1.GroupVersionKind(v1alpha1.KindClusterKind))
	o.Gate.Register(func() { failed(setup(mgr, o, k3dClusters(), engines, runner)) }, v1alpha1.GroupVersionKind(v1alpha1.K3dClusterKind))
	return nil
}

// setup the controller of a kind of clusters.
func setup[T resource.ModernManaged](mgr ctrl.Manager, o Options, k kind[T], engines *Engines, runner Jobs) error {
	gvk := v1alpha1.GroupVersionKind(k.name)
	name := managed.ControllerName(gvk.GroupKind().String())
	opts := []managed.ReconcilerOption{
		managed.WithTypedExternalConnector[T](&connector[T]{
			kind:    k,
			kube:    mgr.GetClient(),
			usage:   resource.NewProviderConfigUsageTracker(mgr.GetClient(), &v1alpha1.ProviderConfigUsage{}),
			engines: engines,
			jobs:    runner,
			host:    o.Host,
		}),
		managed.WithInitializers(nameInitializer(mgr.GetClient())),
		// A creation that the provider did not live to see the end of is repaired.
		managed.WithDeterministicExternalName(true),
		managed.WithCreationGracePeriod(0),
		managed.WithLogger(o.Logger.WithValues("controller", name)),
		managed.WithPollInterval(o.PollInterval),
		managed.WithPollIntervalHook(pollInterval),
		managed.WithRecorder(event.NewAPIRecorder(mgr.GetEventRecorderFor(name))), //nolint:staticcheck // crossplane-runtime does not speak the new events API yet.
	}
	if o.Features.Enabled(feature.EnableBetaManagementPolicies) {
		opts = append(opts, managed.WithManagementPolicies())
	}
	if o.Features.Enabled(feature.EnableAlphaChangeLogs) {
		opts = append(opts, managed.WithChangeLogger(o.ChangeLogOptions.ChangeLogger))
	}
	if m := o.MetricOptions; m != nil {
		opts = append(opts, managed.WithMetricRecorder(m.MRMetrics))
		if m.MRStateMetrics != nil {
			r := statemetrics.NewMRStateRecorder(mgr.GetClient(), o.Logger, m.MRStateMetrics, k.list, m.PollStateMetricInterval)
			if err := mgr.Add(r); err != nil {
				return errors.Wrapf(err, "cannot record the state of %s", k.name)
			}
		}
	}
	r := managed.NewReconciler(mgr, resource.ManagedKind(gvk), opts...)
	err := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		WithOptions(o.ForControllerRuntime()).
		WithEventFilter(resource.DesiredStateChanged()).
		For(k.object).
		Complete(ratelimiter.NewReconciler(name, r, o.GlobalRateLimiter))
	return errors.Wrapf(err, "cannot start controller %s", name)
}

// pollInterval of a cluster: soon while it is not ready.
func pollInterval(mg resource.Managed, usual time.Duration) time.Duration {
	if mg.GetCondition(xpv2.TypeReady).Status != corev1.ConditionTrue {
		return min(unreadyPoll, usual)
	}
	return usual
}

// setupConfig adds the controller of a kind of ProviderConfig, which counts its
// users. A usage says of which kind its config is, so there is one kind of them.
func setupConfig(mgr ctrl.Manager, o Options, config client.Object, kind string) error {
	gvk := v1alpha1.GroupVersionKind(kind)
	name := providerconfig.ControllerName(gvk.GroupKind().String())
	of := resource.ProviderConfigKinds{
		Config:    gvk,
		Usage:     v1alpha1.GroupVersionKind(v1alpha1.ProviderConfigUsageKind),
		UsageList: v1alpha1.GroupVersionKind(v1alpha1.ProviderConfigUsageKind + "List"),
	}
	r := providerconfig.NewReconciler(
		mgr, of,
		providerconfig.WithLogger(o.Logger.WithValues("controller", name)),
		providerconfig.WithRecorder(event.NewAPIRecorder(mgr.GetEventRecorderFor(name))), //nolint:staticcheck // crossplane-runtime does not speak the new events API yet.
	)
	err := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		WithOptions(o.ForControllerRuntime()).
		For(config).
		Watches(&v1alpha1.ProviderConfigUsage{}, &resource.EnqueueRequestForProviderConfig{Kind: kind}).
		Complete(ratelimiter.NewReconciler(name, r, o.GlobalRateLimiter))
	return errors.Wrapf(err, "cannot start controller %s", name)
}
