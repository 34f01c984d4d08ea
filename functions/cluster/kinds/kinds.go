// SPDX-License-Identifier: Apache-2.0

// Package kinds is what is known of the managed resources that clusters are made
// of: what their providers report, and how the clouds behind them behave. Every
// provider's folder says it in its kinds.yaml. Simulations and tests read it there.
package kinds

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// A Table is what files say together.
type Table struct {
	// Packages of Crossplane providers, by the last part of their repository, with
	// the API group of their managed resources.
	Packages map[string]string `json:"packages,omitempty"`

	// Kinds of managed resources, by kind and API group: VPC.ec2.aws.m.upbound.io.
	Kinds map[string]Kind `json:"kinds"`
}

// A Kind of managed resource.
type Kind struct {
	// Report is what its provider reports in status.atProvider, as far as composers
	// and simulations read it. Expand explains what is in ${}.
	Report map[string]any `json:"report,omitempty"`

	// Create and Remove are how long the external resource takes in a simulated
	// cloud, scaled down from minutes to seconds.
	Create metav1.Duration `json:"create,omitzero"`
	Remove metav1.Duration `json:"remove,omitzero"`

	// Kubeconfig says that its connection Secret holds one.
	Kubeconfig bool `json:"kubeconfig,omitempty"`

	// Named says that the cloud chooses the name of the external resource.
	Named bool `json:"named,omitempty"`

	// NotExternal says that nothing in the cloud stands for it.
	NotExternal bool `json:"notExternal,omitempty"`

	// Awaits says that its references are waited for and not resolved.
	Awaits bool `json:"awaits,omitempty"`

	// Opaque says that nothing in it refers to anything.
	Opaque bool `json:"opaque,omitempty"`

	// Careless says that the cloud deletes it while something needs it. That breaks
	// what needs it.
	Careless bool `json:"careless,omitempty"`

	// NeededBy are kinds that need it without referring to it, in the same cluster.
	NeededBy []string `json:"neededBy,omitempty"`

	// DiesWith are the kinds with which the cloud deletes it. Only those in Blocks
	// have to wait for it.
	DiesWith []string `json:"diesWith,omitempty"`
	Blocks   []string `json:"blocks,omitempty"`
}

// Read all files kinds.yaml that are one folder below the root.
func Read(files fs.FS) (Table, error) {
	t := Table{Packages: map[string]string{}, Kinds: map[string]Kind{}}
	names, err := fs.Glob(files, path.Join("*", "kinds.yaml"))
	if err != nil {
		return t, fmt.Errorf("cannot find the kinds of providers: %w", err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return t, fmt.Errorf("cannot read %s: %w", name, err)
		}
		asJSON, err := yaml.YAMLToJSONStrict(raw)
		if err != nil {
			return t, fmt.Errorf("cannot read %s: %w", name, err)
		}
		one := Table{}
		// This codec keeps whole numbers whole.
		strict, err := json.UnmarshalStrict(asJSON, &one)
		if err == nil && len(strict) > 0 {
			err = strict[0]
		}
		if err != nil {
			return t, fmt.Errorf("cannot read %s: %w", name, err)
		}
		maps.Copy(t.Packages, one.Packages)
		maps.Copy(t.Kinds, one.Kinds)
	}
	return t, nil
}

// Name of a kind in a Table.
func Name(gk schema.GroupKind) string { return gk.Kind + "." + gk.Group }

// Of finds a kind. One that no file names reports nothing.
func (t Table) Of(o *unstructured.Unstructured) Kind {
	return t.Kinds[Name(o.GroupVersionKind().GroupKind())]
}

// In are the kinds of an API group, sorted.
func (t Table) In(group string) []string {
	var out []string
	for name := range t.Kinds {
		if kind, g, _ := strings.Cut(name, "."); g == group {
			out = append(out, kind)
		}
	}
	slices.Sort(out)
	return out
}

// A Scene is what there is when a provider reports.
type Scene struct {
	// Server is the URL of the cluster's API server.
	Server string

	// ID of the external resource: 16 hexadecimal digits or more.
	ID string

	// Find an object of the same namespace by its name; nil when there is none.
	Find func(name string) *unstructured.Unstructured
}

// Reported is what the provider of an object reports of it; nil when it reports
// nothing that matters.
func (k Kind) Reported(o *unstructured.Unstructured, s Scene) map[string]any {
	if k.Report == nil {
		return nil
	}
	out := make(map[string]any, len(k.Report))
	for field, v := range k.Report {
		if text, ok := v.(string); ok {
			v = s.Expand(text, o)
		}
		out[field] = v
	}
	return out
}

// Expand replaces what is in ${} by what it names:
//
//	name           of the object
//	external       name: that of the external resource
//	id, uuid       of the external resource
//	server, host   the API server's URL, and the part behind https://
//	spec.a.b       a field of the object; status.a.b likewise
//	ref>status.a   a field of the object that spec.forProvider.ref names
//
// Of alternatives, divided by |, it takes the first that is not empty.
func (s Scene) Expand(text string, o *unstructured.Unstructured) string {
	return os.Expand(text, func(alternatives string) string {
		for name := range strings.SplitSeq(alternatives, "|") {
			if v := s.value(name, o); v != "" {
				return v
			}
		}
		return ""
	})
}

func (s Scene) value(name string, o *unstructured.Unstructured) string {
	switch name {
	case "name":
		return o.GetName()
	case "external":
		return ExternalName(o)
	case "id":
		return s.ID
	case "uuid":
		return "01234567-89ab-cdef-0123-" + s.ID[4:16]
	case "server":
		return s.Server
	case "host":
		return strings.TrimPrefix(s.Server, "https://")
	}
	if ref, field, ok := strings.Cut(name, ">"); ok {
		to, _, _ := unstructured.NestedString(o.Object, "spec", "forProvider", ref, "name")
		if o, name = s.Find(to), field; o == nil {
			return ""
		}
	}
	v, _, _ := unstructured.NestedString(o.Object, strings.Split(name, ".")...)
	return v
}

// ExternalName is the name in the cloud, which for most kinds is that of the
// object.
func ExternalName(o *unstructured.Unstructured) string {
	if n := o.GetAnnotations()["crossplane.io/external-name"]; n != "" {
		return n
	}
	return o.GetName()
}
