// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"golang.org/x/term"
)

// whichFlags say which control plane is meant.
type whichFlags struct {
	Name  string `default:"demo"             help:"Name of the control plane; several can run side by side."`
	Root  string `help:"Root of the repository; by default found from the working directory upwards." type:"path"`
	Cache string `env:"OBSERVE_K8S_CACHE"    help:"Folder for built programs and running control planes; by default in the user's cache folder." type:"path"`
}

func (f whichFlags) options() controlplane.Options {
	return controlplane.Options{Name: f.Name, Root: f.Root, Cache: f.Cache, Output: os.Stdout, Live: live()}
}

// runFlags say how to run a control plane.
type runFlags struct {
	whichFlags `embed:""`

	FunctionBinary       string   `help:"Our composition function." placeholder:"FILE" type:"existingfile"`
	FunctionArg          []string `help:"Another argument for the function; can be repeated." placeholder:"ARG" sep:"none"`
	ConfigurationPackage string   `help:"Our Configuration package." placeholder:"FILE" type:"existingfile"`
	FunctionPackage      string   `help:"Our Function package." placeholder:"FILE" type:"existingfile"`
	PackageVersion       string   `default:"v0.1.0" help:"Version under which our packages are installed."`
	CircuitBreakerBurst  int      `default:"10000" help:"Burst of Crossplane's circuit breaker, by default what our installation sets; 0 for Crossplane's default."`
	Charts               string   `default:"stand-in" enum:"stand-in,upstream," env:"CHARTS" help:"Where charts come from: stand-in or upstream."`
	Nodes                int      `default:"3" help:"How many simulated nodes the remote cluster has."`
	Namespace            string   `default:"team-a" help:"Namespace of the examples."`
}

func (f runFlags) options() controlplane.Options {
	o := f.whichFlags.options()
	o.FunctionBinary = f.FunctionBinary
	o.FunctionArgs = f.FunctionArg
	o.ConfigurationPackage = f.ConfigurationPackage
	o.FunctionPackage = f.FunctionPackage
	o.PackageVersion = f.PackageVersion
	o.CircuitBreakerBurst = f.CircuitBreakerBurst
	o.UpstreamCharts = f.Charts == "upstream"
	o.Nodes = f.Nodes
	o.Namespace = f.Namespace
	return o
}

// live returns true if standard output is a terminal on which lines may be
// rewritten.
func live() bool {
	if os.Getenv("CI") != "" || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return term.IsTerminal(int(os.Stdout.Fd()))
}

// size of the terminal.
func size() (width, height int) {
	w, h, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0, 0
	}
	return w, h
}
