// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-tools/pkg/crd"
	crdmarkers "sigs.k8s.io/controller-tools/pkg/crd/markers"
	"sigs.k8s.io/controller-tools/pkg/markers"
)

// definitions is the generator of definitions with the project's own marker.
type definitions struct{ crd.Generator }

// RegisterMarkers that the generator knows.
func (d definitions) RegisterMarkers(into *markers.Registry) error {
	if err := d.Generator.RegisterMarkers(into); err != nil {
		return errors.Wrap(err, "cannot register the markers of the generator")
	}
	def, err := markers.MakeDefinition("observe-k8s:itemsExactlyOneOf", markers.DescribesField, itemsExactlyOneOf{})
	if err != nil {
		return errors.Wrap(err, "cannot define a marker")
	}
	return errors.Wrap(into.Register(def), "cannot register a marker")
}

// itemsExactlyOneOf says that each element of a list has exactly one of these
// fields. It becomes a oneOf of the schema: a rule in CEL costs a budget that
// lists in lists exceed.
type itemsExactlyOneOf []string

// ApplyToSchema of the list.
func (fields itemsExactlyOneOf) ApplyToSchema(_ *crdmarkers.SchemaContext, list *extv1.JSONSchemaProps) error {
	if list.Items == nil || list.Items.Schema == nil {
		return errors.New("itemsExactlyOneOf is for lists")
	}
	for _, f := range fields {
		list.Items.Schema.OneOf = append(list.Items.Schema.OneOf, extv1.JSONSchemaProps{Required: []string{f}})
	}
	return nil
}
