// SPDX-License-Identifier: Apache-2.0

// Package e2e tests the emulator of games with those it works with: a real
// OpenTelemetry collector and a real Prometheus, built from their Go modules and
// run on the loopback interface. Each has a module of its own, so that what they
// need stays out of the emulator's.
package e2e
