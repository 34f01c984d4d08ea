// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"sigs.k8s.io/yaml"
)

// releases is where archives are downloaded from, below their version.
const releases = "https://github.com/observe-k8s/observe-k8s/releases/download"

// A ReleaseCmd builds archives of the command line, the list of their checksums,
// the list of what is in them, and the manifest for krew. The same sources give
// the same bytes.
type ReleaseCmd struct {
	Root     string   `default:"../.."           help:"Root of the project." type:"existingdir"`
	Out      string   `default:"_output/release" help:"Folder of the archives, relative to the root."`
	Version  string   `default:"v0.1.0"          help:"Version of the release."`
	Platform []string `default:"linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64" help:"Platforms, as OS/ARCH."`
}

// An archive for one platform.
type archive struct{ os, arch, name, digest string }

// program is the name of the program in the archive.
func (a archive) program() string {
	if a.os == "windows" {
		return "kubectl-observe.exe"
	}
	return "kubectl-observe"
}

// Run builds everything and prints the checksums.
func (c *ReleaseCmd) Run(ctx context.Context) error {
	return c.release(func(goos, arch string) ([]byte, error) {
		return compile(ctx, commandProgram(), c.Root, "_output", c.Version, goos, arch)
	})
}

// release packs the programs that build returns for each platform.
func (c *ReleaseCmd) release(build func(goos, arch string) ([]byte, error)) error {
	out := filepath.Join(c.Root, c.Out)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return errors.Wrap(err, "cannot create the output folder")
	}
	license, err := os.ReadFile(filepath.Join(c.Root, "LICENSE"))
	if err != nil {
		return errors.Wrap(err, "cannot read the license")
	}
	var archives []archive
	modules := map[string]cdx.Component{}
	for _, p := range c.Platform {
		goos, arch, _ := strings.Cut(p, "/")
		a := archive{os: goos, arch: arch, name: fmt.Sprintf("kubectl-observe_%s_%s_%s.tar.gz", c.Version, goos, arch)}
		write := tarred
		if goos == "windows" {
			a.name, write = strings.Replace(a.name, ".tar.gz", ".zip", 1), zipped
		}
		binary, err := build(goos, arch)
		if err != nil {
			return err
		}
		if err := addModules(modules, binary); err != nil {
			return errors.Wrapf(err, "cannot list what is in the program for %s", p)
		}
		content, err := write([]file{{"LICENSE", 0o644, license}, {a.program(), 0o755, binary}})
		if err != nil {
			return errors.Wrapf(err, "cannot write %s", a.name)
		}
		if a.digest, err = save(filepath.Join(out, a.name), content); err != nil {
			return err
		}
		archives = append(archives, a)
	}
	return c.describe(out, archives, modules)
}

// describe the archives: what is in them, their checksums, and where krew finds
// them.
func (c *ReleaseCmd) describe(out string, archives []archive, modules map[string]cdx.Component) error {
	sbom, err := encodeSBOM(cdx.ComponentTypeApplication, "kubectl-observe", c.Version, modules)
	if err != nil {
		return err
	}
	list := archive{name: fmt.Sprintf("kubectl-observe_%s.cdx.json", c.Version)}
	if list.digest, err = save(filepath.Join(out, list.name), sbom); err != nil {
		return err
	}
	checksums := strings.Builder{}
	for _, a := range append(slices.Clone(archives), list) {
		fmt.Fprintf(&checksums, "%s  %s\n", a.digest, a.name)
	}
	if _, err := save(filepath.Join(out, "checksums.txt"), []byte(checksums.String())); err != nil {
		return err
	}
	manifest, err := yaml.Marshal(krew(c.Version, archives))
	if err != nil {
		return errors.Wrap(err, "cannot write the manifest for krew")
	}
	if _, err := save(filepath.Join(out, "observe.yaml"), manifest); err != nil {
		return err
	}
	_, err = fmt.Print(checksums.String())
	return errors.Wrap(err, "cannot print the checksums")
}

// krew is the manifest of the plugin.
// https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/, read 2026-11.
func krew(version string, archives []archive) map[string]any {
	platforms := make([]any, 0, len(archives))
	for _, a := range archives {
		platforms = append(platforms, map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"os": a.os, "arch": a.arch}},
			"uri":      releases + "/" + version + "/" + a.name,
			"sha256":   a.digest,
			"bin":      a.program(),
			"files":    []any{map[string]any{"from": a.program(), "to": "."}, map[string]any{"from": "LICENSE", "to": "."}},
		})
	}
	return map[string]any{
		"apiVersion": "krew.googlecontainertools.github.com/v1alpha2", "kind": "Plugin",
		"metadata": map[string]any{"name": "observe"},
		"spec": map[string]any{
			"version":          version,
			"homepage":         "https://github.com/observe-k8s/observe-k8s",
			"shortDescription": "Check, preview and run observability platforms",
			"description":      "One YAML gives a team an observability platform: a Kubernetes cluster with\nthe monitoring stack and observed workloads already running in it. This\nplugin checks such a YAML, shows what it becomes and how its parts are doing.\n",
			"platforms":        platforms,
		},
	}
}

// A file in an archive.
type file struct {
	name    string
	mode    os.FileMode
	content []byte
}

// tarred files, compressed.
func tarred(files []file) ([]byte, error) {
	b := &bytes.Buffer{}
	z := gzip.NewWriter(b)
	w := tar.NewWriter(z)
	for _, f := range files {
		hdr := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: int64(f.mode), Size: int64(len(f.content)), ModTime: epoch(), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(hdr); err != nil {
			return nil, errors.Wrapf(err, "cannot archive %s", f.name)
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, errors.Wrapf(err, "cannot archive %s", f.name)
		}
	}
	err := errors.Join(w.Close(), z.Close())
	return b.Bytes(), err
}

// zipped files. A zip knows no time before 1980.
func zipped(files []file) ([]byte, error) {
	b := &bytes.Buffer{}
	w := zip.NewWriter(b)
	for _, f := range files {
		hdr := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		hdr.SetMode(f.mode)
		e, err := w.CreateHeader(hdr)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot archive %s", f.name)
		}
		if _, err := e.Write(f.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// save a file and return its digest.
func save(path string, content []byte) (string, error) {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), errors.Wrapf(os.WriteFile(path, content, 0o644), "cannot write %s", path)
}
