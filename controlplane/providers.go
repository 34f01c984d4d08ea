// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
)

// pollInterval is how often providers look at what they manage, besides being
// told by watches.
const pollInterval = "10s"

// startProviders starts the providers as soon as the API server serves what
// they manage. They would wait by themselves, but a provider whose CRD becomes
// established a moment before it can be discovered loses its controller without
// a word: it fails to start, with a logger that discards.
func (cp *ControlPlane) startProviders(ctx context.Context) error {
	local, err := cp.localKinds()
	if err != nil {
		return err
	}
	for _, k := range append(
		local,
		kind("helm.m.crossplane.io/v1beta1", "Release"),
		kind("helm.m.crossplane.io/v1beta1", "ProviderConfig"),
		kind("kubernetes.m.crossplane.io/v1alpha1", "Object"),
		kind("kubernetes.m.crossplane.io/v1alpha1", "ProviderConfig"),
	) {
		err := kube.Wait(ctx, stepTimeout, "kind "+k.Kind, func(context.Context) (bool, error) {
			_, err := cp.management.client.Resource(k, "")
			return err == nil, err
		})
		if err != nil {
			return err
		}
	}
	if err := cp.startGoogle(ctx); err != nil {
		return err
	}
	if err := cp.startLocal(); err != nil {
		return err
	}
	err = cp.procs.Start(process.Spec{
		Name: ProcessProviderHelm,
		Path: cp.programs[programs.ProviderHelm].Bin("provider"),
		Args: []string{"--poll=" + pollInterval},
		Env:  cp.providerEnv(),
	})
	if err != nil {
		return err
	}
	var metrics, health, webhook int
	for _, p := range []*int{&metrics, &health, &webhook} {
		if *p, err = cp.ports.Free(); err != nil {
			return err
		}
	}
	return cp.procs.Start(process.Spec{
		Name: ProcessProviderKubernetes,
		Path: cp.programs[programs.ProviderKubernetes].Bin("provider"),
		Args: append([]string{
			"--poll=" + pollInterval,
			"--metrics-bind-address=" + ports.Addr(metrics),
			"--health-probe-bind-addr=" + ports.Addr(health),
			fmt.Sprintf("--webhook-port=%d", webhook),
		}, cp.install.args("observe-k8s-provider-kubernetes")...),
		Env: cp.providerEnv(),
	})
}

func (cp *ControlPlane) providerEnv() []string {
	env := []string{
		"KUBECONFIG=" + cp.management.kubeconfig(),
		"TLS_SERVER_CERTS_DIR=" + filepath.Join(cp.dir, serverSecret),
	}
	if cp.stopGoogle != nil {
		env = append(env, "GOOGLE_APPLICATION_CREDENTIALS="+cp.googleCredentials())
	}
	return env
}
