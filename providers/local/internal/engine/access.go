// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// How long an API server may take to answer. It is on the same machine, or a
// network away from it.
const probeTimeout = 3 * time.Second

// serverName is what every API server's certificate is valid for, of kubeadm and
// of k3s. Connections go to addresses that a certificate need not know.
const serverName = "kubernetes"

// An access is how a cluster's API server is reached. Reading it out of a
// container takes long, and it hardly ever changes.
type access struct {
	id                 string
	endpoint, external string
	internalConfig     []byte
	externalConfig     []byte
	version, arch      string
	http               *http.Client
}

// probe the API server of a cluster whether it is ready.
func (e *Engine) probe(ctx context.Context, name string, first, front node, o *Observation) {
	o.Endpoint = "https://" + front.ip + ":6443"
	o.ExternalEndpoint = front.published

	a, err := e.access(ctx, name, first, o.Endpoint, o.ExternalEndpoint)
	if err != nil {
		o.Unready = err.Error()
		return
	}
	o.Kubeconfig, o.ExternalKubeconfig = a.internalConfig, a.externalConfig
	if err := a.ready(ctx); err != nil {
		o.Unready = err.Error()
		// What was known may be what is wrong.
		e.invalidateCache(name)
		return
	}
	o.Ready = true
	o.Version, o.Architecture = a.version, a.arch
}

// access to the API server at an endpoint, read from the first control plane
// unless it is known.
func (e *Engine) access(ctx context.Context, name string, first node, endpoint, external string) (*access, error) {
	e.mu.Lock()
	a := e.known[name]
	e.mu.Unlock()
	if a != nil && a.id == first.id && a.endpoint == endpoint && a.external == external {
		return a, nil
	}

	raw, err := readFile(ctx, e.docker, first.id, e.tool.kubeconfig)
	if err != nil {
		return nil, errors.New("the control plane has no kubeconfig yet")
	}
	a = &access{id: first.id, endpoint: endpoint, external: external}
	if a.internalConfig, err = kubeconfigFor(raw, name, endpoint, serverName); err != nil {
		return nil, err
	}
	if external != "" {
		if a.externalConfig, err = kubeconfigFor(raw, name, external, serverName); err != nil {
			return nil, err
		}
	}
	cfg, err := clientcmd.RESTConfigFromKubeConfig(a.internalConfig)
	if err != nil {
		return nil, errors.New("cannot use the control plane's kubeconfig")
	}
	cfg.Timeout = probeTimeout
	if a.http, err = rest.HTTPClientFor(cfg); err != nil {
		return nil, errors.New("cannot use the control plane's kubeconfig")
	}
	e.mu.Lock()
	e.known[name] = a
	e.mu.Unlock()
	return a, nil
}

// ready asks /readyz, and the version if it is not known yet.
func (a *access) ready(ctx context.Context) error {
	if _, err := a.get(ctx, "/readyz"); err != nil {
		return errors.Wrap(err, "the API server is not ready")
	}
	if a.version != "" {
		return nil
	}
	b, err := a.get(ctx, "/version")
	if err != nil {
		return errors.Wrap(err, "the API server does not say its version")
	}
	v := struct {
		GitVersion string `json:"gitVersion"`
		// Platform is the operating system and the architecture.
		Platform string `json:"platform"`
	}{}
	if err := json.Unmarshal(b, &v); err != nil {
		return errors.New("the API server says no version")
	}
	_, a.arch, _ = strings.Cut(v.Platform, "/")
	a.version = v.GitVersion
	return nil
}

// get a path of the API server.
func (a *access) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.endpoint+path, http.NoBody)
	if err != nil {
		return nil, errors.New("its address is invalid")
	}
	res, err := a.http.Do(req)
	if err != nil {
		// The cause names addresses and ports that change with every attempt.
		return nil, errors.New("it does not answer")
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return nil, errors.New("it does not answer")
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.Errorf("it answers %q", res.Status)
	}
	return b, nil
}

// kubeconfigFor rewrites a control plane's own kubeconfig for an endpoint.
func kubeconfigFor(raw []byte, name, server, tlsServerName string) ([]byte, error) {
	in, err := clientcmd.Load(raw)
	if err != nil {
		return nil, errors.New("the control plane's kubeconfig cannot be read")
	}
	c, ok := in.Contexts[in.CurrentContext]
	if !ok || in.Clusters[c.Cluster] == nil || in.AuthInfos[c.AuthInfo] == nil {
		return nil, errors.New("the control plane's kubeconfig is incomplete")
	}
	out := api.NewConfig()
	out.CurrentContext = name
	out.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	out.Clusters[name] = &api.Cluster{
		Server:                   server,
		TLSServerName:            tlsServerName,
		CertificateAuthorityData: in.Clusters[c.Cluster].CertificateAuthorityData,
	}
	out.AuthInfos[name] = &api.AuthInfo{
		ClientCertificateData: in.AuthInfos[c.AuthInfo].ClientCertificateData,
		ClientKeyData:         in.AuthInfos[c.AuthInfo].ClientKeyData,
		Token:                 in.AuthInfos[c.AuthInfo].Token,
	}
	b, err := clientcmd.Write(*out)
	if err != nil {
		return nil, errors.New("cannot write a kubeconfig")
	}
	return b, nil
}
