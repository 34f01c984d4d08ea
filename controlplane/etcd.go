// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"path/filepath"

	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
)

// startEtcd starts the store of both clusters. It does not wait: API servers
// do.
func (cp *ControlPlane) startEtcd() error {
	client, err := cp.ports.Free()
	if err != nil {
		return err
	}
	peer, err := cp.ports.Free()
	if err != nil {
		return err
	}
	cp.etcd = "http://" + ports.Addr(client)
	peers := "http://" + ports.Addr(peer)
	return cp.procs.Start(process.Spec{
		Name: ProcessEtcd,
		Path: cp.programs[programs.Etcd].Bin("etcd"),
		Args: []string{
			"--name=controlplane",
			"--data-dir=" + filepath.Join(cp.dir, "etcd"),
			"--listen-client-urls=" + cp.etcd,
			"--advertise-client-urls=" + cp.etcd,
			"--listen-peer-urls=" + peers,
			"--initial-advertise-peer-urls=" + peers,
			fmt.Sprintf("--initial-cluster=controlplane=%s", peers),
			"--unsafe-no-fsync",
			"--log-level=warn",
		},
	})
}
