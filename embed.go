// SPDX-License-Identifier: Apache-2.0

// Package observek8s has the manifests that install this project.
package observek8s

import "embed"

// Manifests are the metadata of the Configuration package, what a platform team
// applies, and what gives provider-local the socket of docker.
//
//go:embed crossplane.yaml package/install.yaml package/runtime-docker.yaml
var Manifests embed.FS
