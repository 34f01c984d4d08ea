// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/docker/docker/api/types/container"
)

// A copier moves files into and out of containers.
type copier interface {
	ContainerStatPath(ctx context.Context, id, path string) (container.PathStat, error)
	CopyToContainer(ctx context.Context, id, path string, content io.Reader, options container.CopyToContainerOptions) error
	CopyFromContainer(ctx context.Context, id, path string) (io.ReadCloser, container.PathStat, error)
}

// writeFiles into a container, by absolute path. Folders are made.
func writeFiles(ctx context.Context, d copier, id string, files map[string]string) error {
	b := &bytes.Buffer{}
	w := tar.NewWriter(b)
	paths := make([]string, 0, len(files))
	for p := range files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		h := &tar.Header{Name: strings.TrimPrefix(p, "/"), Mode: 0o644, Size: int64(len(files[p]))}
		if err := w.WriteHeader(h); err != nil {
			return errors.Wrap(err, "cannot pack files")
		}
		if _, err := io.WriteString(w, files[p]); err != nil {
			return errors.Wrap(err, "cannot pack files")
		}
	}
	if err := w.Close(); err != nil {
		return errors.Wrap(err, "cannot pack files")
	}
	return d.CopyToContainer(ctx, id, "/", b, container.CopyToContainerOptions{})
}

// readFile of a container.
func readFile(ctx context.Context, d copier, id, path string) ([]byte, error) {
	r, _, err := d.CopyFromContainer(ctx, id, path)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot read %s", path)
	}
	defer func() { _ = r.Close() }()
	t := tar.NewReader(r)
	if _, err := t.Next(); err != nil {
		return nil, errors.Wrapf(err, "cannot unpack %s", path)
	}
	b, err := io.ReadAll(io.LimitReader(t, 1<<20))
	return b, errors.Wrapf(err, "cannot unpack %s", path)
}
