// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
)

// BusyBox is Debian's, which is linked statically.
const BusyBox = "/bin/busybox"

// StackPrograms builds what a test runs of the stack, unless it is in the cache.
func (e *Engine) StackPrograms(ctx context.Context) (map[string]programs.Built, error) {
	return e.build(ctx, programs.StackTable())
}

// Program builds one of this package's own programs, and returns its path.
func (e *Engine) Program(ctx context.Context, name string) (string, error) {
	binary := e.file(name)
	return binary, goBuild(ctx, e.opts.Root, name, binary)
}

// Kubectl is the path of kubectl as it is on nodes.
func (e *Engine) Kubectl(ctx context.Context) (string, error) {
	built, err := e.programs(ctx)
	return built[programs.Kubernetes].Bin("kubectl"), err
}

// Shell gives names of commands to a busybox that is in the image.
func Shell(files map[string]string, commands ...string) map[string]string {
	out := maps.Clone(files)
	out["bin/busybox"] = BusyBox
	for _, c := range commands {
		out["bin/"+c] = "->/bin/busybox"
	}
	return out
}

// PushPrograms pushes an image of programs that need nothing else, under the name
// that the world knows it by. Files are those of this machine by their path in the
// image; what begins with -> is a link.
func (m *Mirror) PushPrograms(image, entrypoint string, files map[string]string) error {
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { _ = w.CloseWithError(archive(w, files)) }()
		return r, nil
	}, tarball.WithCompressionLevel(gzip.BestSpeed))
	if err != nil {
		return fmt.Errorf("cannot make %s: %w", image, err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return fmt.Errorf("cannot make %s: %w", image, err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("cannot configure %s: %w", image, err)
	}
	file = file.DeepCopy()
	file.Architecture, file.OS = runtime.GOARCH, "linux"
	file.Config = v1.Config{Env: []string{"PATH=/bin"}}
	if entrypoint != "" {
		file.Config.Entrypoint = []string{entrypoint}
	}
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return fmt.Errorf("cannot configure %s: %w", image, err)
	}
	return m.PushImage(image, img)
}

// archive files, with a folder for what is temporary.
func archive(to io.Writer, files map[string]string) error {
	w := tar.NewWriter(to)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}); err != nil {
		return fmt.Errorf("cannot archive tmp: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := add(w, name, files[name]); err != nil {
			return fmt.Errorf("cannot archive %s: %w", files[name], err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("cannot end the archive: %w", err)
	}
	return nil
}

func add(w *tar.Writer, name, from string) error {
	if target, ok := strings.CutPrefix(from, "->"); ok {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: path.Clean(name), Linkname: target, Mode: 0o777}); err != nil {
			return fmt.Errorf("cannot link %s: %w", name, err)
		}
		return nil
	}
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("cannot open it: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("cannot measure it: %w", err)
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path.Clean(name), Size: info.Size(), Mode: 0o755}); err != nil {
		return fmt.Errorf("cannot write its header: %w", err)
	}
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("cannot copy it: %w", err)
	}
	return nil
}
