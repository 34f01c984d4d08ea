// SPDX-License-Identifier: Apache-2.0

// Command game runs an app that a YAML file describes: all its services in one
// process on this machine, or one service as in a cluster.
package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/workloads/game/host"
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
		return host.Check(c.Game, out)
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

	return host.Serve(ctx, cfg)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	c := &CLI{}
	k := kong.Parse(c, kong.Name("game"), kong.Description("Run an app that a YAML file describes, with telemetry of all it does."), kong.Vars{"version": version})
	k.FatalIfErrorf(c.Run(ctx, os.Stdout, log))
}
