// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package engine

import "os/exec"

// killWithParent is for Linux, which the provider's image is for. Elsewhere a
// creation may outlive a provider that is killed.
func killWithParent(*exec.Cmd) {}
