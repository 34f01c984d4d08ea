// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/pki"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	"github.com/observe-k8s/observe-k8s/controlplane/process"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
)

const (
	apiServerTimeout = 90 * time.Second
	serviceRange     = "10.0.0.0/24"
)

// A cluster is an API server with its controllers. Both clusters keep their
// data in one etcd, under different prefixes.
type cluster struct {
	name   string
	prefix string
	dir    string
	port   int

	ca     *pki.Authority
	admin  pki.Pair
	client *kube.Client
}

func (c *cluster) url() string { return fmt.Sprintf("https://127.0.0.1:%d", c.port) }

func (c *cluster) kubeconfig() string { return filepath.Join(c.dir, "kubeconfig") }

// process returns the name of one of the cluster's processes.
func (c *cluster) process(name string) string { return c.prefix + name }

// newCluster mints the certificates of a cluster, picks its port, and writes
// its kubeconfig.
func newCluster(name, prefix, dir string, pool *ports.Pool) (*cluster, error) {
	c := &cluster{name: name, prefix: prefix, dir: filepath.Join(dir, name)}
	var err error
	if c.port, err = pool.Free(); err != nil {
		return nil, err
	}
	if c.ca, err = pki.NewAuthority(name + "-ca"); err != nil {
		return nil, err
	}
	if c.admin, err = c.ca.Client("admin", "system:masters"); err != nil {
		return nil, err
	}
	server, err := c.ca.Server("kube-apiserver", "localhost", "127.0.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.0.0.1")
	if err != nil {
		return nil, err
	}
	tokens, err := pki.SigningKey()
	if err != nil {
		return nil, err
	}
	if err := pki.Write(c.dir, map[string][]byte{
		"ca.crt": c.ca.Cert, "apiserver.crt": server.Cert, "apiserver.key": server.Key,
		"tokens.key": tokens.Key, "tokens.pub": tokens.Cert,
	}); err != nil {
		return nil, err
	}
	b, err := kube.Kubeconfig(name, c.url(), c.ca.Cert, c.admin)
	if err != nil {
		return nil, err
	}
	if err := kube.WriteKubeconfig(c.kubeconfig(), b); err != nil {
		return nil, err
	}
	c.client, err = kube.New(kube.RESTConfig(c.url(), c.ca.Cert, c.admin))
	return c, err
}

// startAPIServer starts the API server and waits until it is ready.
func (c *cluster) startAPIServer(ctx context.Context, s *process.Supervisor, k programs.Built, etcd string, extra ...string) error {
	err := s.Start(process.Spec{
		Name: c.process("apiserver"),
		Path: k.Bin("kube-apiserver"),
		Args: append([]string{
			"--etcd-servers=" + etcd,
			"--etcd-prefix=/" + c.name,
			"--bind-address=127.0.0.1",
			"--advertise-address=127.0.0.1",
			fmt.Sprintf("--secure-port=%d", c.port),
			"--endpoint-reconciler-type=none",
			"--tls-cert-file=" + c.file("apiserver.crt"),
			"--tls-private-key-file=" + c.file("apiserver.key"),
			"--client-ca-file=" + c.file("ca.crt"),
			"--cert-dir=" + c.dir,
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file=" + c.file("tokens.pub"),
			"--service-account-signing-key-file=" + c.file("tokens.key"),
			"--service-cluster-ip-range=" + serviceRange,
			"--authorization-mode=RBAC",
			"--profiling=false",
		}, extra...),
	})
	if err != nil {
		return err
	}
	return kube.Wait(ctx, apiServerTimeout, c.name+" API server", func(ctx context.Context) (bool, error) {
		_, err := c.client.Raw(ctx, "/readyz")
		return err == nil, err
	})
}

// startControllers starts the given controllers of the controller manager.
func (c *cluster) startControllers(s *process.Supervisor, k programs.Built, port int, controllers []string) error {
	return s.Start(process.Spec{
		Name: c.process("controller-manager"),
		Path: k.Bin("kube-controller-manager"),
		Args: []string{
			"--kubeconfig=" + c.kubeconfig(),
			"--bind-address=127.0.0.1",
			fmt.Sprintf("--secure-port=%d", port),
			"--cert-dir=" + c.dir,
			"--leader-elect=false",
			"--use-service-account-credentials=false",
			"--root-ca-file=" + c.file("ca.crt"),
			"--service-account-private-key-file=" + c.file("tokens.key"),
			"--controllers=" + strings.Join(controllers, ","),
		},
	})
}

func (c *cluster) file(name string) string { return filepath.Join(c.dir, name) }
