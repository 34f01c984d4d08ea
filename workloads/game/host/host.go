// SPDX-License-Identifier: Apache-2.0

// Package host runs the services and load generators of a game in one process: all of
// them on one machine, or one of them in a cluster.
package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/workloads/game/emulator"
	"github.com/observe-k8s/observe-k8s/workloads/game/telemetry"
)

const (
	// shutdownTimeout is how long a stop waits for requests that have begun, and again
	// for telemetry to leave.
	shutdownTimeout = 10 * time.Second
	// poll is how often the file of the game is looked at. A file that is mounted
	// from a ConfigMap is replaced by a link, which not every watch notices.
	poll = 2 * time.Second
)

// A Config says what to run.
type Config struct {
	// File of the game. It is read again when it changes.
	File string
	// Service to run; all services when this and LoadGenerator are empty.
	Service language.Name
	// LoadGenerator to run.
	LoadGenerator language.Name
	// NoLoad runs no load generators with all services.
	NoLoad bool
	// Listen is where a single service listens.
	Listen string
	// Port of the first of all services on the loopback interface; the others
	// follow. A port that is taken is replaced by any free one; 0 takes free ones.
	Port int
	// Admin is where health, readiness and status are served; nowhere when empty.
	Admin string
	// Peers is the address of a service in a cluster, with {service} for its name.
	Peers string
	// Instance is the service.instance.id of a single service.
	Instance string
	// Seed makes chance repeat itself; nil does not.
	Seed *uint64
	// Drain is how long a stop goes on serving after it said that it is not ready.
	Drain time.Duration
	// Poll is how often the file is looked at; 2s when zero.
	Poll time.Duration
	// Console gets logs of the game.
	Console io.Writer
	// Log gets what the host itself has to say.
	Log *slog.Logger
}

// all says whether everything runs here.
func (c Config) all() bool { return c.Service == "" && c.LoadGenerator == "" }

// A Host runs a game.
type Host struct {
	cfg   Config
	world *emulator.Runtime
	log   *slog.Logger

	// addresses of the services that run here.
	addresses atomic.Pointer[map[language.Name]string]
	stopping  atomic.Bool
	reloads   atomic.Int64
	refused   atomic.Int64

	mu             sync.Mutex
	content        []byte
	services       map[language.Name]*service
	loadGenerators map[language.Name]*loadGenerator
	admin          *http.Server
	adminURL       string
}

type service struct {
	*emulator.Service

	server *http.Server
	url    string
}

type loadGenerator struct {
	tel  *telemetry.Telemetry
	stop context.CancelFunc
	done chan struct{}
}

// Start what the configuration says. It returns an error when the game is not
// valid, or has nothing of the name that is asked for.
func Start(ctx context.Context, cfg Config) (*Host, error) {
	if cfg.Poll == 0 {
		cfg.Poll = poll
	}
	h := &Host{cfg: cfg, log: cfg.Log, services: map[language.Name]*service{}, loadGenerators: map[language.Name]*loadGenerator{}}
	h.addresses.Store(&map[language.Name]string{})
	h.world = emulator.Real(cfg.Seed, h.address)

	content, err := os.ReadFile(cfg.File)
	if err != nil {
		return nil, fmt.Errorf("cannot read the game: %w", err)
	}
	err = h.apply(ctx, content)
	if err == nil {
		err = h.serveAdmin(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, h.Stop(ctx))
	}
	return h, nil
}

// Run until the context is over, and read the game again whenever it changes.
func (h *Host) Run(ctx context.Context) error {
	tick := time.NewTicker(h.cfg.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			// The context is over; the stop has its own time.
			return h.Stop(context.WithoutCancel(ctx))
		case <-tick.C:
			h.Reload(ctx)
		}
	}
}

// Reload the game if its file has changed. A game that is not valid is logged and
// left alone: what runs goes on.
func (h *Host) Reload(ctx context.Context) {
	content, err := os.ReadFile(h.cfg.File)
	if err != nil {
		h.log.Warn("cannot read the game again", "error", err)
		return
	}
	h.mu.Lock()
	same := bytes.Equal(content, h.content)
	h.mu.Unlock()
	if same {
		return
	}
	if err := h.apply(ctx, content); err != nil {
		h.refused.Add(1)
		h.log.Error("the game has changed, and is not followed", "error", err)
		return
	}
	h.reloads.Add(1)
	h.log.Info("the game has changed")
}

