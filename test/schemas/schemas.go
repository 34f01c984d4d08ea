// SPDX-License-Identifier: Apache-2.0

// Package schemas proves rendered objects against the schemas of those who will
// read them: the CustomResourceDefinitions of Crossplane and its providers, our
// own CompositeResourceDefinitions, the types of Kubernetes itself, and the
// values of the charts that are installed.
//
// It judges as an API server does, with the API server's own code, and stricter
// in one point: a field that the schema does not know is an error, not dropped.
package schemas

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// Env names the environment variable that says where the CRDs of the providers
// and the values of the charts are kept.
const Env = "OBSERVE_K8S_SCHEMAS"

type gvk = schema.GroupVersionKind

// A Set of schemas. Files are read when the first object of their API group is
// judged: the clouds' CRDs are many and large.
type Set struct {
	files map[string][]string // CRD files by API group
	kinds map[gvk]*kindSchema
}

// A kindSchema is everything that judges objects of one kind and version.
type kindSchema struct {
	namespaced bool
	structural *structural.Structural
	validator  validation.SchemaValidator
	cel        *cel.Validator
}

// Load the CRDs in folders and their sub-folders. Files must be named
// <group>_<plural>.yaml, as generators name them, or <plural>.<group>.yaml, as
// clusters name CRDs.
func Load(folders ...string) (*Set, error) {
	s := &Set{files: map[string][]string{}, kinds: map[gvk]*kindSchema{}}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			group, _, ok := strings.Cut(d.Name(), "_")
			if !ok {
				_, group, ok = strings.Cut(strings.TrimSuffix(d.Name(), ".yaml"), ".")
			}
			if ok && filepath.Ext(path) == ".yaml" {
				s.files[group] = append(s.files[group], path)
			}
			return nil
		})
		if err != nil {
			return nil, errors.Wrapf(err, "cannot read the CRDs in %s", folder)
		}
	}
	return s, nil
}

// Groups that the Set has files of, sorted.
func (s *Set) Groups() []string {
	groups := make([]string, 0, len(s.files))
	for g := range s.files {
		groups = append(groups, g)
	}
	slices.Sort(groups)
	return groups
}

// Add a CRD to the Set.
func (s *Set) Add(crd *extv1.CustomResourceDefinition) error {
	for _, v := range crd.Spec.Versions {
		if v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
			return errors.Errorf("%s %s has no schema", crd.Name, v.Name)
		}
		props := &apiextensions.JSONSchemaProps{}
		if err := extv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v.Schema.OpenAPIV3Schema, props, nil); err != nil {
			return errors.Wrapf(err, "cannot convert the schema of %s %s", crd.Name, v.Name)
		}
		ss, err := structural.NewStructural(props)
		if err != nil {
			return errors.Wrapf(err, "the schema of %s %s is not structural", crd.Name, v.Name)
		}
		sv, _, err := validation.NewSchemaValidator(props)
		if err != nil {
			return errors.Wrapf(err, "cannot use the schema of %s %s", crd.Name, v.Name)
		}
		id := gvk{Group: crd.Spec.Group, Version: v.Name, Kind: crd.Spec.Names.Kind}
		s.kinds[id] = &kindSchema{
			namespaced: crd.Spec.Scope == extv1.NamespaceScoped,
			structural: ss,
			validator:  sv,
			cel:        cel.NewValidator(ss, true, celconfig.PerCallLimit),
		}
	}
	return nil
}

// Validate what would be created, and everything that is wrapped in it. Every
// complaint names the object and the field.
func (s *Set) Validate(ctx context.Context, obj map[string]any) []error {
	return s.ValidateUpdate(ctx, obj, nil)
}

// ValidateUpdate judges an object that would replace old, so that rules about
// what may change are evaluated too. A nil old is a creation.
func (s *Set) ValidateUpdate(ctx context.Context, obj, old map[string]any) []error {
	u := &unstructured.Unstructured{Object: obj}
	id := name(u)

	list, err := s.validate(ctx, u, old)
	if err != nil {
		return []error{errors.Wrap(err, id)}
	}
	errs := make([]error, 0, len(list))
	for _, e := range list {
		errs = append(errs, errors.Wrap(e, id))
	}

	// What provider-kubernetes is to create is judged like everything else.
	manifest, ok, _ := unstructured.NestedMap(obj, "spec", "forProvider", "manifest")
	if !ok || u.GetKind() != "Object" {
		return errs
	}
	for _, e := range s.Validate(ctx, manifest) {
		errs = append(errs, errors.Wrapf(e, "%s: spec.forProvider.manifest", id))
	}
	return errs
}

// name of an object as people write it.
func name(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return u.GetKind() + " " + u.GetName()
	}
	return u.GetKind() + " " + u.GetNamespace() + "/" + u.GetName()
}

