// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/workloads/game/telemetry"
)

// A Status is how a host stands, as /statusz shows it.
type Status struct {
	// Reloads is how often a changed game was followed.
	Reloads int64 `json:"reloads"`
	// Refused is how often one was not, since it is not valid.
	Refused int64 `json:"refused"`
	// Services that run here.
	Services map[language.Name]ServiceStatus `json:"services"`
	// LoadGenerators that run here.
	LoadGenerators map[language.Name]Signals `json:"loadGenerators"`
}

// A ServiceStatus is how a service stands.
type ServiceStatus struct {
	Signals

	// URL at which the service listens.
	URL string `json:"url"`
	// Down says that the service has broken down and is not back yet.
	Down bool `json:"down"`
}

// Signals say what became of spans and log records.
type Signals struct {
	Spans   telemetry.Counts `json:"spans"`
	Records telemetry.Counts `json:"records"`
}

// Status of the host.
func (h *Host) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := Status{Reloads: h.reloads.Load(), Refused: h.refused.Load(), Services: map[language.Name]ServiceStatus{}, LoadGenerators: map[language.Name]Signals{}}
	for name, s := range h.services {
		out.Services[name] = ServiceStatus{Signals: signalsOf(s.Telemetry()), URL: s.url, Down: s.Down()}
	}
	for name, l := range h.loadGenerators {
		out.LoadGenerators[name] = signalsOf(l.tel)
	}
	return out
}

func signalsOf(t *telemetry.Telemetry) Signals {
	return Signals{Spans: t.Spans(), Records: t.Records()}
}

// ready says why the host is not ready, or nothing.
func (h *Host) ready() string {
	if h.stopping.Load() {
		return "stopping"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	// With all services in one process each of them breaks down alone.
	if s := h.services[h.cfg.Service]; s != nil && s.Down() {
		return "out of memory: starting again"
	}
	return ""
}

func (h *Host) serveAdmin(ctx context.Context) error {
	if h.cfg.Admin == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { ok(w) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := h.ready(); why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
		ok(w)
	})
	mux.HandleFunc("GET /statusz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		if err := e.Encode(h.Status()); err != nil {
			h.log.Warn("cannot show the status", "error", err)
		}
	})

	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", h.cfg.Admin)
	if err != nil {
		return fmt.Errorf("cannot listen for health: %w", err)
	}
	h.admin = newServer(mux)
	h.adminURL = "http://" + l.Addr().String()
	go h.serve(h.admin, l)
	return nil
}

func ok(w http.ResponseWriter) {
	// Who asks and goes does not need the answer.
	_, _ = w.Write([]byte("ok\n"))
}
