// SPDX-License-Identifier: Apache-2.0

package emulator

import (
	"math/rand/v2"
	"strconv"
)

// A rng decides what happens in one request. With a seed it falls the same way
// for the same request, however many requests run at the same time.
type rng struct {
	// pcg is nil without a seed.
	pcg *rand.PCG
}

func newRNG(seed, key uint64) rng { return rng{rand.NewPCG(seed, key)} }

// float from 0, and below 1.
func (d *rng) float() float64 {
	if d.pcg == nil {
		return rand.Float64() //nolint:gosec // A game of chance, and nothing to win.
	}
	return float64(d.pcg.Uint64()>>11) / (1 << 53)
}

// child is the key of the dice of a request that this one causes, if there is a
// seed.
func (d *rng) child() (key uint64, seeded bool) {
	if d.pcg == nil {
		return 0, false
	}
	return d.pcg.Uint64(), true
}

// hash of words (FNV-1a), the same everywhere.
func hash(words ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, w := range words {
		for i := range len(w) {
			h = (h ^ uint64(w[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	return h
}

func parseKey(s string) (uint64, bool) {
	k, err := strconv.ParseUint(s, 36, 64)
	return k, err == nil
}

func formatKey(k uint64) string { return strconv.FormatUint(k, 36) }
