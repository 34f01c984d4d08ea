// SPDX-License-Identifier: Apache-2.0

// Package validate says what is wrong with claims, first as an API server would,
// then as the composers would, and what would be right.
package validate

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/composers"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// Converge runs a simulation to its end.
const Converge = -1

// ErrNoClaim is returned for objects without a claim among them.
var ErrNoClaim = errors.New("cannot find a claim: there is no object of " + v1alpha1.APIVersion)

// A Result is what was found out about claims.
type Result struct {
	// Problems of the claims: what the API server refuses, or else what the
	// composers refuse.
	Problems []Problem

	// Notes are what could not be checked.
	Notes []Problem

	// Simulation of the claims; nil when the API server refuses one of them.
	Simulation *simulate.Simulation
}

// Claims judges objects as an API server would, and if they can be read as the
// composers would: it simulates this many reconciles of all claims, with the
// other objects beside them. It is an error if there is no claim.
func Claims(ctx context.Context, settings compose.Settings, docs []Document, reconciles int) (Result, error) {
	problems, notes, err := Accept(ctx, docs)
	r := Result{Problems: problems, Notes: notes}
	if err != nil || slices.ContainsFunc(problems, func(p Problem) bool { return !p.rule }) {
		return r, err
	}
	var claims []*unstructured.Unstructured
	files := map[string]string{}
	for _, d := range docs {
		if isOurs(d.Object) {
			claims = append(claims, d.Object)
			files[name(d.Object)] = d.File
		}
	}
	if len(claims) == 0 {
		return r, ErrNoClaim
	}
	s, err := simulate.New(settings, claims...)
	if err != nil {
		return r, errors.Wrap(err, "cannot simulate the claims")
	}
	for _, d := range docs {
		if !isOurs(d.Object) {
			s.Apply(stored(d.Object))
		}
	}
	switch err := reconcile(s, reconciles); {
	case err != nil && len(problems) > 0:
		// What the API server refuses need not be possible to simulate.
		return r, nil
	case err != nil:
		return r, errors.Wrap(err, "cannot simulate the claims")
	}
	if len(problems) == 0 {
		r.Simulation = s
	}
	for _, n := range s.Trees() {
		refused, missing := refusals(n)
		for i := range refused {
			refused[i].File = files[refused[i].Object]
		}
		for i := range missing {
			missing[i].File = files[missing[i].Object]
		}
		r.Problems = append(r.Problems, refused...)
		r.Notes = append(r.Notes, missing...)
	}
	return r, nil
}

// Split documents into those that belong together: all of them, or if two files
// define the same object, those of each file.
func Split(docs []Document) [][]Document {
	var out [][]Document
	group, files, again := map[string]int{}, map[string]string{}, false
	for _, d := range docs {
		key := d.Object.GroupVersionKind().GroupKind().String() + " " + name(d.Object)
		again = again || (files[key] != "" && files[key] != d.File)
		files[key] = d.File
		if _, ok := group[d.File]; !ok {
			group[d.File] = len(out)
			out = append(out, nil)
		}
		out[group[d.File]] = append(out[group[d.File]], d)
	}
	if !again {
		return [][]Document{docs}
	}
	return out
}

// reconcile the claims of a simulation.
func reconcile(s *simulate.Simulation, reconciles int) error {
	if reconciles == Converge {
		_, err := s.Converge()
		return err
	}
	for range reconciles {
		if _, err := s.Reconcile(); err != nil {
			return err
		}
	}
	return nil
}

