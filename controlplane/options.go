// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/observe-k8s/observe-k8s/controlplane/charts"
	"github.com/observe-k8s/observe-k8s/controlplane/checkout"
)

const (
	// InstallBurst is the burst of the circuit breaker that our installation
	// of Crossplane sets.
	InstallBurst = 10000

	cacheVariable = "OBSERVE_K8S_CACHE"
)

// Options for a control plane.
type Options struct {
	// Root of the repository; by default the closest folder above the working
	// directory that has the programs' modules.
	Root string
	// Cache is where built programs are kept; by default the folder named by
	// OBSERVE_K8S_CACHE, or one in the user's cache folder.
	Cache string
	// Name of the control plane: several can run side by side.
	Name string
	// Output receives what a person wants to know; nothing by default.
	Output io.Writer
	// Live says that Output is a terminal on which lines may be rewritten.
	Live bool

	// FunctionBinary is our composition function. Without it neither the
	// function nor our packages are installed.
	FunctionBinary string
	// FunctionArgs are arguments of the function beyond the addresses.
	FunctionArgs []string
	// ConfigurationPackage and FunctionPackage are package files.
	ConfigurationPackage string
	FunctionPackage      string
	// PackageVersion is the version under which our packages are installed.
	PackageVersion string

	// CircuitBreakerBurst of Crossplane; zero leaves Crossplane's default.
	CircuitBreakerBurst int
	// UpstreamCharts takes charts from their real registries instead of
	// installing stand-ins.
	UpstreamCharts bool
	// StandIn may change the stand-in for a chart before it is pushed.
	StandIn func(*charts.StandIn) error
	// Clouds simulates AWS, Azure and Google Cloud: the kinds of theirs that we
	// compose are installed, and something plays the clouds. Every cluster in a
	// simulated cloud is the remote cluster.
	Clouds bool
	// Flux builds Flux's source- and helm-controller and runs them for the remote
	// cluster, on this machine, as long as the chart of Flux is installed there.
	Flux bool
	// Local makes clusters of containers for real; nothing does without.
	Local *Local
	// Audit keeps a log of what Crossplane asks the management API server for.
	Audit bool
	// NoRemote leaves out the remote cluster.
	NoRemote bool
	// Nodes is how many nodes the remote cluster has.
	Nodes int
	// Namespace in which teams' examples live; it gets the Secret with the
	// kubeconfig of the remote cluster.
	Namespace string
}

// Defaults for options that are not set.
func (o Options) withDefaults() (Options, error) {
	var err error
	if o.Root, err = checkout.Find(o.Root); err != nil {
		return o, err
	}
	if o.Cache == "" {
		cache, err := CacheDir()
		if err != nil {
			return o, err
		}
		o.Cache = cache
	}
	if o.Name == "" {
		o.Name = "demo"
	}
	if o.Output == nil {
		o.Output = io.Discard
	}
	if o.PackageVersion == "" {
		o.PackageVersion = "v0.1.0"
	}
	if o.Nodes == 0 {
		o.Nodes = 3
	}
	if o.Namespace == "" {
		o.Namespace = "team-a"
	}
	// Processes have working directories of their own.
	for _, p := range []*string{&o.Root, &o.Cache, &o.FunctionBinary, &o.ConfigurationPackage, &o.FunctionPackage} {
		if *p == "" {
			continue
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return o, fmt.Errorf("cannot resolve path: %w", err)
		}
		*p = abs
	}
	return o, nil
}

func (o Options) modules() string { return filepath.Join(o.Root, "controlplane", "programs") }

func (o Options) programCache() string { return filepath.Join(o.Cache, "programs") }

func (o Options) stateDir() string { return filepath.Join(o.Cache, "run", o.Name) }

// CacheDir returns the folder for built programs and running control planes.
func CacheDir() (string, error) {
	if dir := os.Getenv(cacheVariable); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("cannot find the cache folder %s: %w", dir, err)
		}
		return abs, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cannot find the user's cache folder, set %s: %w", cacheVariable, err)
	}
	return filepath.Join(dir, "observe-k8s"), nil
}
