// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// layerKey annotates the layer that holds the package; in a package file,
	// which has no annotations, a label of the image does so by digest.
	layerKey    = "io.crossplane.xpkg"
	layerBase   = "base"
	packageYAML = "package.yaml"
)

// Package returns a Crossplane package with the given package.yaml.
func Package(content []byte) (v1.Image, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := w.WriteHeader(&tar.Header{Name: packageYAML, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return nil, fmt.Errorf("cannot write package: %w", err)
	}
	if _, err := w.Write(content); err != nil {
		return nil, fmt.Errorf("cannot write package: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("cannot write package: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(buf.Bytes())), nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot build package layer: %w", err)
	}
	base := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img, err := mutate.Append(base, mutate.Addendum{Layer: layer, Annotations: map[string]string{layerKey: layerBase}})
	if err != nil {
		return nil, fmt.Errorf("cannot build package: %w", err)
	}
	return img, nil
}

// ReadPackage returns the package.yaml of a Crossplane package file. What else
// is in it, such as a runtime image, is left out: runtimes are processes here.
func ReadPackage(path string) ([]byte, error) {
	img, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot read package %s: %w", path, err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("cannot read configuration of package %s: %w", path, err)
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("cannot read layers of package %s: %w", path, err)
	}
	for _, l := range layers {
		d, err := l.Digest()
		if err != nil {
			return nil, fmt.Errorf("cannot read layer of package %s: %w", path, err)
		}
		if cfg.Config.Labels[layerKey+":"+d.String()] != layerBase {
			continue
		}
		content, err := readPackageYAML(l)
		if err != nil {
			return nil, fmt.Errorf("cannot read package %s: %w", path, err)
		}
		return content, nil
	}
	return nil, fmt.Errorf("cannot read package %s: no layer is labelled as the package's", path)
}

func readPackageYAML(l v1.Layer) ([]byte, error) {
	rc, err := l.Uncompressed()
	if err != nil {
		return nil, fmt.Errorf("cannot open its layer: %w", err)
	}
	defer rc.Close() //nolint:errcheck // Only read from.
	r := tar.NewReader(rc)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("no %s in the package's layer", packageYAML)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read its layer: %w", err)
		}
		if h.Name == packageYAML {
			content, err := io.ReadAll(r)
			if err != nil {
				return nil, fmt.Errorf("cannot read %s: %w", packageYAML, err)
			}
			return content, nil
		}
	}
}
