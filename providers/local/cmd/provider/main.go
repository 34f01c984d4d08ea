// SPDX-License-Identifier: Apache-2.0

// Command provider makes Kubernetes clusters on a container engine, by kind and
// by k3d, for Crossplane.
package main

import (
	"context"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"
	changelogsv1alpha1 "github.com/crossplane/crossplane-runtime/v2/apis/changelogs/proto/v1alpha1"
	xpcontroller "github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/feature"
	"github.com/crossplane/crossplane-runtime/v2/pkg/gate"
	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/customresourcesgate"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/statemetrics"
	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/controller"
	"github.com/observe-k8s/observe-k8s/providers/local/internal/engine"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// gcPercent is how much garbage there may be beside what is needed: half of
// Go's default.
const gcPercent = 50

// Set by the linker.
var version = "dev"

// CLI of the provider.
type CLI struct {
	Start  Start  `cmd:"" default:"withargs" help:"Run the controllers."`
	Create Create `cmd:"" help:"Create one cluster: the provider starts itself so." hidden:""`
}

// Create makes one cluster, described on the standard input.
type Create struct {
	Tool string `arg:"" enum:"kind,k3d" help:"The tool that makes it."`
}

// Run the tool.
func (c *Create) Run() error {
	// Libraries may print; the parent hears only what is meant for it.
	out := os.Stdout
	os.Stdout = os.Stderr
	return engine.Serve(context.Background(), c.Tool, os.Stdin, out)
}

// Start runs the controllers.
type Start struct {
	Debug          bool `help:"Log at debug level."                                                    short:"d"`
	LeaderElection bool `env:"LEADER_ELECTION" help:"Let only one of several providers work." short:"l"`

	DockerHost string `default:"unix:///var/run/docker.sock" env:"DOCKER_HOST" help:"Container engine of ProviderConfigs that name none."`

	Sync             time.Duration `default:"1h" help:"How often every resource is looked at again." short:"s"`
	Poll             time.Duration `default:"1m" help:"How often a cluster that is ready is looked at."`
	PollStateMetric  time.Duration `default:"5s" help:"How often metrics of states are recorded."`
	MaxReconcileRate int           `default:"10" help:"How many reconciles there may be in a second, and at a time."`

	MetricsBindAddress string `default:":8080" help:"Where metrics are served; 0 is nowhere."`

	EnableManagementPolicies bool   `default:"true"                                env:"ENABLE_MANAGEMENT_POLICIES" help:"Obey management policies." negatable:""`
	EnableChangelogs         bool   `env:"ENABLE_CHANGE_LOGS"                      help:"Send logs of changes."`
	ChangelogsSocketPath     string `default:"/var/run/changelogs/changelogs.sock" env:"CHANGELOGS_SOCKET_PATH"     help:"Socket to send them to."`
}

// Run until the process is told to end.
func (s *Start) Run() error {
	// It has little to do and is to be small.
	debug.SetGCPercent(gcPercent)
	zl := zap.New(zap.UseDevMode(s.Debug))
	log := logging.NewLogrLogger(zl.WithName("provider-local"))
	ctrl.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	if s.Debug {
		// controller-runtime tells too much at any other level.
		ctrl.SetLogger(zl)
	}
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return errors.Wrap(err, "cannot find the API server")
	}
	lease, renew := 60*time.Second, 50*time.Second
	mgr, err := ctrl.NewManager(ratelimiter.LimitRESTConfig(cfg, s.MaxReconcileRate), ctrl.Options{
		Cache:   cache.Options{SyncPeriod: &s.Sync},
		Metrics: metricsserver.Options{BindAddress: s.MetricsBindAddress},
		// Secrets are read when they are needed: all of them would not fit a laptop.
		Client:                     client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		LeaderElection:             s.LeaderElection,
		LeaderElectionID:           "crossplane-leader-election-provider-local",
		LeaderElectionResourceLock: resourcelock.LeasesResourceLock,
		// Leases of the usual length get lost when there is much to do.
		LeaseDuration: &lease,
		RenewDeadline: &renew,
	})
	if err != nil {
		return errors.Wrap(err, "cannot make a controller manager")
	}
	if err := v1alpha1.AddToScheme(mgr.GetScheme()); err != nil {
		return errors.Wrap(err, "cannot add the provider's kinds")
	}
	if err := apiextensionsv1.AddToScheme(mgr.GetScheme()); err != nil {
		return errors.Wrap(err, "cannot add the kind of CRDs")
	}
	o, err := s.options(log)
	if err != nil {
		return err
	}
	if err := customresourcesgate.Setup(mgr, o.Options); err != nil {
		return errors.Wrap(err, "cannot set up the gate of CRDs")
	}
	ctx := ctrl.SetupSignalHandler()
	if err := controller.SetupGated(ctx, mgr, o); err != nil {
		return err
	}
	return errors.Wrap(mgr.Start(ctx), "cannot run the controllers")
}

// options of the controllers.
func (s *Start) options(log logging.Logger) (controller.Options, error) {
	recorder := managed.NewMRMetricRecorder()
	states := statemetrics.NewMRStateMetrics()
	calls := controller.NewCalls()
	metrics.Registry.MustRegister(recorder, states, calls)

	o := xpcontroller.Options{
		Logger:                  log,
		MaxConcurrentReconciles: s.MaxReconcileRate,
		PollInterval:            s.Poll,
		GlobalRateLimiter:       ratelimiter.NewGlobal(s.MaxReconcileRate),
		Features:                &feature.Flags{},
		Gate:                    new(gate.Gate[schema.GroupVersionKind]),
		MetricOptions: &xpcontroller.MetricOptions{
			PollStateMetricInterval: s.PollStateMetric,
			MRMetrics:               recorder,
			MRStateMetrics:          states,
		},
	}
	if s.EnableManagementPolicies {
		o.Features.Enable(feature.EnableBetaManagementPolicies)
	}
	if s.EnableChangelogs {
		o.Features.Enable(feature.EnableAlphaChangeLogs)
		conn, err := grpc.NewClient("unix://"+s.ChangelogsSocketPath, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return controller.Options{}, errors.Wrap(err, "cannot send logs of changes")
		}
		o.ChangeLogOptions = &xpcontroller.ChangeLogOptions{
			ChangeLogger: managed.NewGRPCChangeLogger(
				changelogsv1alpha1.NewChangeLogServiceClient(conn),
				managed.WithProviderVersion("provider-local:"+version),
			),
		}
	}
	return controller.Options{Options: o, Host: s.DockerHost, Calls: calls}, nil
}

func main() {
	ctx := kong.Parse(&CLI{}, kong.Name("provider"), kong.Description("Kubernetes clusters on a container engine, for Crossplane."))
	ctx.FatalIfErrorf(ctx.Run())
}
