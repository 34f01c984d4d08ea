// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// A Mirror is a registry of images for clusters, on the engine's gateway. It has
// what was pushed to it under the names of any registry.
type Mirror struct {
	addr   string
	server *http.Server
}

// Mirror starts a registry that clusters reach.
func (e *Engine) Mirror() (*Mirror, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(gateway, "0")) //nolint:noctx // Listening on the gateway does not wait.
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the mirror: %w", err)
	}
	m := &Mirror{
		addr: l.Addr().String(),
		server: &http.Server{
			Handler:           standIns(registry.New(registry.Logger(log.New(io.Discard, "", 0)))),
			ReadHeaderTimeout: 10 * time.Second,
		},
	}
	go func() { _ = m.server.Serve(l) }()
	return m, nil
}

// URL of the mirror, as clusters reach it.
func (m *Mirror) URL() string { return "http://" + m.addr }

// Addr is its host and port.
func (m *Mirror) Addr() string { return m.addr }

// Push the image in an archive under the name that the world knows it by.
func (m *Mirror) Push(image, archive string) error {
	img, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", archive, err)
	}
	return m.PushImage(image, img)
}

// PushImage pushes an image under the name that the world knows it by.
func (m *Mirror) PushImage(image string, img v1.Image) error {
	known, err := name.ParseReference(image)
	if err != nil {
		return fmt.Errorf("cannot name %s: %w", image, err)
	}
	separator := ":"
	if strings.Contains(known.Identifier(), ":") {
		separator = "@"
	}
	ref, err := name.ParseReference(m.addr+"/"+known.Context().RepositoryStr()+separator+known.Identifier(), name.Insecure)
	if err != nil {
		return fmt.Errorf("cannot name %s: %w", image, err)
	}
	if err := remote.Write(ref, img); err != nil {
		return fmt.Errorf("cannot push %s: %w", image, err)
	}
	return nil
}

// Close the mirror.
func (m *Mirror) Close() error {
	if err := m.server.Close(); err != nil {
		return fmt.Errorf("cannot close the mirror: %w", err)
	}
	return nil
}
