// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"context"
	"path"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"sigs.k8s.io/yaml"
)

// A dependency is a package, and the versions of it that will do.
type dependency struct {
	Kind, Package, Version string
}

// String is what a person looks for.
func (d dependency) String() string { return d.Package + " " + d.Version }

// packages that have to be there to install our configuration: itself, and what
// its metadata says that it depends on.
func packages(configuration []byte) ([]dependency, error) {
	meta := struct {
		Metadata struct{ Name string }
		Spec     struct{ DependsOn []dependency }
	}{}
	if err := yaml.Unmarshal(configuration, &meta); err != nil {
		return nil, errors.Wrap(err, "cannot read what the configuration depends on")
	}
	out := meta.Spec.DependsOn
	for _, d := range meta.Spec.DependsOn {
		// The configuration is released with its function, beside it.
		if d.Kind == "Function" {
			out = append(out, dependency{Kind: "Configuration", Package: path.Join(path.Dir(d.Package), meta.Metadata.Name), Version: d.Version})
		}
	}
	return out, nil
}

// images of the package: its newest version that will do, as Crossplane would
// choose it, and its signature if it has one.
func (d dependency) images(ctx context.Context) ([]string, error) {
	opts := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	repository, err := name.NewRepository(d.Package)
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the package's name")
	}
	constraint, err := semver.NewConstraint(d.Version)
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the package's versions")
	}
	tags, err := remote.List(repository, opts...)
	if err != nil {
		return nil, errors.Wrap(err, "cannot list the package's versions")
	}
	var newest *semver.Version
	for _, tag := range tags {
		if v, err := semver.NewVersion(tag); err == nil && constraint.Check(v) && (newest == nil || v.GreaterThan(newest)) {
			newest = v
		}
	}
	if newest == nil {
		return nil, errors.New("the registry has no such version")
	}
	ref := repository.Tag(newest.Original())
	desc, err := remote.Head(ref, opts...)
	if err != nil {
		return nil, errors.Wrap(err, "cannot look at the package")
	}
	out := []string{ref.Name()}
	signature := repository.Tag(strings.Replace(desc.Digest.String(), ":", "-", 1) + ".sig")
	if _, err := remote.Head(signature, opts...); err == nil {
		out = append(out, signature.Name())
	}
	return out, nil
}
