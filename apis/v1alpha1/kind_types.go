// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// A KindCluster says what has no neutral name: nodes are containers of a
// container engine, made by kind. kind cannot change a cluster that exists.
type KindCluster struct {
	LocalNodes `json:",inline"`
}
