// SPDX-License-Identifier: Apache-2.0

// Package charts downloads Helm charts and renders them.
package charts

import (
	"context"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"
)

const oci = "oci://"

// Fetch downloads a chart as Helm packs it, from a Helm repository or an OCI
// registry. plain is for a registry without TLS.
func Fetch(ctx context.Context, repository, chartName, version string, plain bool) ([]byte, error) {
	if strings.HasPrefix(repository, oci) {
		return pull(ctx, repository, chartName, version, plain)
	}
	repository = strings.TrimSuffix(repository, "/")
	b, err := get(ctx, repository+"/index.yaml")
	if err != nil {
		return nil, err
	}
	url, err := find(b, chartName, version)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot find the chart in %s", repository)
	}
	if !strings.Contains(url, "://") {
		url = repository + "/" + url
	}
	return get(ctx, url)
}

// find the URL of the newest version of a chart that will do.
func find(index []byte, chartName, version string) (string, error) {
	var i struct {
		Entries map[string][]struct {
			Version string
			URLs    []string
		}
	}
	if err := yaml.Unmarshal(index, &i); err != nil {
		return "", errors.Wrap(err, "cannot read the index")
	}
	constraint, err := semver.NewConstraint(version)
	if err != nil {
		return "", errors.Wrapf(err, "cannot read version %q", version)
	}
	var newest *semver.Version
	url := ""
	for _, e := range i.Entries[chartName] {
		v, err := semver.NewVersion(e.Version)
		if err != nil || len(e.URLs) == 0 || (e.Version != version && !constraint.Check(v)) {
			continue
		}
		if newest == nil || v.GreaterThan(newest) {
			newest, url = v, e.URLs[0]
		}
	}
	if url == "" {
		return "", errors.Errorf("there is no %s %s", chartName, version)
	}
	return url, nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot download %s", url)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot download %s", url)
	}
	defer resp.Body.Close() //nolint:errcheck // It is only read.
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Errorf("cannot download %s: %s", url, resp.Status)
	}
	b, err := io.ReadAll(resp.Body)
	return b, errors.Wrapf(err, "cannot download %s", url)
}

// Reference returns the name of a chart in an OCI registry.
func Reference(repository, chartName, version string, plain bool) (name.Reference, error) {
	var opts []name.Option
	if plain {
		opts = append(opts, name.Insecure)
	}
	separator := ":"
	if strings.HasPrefix(version, "sha256:") {
		separator = "@"
	}
	// A tag may have no plus sign. Helm writes an underscore instead.
	full := strings.TrimPrefix(repository, oci) + "/" + chartName + separator + strings.ReplaceAll(version, "+", "_")
	ref, err := name.ParseReference(full, opts...)
	return ref, errors.Wrap(err, "cannot read the chart's name")
}

func pull(ctx context.Context, repository, chartName, version string, plain bool) ([]byte, error) {
	ref, err := Reference(repository, chartName, version, plain)
	if err != nil {
		return nil, err
	}
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, errors.Wrapf(err, "cannot pull %s", ref)
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, errors.Wrapf(err, "cannot pull %s", ref)
	}
	for _, l := range layers {
		if t, err := l.MediaType(); err != nil || !strings.HasPrefix(string(t), "application/vnd.cncf.helm.chart.content") {
			continue
		}
		b, err := packed(l)
		return b, errors.Wrapf(err, "cannot pull %s", ref)
	}
	return nil, errors.Errorf("cannot pull %s: it is not a chart", ref)
}

// packed is a layer as the registry has it.
func packed(l v1.Layer) ([]byte, error) {
	r, err := l.Compressed()
	if err != nil {
		return nil, errors.Wrap(err, "cannot open its layer")
	}
	defer r.Close() //nolint:errcheck // It is only read.
	b, err := io.ReadAll(r)
	return b, errors.Wrap(err, "cannot read its layer")
}

// Render returns what a chart renders, by file. apis are the versions that the
// cluster has beyond those of Kubernetes.
func Render(ch *chart.Chart, release, namespace string, values map[string]any, apis ...string) (map[string]string, error) {
	if values == nil {
		values = map[string]any{}
	}
	if err := chartutil.ProcessDependencies(ch, values); err != nil {
		return nil, errors.Wrap(err, "cannot read the chart's dependencies")
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.APIVersions = append(caps.APIVersions, apis...)
	in, err := chartutil.ToRenderValues(ch, values, chartutil.ReleaseOptions{Name: release, Namespace: namespace, IsInstall: true, Revision: 1}, caps)
	if err != nil {
		return nil, errors.Wrap(err, "cannot render the chart")
	}
	files, err := engine.Render(ch, in)
	if err != nil {
		return nil, errors.Wrap(err, "cannot render the chart")
	}
	for file := range files {
		if path.Ext(file) == ".txt" {
			delete(files, file)
		}
	}
	return files, nil
}
