// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"os"
	"path"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"helm.sh/helm/v3/pkg/action"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/registry"
	"sigs.k8s.io/yaml"
)

// packed is a chart as Helm packs it.
type packed struct {
	content []byte
	chart   *helmchart.Chart
}

// client of Helm for registries. Whoever is logged in with helm is logged in here.
func client(plain bool) (*registry.Client, error) {
	opts := []registry.ClientOption{registry.ClientOptWriter(os.Stderr)}
	if plain {
		opts = append(opts, registry.ClientOptPlainHTTP())
	}
	c, err := registry.NewClient(opts...)
	return c, errors.Wrap(err, "cannot make a client for registries")
}

// fetch a chart, from its repository or from a mirror of it.
func (c chart) fetch(_ context.Context, from *compose.Mirror) (packed, error) {
	repository, plain := from.Rewrite(c.Repository)
	helm, err := client(plain)
	if err != nil {
		return packed{}, err
	}
	cfg := &action.Configuration{RegistryClient: helm}
	locate := action.NewInstall(cfg)
	locate.Version, locate.PlainHTTP = c.Version, plain
	chartName := c.Name
	if registry.IsOCI(repository) {
		chartName = repository + "/" + c.Name
	} else {
		locate.RepoURL = repository
	}
	settings := cli.New()
	file, err := locate.LocateChart(chartName, settings)
	if err != nil {
		return packed{}, errors.Wrapf(err, "cannot get the chart from %s", repository)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return packed{}, errors.Wrap(err, "cannot read the chart")
	}
	ch, err := loader.LoadArchive(bytes.NewReader(content))
	return packed{content: content, chart: ch}, errors.Wrap(err, "cannot read the chart")
}

// images of a chart with the values that it is installed with.
func (c chart) images(p packed) ([]string, error) {
	values := c.values
	if values == nil {
		values = map[string]any{}
	}
	if err := chartutil.ProcessDependencies(p.chart, values); err != nil {
		return nil, errors.Wrap(err, "cannot read the chart's dependencies")
	}
	// What charts ask of a cluster: those that it has with the stack on it.
	caps := chartutil.DefaultCapabilities.Copy()
	caps.APIVersions = append(caps.APIVersions, "monitoring.coreos.com/v1", "cert-manager.io/v1", "gateway.networking.k8s.io/v1", "policy/v1")
	rendered, err := chartutil.ToRenderValues(p.chart, values, chartutil.ReleaseOptions{Name: c.Name, Namespace: c.Name, IsInstall: true, Revision: 1}, caps)
	if err != nil {
		return nil, errors.Wrap(err, "cannot render the chart")
	}
	files, err := engine.Render(p.chart, rendered)
	if err != nil {
		return nil, errors.Wrap(err, "cannot render the chart")
	}
	var out []string
	for file, text := range files {
		if path.Ext(file) == ".txt" {
			continue
		}
		for doc := range strings.SplitSeq("\n"+text, "\n---") {
			var o any
			// A template may make what is no object; Helm would refuse it.
			if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
				return nil, errors.Wrapf(err, "cannot read what %s renders", file)
			}
			out = append(out, imagesIn(o)...)
		}
	}
	return out, nil
}

// push the chart to where the function looks for it at a mirror.
func (c chart) push(_ context.Context, p packed, to *compose.Mirror) error {
	repository, plain := to.Rewrite(c.Repository)
	helm, err := client(plain)
	if err != nil {
		return err
	}
	ref := strings.TrimPrefix(repository, registry.OCIScheme+"://") + "/" + c.Name + ":" + p.chart.Metadata.Version
	_, err = helm.Push(p.content, ref)
	return errors.Wrapf(err, "cannot push the chart to %s", ref)
}

// copyImage with all its platforms, below its own host and path.
func copyImage(ctx context.Context, image string, to *compose.Mirror) error {
	src, err := name.ParseReference(image)
	if err != nil {
		return errors.Wrap(err, "cannot read the image's name")
	}
	dst, err := mirrored(src, to)
	if err != nil {
		return err
	}
	opts := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	img, err := remote.Get(src, opts...)
	if err != nil {
		return errors.Wrap(err, "cannot get the image")
	}
	pusher, err := remote.NewPusher(opts...)
	if err != nil {
		return errors.Wrap(err, "cannot push images")
	}
	return errors.Wrapf(pusher.Push(ctx, dst, img), "cannot push the image to %s", dst)
}

// mirrored is the name of an image at a mirror. Docker Hub is called docker.io
// there, as container engines call it.
func mirrored(src name.Reference, to *compose.Mirror) (name.Reference, error) {
	host := src.Context().RegistryStr()
	if host == name.DefaultRegistry {
		host = "docker.io"
	}
	separator := ":"
	if strings.Contains(src.Identifier(), ":") {
		separator = "@"
	}
	var opts []name.Option
	if to.PlainHTTP {
		opts = append(opts, name.Insecure)
	}
	// A host with a port is no path.
	full := to.Prefix + "/" + strings.ReplaceAll(host, ":", "-") + "/" + src.Context().RepositoryStr() + separator + src.Identifier()
	dst, err := name.ParseReference(full, opts...)
	return dst, errors.Wrapf(err, "cannot name %s at the mirror", src)
}
