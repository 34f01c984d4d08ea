// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/xcrd"
	xrdv1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1"
	"github.com/observe-k8s/observe-k8s/apis"
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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// unknown is the message for a field that the schema does not know.
const unknown = "unknown field"

type gvk = schema.GroupVersionKind

// A Set of schemas judges objects as an API server does, with the API server's
// own code, and is stricter in one point: a field that the schema does not know
// is an error, not dropped. Schemas are read when the first object of their group
// is judged: the clouds' CRDs are many and large, and rules take time to compile.
type Set struct {
	files map[string][]string                     // CRD files by API group
	crds  map[gvk]*extv1.CustomResourceDefinition // CRDs that were added
	kinds map[gvk]*kindSchema
}

// A kindSchema is everything that judges objects of one kind and version.
type kindSchema struct {
	namespaced bool
	structural *structural.Structural
	validator  validation.SchemaValidator
	cel        *cel.Validator
}

// Load returns a Set with the kinds of this project and the CRDs in folders and
// their sub-folders. Files must be named <group>_<plural>.yaml, as generators name
// them, or <plural>.<group>.yaml, as clusters name CRDs. Of two CRDs of one kind the
// later one is taken.
func Load(folders ...string) (*Set, error) {
	s := &Set{files: map[string][]string{}, crds: map[gvk]*extv1.CustomResourceDefinition{}, kinds: map[gvk]*kindSchema{}}
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
	crds, err := Definitions()
	if err != nil {
		return nil, err
	}
	for _, crd := range crds {
		s.Add(crd)
	}
	return s, nil
}

// Definitions returns the CRDs that Crossplane makes of the definitions of this
// project, by Crossplane's own code.
func Definitions() ([]*extv1.CustomResourceDefinition, error) {
	raws, err := apis.Definitions()
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the definitions")
	}
	crds := make([]*extv1.CustomResourceDefinition, 0, len(raws))
	for _, raw := range raws {
		// An owner has a UID; only the cluster that it lives on gives one.
		xrd := &xrdv1.CompositeResourceDefinition{ObjectMeta: metav1.ObjectMeta{UID: "0"}}
		if err := yaml.Unmarshal(raw, xrd); err != nil {
			return nil, errors.Wrap(err, "cannot parse a definition")
		}
		crd, err := xcrd.ForCompositeResource(xrd)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot derive a CRD from %s", xrd.Name)
		}
		crds = append(crds, crd)
	}
	return crds, nil
}

// Add a CRD to the Set.
func (s *Set) Add(crd *extv1.CustomResourceDefinition) {
	for _, v := range crd.Spec.Versions {
		s.crds[gvk{Group: crd.Spec.Group, Version: v.Name, Kind: crd.Spec.Names.Kind}] = crd
	}
}

// compile what judges objects of one version of a CRD.
func compile(crd *extv1.CustomResourceDefinition, version string) (*kindSchema, error) {
	i := slices.IndexFunc(crd.Spec.Versions, func(v extv1.CustomResourceDefinitionVersion) bool { return v.Name == version })
	if v := crd.Spec.Versions[i]; v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
		return nil, errors.Errorf("%s %s has no schema", crd.Name, version)
	}
	props := &apiextensions.JSONSchemaProps{}
	if err := extv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[i].Schema.OpenAPIV3Schema, props, nil); err != nil {
		return nil, errors.Wrapf(err, "cannot convert the schema of %s %s", crd.Name, version)
	}
	ss, err := structural.NewStructural(props)
	if err != nil {
		return nil, errors.Wrapf(err, "the schema of %s %s is not structural", crd.Name, version)
	}
	sv, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, errors.Wrapf(err, "cannot use the schema of %s %s", crd.Name, version)
	}
	return &kindSchema{
		namespaced: crd.Spec.Scope == extv1.NamespaceScoped,
		structural: ss,
		validator:  sv,
		cel:        cel.NewValidator(ss, true, celconfig.PerCallLimit),
	}, nil
}

// Validate what would be created, and everything that is wrapped in it. Every
// complaint names the object and the field.
func (s *Set) Validate(ctx context.Context, obj map[string]any) []error {
	return s.ValidateUpdate(ctx, obj, nil)
}

// ValidateUpdate judges an object that would replace old, so that rules about
// what may change are evaluated too. A nil old is a creation.
func (s *Set) ValidateUpdate(ctx context.Context, obj, old map[string]any) []error {
	problems, err := s.problems(ctx, obj, old)
	if err != nil {
		return []error{err}
	}
	errs := make([]error, 0, len(problems))
	for _, p := range problems {
		errs = append(errs, errors.New(p.String()))
	}
	return errs
}

