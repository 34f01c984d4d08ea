// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	_ "embed" // For the stage of pods that are ready again.
	"fmt"
	"os"
	"path/filepath"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The Secret with the kubeconfig of the remote cluster, and its key.
const (
	RemoteSecret    = "remote-kubeconfig"
	RemoteSecretKey = "kubeconfig"
)

// startRemote starts the remote cluster: an API server, all controllers that
// workloads need, and simulated nodes on which pods become ready without
// running anything.
func (cp *ControlPlane) startRemote(ctx context.Context) error {
	if cp.opts.NoRemote {
		return nil
	}
	c, err := newCluster("remote", "remote-", cp.dir, cp.ports)
	if err != nil {
		return err
	}
	cp.remote = c
	k := cp.programs[programs.Kubernetes]
	err = cp.stages.run("start the remote API server", func() error {
		return c.startAPIServer(ctx, cp.procs, k, cp.etcd)
	})
	if err != nil {
		return err
	}
	controllers, err := cp.ports.Free()
	if err != nil {
		return err
	}
	if err := c.startControllers(cp.procs, k, controllers, append(baseControllers(), workloadControllers()...)); err != nil {
		return err
	}
	if err := cp.startScheduler(k); err != nil {
		return err
	}
	if err := cp.startKWOK(); err != nil {
		return err
	}
	return cp.stages.run("add simulated nodes", func() error { return cp.addNodes(ctx) })
}

// workloadControllers are those that a cluster with pods needs besides.
func workloadControllers() []string {
	return []string{
		"deployment-controller",
		"replicaset-controller",
		"statefulset-controller",
		"daemonset-controller",
		"job-controller",
		"cronjob-controller",
		"endpoints-controller",
		"endpointslice-controller",
		"node-lifecycle-controller",
		"persistentvolume-binder-controller",
		"persistentvolumeclaim-protection-controller",
		"pod-garbage-collector-controller",
		"disruption-controller",
	}
}

func (cp *ControlPlane) startScheduler(k programs.Built) error {
	port, err := cp.ports.Free()
	if err != nil {
		return err
	}
	return cp.procs.Start(process.Spec{
		Name: ProcessRemoteScheduler,
		Path: k.Bin("kube-scheduler"),
		Args: []string{
			"--kubeconfig=" + cp.remote.kubeconfig(),
			"--bind-address=127.0.0.1",
			fmt.Sprintf("--secure-port=%d", port),
			"--cert-dir=" + cp.remote.dir,
			"--leader-elect=false",
		},
	})
}

func (cp *ControlPlane) startKWOK() error {
	kwok := cp.programs[programs.KWOK]
	config := filepath.Join(cp.dir, "kwok.yaml")
	if err := writeStages(kwok, config); err != nil {
		return err
	}
	return cp.procs.Start(process.Spec{
		Name: ProcessRemoteKWOK,
		Path: kwok.Bin("kwok"),
		Args: []string{
			"--kubeconfig=" + cp.remote.kubeconfig(),
			"--config=" + config,
			"--manage-all-nodes=true",
			"--node-lease-duration-seconds=40",
		},
	})
}

// podReadyAgain is the stage that kwok lacks.
//
//go:embed pod-ready-again.yaml
var podReadyAgain string

// writeStages writes the stages that simulated nodes and pods go through.
func writeStages(kwok programs.Built, file string) error {
	var buf bytes.Buffer
	for _, s := range []string{
		"node/fast/node-initialize.yaml",
		"node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
		"pod/fast/pod-ready.yaml",
		"pod/fast/pod-complete.yaml",
		"pod/fast/pod-delete.yaml",
	} {
		b, err := os.ReadFile(kwok.Asset("stage/" + s))
		if err != nil {
			return fmt.Errorf("cannot read stage of simulated nodes: %w", err)
		}
		buf.WriteString("---\n")
		buf.Write(b)
		buf.WriteString("\n")
	}
	buf.WriteString("---\n" + podReadyAgain)
	if err := os.WriteFile(file, buf.Bytes(), 0o644); err != nil {
		return fmt.Errorf("cannot write stages of simulated nodes: %w", err)
	}
	return nil
}

func (cp *ControlPlane) addNodes(ctx context.Context) error {
	for i := range cp.opts.Nodes {
		n := node(fmt.Sprintf("simulated-%d", i+1))
		if err := cp.remote.client.Apply(ctx, n); err != nil {
			return err
		}
		// What there is to allocate is status, which apply does not touch.
		if err := cp.remote.client.ApplyStatus(ctx, n); err != nil {
			return err
		}
	}
	for i := range cp.opts.Nodes {
		if err := cp.remote.client.WaitCondition(ctx, stepTimeout, kind("v1", "Node"), "", fmt.Sprintf("simulated-%d", i+1), "Ready"); err != nil {
			return err
		}
	}
	return nil
}

func node(name string) *unstructured.Unstructured {
	resources := map[string]any{"cpu": "4", "memory": "16Gi", "pods": "110", "ephemeral-storage": "100Gi"}
	n := object("v1", "Node", name, map[string]any{
		"status": map[string]any{"allocatable": resources, "capacity": resources},
	})
	n.SetLabels(map[string]string{
		"kubernetes.io/arch":     "amd64",
		"kubernetes.io/os":       "linux",
		"kubernetes.io/hostname": name,
		"kubernetes.io/role":     "agent",
		"type":                   "kwok",
	})
	n.SetAnnotations(map[string]string{"kwok.x-k8s.io/node": "fake"})
	return n
}

// publishRemote gives the teams' namespace the kubeconfig of the remote
// cluster.
func (cp *ControlPlane) publishRemote(ctx context.Context) error {
	if cp.remote == nil {
		return nil
	}
	b, err := kube.Kubeconfig("remote", cp.remote.url(), cp.remote.ca.Cert, cp.remote.admin)
	if err != nil {
		return err
	}
	return cp.management.client.Apply(ctx, secret(cp.opts.Namespace, RemoteSecret, map[string][]byte{RemoteSecretKey: b}))
}
