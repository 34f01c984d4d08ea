// SPDX-License-Identifier: Apache-2.0

// Command game runs an app that a YAML file describes: all its services in one
// process on this machine, or one service as in a cluster.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/workloads/game/host"
	"github.com/observe-k8s/observe-k8s/workloads/game/telemetry"
	"go.opentelemetry.io/otel"
)

// version is what was built. The linker sets it.
var version = "unknown"

// CLI of the emulator.
type CLI struct {
	Game    string           `help:"File with the game. It is read again when it changes."                       placeholder:"FILE" required:"" type:"path"`
	Service string           `help:"Run this service only, as in a cluster."                                     placeholder:"NAME" xor:"what"`
	Loader  string           `help:"Run this load generator only, as in a cluster."                                      placeholder:"NAME" xor:"what"`
	Check   bool             `help:"Say whether the game is valid, and exit."`
	NoLoad  bool             `help:"Run no load generators together with all services."`
	Seed    *uint64          `help:"Let chance repeat itself: the same seed and requests make the same outcomes."`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Port     int           `default:"18080"     help:"First port of all services on the loopback interface; 0 takes free ones."`
	Listen   string        `default:":8080"     help:"Address of a single service."`
	Admin    string        `default:""          help:"Address of /healthz, /readyz and /statusz. Default :8081 for a single service, a free port of the loopback interface for all." placeholder:"ADDRESS"`
	Peers    string        `default:"{service}" help:"Address of other services in a cluster, with {service} for the name."`
	Instance string        `env:"HOSTNAME"      help:"service.instance.id of a single service or load generator."`
	Drain    time.Duration `default:"0s"        help:"How long to go on serving after it was said that it is not ready any more."`
}

// Run the game until the context is over.
func (c *CLI) Run(ctx context.Context, out io.Writer, log *slog.Logger) error {
	if c.Check {
		return check(c.Game, out)
	}
	cfg := host.Config{
		File: c.Game, Service: language.Name(c.Service), LoadGenerator: language.Name(c.Loader), NoLoad: c.NoLoad,
		Listen: c.Listen, Port: c.Port, Admin: c.Admin, Peers: c.Peers, Instance: c.Instance, Seed: c.Seed, Drain: c.Drain,
		Console: out, Log: log,
	}
	all := c.Service == "" && c.Loader == ""
	switch {
	case cfg.Admin != "":
	case all:
		cfg.Admin = "127.0.0.1:0"
	default:
		cfg.Admin = ":8081"
	}
	if all {
		cfg.Instance = ""
	}

	h, err := host.Start(ctx, cfg)
	if err != nil {
		return err
	}
	urls := h.URLs()
	lines := &strings.Builder{}
	for _, name := range slices.Sorted(maps.Keys(urls)) {
		fmt.Fprintf(lines, "%-24s %s\n", name, urls[name])
	}
	fmt.Fprintf(lines, "%-24s %s/statusz\n", "(status)", h.AdminURL())
	if _, err := io.WriteString(out, lines.String()); err != nil {
		return errors.Join(fmt.Errorf("cannot say where the services are: %w", err), h.Stop(ctx))
	}
	log.Info("running", "telemetry", telemetry.Destinations())
	return h.Run(ctx)
}

func check(file string, out io.Writer) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot read the game: %w", err)
	}
	g, err := language.Parse(b)
	if err != nil {
		return &host.InvalidError{File: file, Err: err}
	}
	if _, err := fmt.Fprintf(out, "valid: %d services, %d load generators\n", len(g.Services), len(g.LoadGenerators)); err != nil {
		return fmt.Errorf("cannot say that the game is valid: %w", err)
	}
	return nil
}

// quiet tells of errors of telemetry once every ten seconds: with nobody
// listening there is one for each batch.
func quiet(log *slog.Logger) otel.ErrorHandler {
	var last atomic.Int64
	return otel.ErrorHandlerFunc(func(err error) {
		now, before := time.Now().Unix(), last.Load()
		if now-before >= 10 && last.CompareAndSwap(before, now) {
			log.Warn("telemetry does not arrive; /statusz counts what is lost", "error", err)
		}
	})
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	otel.SetErrorHandler(quiet(log))

	c := &CLI{}
	k := kong.Parse(c, kong.Name("game"), kong.Description("Run an app that a YAML file describes, with telemetry of all it does."), kong.Vars{"version": version})
	k.FatalIfErrorf(c.Run(ctx, os.Stdout, log))
}
