// SPDX-License-Identifier: Apache-2.0

// Command gateway is a STAND-IN for NGINX Gateway Fabric: it serves what the
// HTTPRoutes of a cluster say, to those who know the password that they ask for.
// Of the Gateway API it knows as much as the stack uses.
package main

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/pki"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return fmt.Errorf("cannot find the way to the API server: %w", err)
	}
	c, err := kube.New(config)
	if err != nil {
		return err
	}
	// No cert-manager issues what the Gateway asks for: one of our own for every name.
	ca, err := pki.NewAuthority("stand-in")
	if err != nil {
		return err
	}
	g := gateway{cluster: c}
	server := &http.Server{
		Addr: ":443", Handler: g, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := ca.Server(h.ServerName, h.ServerName)
			if err != nil {
				return nil, err
			}
			cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
			if err != nil {
				return nil, fmt.Errorf("cannot read the certificate of %s: %w", h.ServerName, err)
			}
			return &cert, nil
		}},
	}
	ready := &http.Server{Addr: ":8081", ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "ok")
	})}
	ended := make(chan error, 2)
	go func() { ended <- server.ListenAndServeTLS("", "") }()
	go func() { ended <- ready.ListenAndServe() }()
	return <-ended
}

// A gateway serves the routes of a cluster.
type gateway struct{ cluster *kube.Client }

func (g gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, err := g.route(r.Context(), r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if route == nil {
		http.Error(w, "there is no route for "+r.Host, http.StatusNotFound)
		return
	}
	known, err := g.known(r, *route)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if !known {
		w.Header().Set("WWW-Authenticate", `Basic realm="observe-k8s"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	backend, err := g.backend(r.Context(), *route)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(backend)
		for _, name := range removed(*route) {
			p.Out.Header.Del(name)
		}
	}, ErrorLog: log.New(os.Stderr, "", log.LstdFlags)}).ServeHTTP(w, r)
}

// route for a host; nil when there is none.
func (g gateway) route(ctx context.Context, host string) (*unstructured.Unstructured, error) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	routes, err := g.cluster.List(ctx, schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}, "")
	if err != nil {
		return nil, err
	}
	for _, r := range routes {
		hosts, _, _ := unstructured.NestedStringSlice(r.Object, "spec", "hostnames")
		if slices.Contains(hosts, host) {
			return &r, nil
		}
	}
	return nil, nil
}

// filters of a route's first rule.
func filters(route unstructured.Unstructured) []map[string]any {
	rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
	if len(rules) == 0 {
		return nil
	}
	rule, _ := rules[0].(map[string]any)
	all, _, _ := unstructured.NestedSlice(rule, "filters")
	var out []map[string]any
	for _, f := range all {
		if m, ok := f.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// removed headers, before the backend sees the request.
func removed(route unstructured.Unstructured) []string {
	var out []string
	for _, f := range filters(route) {
		names, _, _ := unstructured.NestedStringSlice(f, "requestHeaderModifier", "remove")
		out = append(out, names...)
	}
	return out
}

// known says whether the request has the password that the route asks for.
func (g gateway) known(r *http.Request, route unstructured.Unstructured) (bool, error) {
	for _, f := range filters(route) {
		kind, _, _ := unstructured.NestedString(f, "extensionRef", "kind")
		name, _, _ := unstructured.NestedString(f, "extensionRef", "name")
		if kind != "AuthenticationFilter" {
			continue
		}
		filter, err := g.cluster.Get(r.Context(), schema.GroupVersionKind{Group: "gateway.nginx.org", Version: "v1alpha1", Kind: kind}, route.GetNamespace(), name)
		if err != nil || filter == nil {
			return false, errors.Join(fmt.Errorf("there is no %s %s", kind, name), err)
		}
		secret, _, _ := unstructured.NestedString(filter.Object, "spec", "basic", "secretRef", "name")
		s, err := g.cluster.Get(r.Context(), schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, route.GetNamespace(), secret)
		if err != nil || s == nil {
			return false, errors.Join(fmt.Errorf("there is no Secret %s", secret), err)
		}
		user, password, _ := r.BasicAuth()
		if !same(s, "username", user) || !same(s, "password", password) {
			return false, nil
		}
	}
	return true, nil
}

func same(secret *unstructured.Unstructured, key, value string) bool {
	encoded, _, _ := unstructured.NestedString(secret.Object, "data", key)
	b, err := base64.StdEncoding.DecodeString(encoded)
	return err == nil && len(b) > 0 && subtle.ConstantTimeCompare(b, []byte(value)) == 1
}

// backend of a route: a Service that stands for a name elsewhere.
func (g gateway) backend(ctx context.Context, route unstructured.Unstructured) (*url.URL, error) {
	rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
	if len(rules) == 0 {
		return nil, errors.New("the route has no rule")
	}
	rule, _ := rules[0].(map[string]any)
	refs, _, _ := unstructured.NestedSlice(rule, "backendRefs")
	if len(refs) == 0 {
		return nil, errors.New("the route has no backend")
	}
	ref, _ := refs[0].(map[string]any)
	name, _, _ := unstructured.NestedString(ref, "name")
	port, _, _ := unstructured.NestedInt64(ref, "port")
	s, err := g.cluster.Get(ctx, schema.GroupVersionKind{Version: "v1", Kind: "Service"}, route.GetNamespace(), name)
	if err != nil || s == nil {
		return nil, errors.Join(fmt.Errorf("there is no Service %s", name), err)
	}
	host, _, _ := unstructured.NestedString(s.Object, "spec", "externalName")
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, strconv.FormatInt(port, 10))}, nil
}
