// SPDX-License-Identifier: Apache-2.0

// Package charts holds the Helm charts that the project publishes. Its tests
// render them.
package charts
