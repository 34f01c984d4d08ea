// SPDX-License-Identifier: Apache-2.0

// Command k3s stands in for k3s in nodes that k3d makes, where its image is not
// to be had. A server runs a real API server on a real etcd, and an agent
// registers with it; both say in their logs what k3d waits for. There is no
// kubelet: nodes are objects, and pods do not run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/pki"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
)

const (
	data = "/var/lib/rancher/k3s/server"
	// k3d puts the names of its network into this manifest of k3s.
	dnsManifest = data + "/manifests/coredns.yaml"
	// Where k3s itself leaves its admin's kubeconfig.
	kubeconfig = "/etc/rancher/k3s/k3s.yaml"
	// K3s' range of Services; the API server has the first address.
	serviceRange, serviceIP = "10.43.0.0/16", "10.43.0.1"

	startTimeout = 5 * time.Minute
)

// What k3d waits for in the logs (types.ReadyLogMessagesByRoleAndIntent and
// client.ClusterStart of k3d v5.9.0).
const (
	serverReady = "k3s is up and running"
	dnsReady    = "Cluster dns configmap has been set successfully"
	agentReady  = "Successfully registered node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:])
	told := ctx.Err() != nil
	stop()
	if err != nil && !told {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options of k3s that are understood. Others end it, as they end k3s.
type options struct {
	names  []string
	labels map[string]any
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say server, agent or noop")
	}
	o := options{labels: map[string]any{}}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.Func("tls-san", "A name or address of the API server.", func(s string) error {
		o.names = append(o.names, s)
		return nil
	})
	flags.Func("disable", "A part of k3s. None of them is here.", func(string) error { return nil })
	flags.Func("node-label", "A label of the node.", func(s string) error {
		k, v, _ := strings.Cut(s, "=")
		o.labels[k] = v
		return nil
	})
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("cannot read the arguments of %s: %w", args[0], err)
	}
	fmt.Println("SIMULATED: this stands in for k3s. Its API server and etcd are real; there is no kubelet, and no pod runs")
	switch args[0] {
	case "server":
		return server(ctx, o)
	case "agent":
		return agent(ctx, o)
	case "noop":
		// k3d's helper waits for commands.
		<-ctx.Done()
		return nil
	default:
		return fmt.Errorf("there is no command %q", args[0])
	}
}

// server runs an API server until it is told to end. What an earlier run made is
// used again.
func server(ctx context.Context, o options) error {
	if err := certificates(o); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	programs := sync.WaitGroup{}
	defer programs.Wait()
	defer cancel(nil)
	for _, args := range [][]string{etcdArgs(), apiServerArgs()} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("cannot start %s: %w", args[0], err)
		}
		programs.Go(func() { cancel(fmt.Errorf("%s ended: %w", args[0], cmd.Wait())) })
	}
	ca, err := os.ReadFile(filepath.Join(data, "tls", "ca.crt"))
	if err != nil {
		return fmt.Errorf("cannot read the authority: %w", err)
	}
	c, err := kube.New(&rest.Config{
		Host:            "https://127.0.0.1:6443",
		BearerToken:     os.Getenv("K3S_TOKEN"),
		TLSClientConfig: rest.TLSClientConfig{CAData: ca},
	})
	if err != nil {
		return err
	}
	if err := register(ctx, c, o); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dnsManifest), 0o755); err != nil {
		return fmt.Errorf("cannot make the folder of manifests: %w", err)
	}
	if err := os.WriteFile(dnsManifest, []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: coredns, namespace: kube-system}, data: {NodeHosts: \"\"}}\n"), 0o600); err != nil {
		return fmt.Errorf("cannot write CoreDNS' manifest: %w", err)
	}
	fmt.Println(serverReady)
	fmt.Println(dnsReady)
	<-ctx.Done()
	return fmt.Errorf("cannot serve any longer: %w", context.Cause(ctx))
}

// agent registers with the server whose URL k3d gives.
func agent(ctx context.Context, o options) error {
	c, err := kube.New(&rest.Config{
		Host:        os.Getenv("K3S_URL"),
		BearerToken: os.Getenv("K3S_TOKEN"),
		// k3s reads the authority out of its own kind of token.
		TLSClientConfig: rest.TLSClientConfig{Insecure: true},
	})
	if err != nil {
		return err
	}
	if err := register(ctx, c, o); err != nil {
		return err
	}
	fmt.Println(agentReady)
	<-ctx.Done()
	return nil
}

// register the node when the API server is ready.
func register(ctx context.Context, c *kube.Client, o options) error {
	err := kube.Wait(ctx, startTimeout, "API server", func(ctx context.Context) (bool, error) {
		_, err := c.Raw(ctx, "/readyz")
		return err == nil, err
	})
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("cannot name the node: %w", err)
	}
	return c.Apply(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": host, "labels": o.labels},
	}})
}

// certificates and kubeconfigs of the server, once.
func certificates(o options) error {
	dir := filepath.Join(data, "tls")
	if _, err := os.Stat(filepath.Join(dir, "done")); err == nil {
		return nil
	}
	ca, err := pki.NewAuthority("k3s-server-ca")
	if err != nil {
		return err
	}
	names, err := ownNames()
	if err != nil {
		return err
	}
	names = append(names, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost", serviceIP)
	server, err := ca.Server("k3s", append(names, o.names...)...)
	if err != nil {
		return err
	}
	admin, err := ca.Client("system:admin", "system:masters")
	if err != nil {
		return err
	}
	tokens, err := pki.SigningKey()
	if err != nil {
		return err
	}
	token := os.Getenv("K3S_TOKEN") + ",node,node,system:masters\n"
	if err := pki.Write(dir, map[string][]byte{
		"ca.crt": ca.Cert, "server.crt": server.Cert, "server.key": server.Key,
		"tokens.key": tokens.Key, "tokens.pub": tokens.Cert, "tokens.csv": []byte(token),
	}); err != nil {
		return err
	}
	// k3s calls everything in it default.
	b, err := kube.Kubeconfig("default", "https://127.0.0.1:6443", ca.Cert, admin)
	if err != nil {
		return err
	}
	for _, path := range []string{kubeconfig, os.Getenv("K3S_KUBECONFIG_OUTPUT")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("cannot make the kubeconfig's folder: %w", err)
		}
		if err := kube.WriteKubeconfig(path, b); err != nil {
			return err
		}
	}
	return pki.Write(dir, map[string][]byte{"done": nil})
}

// ownNames are the names and addresses of this container.
func ownNames() ([]string, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("cannot name the container: %w", err)
	}
	names := []string{host}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("cannot list the container's addresses: %w", err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			names = append(names, n.IP.String())
		}
	}
	return names, nil
}

func etcdArgs() []string {
	return []string{"etcd", "--data-dir=" + data + "/db", "--log-level=error", "--unsafe-no-fsync"}
}

func apiServerArgs() []string {
	tls := filepath.Join(data, "tls")
	return []string{
		"kube-apiserver",
		"--etcd-servers=http://127.0.0.1:2379",
		"--secure-port=6443",
		"--tls-cert-file=" + tls + "/server.crt",
		"--tls-private-key-file=" + tls + "/server.key",
		"--client-ca-file=" + tls + "/ca.crt",
		"--token-auth-file=" + tls + "/tokens.csv",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + tls + "/tokens.pub",
		"--service-account-signing-key-file=" + tls + "/tokens.key",
		"--service-cluster-ip-range=" + serviceRange,
		"--authorization-mode=RBAC",
	}
}
