// SPDX-License-Identifier: Apache-2.0

// Package charts renders the Helm charts that the project publishes, in tests.
package charts
