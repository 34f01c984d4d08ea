// SPDX-License-Identifier: Apache-2.0

// Package nearest finds what a mistyped word may have meant.
package nearest

import (
	"slices"
	"strings"
)

// Words returns the candidates that are nearest to a word, at most this many.
// A candidate is as near as the nearest of its parts between dashes.
func Words[T ~string](word T, candidates []T, most int) []T {
	nearness := func(c T) int {
		d := Distance(string(word), string(c))
		for part := range strings.SplitSeq(string(c), "-") {
			d = min(d, Distance(string(word), part))
		}
		return d
	}
	near := slices.Clone(candidates)
	slices.SortStableFunc(near, func(a, b T) int { return nearness(a) - nearness(b) })
	return near[:min(most, len(near))]
}

// Distance returns how many bytes must be added, removed or replaced to turn one
// word into the other.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := last
			if a[i] != b[j] {
				replaced++
			}
			last = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