// Accept returns what an API server refuses of objects, and what it could not be
// asked about. It puts objects without a namespace into the namespace default, as
// kubectl does.
func Accept(ctx context.Context, docs []Document) (problems, notes []Problem, err error) {
	set, err := Load()
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]string{}
	for _, d := range docs {
		id := d.Object.GroupVersionKind()
		if p := kind(id); p.Message != "" {
			p.File = d.File
			problems = append(problems, p)
			continue
		}
		if d.Object.GetNamespace() == "" && namespaced(id) {
			d.Object.SetNamespace("default")
		}
		key := id.GroupKind().String() + " " + name(d.Object)
		if first, ok := seen[key]; ok {
			problems = append(problems, Problem{File: d.File, Object: name(d.Object), Message: "is defined twice, first in " + first, Hint: "give one of them another name, or remove it"})
			continue
		}
		seen[key] = d.File
		if !isOurs(d.Object) && !scheme.Scheme.Recognizes(id) {
			notes = append(notes, Problem{File: d.File, Object: name(d.Object), Message: "not checked: its kind is not one of observe-k8s or of Kubernetes"})
			continue
		}
		refused, err := set.problems(ctx, d.Object.Object, nil)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range refused {
			p.File = d.File
			problems = append(problems, p)
		}
	}
	return problems, notes, nil
}

// isOurs returns whether an object is of a kind of this project.
func isOurs(o *unstructured.Unstructured) bool {
	return o.GroupVersionKind().GroupVersion().String() == v1alpha1.APIVersion
}

// kinds are the kinds of this project.
func kinds() []string {
	return []string{v1alpha1.ObservabilityPlatformKind, v1alpha1.KubernetesClusterKind, v1alpha1.ObservabilityStackKind, v1alpha1.ComponentKind, v1alpha1.WorkloadKind}
}

// kind returns the problem with a kind that this project seems to have and has not.
func kind(id schema.GroupVersionKind) Problem {
	group, version, _ := strings.Cut(v1alpha1.APIVersion, "/")
	switch _, ok := composers.For(id.Kind); {
	case id.Group != group:
		return Problem{}
	case id.Version != version:
		return Problem{Path: "apiVersion", Message: fmt.Sprintf("unknown version %q", id.Version), Hint: "write " + v1alpha1.APIVersion}
	case !ok:
		return Problem{Path: "kind", Message: fmt.Sprintf("unknown kind %q", id.Kind), Hint: near(id.Kind, kinds())}
	}
	return Problem{}
}

// namespaced returns whether a kind is known to live in namespaces.
func namespaced(id schema.GroupVersionKind) bool {
	return id.GroupVersion().String() == v1alpha1.APIVersion || (id.Group == "" && (id.Kind == "Secret" || id.Kind == "ConfigMap"))
}

// stored returns an object as the API server stores it: it encodes what a person
// wrote into a Secret as text.
func stored(o *unstructured.Unstructured) *unstructured.Unstructured {
	text, ok, _ := unstructured.NestedStringMap(o.Object, "stringData")
	if o.GetKind() != "Secret" || !ok {
		return o
	}
	o = o.DeepCopy()
	data, _, _ := unstructured.NestedStringMap(o.Object, "data")
	if data == nil {
		data = map[string]string{}
	}
	for k, v := range text {
		data[k] = base64.StdEncoding.EncodeToString([]byte(v))
	}
	delete(o.Object, "stringData")
	// The path cannot fail: data was read from it.
	_ = unstructured.SetNestedStringMap(o.Object, data, "data")
	return o
}

// refusals are what the composers of a claim and of everything below it refuse,
// and what they miss. A parent repeats the words of its children, which are left
// out.
func refusals(claim simulate.Node) (refused, missing []Problem) {
	var said []string
	var walk func(n simulate.Node)
	walk = func(n simulate.Node) {
		for _, c := range n.Failed {
			if slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, c.Message) || strings.Contains(c.Message, s) }) {
				continue
			}
			said = append(said, c.Message)
			p := Problem{Object: name(claim.Object), Path: c.Type, Message: c.Reason + ": " + c.Message}
			if isMissing(claim, c) {
				missing = append(missing, p)
				continue
			}
			refused = append(refused, p)
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	walk(claim)
	return refused, missing
}

// isMissing returns whether a claim only waits for an object that may be on the
// management cluster already.
func isMissing(claim simulate.Node, c compose.Condition) bool {
	return c.Reason == "ClusterNotFound" || (c.Reason == "DependencyNotFound" && claim.Object.GetKind() == v1alpha1.ComponentKind)
}
