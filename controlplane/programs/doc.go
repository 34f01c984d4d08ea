// SPDX-License-Identifier: Apache-2.0

// Package programs builds the real programs of the control plane from Go
// modules at pinned versions, once, into a cache.
package programs
