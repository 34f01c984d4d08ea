// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/pki"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
	"github.com/observe-k8s/observe-k8s/controlplane/rbac"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	crossplaneNamespace = "crossplane-system"

	caSecret     = "crossplane-root-ca"
	serverSecret = "crossplane-tls-server"
	clientSecret = "crossplane-tls-client"

	usageWebhook = "crossplane-no-usages"
)

// crossplane is what there is to know about Crossplane's process.
type crossplane struct {
	ca                       *pki.Authority
	metrics, health, webhook int
	// How Crossplane and its RBAC manager reach the API server: each as the
	// service account that it has where people install it.
	kubeconfig, managerKubeconfig string
}

func (cp *ControlPlane) startCrossplane(ctx context.Context) error {
	if err := cp.startManagementControllers(); err != nil {
		return err
	}
	if err := cp.stages.run("prepare Crossplane's namespace and CRDs", func() error { return cp.prepareCrossplane(ctx) }); err != nil {
		return err
	}
	if err := cp.stages.run("initialize Crossplane", func() error { return cp.initCrossplane(ctx) }); err != nil {
		return err
	}
	if err := cp.runCrossplane(); err != nil {
		return err
	}
	if err := cp.runRBACManager(); err != nil {
		return err
	}
	if err := cp.startFunction(); err != nil {
		return err
	}
	return cp.stages.run("install packages", func() error { return cp.installPackages(ctx) })
}

func (cp *ControlPlane) startManagementControllers() error {
	port, err := cp.ports.Free()
	if err != nil {
		return err
	}
	return cp.management.startControllers(cp.procs, cp.programs[programs.Kubernetes], port, baseControllers())
}

// baseControllers are those that a cluster without pods needs.
func baseControllers() []string {
	return []string{
		"namespace-controller",
		"garbage-collector-controller",
		"serviceaccount-controller",
		"serviceaccount-token-controller",
		"root-ca-certificate-publisher-controller",
		"clusterrole-aggregation-controller",
		"bootstrap-signer-controller",
	}
}

// prepareCrossplane creates what Crossplane's chart would, and the CRDs, which
// the initializer would otherwise race with.
func (cp *ControlPlane) prepareCrossplane(ctx context.Context) error {
	for _, p := range []*int{&cp.crossplane.metrics, &cp.crossplane.health, &cp.crossplane.webhook} {
		var err error
		if *p, err = cp.ports.Free(); err != nil {
			return err
		}
	}
	c := cp.management.client
	if err := c.Apply(ctx, namespace(crossplaneNamespace), namespace(cp.opts.Namespace)); err != nil {
		return err
	}
	roles, err := rbac.Read(cp.programs[programs.Crossplane].Asset("chart"), crossplaneNamespace)
	if err != nil {
		return err
	}
	if err := c.ApplyAll(ctx, roles); err != nil {
		return err
	}
	for name, path := range map[string]*string{rbac.Crossplane: &cp.crossplane.kubeconfig, rbac.Manager: &cp.crossplane.managerKubeconfig} {
		if *path, err = cp.management.account(name); err != nil {
			return err
		}
	}
	if err := cp.crossplaneCertificates(ctx); err != nil {
		return err
	}
	crds, err := kube.ReadFiles(cp.programs[programs.Crossplane].Asset("crds"))
	if err != nil {
		return err
	}
	if err := c.ApplyAll(ctx, crds); err != nil {
		return err
	}
	for _, crd := range crds {
		if err := c.WaitCondition(ctx, stepTimeout, crd.GroupVersionKind(), "", crd.GetName(), "Established"); err != nil {
			return err
		}
	}
	return nil
}

// crossplaneCertificates fills the Secrets that Crossplane's initializer would
// fill, so that the webhook's certificate names this machine. The initializer
// keeps what it finds.
func (cp *ControlPlane) crossplaneCertificates(ctx context.Context) error {
	ca, err := pki.NewAuthority("crossplane-root-ca")
	if err != nil {
		return err
	}
	cp.crossplane.ca = ca
	server, err := ca.Server("crossplane-webhooks", "localhost", "127.0.0.1")
	if err != nil {
		return err
	}
	client, err := ca.Client(rbac.Crossplane + "." + crossplaneNamespace)
	if err != nil {
		return err
	}
	files := map[string]map[string][]byte{
		caSecret:     {"tls.crt": ca.Cert, "tls.key": ca.Key},
		serverSecret: {"ca.crt": ca.Cert, "tls.crt": server.Cert, "tls.key": server.Key},
		clientSecret: {"ca.crt": ca.Cert, "tls.crt": client.Cert, "tls.key": client.Key},
	}
	for name, data := range files {
		if err := pki.Write(filepath.Join(cp.dir, name), data); err != nil {
			return err
		}
		if err := cp.management.client.Apply(ctx, secret(crossplaneNamespace, name, data)); err != nil {
			return err
		}
	}
	return nil
}

