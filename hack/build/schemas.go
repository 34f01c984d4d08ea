// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"sigs.k8s.io/yaml"
)

// A SchemasCmd gets the CRDs that rendered objects are proven against.
type SchemasCmd struct {
	Root string `default:"../.."          help:"Root of the project." type:"existingdir"`
	To   string `default:".cache/schemas" help:"Folder for the schemas, relative to the root."`
}

// Run gets the CRDs of every provider that the configuration depends on.
func (c *SchemasCmd) Run(ctx context.Context) error {
	providers, err := Providers(c.Root)
	if err != nil {
		return err
	}
	kinds, err := Activated(c.Root)
	if err != nil {
		return err
	}
	for _, p := range providers {
		files, err := Schemas(ctx, p, kinds, filepath.Join(c.Root, c.To, "crds", path.Base(p.Repository)))
		if err != nil {
			return errors.Wrap(err, "cannot get schemas. This needs a network in which the registry of the providers can be reached")
		}
		fmt.Printf("%s:%s %d CRDs\n", p.Repository, p.Version, len(files))
	}
	return nil
}

// A Provider that the configuration depends on.
type Provider struct {
	// Repository of its package.
	Repository string
	// Version is the oldest that the configuration takes: what is composed has
	// to be valid with every version.
	Version string
}

// Providers that the configuration below root depends on.
func Providers(root string) ([]Provider, error) {
	cfg := struct {
		Spec struct {
			DependsOn []struct{ Kind, Package, Version string }
		}
	}{}
	if err := read(filepath.Join(root, "crossplane.yaml"), &cfg); err != nil {
		return nil, err
	}
	var out []Provider
	for _, d := range cfg.Spec.DependsOn {
		if d.Kind != "Provider" {
			continue
		}
		oldest, _, _ := strings.Cut(d.Version, ",")
		out = append(out, Provider{d.Package, strings.TrimLeft(oldest, ">=~^ ")})
	}
	return out, nil
}

// Activated are the kinds of providers that the configuration below root
// composes, as names of CRDs.
func Activated(root string) ([]string, error) {
	policy := struct{ Spec struct{ Activate []string } }{}
	err := read(filepath.Join(root, "package", "activation-policy.yaml"), &policy)
	return policy.Spec.Activate, err
}

func read(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return errors.Wrap(err, "cannot read what the configuration says")
	}
	return errors.Wrapf(yaml.Unmarshal(b, into), "cannot read %s", file)
}

// Schemas pulls the package of a provider and writes the CRDs of kinds, and of
// the provider's configuration, into a folder: one file each, named
// <group>_<plural>.yaml. It returns their names.
func Schemas(ctx context.Context, p Provider, kinds []string, dir string) ([]string, error) {
	ref, err := name.ParseReference(p.Repository+":"+p.Version, name.StrictValidation)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot read the name of %s", p.Repository)
	}
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, errors.Wrapf(err, "cannot pull %s", ref)
	}
	content, err := objects(img)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot read the package %s", ref)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, errors.Wrap(err, "cannot create a folder for schemas")
	}
	var out []string
	for doc := range bytes.SplitSeq(content, []byte("\n---")) {
		crd := struct {
			Kind     string
			Metadata struct{ Name string }
		}{}
		if err := yaml.Unmarshal(doc, &crd); err != nil {
			return nil, errors.Wrapf(err, "cannot read an object in %s", ref)
		}
		plural, group, _ := strings.Cut(crd.Metadata.Name, ".")
		configures := strings.HasSuffix(plural, "providerconfigs") && strings.Contains(group, ".m.")
		if crd.Kind != "CustomResourceDefinition" || !configures && !slices.Contains(kinds, crd.Metadata.Name) {
			continue
		}
		file := group + "_" + plural + ".yaml"
		if err := os.WriteFile(filepath.Join(dir, file), append(bytes.TrimSpace(doc), '\n'), 0o644); err != nil {
			return nil, errors.Wrap(err, "cannot write a schema")
		}
		out = append(out, file)
	}
	return out, nil
}

// objects of a package: the file package.yaml, in the layer that is marked or,
// without a mark, anywhere in the image.
func objects(img Image) ([]byte, error) {
	m, err := img.Manifest()
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the manifest")
	}
	content := mutate.Extract(img)
	if i := slices.IndexFunc(m.Layers, func(d v1.Descriptor) bool { return d.Annotations[layerKey] == layerBase }); i >= 0 {
		layer, err := img.LayerByDigest(m.Layers[i].Digest)
		if err != nil {
			return nil, errors.Wrap(err, "cannot find the layer with the objects")
		}
		if content, err = layer.Uncompressed(); err != nil {
			return nil, errors.Wrap(err, "cannot read the layer with the objects")
		}
	}
	defer content.Close() //nolint:errcheck // It is only read.
	for tr := tar.NewReader(content); ; {
		hdr, err := tr.Next()
		if err != nil {
			return nil, errors.Wrapf(err, "cannot find %s", streamFile)
		}
		if hdr.Name == streamFile {
			b, err := io.ReadAll(tr)
			return b, errors.Wrapf(err, "cannot read %s", streamFile)
		}
	}
}
