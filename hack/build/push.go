// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A Target is where packages are pushed.
type Target struct {
	// Registry with the path below which the repositories are.
	Registry string
	// Version is the tag.
	Version string
	// Insecure allows plain HTTP.
	Insecure bool
	// Signer signs everything that is pushed; nothing does without.
	Signer Signer
}

// options for requests to the registry. Whoever is logged in with docker or with
// helm is logged in here.
func (t Target) options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
}

// sign what was pushed. Returns its name, by digest.
func (t Target) sign(ctx context.Context, ref name.Tag, digest v1.Hash) (string, error) {
	if t.Signer != nil {
		if err := t.Signer.Sign(ctx, ref.Context().Digest(digest.String())); err != nil {
			return "", err
		}
	}
	return ref.String() + "@" + digest.String(), nil
}

// ref of a repository at the target.
func (t Target) ref(repository string) (name.Tag, error) {
	opts := []name.Option{name.StrictValidation}
	if t.Insecure {
		opts = append(opts, name.Insecure)
	}
	tag, err := name.NewTag(strings.TrimSuffix(t.Registry, "/")+"/"+repository+":"+t.Version, opts...)
	return tag, errors.Wrapf(err, "cannot push to %s", t.Registry)
}

// Push the configuration, and the function packages as one index, one image per
// architecture. The function goes first: a configuration that can be pulled has
// what it depends on. Returns what was pushed, by digest.
func Push(ctx context.Context, t Target, configuration string, functions []string) ([]string, error) {
	function, err := PushIndex(ctx, t, "function-observe-k8s", functions)
	if err != nil {
		return nil, err
	}
	ref, err := t.ref("observe-k8s")
	if err != nil {
		return nil, err
	}
	img, err := Open(configuration)
	if err != nil {
		return nil, err
	}
	if err := remote.Write(ref, img, t.options(ctx)...); err != nil {
		return nil, errors.Wrapf(err, "cannot push %s", ref)
	}
	if err := PushSBOM(ctx, t, ref.Context(), img); err != nil {
		return nil, err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, errors.Wrap(err, "cannot get the configuration's digest")
	}
	pushed, err := t.sign(ctx, ref, digest)
	return []string{function, pushed}, err
}

// PushIndex pushes the images in files as one index, one image per architecture,
// with a list of what is in each. Returns what was pushed, by digest.
func PushIndex(ctx context.Context, t Target, repository string, files []string) (string, error) {
	ref, err := t.ref(repository)
	if err != nil {
		return "", err
	}
	index, images, err := Index(files)
	if err != nil {
		return "", err
	}
	if err := remote.WriteIndex(ref, index, t.options(ctx)...); err != nil {
		return "", errors.Wrapf(err, "cannot push %s", ref)
	}
	for _, img := range images {
		if err := PushSBOM(ctx, t, ref.Context(), img); err != nil {
			return "", err
		}
	}
	digest, err := index.Digest()
	if err != nil {
		return "", errors.Wrapf(err, "cannot get the digest of %s", ref)
	}
	return t.sign(ctx, ref, digest)
}

// Index of images in files, one per architecture, and those images.
func Index(files []string) (v1.ImageIndex, []Image, error) {
	index := mutate.IndexMediaType(empty.Index, types.DockerManifestList)
	images := make([]Image, 0, len(files))
	for _, f := range files {
		img, err := Open(f)
		if err != nil {
			return nil, nil, err
		}
		cfg, err := img.ConfigFile()
		if err != nil {
			return nil, nil, errors.Wrapf(err, "cannot read the platform of %s", f)
		}
		images = append(images, img)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: cfg.OS, Architecture: cfg.Architecture}},
		})
	}
	return index, images, nil
}
