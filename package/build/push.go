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
	opts := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}

	function, err := PushIndex(ctx, t, "function-observe-k8s", functions)
	if err != nil {
		return nil, err
	}

	configurationRef, err := t.ref("observe-k8s")
	if err != nil {
		return nil, err
	}
	img, err := Open(configuration)
	if err != nil {
		return nil, err
	}
	if err := remote.Write(configurationRef, img, opts...); err != nil {
		return nil, errors.Wrapf(err, "cannot push %s", configurationRef)
	}
	configurationDigest, err := img.Digest()
	if err != nil {
		return nil, errors.Wrap(err, "cannot get the configuration's digest")
	}
	return []string{
		function,
		configurationRef.String() + "@" + configurationDigest.String(),
	}, nil
}

// PushIndex pushes the images in files as one index, one image per architecture.
// Returns what was pushed, by digest.
func PushIndex(ctx context.Context, t Target, repository string, files []string) (string, error) {
	ref, err := t.ref(repository)
	if err != nil {
		return "", err
	}
	index, err := Index(files)
	if err != nil {
		return "", err
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return "", errors.Wrapf(err, "cannot push %s", ref)
	}
	digest, err := index.Digest()
	return ref.String() + "@" + digest.String(), errors.Wrapf(err, "cannot get the digest of %s", ref)
}

// Index of images in files, one per architecture.
func Index(files []string) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.DockerManifestList)
	for _, f := range files {
		img, err := Open(f)
		if err != nil {
			return nil, err
		}
		cfg, err := img.ConfigFile()
		if err != nil {
			return nil, errors.Wrapf(err, "cannot read the platform of %s", f)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: cfg.OS, Architecture: cfg.Architecture}},
		})
	}
	return index, nil
}
