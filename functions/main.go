// SPDX-License-Identifier: Apache-2.0

// Command function is the composition function of observe-k8s. It composes all
// five kinds.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/crossplane/function-sdk-go"
	"github.com/crossplane/function-sdk-go/errors"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// shutdownGracePeriod is how long a stop waits for runs that have begun. A run takes
// milliseconds.
const shutdownGracePeriod = 10 * time.Second

// version is what was built. The linker sets it.
var version = "unknown"

// CLI of the function.
type CLI struct {
	Debug   bool             `help:"Emit debug logs in addition to info logs." short:"d"`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Network            string `default:"tcp"                             help:"Network on which to listen for gRPC connections."`
	Address            string `default:":9443"                           help:"Address at which to listen for gRPC connections."`
	TLSCertsDir        string `env:"TLS_SERVER_CERTS_DIR"                help:"Directory containing server certs (tls.key, tls.crt) and the CA used to verify client certificates (ca.crt)."`
	Insecure           bool   `help:"Run without mTLS credentials. If you supply this flag --tls-certs-dir will be ignored."`
	MaxRecvMessageSize int    `default:"4"                               help:"Maximum size of received messages in MB."`
	MetricsAddress     string `default:":8080"                           help:"Address at which to serve Prometheus metrics. Empty serves none."`
	ProfileAddress     string `help:"Address at which to serve Go's profiles below /debug/pprof, for example localhost:6060. None by default." placeholder:"HOST:PORT"`

	ManagementClusterNamespaces []string `help:"Namespaces whose claims may take the management cluster itself, with the providers' own identity. * allows all; none by default." placeholder:"NAMESPACE"`
	ChartMirror                 string   `help:"OCI registry that serves all charts below their own host and path: https://HOST[/PATH], or http:// for one without TLS." placeholder:"URL"`
}

// Run serves the function until it is told to stop.
func (c *CLI) Run() error {
	log, err := function.NewLogger(c.Debug)
	if err != nil {
		return errors.Wrap(err, "cannot make a logger")
	}
	settings := compose.Settings{ManagementClusterNamespaces: c.ManagementClusterNamespaces}
	if settings.ChartMirror, err = compose.ParseMirror(c.ChartMirror); err != nil {
		return errors.Wrap(err, "cannot use --chart-mirror")
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	tr, flush, err := tracer(ctx)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	tel, err := newTelemetry(registry, tr)
	if err != nil {
		return err
	}
	if c.ProfileAddress != "" {
		if err := serveProfiles(ctx, c.ProfileAddress); err != nil {
			return err
		}
	}
	hs := health.NewServer()
	hs.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
	d := &drainer{runner: &Function{log: log, settings: settings, telemetry: tel}}

	served := make(chan error, 1)
	go func() { served <- c.serve(ctx, d, hs, registry) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		log.Info("Stopping")
		hs.Shutdown()
		d.drain(shutdownGracePeriod)
		last, cancel := context.WithTimeout(context.Background(), shutdownGracePeriod)
		defer cancel()
		return errors.Wrap(flush(last), "cannot export the last traces")
	}
}

const (
	// memoryLimit is how much Go may use, in bytes, before it collects garbage more often
	// than it would by itself. It is what runs need under load: a burst of large
	// requests then takes time rather than twice the memory.
	memoryLimit = 28 << 20

	// gcPercent is how much of it, in percent of what is in use, may pile up below
	// that. Go's default of 100 costs a tenth more time.
	gcPercent = 200
)

// tune Go's memory, unless its own variables say how.
func tune() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

func main() {
	tune()
	ctx := kong.Parse(&CLI{}, kong.Name("function"), kong.Description("The composition function of observe-k8s."), kong.Vars{"version": version})
	ctx.FatalIfErrorf(ctx.Run())
}