func (cp *ControlPlane) initCrossplane(ctx context.Context) error {
	x := cp.programs[programs.Crossplane]
	err := cp.procs.Run(ctx, process.Spec{
		Name: ProcessCrossplaneInit,
		Path: x.Bin("crossplane"),
		Args: []string{"core", "init"},
		Env: append(cp.crossplaneEnv(),
			"TLS_CA_SECRET_NAME="+caSecret,
			"TLS_SERVER_SECRET_NAME="+serverSecret,
			"TLS_CLIENT_SECRET_NAME="+clientSecret,
			"CRDS_PATH="+x.Asset("crds"),
			"WEBHOOK_CONFIGS_PATH="+x.Asset("webhookconfigurations"),
		),
	})
	if err != nil {
		return err
	}
	return cp.pointWebhook(ctx)
}

// pointWebhook makes the API server call Crossplane's webhook at its address
// on this machine instead of through a Service.
func (cp *ControlPlane) pointWebhook(ctx context.Context) error {
	patch, err := json.Marshal([]map[string]any{
		{"op": "remove", "path": "/webhooks/0/clientConfig/service"},
		{"op": "add", "path": "/webhooks/0/clientConfig/url", "value": fmt.Sprintf("https://127.0.0.1:%d/validate-no-usages", cp.crossplane.webhook)},
		{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": cp.crossplane.ca.Cert},
	})
	if err != nil {
		return fmt.Errorf("cannot encode patch: %w", err)
	}
	r, err := cp.management.client.Resource(kind("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"), "")
	if err != nil {
		return err
	}
	if _, err := r.Patch(ctx, usageWebhook, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: kube.Owner}); err != nil {
		return fmt.Errorf("cannot point the webhook for Usages at this machine: %w", err)
	}
	return nil
}

func (cp *ControlPlane) runCrossplane() error {
	packages := filepath.Join(cp.dir, "packages")
	if err := os.MkdirAll(packages, 0o755); err != nil {
		return fmt.Errorf("cannot create folder for packages: %w", err)
	}
	args := []string{"core", "start"}
	if cp.opts.CircuitBreakerBurst > 0 {
		args = append(args, fmt.Sprintf("--circuit-breaker-burst=%d", cp.opts.CircuitBreakerBurst))
	}
	return cp.procs.Start(process.Spec{
		Name: ProcessCrossplane,
		Path: cp.programs[programs.Crossplane].Bin("crossplane"),
		Args: args,
		Env: append(cp.crossplaneEnv(),
			"PACKAGE_RUNTIME=External",
			"TLS_CLIENT_CERTS_DIR="+filepath.Join(cp.dir, clientSecret),
			"TLS_SERVER_CERTS_DIR="+filepath.Join(cp.dir, serverSecret),
			"XPKG_CACHE_DIR="+packages,
			fmt.Sprintf("METRICS_PORT=%d", cp.crossplane.metrics),
			fmt.Sprintf("HEALTH_PROBE_PORT=%d", cp.crossplane.health),
			fmt.Sprintf("WEBHOOK_PORT=%d", cp.crossplane.webhook),
		),
	})
}

// waitCrossplane waits until Crossplane answers on all its ports, so that its
// metrics can be read and deletions, which its webhook judges, are not refused.
func (cp *ControlPlane) waitCrossplane(ctx context.Context) error {
	dialer := net.Dialer{Timeout: time.Second}
	return kube.Wait(ctx, stepTimeout, "Crossplane", func(ctx context.Context) (bool, error) {
		for _, port := range []int{cp.crossplane.health, cp.crossplane.metrics, cp.crossplane.webhook} {
			conn, err := dialer.DialContext(ctx, "tcp", ports.Addr(port))
			if err != nil {
				return false, fmt.Errorf("cannot reach Crossplane's port %d: %w", port, err)
			}
			_ = conn.Close()
		}
		return true, nil
	})
}

// runRBACManager starts the RBAC manager, which lets Crossplane handle the kinds
// that packages bring.
func (cp *ControlPlane) runRBACManager() error {
	return cp.procs.Start(process.Spec{
		Name: ProcessRBACManager,
		Path: cp.programs[programs.Crossplane].Bin("crossplane"),
		Args: []string{"rbac", "start", "--provider-clusterrole=" + rbac.AllowedPermissions},
		Env:  []string{"KUBECONFIG=" + cp.crossplane.managerKubeconfig},
	})
}

// crossplaneEnv is the environment of Crossplane and of its initializer.
func (cp *ControlPlane) crossplaneEnv() []string {
	return []string{
		"KUBECONFIG=" + cp.crossplane.kubeconfig,
		"POD_NAMESPACE=" + crossplaneNamespace,
		"POD_SERVICE_ACCOUNT=" + rbac.Crossplane,
		"ENABLE_WEBHOOKS=true",
		"WEBHOOK_SERVICE_NAME=localhost",
		"WEBHOOK_SERVICE_NAMESPACE=" + crossplaneNamespace,
		"WEBHOOK_SERVICE_PORT=9443",
	}
}
