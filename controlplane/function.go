// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/observe-k8s/observe-k8s/controlplane/pki"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
)

// functions are where the versions of our function listen.
type functions struct {
	mu    sync.Mutex
	ports map[string]int
}

// port of the version that a package has as its tag; zero if it does not run.
func (f *functions) port(pkg string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ports[pkg[strings.LastIndex(pkg, ":")+1:]]
}

func (f *functions) set(version string, port int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ports == nil {
		f.ports = map[string]int{}
	}
	f.ports[version] = port
}

// startFunction starts our composition function, which Crossplane calls over
// mutual TLS.
func (cp *ControlPlane) startFunction() error {
	if cp.opts.FunctionBinary == "" {
		return nil
	}
	pair, err := cp.crossplane.ca.Server("function", "localhost", "127.0.0.1")
	if err != nil {
		return err
	}
	if err := pki.Write(cp.functionCerts(), map[string][]byte{
		"ca.crt": cp.crossplane.ca.Cert, "tls.crt": pair.Cert, "tls.key": pair.Key,
	}); err != nil {
		return err
	}
	return cp.runFunction(ProcessFunction, cp.opts.FunctionBinary, cp.opts.PackageVersion)
}

func (cp *ControlPlane) functionCerts() string { return filepath.Join(cp.dir, "function-tls") }

// runFunction runs a version of the function.
func (cp *ControlPlane) runFunction(name, binary, version string) error {
	var port, metrics int
	var err error
	for _, p := range []*int{&port, &metrics} {
		if *p, err = cp.ports.Free(); err != nil {
			return err
		}
	}
	args := []string{
		"--address=" + ports.Addr(port),
		"--tls-certs-dir=" + cp.functionCerts(),
		"--metrics-address=" + ports.Addr(metrics),
	}
	if mirror := cp.ChartMirror(); mirror != "" {
		args = append(args, "--chart-mirror="+mirror)
	}
	cp.functions.set(version, port)
	return cp.procs.Start(process.Spec{
		Name: name,
		Path: binary,
		Args: slices.Concat(args, cp.install.args("function-observe-k8s"), cp.opts.FunctionArgs),
	})
}
