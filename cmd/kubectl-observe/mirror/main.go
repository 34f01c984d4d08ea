// SPDX-License-Identifier: Apache-2.0

// Command mirror lists every chart and image that claims need, and copies them
// to a registry: for networks that reach nothing else.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// CLI of mirror.
type CLI struct {
	Claims []string `arg:"" optional:"" help:"Files with claims." type:"existingfile"`

	NoImages bool   `help:"Leave images alone, for example because nodes reach them through a proxy."`
	Packages string `help:"Also the packages that this configuration depends on, and itself." placeholder:"crossplane.yaml" type:"existingfile"`
	Profile  string `help:"Instead of claims: all that this profile brings by itself." enum:"Minimal,Standard,Full," default:""`
	From     string `help:"Take charts from a mirror that is there already: https://HOST[/PATH], or http:// for one without TLS." placeholder:"URL"`
	To       string `help:"Copy everything to this registry: https://HOST[/PATH], or http:// for one without TLS." placeholder:"URL"`
}

// Run lists, and copies where it was asked to.
func (c *CLI) Run(ctx context.Context) error {
	claims, err := c.read()
	if err != nil {
		return err
	}
	from, err := compose.ParseMirror(c.From)
	if err != nil {
		return errors.Wrap(err, "--from")
	}
	to, err := compose.ParseMirror(c.To)
	if err != nil {
		return errors.Wrap(err, "--to")
	}
	found, err := find(claims)
	if err != nil {
		return err
	}
	if c.Packages != "" {
		if found.packages, err = packages(c.Packages); err != nil {
			return err
		}
	}
	return run(ctx, os.Stdout, found, from, to, !c.NoImages)
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

// read the claims, or make one of the profile.
func (c *CLI) read() ([]*unstructured.Unstructured, error) {
	switch {
	case c.Profile == "" && len(c.Claims) == 0 && c.Packages != "":
		return nil, nil
	case (c.Profile == "") == (len(c.Claims) == 0):
		return nil, errors.New("name files with claims, or a profile")
	}
	if c.Profile != "" {
		return []*unstructured.Unstructured{profile(c.Profile)}, nil
	}
	var out []*unstructured.Unstructured
	for _, file := range c.Claims {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, errors.Wrap(err, "cannot read claims")
		}
		claims, err := simulate.Read(b)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot read %s", file)
		}
		out = append(out, claims...)
	}
	return out, nil
}

// profile is a claim for a profile, with the deployers beside Helm that deploy.
func profile(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.APIVersion, "kind": "ObservabilityPlatform",
		"metadata": map[string]any{"name": "mirror", "namespace": "default"},
		"spec": map[string]any{
			"cluster": map[string]any{"provider": "Existing", "existing": map[string]any{"kubeconfigSecretRef": map[string]any{"name": "any"}}},
			"stack":   map[string]any{"profile": name},
		},
	}}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k := kong.Parse(&CLI{}, kong.Name("mirror"), kong.Description("List every chart and image that claims need, and copy them to a registry."), kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run())
}
