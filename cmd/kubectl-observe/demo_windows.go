// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// newDemoCommand returns a command that says where the demo runs instead.
func newDemoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Run a control plane on this machine (Linux and macOS only)",
		RunE: func(*cobra.Command, []string) error {
			return errors.New("cannot run the demo on Windows: run it in WSL")
		},
	}
}
