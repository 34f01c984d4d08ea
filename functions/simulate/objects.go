// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"reflect"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Node is an object in the tree below a claim.
type Node struct {
	// Object as it was composed or applied, with its simulated status.
	Object *unstructured.Unstructured

	// ResourceName is its composition-resource-name; empty for a claim.
	ResourceName string

	// Conditions that its composer gave; none for a leaf.
	Conditions []compose.Condition

	// Failed is what its composer refuses or what is broken.
	Failed []compose.Condition

	// Children in the order in which they appeared.
	Children []Node
}

// Trees are the claims with everything below them.
func (s *Simulation) Trees() []Node {
	out := make([]Node, 0, len(s.roots))
	for _, r := range s.roots {
		out = append(out, s.node(r, ""))
	}
	return out
}

func (s *Simulation) node(k key, name string) Node {
	n := Node{Object: s.objects[k].DeepCopy(), ResourceName: name, Conditions: s.results[k].Conditions, Failed: s.results[k].Failed}
	for _, child := range s.order[k] {
		n.Children = append(n.Children, s.node(s.children[k][child], child))
	}
	return n
}

// Composed are all objects below the claims as they are applied: without
// status and without what providers add.
func (s *Simulation) Composed() []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	var walk func(n Node)
	walk = func(n Node) {
		for _, c := range n.Children {
			delete(c.Object.Object, "status")
			withoutRefs(c.Object)
			an := c.Object.GetAnnotations()
			delete(an, annotationCreated)
			c.Object.SetAnnotations(an)
			out = append(out, c.Object)
			walk(c)
		}
	}
	for _, t := range s.Trees() {
		walk(t)
	}
	return out
}

// withoutRefs takes off what Crossplane notes in a composite.
func withoutRefs(o *unstructured.Unstructured) {
	if o.GetAPIVersion() == v1alpha1.APIVersion {
		unstructured.RemoveNestedField(o.Object, "spec", "crossplane")
	}
}

// Each calls f with every object that a provider looks after, so that a test
// can disturb its status.
func (s *Simulation) Each(f func(o *unstructured.Unstructured)) {
	for k, o := range s.objects {
		if k.apiVersion != v1alpha1.APIVersion {
			f(o)
		}
	}
}

// IsLeaf says whether an object is not one of our kinds.
func (n Node) IsLeaf() bool { return n.Object.GetAPIVersion() != v1alpha1.APIVersion }

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }
