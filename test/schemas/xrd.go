// SPDX-License-Identifier: Apache-2.0

// Package schemas proves rendered objects against the schemas of those who will
// read them: the CustomResourceDefinitions of Crossplane and its providers, our
// own CompositeResourceDefinitions, the types of Kubernetes itself, and the
// values of the charts that are installed.
package schemas

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
)

// Env names the environment variable that says where the CRDs of the providers
// and the values of the charts are kept.
const Env = "OBSERVE_K8S_SCHEMAS"

// A Set of schemas is what the command line judges claims with.
type Set = validate.Set

// Accept judges a CRD as an API server does before it stores one: the schema's
// structure, its defaults, the rules' types, and what the rules may cost at the
// most.
func Accept(ctx context.Context, crd *extv1.CustomResourceDefinition) error {
	c := crd.DeepCopy()
	extv1.SetDefaults_CustomResourceDefinition(c)
	extv1.SetDefaults_CustomResourceDefinitionSpec(&c.Spec)
	for _, v := range c.Spec.Versions {
		if v.Storage {
			c.Status.StoredVersions = []string{v.Name}
		}
	}
	internal := &apiextensions.CustomResourceDefinition{}
	if err := extv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(c, internal, nil); err != nil {
		return errors.Wrapf(err, "cannot convert %s", c.Name)
	}
	list := crdvalidation.ValidateCustomResourceDefinition(ctx, internal)
	if len(list) == 0 {
		return nil
	}
	return errors.Wrapf(list.ToAggregate(), "an API server refuses %s", c.Name)
}
