// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"
)

// Media types of a chart in a registry.
// https://github.com/helm/community/blob/main/hips/hip-0006.md, read 2026-11.
const (
	chartMetadata types.MediaType = "application/vnd.cncf.helm.config.v1+json"
	chartContent  types.MediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// PushCharts pushes all charts below root, each with its own version, to where
// Helm finds them: below charts. Returns what was pushed, by digest.
func PushCharts(ctx context.Context, t Target, root string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, "package", "charts", "*", "Chart.yaml"))
	if err != nil {
		return nil, errors.Wrap(err, "cannot look for charts")
	}
	var pushed []string
	for _, f := range found {
		ref, err := pushChart(ctx, t, filepath.Dir(f))
		if err != nil {
			return nil, errors.Wrapf(err, "cannot push the chart in %s", filepath.Dir(f))
		}
		pushed = append(pushed, ref)
	}
	return pushed, nil
}

func pushChart(ctx context.Context, t Target, folder string) (string, error) {
	b, err := os.ReadFile(filepath.Join(folder, "Chart.yaml"))
	if err != nil {
		return "", errors.Wrap(err, "cannot read a chart")
	}
	metadata, err := yaml.YAMLToJSON(b)
	if err != nil {
		return "", errors.Wrapf(err, "cannot read the chart in %s", folder)
	}
	var chart struct{ Name, Version string }
	if err := json.Unmarshal(metadata, &chart); err != nil {
		return "", errors.Wrapf(err, "cannot read the chart in %s", folder)
	}
	content, err := packChart(chart.Name, os.DirFS(folder))
	if err != nil {
		return "", err
	}
	t.Version = chart.Version
	ref, err := t.ref("charts/" + chart.Name)
	if err != nil {
		return "", err
	}

	opts := t.options(ctx)
	config, err := pushBlob(ref.Context(), metadata, chartMetadata, opts)
	if err != nil {
		return "", err
	}
	layer, err := pushBlob(ref.Context(), content, chartContent, opts)
	if err != nil {
		return "", err
	}
	m, err := json.Marshal(v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: config, Layers: []v1.Descriptor{layer}})
	if err != nil {
		return "", errors.Wrapf(err, "cannot write the manifest of %s", ref)
	}
	if err := remote.Put(ref, manifest(m), opts...); err != nil {
		return "", errors.Wrapf(err, "cannot push the manifest of %s", ref)
	}
	digest, _, err := v1.SHA256(bytes.NewReader(m))
	if err != nil {
		return "", errors.Wrapf(err, "cannot take the digest of %s", ref)
	}
	return t.sign(ctx, ref, digest)
}

// pushBlob of an artifact. Returns how a manifest names it.
func pushBlob(repository name.Repository, content []byte, media types.MediaType, opts []remote.Option) (v1.Descriptor, error) {
	layer := static.NewLayer(content, media)
	if err := remote.WriteLayer(repository, layer, opts...); err != nil {
		return v1.Descriptor{}, errors.Wrapf(err, "cannot push a layer to %s", repository)
	}
	digest, err := layer.Digest()
	return v1.Descriptor{MediaType: media, Size: int64(len(content)), Digest: digest}, errors.Wrap(err, "cannot take the digest of a layer")
}

// A manifest that is pushed as it is: what is no container has another
// configuration.
type manifest []byte

// RawManifest is the manifest as JSON.
func (m manifest) RawManifest() ([]byte, error) { return m, nil }

// MediaType of the manifest.
func (m manifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// packChart as Helm does. The same files give the same bytes.
func packChart(chart string, files fs.FS) ([]byte, error) {
	buf := &bytes.Buffer{}
	zip := gzip.NewWriter(buf)
	w := tar.NewWriter(zip)
	err := fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, file)
		if err != nil {
			return errors.Wrap(err, "cannot read a file")
		}
		if err := w.WriteHeader(&tar.Header{Name: path.Join(chart, file), Mode: 0o644, Size: int64(len(content)), ModTime: epoch()}); err != nil {
			return errors.Wrapf(err, "cannot add %s", file)
		}
		_, err = w.Write(content)
		return errors.Wrapf(err, "cannot add %s", file)
	})
	if err != nil {
		return nil, errors.Wrapf(err, "cannot pack chart %s", chart)
	}
	if err := w.Close(); err != nil {
		return nil, errors.Wrapf(err, "cannot pack chart %s", chart)
	}
	err = zip.Close()
	return buf.Bytes(), errors.Wrapf(err, "cannot pack chart %s", chart)
}
