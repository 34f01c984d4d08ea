// SPDX-License-Identifier: Apache-2.0

// Package oci serves packages and charts from a registry in this process.
package oci

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A Registry on loopback, over plain HTTP, in memory.
type Registry struct {
	addr   string
	server *http.Server
}

// Serve a registry at the given loopback address.
func Serve(addr string) (*Registry, error) {
	l, err := net.Listen("tcp", addr) //nolint:noctx // Listening on loopback does not wait.
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the registry: %w", err)
	}
	r := &Registry{
		addr: l.Addr().String(),
		server: &http.Server{
			Handler:           registry.New(registry.Logger(log.New(io.Discard, "", 0))),
			ReadHeaderTimeout: 10 * time.Second,
		},
	}
	go func() { _ = r.server.Serve(l) }()
	return r, nil
}

// Addr returns the registry's host and port.
func (r *Registry) Addr() string { return r.addr }

// Push an image as repository:tag.
func (r *Registry) Push(repository, tag string, img v1.Image) error {
	return Push(r.addr, repository, tag, img)
}

// Push an image as repository:tag to the registry at an address.
func Push(addr, repository, tag string, img v1.Image) error {
	ref, err := name.ParseReference(addr+"/"+repository+":"+tag, name.Insecure)
	if err != nil {
		return fmt.Errorf("cannot name image: %w", err)
	}
	if err := remote.Write(ref, img); err != nil {
		return fmt.Errorf("cannot push %s: %w", ref, err)
	}
	return nil
}

// Close the registry.
func (r *Registry) Close() error {
	if err := r.server.Close(); err != nil {
		return fmt.Errorf("cannot close the registry: %w", err)
	}
	return nil
}
