// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"bytes"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	helmConfig types.MediaType = "application/vnd.cncf.helm.config.v1+json"
	helmLayer  types.MediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// Chart returns the image in which Helm expects a packaged chart; metadata is
// what the chart's Chart.yaml says.
func Chart(metadata map[string]any, tgz []byte) (v1.Image, error) {
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), helmConfig)
	img, err := mutate.Append(base, mutate.Addendum{Layer: static.NewLayer(tgz, helmLayer)})
	if err != nil {
		return nil, fmt.Errorf("cannot build chart image: %w", err)
	}
	cfg, err := json.Marshal(metadata)
	if err != nil {
		return nil, fmt.Errorf("cannot encode chart metadata: %w", err)
	}
	return chartImage{Image: img, config: cfg}, nil
}

// chartImage replaces the configuration of an image by a chart's metadata,
// which is not the configuration of a container.
type chartImage struct {
	v1.Image

	config []byte
}

// RawConfigFile returns the metadata.
func (c chartImage) RawConfigFile() ([]byte, error) { return c.config, nil }

// ConfigName returns the digest of the metadata.
func (c chartImage) ConfigName() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(c.config))
	if err != nil {
		return v1.Hash{}, fmt.Errorf("cannot digest the chart's metadata: %w", err)
	}
	return h, nil
}

// Manifest returns the manifest, with the metadata as configuration.
func (c chartImage) Manifest() (*v1.Manifest, error) {
	m, err := c.Image.Manifest()
	if err != nil {
		return nil, fmt.Errorf("cannot read the image's manifest: %w", err)
	}
	m = m.DeepCopy()
	h, err := c.ConfigName()
	if err != nil {
		return nil, err
	}
	m.Config.Digest, m.Config.Size, m.Config.MediaType = h, int64(len(c.config)), helmConfig
	return m, nil
}

// RawManifest returns the manifest as JSON.
func (c chartImage) RawManifest() ([]byte, error) {
	m, err := c.Manifest()
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the chart's manifest: %w", err)
	}
	return b, nil
}

// Digest of the manifest.
func (c chartImage) Digest() (v1.Hash, error) {
	b, err := c.RawManifest()
	if err != nil {
		return v1.Hash{}, err
	}
	h, _, err := v1.SHA256(bytes.NewReader(b))
	if err != nil {
		return v1.Hash{}, fmt.Errorf("cannot digest the chart's manifest: %w", err)
	}
	return h, nil
}

// Size of the manifest.
func (c chartImage) Size() (int64, error) {
	b, err := c.RawManifest()
	return int64(len(b)), err
}
