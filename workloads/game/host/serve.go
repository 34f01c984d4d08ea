// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/workloads/game/telemetry"
	"go.opentelemetry.io/otel"
)

// Serve runs what the configuration says until the context is over, and tells the
// console where it is.
func Serve(ctx context.Context, cfg Config) error {
	otel.SetErrorHandler(quiet(cfg.Log))
	h, err := Start(ctx, cfg)
	if err != nil {
		return err
	}
	urls := h.URLs()
	lines := &strings.Builder{}
	for _, name := range slices.Sorted(maps.Keys(urls)) {
		fmt.Fprintf(lines, "%-24s %s\n", name, urls[name])
	}
	fmt.Fprintf(lines, "%-24s %s/statusz\n", "(status)", h.AdminURL())
	if _, err := io.WriteString(cfg.Console, lines.String()); err != nil {
		return errors.Join(fmt.Errorf("cannot say where the services are: %w", err), h.Stop(ctx))
	}
	cfg.Log.Info("running", "telemetry", telemetry.Destinations())
	return h.Run(ctx)
}

// Check says whether a game is valid.
func Check(file string, out io.Writer) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot read the game: %w", err)
	}
	g, err := language.Parse(b)
	if err != nil {
		return &InvalidError{File: file, Err: err}
	}
	if _, err := fmt.Fprintf(out, "valid: %d services, %d loaders\n", len(g.Services), len(g.LoadGenerators)); err != nil {
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
