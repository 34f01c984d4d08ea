// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// An XRD is a CompositeResourceDefinition: the part of it that this project
// sets. Crossplane's own type would write an empty status too.
type XRD struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Metadata   XRDMetadata `json:"metadata"`
	Spec       XRDSpec     `json:"spec"`
}

// XRDMetadata names an XRD.
type XRDMetadata struct {
	Name string `json:"name"`
}

// XRDSpec defines a kind of composite resource.
type XRDSpec struct {
	DefaultCompositionRef XRDMetadata                         `json:"defaultCompositionRef"`
	Group                 string                              `json:"group"`
	Names                 extv1.CustomResourceDefinitionNames `json:"names"`
	Scope                 extv1.ResourceScope                 `json:"scope"`
	Versions              []XRDVersion                        `json:"versions"`
}

// An XRDVersion is one version of a kind of composite resource.
type XRDVersion struct {
	AdditionalPrinterColumns []extv1.CustomResourceColumnDefinition `json:"additionalPrinterColumns,omitempty"`
	Name                     string                                 `json:"name"`
	Referenceable            bool                                   `json:"referenceable"`
	Schema                   XRDSchema                              `json:"schema"`
	Served                   bool                                   `json:"served"`
}

// An XRDSchema is the schema of one version.
type XRDSchema struct {
	OpenAPIV3Schema extv1.JSONSchemaProps `json:"openAPIV3Schema"`
}

// FromCRD derives a CompositeResourceDefinition. What Crossplane adds by itself
// is left out, and what it would drop is refused: a rule that is silently gone
// is worse than none.
func FromCRD(c *extv1.CustomResourceDefinition) (*XRD, error) {
	if c.Spec.Scope != extv1.NamespaceScoped {
		return nil, errors.Errorf("%s: every kind must be namespaced", c.Spec.Names.Kind)
	}
	names := c.Spec.Names
	names.ListKind = ""

	xrd := &XRD{
		APIVersion: "apiextensions.crossplane.io/v2",
		Kind:       "CompositeResourceDefinition",
		Metadata:   XRDMetadata{Name: c.Name},
		Spec: XRDSpec{
			DefaultCompositionRef: XRDMetadata{Name: c.Name},
			Group:                 c.Spec.Group,
			Names:                 names,
			Scope:                 c.Spec.Scope,
		},
	}
	for _, v := range c.Spec.Versions {
		if v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
			return nil, errors.Errorf("%s %s: no schema", c.Spec.Names.Kind, v.Name)
		}
		s, err := schema(*v.Schema.OpenAPIV3Schema)
		if err != nil {
			return nil, errors.Wrapf(err, "%s %s", c.Spec.Names.Kind, v.Name)
		}
		xrd.Spec.Versions = append(xrd.Spec.Versions, XRDVersion{
			AdditionalPrinterColumns: v.AdditionalPrinterColumns,
			Name:                     v.Name,
			Referenceable:            v.Storage,
			Schema:                   XRDSchema{OpenAPIV3Schema: s},
			Served:                   v.Served,
		})
	}
	return xrd, nil
}

// schema keeps what a CompositeResourceDefinition may say of the root of an
// object: its description, its rules, and the properties spec and status.
func schema(s extv1.JSONSchemaProps) (extv1.JSONSchemaProps, error) {
	spec, ok := s.Properties["spec"]
	if !ok {
		return extv1.JSONSchemaProps{}, errors.New("no spec")
	}
	if err := droppedByCrossplane(s); err != nil {
		return extv1.JSONSchemaProps{}, err
	}
	if err := droppedByCrossplane(spec); err != nil {
		return extv1.JSONSchemaProps{}, errors.Wrap(err, "spec")
	}
	if spec.Default != nil {
		return extv1.JSONSchemaProps{}, errors.New("spec: Crossplane drops a default of the spec itself")
	}
	if _, ok := spec.Properties["crossplane"]; ok {
		return extv1.JSONSchemaProps{}, errors.New("spec.crossplane belongs to Crossplane")
	}

	status := s.Properties["status"]
	if err := droppedByCrossplane(status); err != nil {
		return extv1.JSONSchemaProps{}, errors.Wrap(err, "status")
	}
	if _, ok := status.Properties["crossplane"]; ok {
		return extv1.JSONSchemaProps{}, errors.New("status.crossplane belongs to Crossplane")
	}
	// Crossplane declares the conditions itself and owns them.
	delete(status.Properties, "conditions")

	return extv1.JSONSchemaProps{
		Type:         "object",
		Description:  s.Description,
		Required:     []string{"spec"},
		XValidations: s.XValidations,
		Properties: map[string]extv1.JSONSchemaProps{
			"spec":   spec,
			"status": status,
		},
	}, nil
}

// droppedByCrossplane refuses what Crossplane does not carry over from the root
// of a schema, from its spec and from its status.
func droppedByCrossplane(s extv1.JSONSchemaProps) error {
	s.Type, s.Description, s.Properties, s.Required = "", "", nil, nil
	s.XValidations, s.OneOf, s.Default = nil, nil, nil
	rest, err := json.Marshal(s)
	if err != nil {
		return errors.Wrap(err, "cannot read the schema")
	}
	if string(rest) == "{}" {
		return nil
	}
	return errors.Errorf("Crossplane does not carry over %s from the schema's upper levels", rest)
}
