package controlplane

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/pki"
	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/ports"
	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/process"
)

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
	certs := filepath.Join(cp.dir, "function-tls")
	if err := pki.Write(certs, map[string][]byte{
		"ca.crt": cp.crossplane.ca.Cert, "tls.crt": pair.Cert, "tls.key": pair.Key,
	}); err != nil {
		return err
	}
	var metrics int
	for _, p := range []*int{&cp.functionPort, &metrics} {
		if *p, err = cp.ports.Free(); err != nil {
			return err
		}
	}
	args := []string{
		fmt.Sprintf("--address=%s", ports.Addr(cp.functionPort)),
		"--tls-certs-dir=" + certs,
		"--metrics-address=" + ports.Addr(metrics),
	}
	if mirror := cp.ChartMirror(); mirror != "" {
		args = append(args, "--chart-mirror="+mirror)
	}
	return cp.procs.Start(process.Spec{
		Name: ProcessFunction,
		Path: cp.opts.FunctionBinary,
		Args: slices.Concat(args, cp.install.args("function-observe-k8s"), cp.opts.FunctionArgs),
	})
}