// URLs of the services that run here.
func (h *Host) URLs() map[language.Name]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[language.Name]string, len(h.services))
	for name, s := range h.services {
		out[name] = s.url
	}
	return out
}

// AdminURL is where health, readiness and status are served, or empty.
func (h *Host) AdminURL() string { return h.adminURL }

// Flush exports all telemetry there is.
func (h *Host) Flush(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, s := range h.services {
		errs = append(errs, s.Telemetry().Flush(ctx))
	}
	for _, l := range h.loadGenerators {
		errs = append(errs, l.tel.Flush(ctx))
	}
	return errors.Join(errs...)
}

func (h *Host) address(name language.Name) string {
	if a, ok := (*h.addresses.Load())[name]; ok {
		return a
	}
	return strings.ReplaceAll(h.cfg.Peers, "{service}", string(name))
}

// apply a game: start what is new, stop what is gone, and let the rest follow.
// The first error ends it, with the game before still running where it can.
func (h *Host) apply(ctx context.Context, content []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	// Also a game that is refused is looked at only once.
	h.content = content
	g, err := language.Parse(content)
	if err != nil {
		return &InvalidError{File: h.cfg.File, Err: err}
	}
	plans, err := h.plans(g)
	if err != nil {
		return err
	}
	if h.cfg.LoadGenerator != "" && g.LoadGenerator(h.cfg.LoadGenerator) == nil {
		return fmt.Errorf("the game has no load generator %q", h.cfg.LoadGenerator)
	}

	var errs []error
	for _, name := range slices.Sorted(maps.Keys(h.services)) {
		if plans[name] == nil {
			errs = append(errs, h.stopService(ctx, name))
		}
	}
	for i := range g.Services {
		name := g.Services[i].Name
		switch p := plans[name]; {
		case p == nil:
		case h.services[name] != nil:
			h.services[name].SetPlan(p)
		default:
			if err := h.startService(ctx, &g.Services[i], p, i); err != nil {
				return err
			}
		}
	}
	errs = append(errs, h.restartLoaders(ctx, g))
	return errors.Join(errs...)
}

// An InvalidError is a game that is not valid.
type InvalidError struct {
	// File of the game.
	File string
	// Err is what is wrong: language.ProblemsError, or that it cannot be read.
	Err error
}

// Error has one line for each problem, with the file's name as compilers do.
func (e *InvalidError) Error() string {
	lines := strings.Split(e.Err.Error(), "\n")
	for i := range lines {
		lines[i] = e.File + ":" + lines[i]
	}
	return strings.Join(lines, "\n")
}

// Unwrap is what is wrong.
func (e *InvalidError) Unwrap() error { return e.Err }

func (h *Host) plans(g *language.Game) (map[language.Name]*emulator.Plan, error) {
	plans := map[language.Name]*emulator.Plan{}
	if h.cfg.LoadGenerator != "" {
		return plans, nil
	}
	names := []language.Name{h.cfg.Service}
	if h.cfg.all() {
		names = names[:0]
		for i := range g.Services {
			names = append(names, g.Services[i].Name)
		}
	}
	for _, name := range names {
		p, err := emulator.PlanOf(g, name)
		if err != nil {
			return nil, err
		}
		plans[name] = p
	}
	return plans, nil
}

func (h *Host) startService(ctx context.Context, s *language.Service, p *emulator.Plan, number int) error {
	tel, err := telemetry.New(ctx, telemetry.Options{
		Service: string(s.Name), Version: s.Version, Instance: h.cfg.Instance, Shared: h.cfg.all(), Console: h.cfg.Console,
	})
	if err != nil {
		return err
	}
	e, err := emulator.NewService(h.world, tel, p)
	if err != nil {
		return err
	}
	l, err := h.listen(ctx, number)
	if err != nil {
		return fmt.Errorf("cannot listen for %s: %w", s.Name, err)
	}
	server := newServer(e)
	h.services[s.Name] = &service{Service: e, server: server, url: "http://" + l.Addr().String()}
	h.setAddress(s.Name, l.Addr().String())
	go h.serve(server, l)
	return nil
}

