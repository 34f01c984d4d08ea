// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/observe-k8s/observe-k8s/controlplane/oci"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
	clusters "github.com/observe-k8s/observe-k8s/functions/cluster"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// localRepository is where the world gets provider-local.
const localRepository = "xpkg.crossplane.io/observe-k8s/provider-local"

// A Local is provider-local, which makes clusters of containers.
type Local struct {
	// Binary of the provider, and its package.
	Binary, Package string
	// DockerHost is the container engine.
	DockerHost string
}

// localKinds are the kinds of provider-local, if it runs.
func (cp *ControlPlane) localKinds() ([]schema.GroupVersionKind, error) {
	if cp.opts.Local == nil {
		return nil, nil
	}
	const group = "local.observe-k8s.io"
	known, err := clusters.Kinds()
	if err != nil {
		return nil, err
	}
	var out []schema.GroupVersionKind
	for _, k := range append(known.In(group), "ProviderConfig", "ProviderConfigUsage", "ClusterProviderConfig") {
		out = append(out, kind(group+"/v1alpha1", k))
	}
	return out, nil
}

// pushLocal pushes the package of provider-local.
func (cp *ControlPlane) pushLocal() error {
	if cp.opts.Local == nil {
		return nil
	}
	content, err := oci.ReadPackage(cp.opts.Local.Package)
	if err != nil {
		return err
	}
	return cp.push(cp.localPackage(), content)
}

func (cp *ControlPlane) localPackage() pkg {
	return pkg{"Provider", dependencyName(localRepository), localRepository, cp.opts.PackageVersion}
}

// startLocal starts provider-local.
func (cp *ControlPlane) startLocal() error {
	if cp.opts.Local == nil {
		return nil
	}
	var err error
	if cp.localMetrics, err = cp.ports.Free(); err != nil {
		return err
	}
	binary, err := filepath.Abs(cp.opts.Local.Binary)
	if err != nil {
		return fmt.Errorf("cannot find %s: %w", cp.opts.Local.Binary, err)
	}
	return cp.procs.Start(process.Spec{
		Name: ProcessProviderLocal,
		Path: binary,
		Args: []string{"start", "--poll=" + pollInterval, "--metrics-bind-address=" + ports.Addr(cp.localMetrics)},
		// kind runs the docker client.
		Env: append(cp.providerEnv(), "PATH="+os.Getenv("PATH"), "DOCKER_HOST="+cp.opts.Local.DockerHost),
	})
}