func (s *Set) validate(ctx context.Context, u *unstructured.Unstructured, old map[string]any) (field.ErrorList, error) {
	id := u.GroupVersionKind()
	if scheme.Scheme.Recognizes(id) {
		return nil, errors.Wrap(builtin(u), "does not fit Kubernetes' own type")
	}
	k, err := s.find(id)
	if err != nil {
		return nil, err
	}

	obj, err := decoded(u.Object)
	if err != nil {
		return nil, err
	}
	if old != nil {
		if old, err = decoded(old); err != nil {
			return nil, err
		}
		defaulting.PruneNonNullableNullsWithoutDefaults(old, k.structural)
		defaulting.Default(old, k.structural)
	}

	var list field.ErrorList
	opts := structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(obj, k.structural, true, opts) {
		list = append(list, field.Forbidden(fieldPath(path), "the schema has no such field"))
	}
	coerceErr, dropped := objectmeta.CoerceWithOptions(nil, obj, k.structural, true, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if coerceErr != nil {
		list = append(list, coerceErr)
	}
	for _, path := range dropped {
		list = append(list, field.Forbidden(fieldPath(path), "metadata has no such field"))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(obj, k.structural)
	defaulting.Default(obj, k.structural)

	list = append(list, apivalidation.ValidateObjectMetaAccessor(&unstructured.Unstructured{Object: obj}, k.namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	if old == nil {
		list = append(list, validation.ValidateCustomResource(nil, obj, k.validator)...)
	} else {
		list = append(list, validation.ValidateCustomResourceUpdate(nil, obj, old, k.validator)...)
	}
	list = append(list, listtype.ValidateListSetsAndMaps(nil, k.structural, obj)...)
	list = append(list, objectmeta.Validate(nil, obj, k.structural, true)...)

	// As the API server does: rules are evaluated on what is otherwise valid.
	if len(list) > 0 || k.cel == nil {
		return list, nil
	}
	var oldObj any
	if old != nil {
		oldObj = old
	}
	ruleErrs, _ := k.cel.Validate(ctx, nil, k.structural, obj, oldObj, celconfig.RuntimeCELCostBudget)
	return ruleErrs, nil
}

// Namespaced says whether objects of a kind live in namespaces. Of Kubernetes' own
// kinds it takes that for granted.
func (s *Set) Namespaced(id gvk) bool {
	k, err := s.find(id)
	return err != nil || k.namespaced
}

// find what judges a kind, reading the files of its group at the first time.
func (s *Set) find(id gvk) (*kindSchema, error) {
	if k, ok := s.kinds[id]; ok {
		return k, nil
	}
	files := s.files[id.Group]
	delete(s.files, id.Group)
	for _, path := range files {
		if err := s.addFile(path); err != nil {
			return nil, err
		}
	}
	if k, ok := s.kinds[id]; ok {
		return k, nil
	}
	return nil, errors.Errorf("no schema of %s", id)
}

func (s *Set) addFile(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return errors.Wrap(err, "cannot read a CRD")
	}
	return errors.Wrapf(s.addCRD(b), "cannot use %s", path)
}

func (s *Set) addCRD(content []byte) error {
	crd := &extv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(content, crd); err != nil {
		return errors.Wrap(err, "cannot parse the CRD")
	}
	return s.Add(crd)
}

// decoded is a copy of an object as an API server has it after decoding: whole
// numbers are int64, whatever Go type the object was made of. Judging changes
// the copy by filling in defaults.
func decoded(obj map[string]any) (map[string]any, error) {
	b, err := utiljson.Marshal(obj)
	if err != nil {
		return nil, errors.Wrap(err, "cannot write the object")
	}
	out := map[string]any{}
	if err := utiljson.Unmarshal(b, &out); err != nil {
		return nil, errors.Wrap(err, "cannot read the object")
	}
	return out, nil
}

// builtin judges an object of a kind that Kubernetes itself has a Go type for:
// unknown and repeated fields and wrong types are errors.
func builtin(u *unstructured.Unstructured) error {
	b, err := u.MarshalJSON()
	if err != nil {
		return errors.Wrap(err, "cannot write the object")
	}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Strict: true})
	obj, err := runtime.Decode(strict, b)
	if err != nil {
		return errors.Wrap(err, "cannot decode")
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return errors.Wrap(err, "cannot read the metadata")
	}
	o := &unstructured.Unstructured{Object: content}
	list := apivalidation.ValidateObjectMetaAccessor(o, o.GetNamespace() != "", apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	if len(list) == 0 {
		return nil
	}
	return list.ToAggregate()
}

// fieldPath of a dotted path, as it stands: it is only for people to read.
func fieldPath(path string) *field.Path { return field.NewPath(path) }