// problems of an object, and of everything that is wrapped in it. An error means
// that the object cannot be judged.
func (s *Set) problems(ctx context.Context, obj, old map[string]any) ([]Problem, error) {
	u := &unstructured.Unstructured{Object: obj}
	problems, err := s.validate(ctx, u, old)
	if err != nil {
		return nil, errors.Wrap(err, name(u))
	}
	for i := range problems {
		problems[i].Object = name(u)
	}

	// What provider-kubernetes is to create is judged like everything else.
	manifest, ok, _ := unstructured.NestedMap(obj, "spec", "forProvider", "manifest")
	if !ok || u.GetKind() != "Object" {
		return problems, nil
	}
	wrapped, err := s.problems(ctx, manifest, nil)
	for _, p := range wrapped {
		problems = append(problems, Problem{Object: name(u), Path: "spec.forProvider.manifest", Message: p.String(), Hint: p.Hint})
	}
	return problems, errors.Wrapf(err, "%s: spec.forProvider.manifest", name(u))
}

// name of an object as people write it.
func name(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return u.GetKind() + " " + u.GetName()
	}
	return u.GetKind() + " " + u.GetNamespace() + "/" + u.GetName()
}

func (s *Set) validate(ctx context.Context, u *unstructured.Unstructured, old map[string]any) ([]Problem, error) {
	id := u.GroupVersionKind()
	if scheme.Scheme.Recognizes(id) {
		return builtin(u), nil
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

	h := hinter{kind: id.Kind, schema: k.structural, object: u.Object}
	var problems []Problem
	opts := structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(obj, k.structural, true, opts) {
		problems = append(problems, Problem{Path: path, Message: unknown, Hint: h.unknown(path)})
	}
	var list field.ErrorList
	coerceErr, dropped := objectmeta.CoerceWithOptions(nil, obj, k.structural, true, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if coerceErr != nil {
		list = append(list, coerceErr)
	}
	for _, path := range dropped {
		problems = append(problems, Problem{Path: path, Message: unknown, Hint: near(path[strings.LastIndex(path, ".")+1:], metadataFields())})
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

	// As the API server does: rules are evaluated unless something keeps them from
	// being evaluated.
	if k.cel != nil && !slices.ContainsFunc(list, blocks) {
		var oldObj any
		if old != nil {
			oldObj = old
		}
		ruleErrs, _ := k.cel.Validate(ctx, nil, k.structural, obj, oldObj, celconfig.RuntimeCELCostBudget)
		list = append(list, ruleErrs...)
	}
	for _, e := range list {
		problems = append(problems, Problem{Path: e.Field, Message: message(e), Hint: h.hint(e), rule: !blocks(e)})
		if e.Type == field.ErrorTypeTypeInvalid {
			// It has no fields that could be known.
			problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.Message == unknown && strings.HasPrefix(p.Path, e.Field+".") })
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return problems, nil
}

// blocks returns whether the API server evaluates no rules because of an error.
func blocks(e *field.Error) bool {
	switch e.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	}
	return false
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
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, errors.Wrap(err, "cannot read a CRD")
		}
		crd := &extv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(raw, crd); err != nil {
			return nil, errors.Wrapf(err, "cannot parse %s", path)
		}
		s.Add(crd)
	}
	crd, ok := s.crds[id]
	if !ok {
		return nil, errors.Errorf("no schema of %s", id)
	}
	k, err := compile(crd, id.Version)
	if err != nil {
		return nil, err
	}
	s.kinds[id] = k
	return k, nil
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
// unknown and repeated fields and wrong types are problems.
func builtin(u *unstructured.Unstructured) []Problem {
	const misfit = "does not fit Kubernetes' own type: "
	b, err := u.MarshalJSON()
	if err != nil {
		return []Problem{{Message: misfit + err.Error()}}
	}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Strict: true})
	obj, err := runtime.Decode(strict, b)
	if err != nil {
		return []Problem{{Message: misfit + err.Error()}}
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return []Problem{{Message: misfit + err.Error()}}
	}
	o := &unstructured.Unstructured{Object: content}
	valid := apivalidation.NameIsDNSSubdomain
	if o.GetKind() == "Namespace" {
		valid = apivalidation.ValidateNamespaceName
	}
	var problems []Problem
	for _, e := range apivalidation.ValidateObjectMetaAccessor(o, o.GetNamespace() != "", valid, field.NewPath("metadata")) {
		problems = append(problems, Problem{Path: e.Field, Message: message(e)})
	}
	return problems
}
