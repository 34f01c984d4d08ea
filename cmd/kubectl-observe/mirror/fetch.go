// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/charts"
	"github.com/observe-k8s/observe-k8s/controlplane/oci"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"
)

// packed is a chart as Helm packs it.
type packed struct {
	content []byte
	chart   *helmchart.Chart
}

// fetch a chart, from its repository or from a mirror of it.
func (c chart) fetch(ctx context.Context, from *compose.Mirror) (packed, error) {
	repository, plain := from.Rewrite(c.Repository)
	content, err := charts.Fetch(ctx, repository, c.Name, c.Version, plain)
	if err != nil {
		return packed{}, errors.Wrapf(err, "cannot get the chart from %s", repository)
	}
	ch, err := loader.LoadArchive(bytes.NewReader(content))
	return packed{content: content, chart: ch}, errors.Wrap(err, "cannot read the chart")
}

// images of a chart with the values that it is installed with.
func (c chart) images(p packed) ([]string, error) {
	// What charts ask of a cluster: those that it has with the stack on it.
	files, err := charts.Render(p.chart, c.Name, c.Name, c.values, "monitoring.coreos.com/v1", "cert-manager.io/v1", "gateway.networking.k8s.io/v1", "policy/v1")
	if err != nil {
		return nil, err
	}
	var out []string
	for file, text := range files {
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
func (c chart) push(ctx context.Context, p packed, to *compose.Mirror) error {
	repository, plain := to.Rewrite(c.Repository)
	ref, err := charts.Reference(repository, c.Name, p.chart.Metadata.Version, plain)
	if err != nil {
		return err
	}
	metadata := map[string]any{}
	b, err := json.Marshal(p.chart.Metadata)
	if err == nil {
		err = json.Unmarshal(b, &metadata)
	}
	if err != nil {
		return errors.Wrap(err, "cannot read the chart's metadata")
	}
	img, err := oci.Chart(metadata, p.content)
	if err != nil {
		return err
	}
	return errors.Wrapf(remote.Write(ref, img, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)), "cannot push the chart to %s", ref)
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
