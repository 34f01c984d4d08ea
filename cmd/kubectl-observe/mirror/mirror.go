// SPDX-License-Identifier: Apache-2.0

// Package mirror lists every chart and image that claims need, and copies them
// to a registry: for networks that reach nothing else.
package mirror

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Options say what is listed, and where to it is copied.
type Options struct {
	// Claims to look at.
	Claims []*unstructured.Unstructured
	// Configuration is the metadata of our package. If it is set, the packages
	// that it depends on and itself are listed too.
	Configuration []byte
	// NoImages leaves images alone.
	NoImages bool
	// From is the URL of a mirror that charts are taken from.
	From string
	// To is the URL of the registry that everything is copied to.
	To string
}

// Run lists what claims need, and copies it if there is a registry to copy to.
func Run(ctx context.Context, w io.Writer, o Options) error {
	from, err := compose.ParseMirror(o.From)
	if err != nil {
		return errors.Wrap(err, "cannot read --from")
	}
	to, err := compose.ParseMirror(o.To)
	if err != nil {
		return errors.Wrap(err, "cannot read --to")
	}
	found, err := find(o.Claims)
	if err != nil {
		return err
	}
	if o.Configuration != nil {
		if found.packages, err = packages(o.Configuration); err != nil {
			return err
		}
	}
	return run(ctx, w, found, from, to, !o.NoImages)
}

// run lists what is needed, and copies it to a mirror if there is one. What
// cannot be had does not keep the rest from being copied.
func run(ctx context.Context, w io.Writer, found needs, from, to *compose.Mirror, withImages bool) error {
	var failed error
	say := func(what, name string, err error) {
		if err == nil {
			_, _ = fmt.Fprintln(w, what, name)
			return
		}
		_, _ = fmt.Fprintln(w, what, name, "FAILED")
		failed = errors.Join(failed, errors.Wrapf(err, "%s %s", what, name))
	}
	var images []string
	if withImages {
		images = found.images
	}
	for _, d := range found.packages {
		more, err := d.images(ctx)
		images = append(images, more...)
		say("package", d.String(), err)
	}
	for _, ch := range found.charts {
		packed, err := ch.fetch(ctx, from)
		if err == nil && withImages {
			var more []string
			if more, err = ch.images(packed); err == nil {
				images = append(images, more...)
			}
		}
		if err == nil && to != nil {
			err = ch.push(ctx, packed, to)
		}
		say("chart", ch.String(), err)
	}
	slices.Sort(images)
	for _, img := range slices.Compact(images) {
		var err error
		if to != nil {
			err = copyImage(ctx, img, to)
		}
		say("image", img, err)
	}
	for _, url := range found.git {
		say("git", url, nil)
	}
	return failed
}

// Profile returns a claim for all that a profile brings by itself.
func Profile(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.APIVersion, "kind": "ObservabilityPlatform",
		"metadata": map[string]any{"name": "mirror", "namespace": "default"},
		"spec": map[string]any{
			"cluster": map[string]any{"provider": "Existing", "existing": map[string]any{"kubeconfigSecretRef": map[string]any{"name": "any"}}},
			"stack":   map[string]any{"profile": name},
		},
	}}
}
