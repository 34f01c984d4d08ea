// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const (
	// streamFile holds the objects of a package, in the layer that is marked.
	streamFile = "package.yaml"
	// layerKey marks layers for Crossplane. An image in a file has no
	// annotations of layers: the mark is a label there, with the layer's digest
	// in its key.
	layerKey = "io.crossplane.xpkg"
	// layerBase is the mark of the layer with the objects.
	layerBase = "base"
	// binaryPath is the path of the function in its image.
	binaryPath = "function"
	// nonroot is a user without a name or any rights.
	nonroot = "65532:65532"
	// port at which Crossplane calls a function.
	port = "9443/tcp"
)

// An Image of a package.
type Image = v1.Image

// epoch is the time of everything in the packages, so that the same sources
// give the same bytes.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// Configuration builds the package of the configuration below root.
func Configuration(root, version string) (Image, error) {
	stream, err := Stream(root, configurationSources())
	if err != nil {
		return nil, err
	}
	return addStream(empty.Image, stream, v1.Config{Labels: labels("observe-k8s", version)})
}

// Function builds the package of the function for one architecture. The image
// is both the package and what runs: nothing but a static binary is in it.
func Function(root, version, arch string, binary []byte) (Image, error) {
	img, err := scratch(binaryPath, arch, binary)
	if err != nil {
		return nil, err
	}
	stream, err := Stream(root, functionSources())
	if err != nil {
		return nil, err
	}
	return addStream(img, stream, v1.Config{
		Entrypoint:   []string{"/" + binaryPath},
		User:         nonroot,
		ExposedPorts: map[string]struct{}{port: {}},
		Labels:       labels("function-observe-k8s", version),
	})
}

// Game builds the image of the emulator of games for one architecture: nothing
// but a static binary.
func Game(version, arch string, binary []byte) (Image, error) {
	img, err := scratch("game", arch, binary)
	if err != nil {
		return nil, err
	}
	img, err = mutate.Config(img, v1.Config{
		Entrypoint:   []string{"/game"},
		User:         nonroot,
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "8081/tcp": {}},
		Labels:       labels("game", version),
	})
	if err != nil {
		return nil, errors.Wrap(err, "cannot configure the image")
	}
	img, err = mutate.CreatedAt(img, v1.Time{Time: epoch()})
	return img, errors.Wrap(err, "cannot set the image's time")
}

// Local builds the package of provider-local for one architecture: the provider,
// and the docker client in its path.
func Local(root, version, arch string, provider, docker []byte) (Image, error) {
	img, err := scratch("provider", arch, provider)
	if err != nil {
		return nil, err
	}
	layer, err := layerOf("bin/docker", 0o755, docker)
	if err != nil {
		return nil, err
	}
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		return nil, errors.Wrap(err, "cannot add the docker client")
	}
	stream, err := Stream(root, localSources())
	if err != nil {
		return nil, err
	}
	return addStream(img, stream, v1.Config{
		Entrypoint: []string{"/provider"},
		Env:        []string{"PATH=/bin", "TMPDIR=/tmp"},
		User:       nonroot,
		Labels:     labels("provider-local", version),
	})
}

// scratch is an image of one binary for one architecture.
func scratch(path, arch string, binary []byte) (Image, error) {
	layer, err := layerOf(path, 0o755, binary)
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, errors.Wrap(err, "cannot add the binary")
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the image's configuration")
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture = "linux", arch
	img, err = mutate.ConfigFile(img, cfg)
	return img, errors.Wrap(err, "cannot set the platform")
}

func labels(title, version string) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":    title,
		"org.opencontainers.image.version":  version,
		"org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.source":   "https://github.com/observe-k8s/observe-k8s",
	}
}

// addStream adds the layer with the package's objects to an image.
func addStream(img Image, stream []byte, cfg v1.Config) (Image, error) {
	layer, err := layerOf(streamFile, 0o644, stream)
	if err != nil {
		return nil, err
	}
	digest, err := layer.Digest()
	if err != nil {
		return nil, errors.Wrap(err, "cannot get the digest of the package's layer")
	}
	cfg.Labels[layerKey+":"+digest.String()] = layerBase

	if img, err = mutate.AppendLayers(img, layer); err != nil {
		return nil, errors.Wrap(err, "cannot add the package's layer")
	}
	if img, err = mutate.Config(img, cfg); err != nil {
		return nil, errors.Wrap(err, "cannot configure the image")
	}
	img, err = mutate.CreatedAt(img, v1.Time{Time: epoch()})
	if err != nil {
		return nil, errors.Wrap(err, "cannot set the image's time")
	}
	return Annotate(img)
}

// layerOf makes a layer of one file.
func layerOf(name string, mode int64, content []byte) (v1.Layer, error) {
	b := &bytes.Buffer{}
	w := tar.NewWriter(b)
	hdr := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content)), ModTime: epoch(), Format: tar.FormatUSTAR}
	if err := w.WriteHeader(hdr); err != nil {
		return nil, errors.Wrapf(err, "cannot add %s to a layer", name)
	}
	if _, err := w.Write(content); err != nil {
		return nil, errors.Wrapf(err, "cannot add %s to a layer", name)
	}
	if err := w.Close(); err != nil {
		return nil, errors.Wrapf(err, "cannot finish the layer of %s", name)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	})
	return layer, errors.Wrapf(err, "cannot make a layer of %s", name)
}

// Annotate marks the layers that the image's labels name, as a registry must
// have them: so Crossplane fetches the layer with the objects only, not the
// function's binary.
func Annotate(img Image) (Image, error) {
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the image's configuration")
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the image's layers")
	}
	out := empty.Image
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return nil, errors.Wrap(err, "cannot get the digest of a layer")
		}
		add := mutate.Addendum{Layer: l}
		if mark, ok := cfg.Config.Labels[layerKey+":"+digest.String()]; ok {
			add.Annotations = map[string]string{layerKey: mark}
		}
		if out, err = mutate.Append(out, add); err != nil {
			return nil, errors.Wrap(err, "cannot add a layer")
		}
	}
	out, err = mutate.ConfigFile(out, cfg)
	return out, errors.Wrap(err, "cannot configure the image")
}

// Save an image as a file that Crossplane's tools read, and return its digest.
func Save(img Image, path string) (string, error) {
	// A reader never sees half a package.
	f, err := os.CreateTemp(filepath.Dir(path), ".xpkg-*")
	if err != nil {
		return "", errors.Wrap(err, "cannot create a package file")
	}
	defer os.Remove(f.Name()) //nolint:errcheck // It is gone when all went well.

	if err := tarball.Write(nil, img, f); err != nil {
		return "", errors.Wrapf(err, "cannot write %s", path)
	}
	if err := f.Close(); err != nil {
		return "", errors.Wrapf(err, "cannot write %s", path)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return "", errors.Wrapf(err, "cannot write %s", path)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return "", errors.Wrapf(err, "cannot write %s", path)
	}
	digest, err := img.Digest()
	return digest.String(), errors.Wrapf(err, "cannot get the digest of %s", path)
}

// Open a package file. Its layers are marked again.
func Open(path string) (Image, error) {
	img, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot read %s", path)
	}
	img, err = Annotate(img)
	return img, errors.Wrapf(err, "cannot mark the layers of %s", path)
}
