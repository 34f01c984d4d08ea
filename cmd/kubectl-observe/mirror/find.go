// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/component"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// needs of claims.
type needs struct {
	charts []chart
	// packages of Crossplane.
	packages []dependency
	// images that objects name, besides those of charts.
	images []string
	// git are repositories that something is deployed from. A mirror of charts
	// cannot hold them.
	git []string
}

// A chart, with the values that it is installed with.
type chart struct {
	Repository, Name, Version string
	values                    map[string]any
}

// String is what a person looks for.
func (c chart) String() string {
	return strings.TrimSuffix(c.Repository, "/") + "/" + c.Name + " " + c.Version
}

// find what claims need, by simulating what becomes of them: it is exactly what
// the function composes.
func find(claims []*unstructured.Unstructured) (needs, error) {
	out := needs{}
	s, err := simulate.New(compose.Settings{}, claims...)
	if err != nil {
		return out, errors.Wrap(err, "cannot simulate the claims")
	}
	if _, err := s.Converge(); err != nil {
		return out, errors.Wrap(err, "cannot simulate the claims")
	}
	for _, o := range append(s.Composed(), claims...) {
		spec, _, _ := unstructured.NestedMap(o.Object, "spec")
		if o.GetAPIVersion() == v1alpha1.APIVersion && o.GetKind() == "Component" {
			source, _, _ := unstructured.NestedMap(spec, "source")
			out.add(source, spec)
		}
	}
	slices.SortFunc(out.charts, func(a, b chart) int { return strings.Compare(a.key(), b.key()) })
	out.charts = slices.CompactFunc(out.charts, func(a, b chart) bool { return a.key() == b.key() })
	slices.Sort(out.git)
	out.git = slices.Compact(out.git)
	return out, nil
}

// key of a chart with its values.
func (c chart) key() string {
	values, err := json.Marshal(c.values)
	return c.String() + string(values) + errorText(err)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// add a Component's source, with the values for it.
func (n *needs) add(source, spec map[string]any) {
	values, _, _ := unstructured.NestedMap(spec, "values")
	if c, ok, _ := unstructured.NestedMap(source, "chart"); ok {
		text := func(key string) string { s, _ := c[key].(string); return s }
		n.charts = append(n.charts, chart{Repository: text("repository"), Name: text("name"), Version: cmp.Or(text("version"), text("digest")), values: values})
	}
	if objects, ok, _ := unstructured.NestedSlice(source, "manifests"); ok {
		carrier := component.ManifestsChart()
		n.images = append(n.images, imagesIn(objects)...)
		n.charts = append(n.charts, chart{Repository: carrier.Repository, Name: carrier.Name, Version: carrier.Version})
	}
	if url, ok, _ := unstructured.NestedString(source, "git", "url"); ok {
		n.git = append(n.git, url)
	}
}

// imagesIn an object: fields named image, and what arguments and variables name
// with a host and a tag.
func imagesIn(v any) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		// Descriptions of kinds show examples.
		if v["kind"] == "CustomResourceDefinition" {
			return nil
		}
		for key, field := range v {
			if s, ok := field.(string); ok && key == "image" && s != "" {
				out = append(out, s)
				continue
			}
			out = append(out, imagesIn(field)...)
		}
	case []any:
		for _, item := range v {
			out = append(out, imagesIn(item)...)
		}
	case string:
		if m := named().FindStringSubmatch(v); m != nil {
			out = append(out, m[1])
		}
	}
	return out
}

// named finds an image with its host and its tag or digest in an argument such as
// --image=quay.io/a/b:v1.
func named() *regexp.Regexp {
	return regexp.MustCompile(`^(?:--?[-a-zA-Z0-9]+=)?((?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?/[a-z0-9][-a-z0-9._/]*(?::[A-Za-z0-9_][-A-Za-z0-9_.]*)?(?:@sha256:[a-f0-9]{64})?)$`)
}
