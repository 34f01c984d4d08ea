// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	metav1 "github.com/crossplane/crossplane/apis/v2/pkg/meta/v1"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"
)

const (
	// bom is the media type of a list of what is in an image.
	// https://cyclonedx.org/specification/overview/, read 2026-11.
	bom types.MediaType = "application/vnd.cyclonedx+json"
	// emptyConfig is of artifacts that have no configuration.
	// https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md
	emptyConfig types.MediaType = "application/vnd.oci.empty.v1+json"
)

// SBOM lists what is in the image of a package, as CycloneDX: the Go modules of
// the programs in it, by what Go has written into them, and the packages that it
// depends on. The same image gives the same bytes, so it has neither a time nor a
// serial number.
func SBOM(img Image) ([]byte, error) {
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the image's configuration")
	}
	labels := cfg.Config.Labels
	modules := map[string]cdx.Component{}
	r := mutate.Extract(img)
	defer r.Close() //nolint:errcheck // It is only read.
	for tr := tar.NewReader(r); ; {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.Wrap(err, "cannot read the image")
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			return nil, errors.Wrap(err, "cannot read the image")
		}
		if hdr.Name == streamFile {
			err = addDependencies(modules, content)
		} else {
			err = addModules(modules, content)
		}
		if err != nil {
			return nil, errors.Wrapf(err, "cannot list what is in %s", hdr.Name)
		}
	}
	return encodeSBOM(cdx.ComponentTypeContainer, labels["org.opencontainers.image.title"], labels["org.opencontainers.image.version"], modules)
}

// encodeSBOM writes the list of what a thing consists of.
func encodeSBOM(what cdx.ComponentType, title, version string, modules map[string]cdx.Component) ([]byte, error) {
	out := cdx.NewBOM()
	out.Metadata = &cdx.Metadata{Component: &cdx.Component{BOMRef: "package", Type: what, Name: title, Version: version}}
	components, refs := []cdx.Component{}, []string{}
	for _, c := range modules {
		components, refs = append(components, c), append(refs, c.BOMRef)
	}
	slices.SortFunc(components, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	slices.Sort(refs)
	out.Components = &components
	out.Dependencies = &[]cdx.Dependency{{Ref: "package", Dependencies: &refs}}
	b := &bytes.Buffer{}
	if err := cdx.NewBOMEncoder(b, cdx.BOMFileFormatJSON).SetPretty(true).Encode(out); err != nil {
		return nil, errors.Wrap(err, "cannot write the list of what is in it")
	}
	return b.Bytes(), nil
}

// addModules of a program.
func addModules(to map[string]cdx.Component, program []byte) error {
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return errors.Wrap(err, "cannot read what the program was built of")
	}
	modules := []*debug.Module{{Path: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")}, &info.Main}
	for _, m := range append(modules, info.Deps...) {
		// A module of this repository is replaced by its folder, without a version.
		if m.Replace != nil && m.Replace.Version != "" {
			m = m.Replace
		}
		url := "pkg:golang/" + m.Path
		if m.Version != "" && m.Version != "(devel)" {
			url += "@" + m.Version
		}
		to[url] = cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: url}
	}
	return nil
}

// addDependencies of a Crossplane package: its metadata comes first.
func addDependencies(to map[string]cdx.Component, stream []byte) error {
	for doc := range bytes.SplitSeq(stream, []byte("---\n")) {
		if !bytes.Contains(doc, []byte("apiVersion: meta.pkg.crossplane.io/")) {
			continue
		}
		meta := metav1.Configuration{}
		if err := yaml.Unmarshal(doc, &meta); err != nil {
			return errors.Wrap(err, "cannot read the metadata of the package")
		}
		for _, d := range meta.Spec.DependsOn {
			repository, err := name.NewRepository(*d.Package)
			if err != nil {
				return errors.Wrapf(err, "cannot read the name of %s", *d.Package)
			}
			path := repository.RepositoryStr()
			url := "pkg:oci/" + path[strings.LastIndex(path, "/")+1:] + "?repository_url=" + repository.Name()
			to[url] = cdx.Component{BOMRef: url, Type: cdx.ComponentTypeContainer, Name: repository.Name(), Version: d.Version, PackageURL: url}
		}
		return nil
	}
	return nil
}

// PushSBOM pushes the list of what is in an image, as an artifact that refers to
// it: where oras discover and others find it.
func PushSBOM(ctx context.Context, t Target, repository name.Repository, img Image) error {
	content, err := SBOM(img)
	if err != nil {
		return err
	}
	subject, err := partial.Descriptor(img)
	if err != nil {
		return errors.Wrap(err, "cannot describe the image")
	}
	opts := t.options(ctx)
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: string(bom), Subject: &v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest}}
	if m.Config, err = pushBlob(repository, []byte("{}"), emptyConfig, opts); err != nil {
		return errors.Wrap(err, "cannot push the list of what is in the image")
	}
	layer, err := pushBlob(repository, content, bom, opts)
	if err != nil {
		return errors.Wrap(err, "cannot push the list of what is in the image")
	}
	m.Layers = []v1.Descriptor{layer}
	raw, err := json.Marshal(m)
	if err != nil {
		return errors.Wrap(err, "cannot write a manifest")
	}
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return errors.Wrap(err, "cannot get a digest")
	}
	return errors.Wrap(remote.Put(repository.Digest(digest.String()), manifest(raw), opts...), "cannot push the list of what is in the image")
}
