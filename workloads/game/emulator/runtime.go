// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"context"
	"net/http"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
)

// A Runtime is what services have in common: time, chance and each other.
type Runtime struct {
	// Now is the time.
	Now func() time.Time
	// Sleep waits, or returns an error when the context is over before that.
	Sleep func(ctx context.Context, d time.Duration) error
	// Busy is a Sleep that keeps a CPU busy.
	Busy func(ctx context.Context, d time.Duration) error
	// Seed makes chance repeat itself; nil does not.
	Seed *uint64
	// Address of a service: host, or host and port.
	Address func(service language.Name) string
	// Transport of requests.
	Transport http.RoundTripper
}

// Real is a world with real time, in which services are found at their addresses.
func Real(seed *uint64, address func(language.Name) string) *Runtime {
	return &Runtime{
		Now:     time.Now,
		Sleep:   wait,
		Busy:    burnCPU,
		Seed:    seed,
		Address: address,
		Transport: &http.Transport{
			MaxIdleConns:        4096,
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
		},
	}
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// burnCPU computes until the time is over.
func burnCPU(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	x := uint64(1)
	for time.Now().Before(end) {
		for range 1000 {
			x = x*6364136223846793005 + 1442695040888963407
		}
		// x is never 0, which the compiler does not know: so it must compute.
		if x == 0 || ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
