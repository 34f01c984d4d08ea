// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/observe-k8s/observe-k8s/controlplane"
)

type buildCommand struct {
	whichFlags `embed:""`
}

// Run builds the programs.
func (c *buildCommand) Run(ctx context.Context) error {
	o := c.options()
	o.Flux = true
	return controlplane.Build(ctx, o)
}

type upCommand struct {
	runFlags `embed:""`
}

// Run runs a control plane.
func (c *upCommand) Run(ctx context.Context) error {
	cp, err := controlplane.Start(ctx, c.options())
	if err != nil {
		return err
	}
	defer cp.Stop()
	if err := lookAround(cp); err != nil {
		return err
	}
	return cp.Wait(ctx)
}

type downCommand struct {
	whichFlags `embed:""`
}

// Run ends a control plane.
func (c *downCommand) Run() error {
	found, err := controlplane.Down(c.options())
	if err != nil {
		return err
	}
	if !found {
		fmt.Println("nothing was running")
		return nil
	}
	fmt.Println("the control plane is gone")
	return nil
}

type statusCommand struct {
	whichFlags `embed:""`
}

// Run prints the state of a control plane.
func (c *statusCommand) Run() error {
	s, running, err := controlplane.Status(c.options())
	if err != nil {
		return err
	}
	if !running {
		return fmt.Errorf("no control plane %q runs", c.Name)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(s)
}
