// SPDX-License-Identifier: Apache-2.0

// Package controlplane builds and runs a Crossplane control plane of real
// programs as processes of this machine, without a container engine and
// without root: a management cluster with Crossplane, its providers and our
// function, and a remote cluster on which simulated nodes run simulated pods.
package controlplane
