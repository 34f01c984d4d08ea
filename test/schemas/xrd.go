// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"context"
	"os"
	"path/filepath"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/xcrd"
	xrdv1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Definitions returns the files of the CompositeResourceDefinitions below the
// root of the project, sorted.
func Definitions(root string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(root, "apis", "*", "definition.yaml"))
	if err != nil {
		return nil, errors.Wrap(err, "cannot look for definitions")
	}
	if len(files) == 0 {
		return nil, errors.Errorf("no definition below %s", root)
	}
	return files, nil
}

// AddDefinitions adds the kinds that the project defines, as Crossplane will
// define them.
func (s *Set) AddDefinitions(root string) error {
	files, err := Definitions(root)
	if err != nil {
		return err
	}
	for _, f := range files {
		crd, err := FromDefinition(f)
		if err != nil {
			return err
		}
		if err := s.Add(crd); err != nil {
			return errors.Wrapf(err, "cannot use %s", f)
		}
	}
	return nil
}

// FromDefinition reads a CompositeResourceDefinition and returns the CRD that
// Crossplane makes of it, by Crossplane's own code.
func FromDefinition(file string) (*extv1.CustomResourceDefinition, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, errors.Wrap(err, "cannot read a definition")
	}
	// An owner has a UID; only the cluster that it lives on gives one.
	xrd := &xrdv1.CompositeResourceDefinition{ObjectMeta: metav1.ObjectMeta{UID: "0"}}
	if err := yaml.Unmarshal(b, xrd); err != nil {
		return nil, errors.Wrapf(err, "cannot parse %s", file)
	}
	crd, err := xcrd.ForCompositeResource(xrd)
	return crd, errors.Wrapf(err, "cannot derive a CRD from %s", file)
}

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