func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// Connections that break are part of the game.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

func (h *Host) serve(server *http.Server, l net.Listener) {
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		h.log.Error("cannot serve any more", "error", err)
	}
}

func (h *Host) listen(ctx context.Context, number int) (net.Listener, error) {
	var lc net.ListenConfig
	address := "127.0.0.1:0"
	if !h.cfg.all() {
		address = h.cfg.Listen
	} else if h.cfg.Port > 0 {
		l, err := lc.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", h.cfg.Port+number))
		if err == nil {
			return l, nil
		}
	}
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	return l, nil
}

// setAddress of a service that runs here. Others read while this writes.
func (h *Host) setAddress(name language.Name, address string) {
	if !h.cfg.all() {
		return
	}
	next := maps.Clone(*h.addresses.Load())
	next[name] = address
	if address == "" {
		delete(next, name)
	}
	h.addresses.Store(&next)
}

func (h *Host) stopService(ctx context.Context, name language.Name) error {
	s := h.services[name]
	delete(h.services, name)
	h.setAddress(name, "")
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("cannot wait for the requests of %s: %w", name, err), s.server.Close())
	}
	h.stopTelemetry(ctx, s.Telemetry())
	return err
}

// stopTelemetry delivers the last of it. That nobody listens does not make a stop
// fail.
func (h *Host) stopTelemetry(ctx context.Context, tel *telemetry.Telemetry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := tel.Stop(ctx); err != nil {
		h.log.Warn("cannot deliver the last telemetry", "error", err)
	}
}

func (h *Host) restartLoaders(ctx context.Context, g *language.Game) error {
	h.stopLoaders(ctx)
	if h.cfg.NoLoad || h.cfg.Service != "" {
		return nil
	}
	var errs []error
	for i := range g.LoadGenerators {
		name := g.LoadGenerators[i].Name
		if h.cfg.LoadGenerator == "" || h.cfg.LoadGenerator == name {
			errs = append(errs, h.startLoader(ctx, g, name))
		}
	}
	return errors.Join(errs...)
}

func (h *Host) startLoader(ctx context.Context, g *language.Game, name language.Name) error {
	tel, err := telemetry.New(ctx, telemetry.Options{Service: string(name), Instance: h.cfg.Instance, Shared: h.cfg.all(), Console: h.cfg.Console})
	if err != nil {
		return err
	}
	l, err := emulator.NewLoadGenerator(h.world, tel, g, name)
	if err != nil {
		return err
	}
	// A load generator ends when it is told to, not with the call that started it.
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	h.loadGenerators[name] = &loadGenerator{tel: tel, stop: stop, done: done}
	go func() {
		defer close(done)
		l.Run(ctx)
	}()
	return nil
}

func (h *Host) stopLoaders(ctx context.Context) {
	for _, name := range slices.Sorted(maps.Keys(h.loadGenerators)) {
		l := h.loadGenerators[name]
		delete(h.loadGenerators, name)
		l.stop()
		<-l.done
		h.stopTelemetry(ctx, l.tel)
	}
}

// Stop everything: load generators first, then services once their requests have been
// answered, then telemetry once it has left.
func (h *Host) Stop(ctx context.Context) error {
	h.stopping.Store(true)
	if h.cfg.Drain > 0 && len(h.services) > 0 {
		time.Sleep(h.cfg.Drain)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopLoaders(ctx)

	// All at the same time: what they wait for may be each other.
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, s := range h.services {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
			defer cancel()
			err := s.server.Shutdown(ctx)
			if err != nil {
				err = errors.Join(fmt.Errorf("cannot wait for requests: %w", err), s.server.Close())
			}
			h.stopTelemetry(ctx, s.Telemetry())
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	wg.Wait()
	clear(h.services)
	if h.admin != nil {
		errs = append(errs, h.admin.Close())
	}
	return errors.Join(errs...)
}
