// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"hash/fnv"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/functions/cluster/kinds"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// soon is how long most things take.
const soon = 300 * time.Millisecond

// ruleFor finds how a kind behaves. What is not listed is there soon, and the
// cloud refuses to delete it while something refers to it.
func (s *Simulator) ruleFor(gk schema.GroupKind) kinds.Kind {
	r := s.kinds.Kinds[kinds.Name(gk)]
	for _, d := range []*metav1.Duration{&r.Create, &r.Remove} {
		if d.Duration == 0 {
			d.Duration = soon
		}
	}
	return r
}

// report is what the provider of an object says of it.
func (s *Simulator) report(o object) map[string]any {
	at := map[string]any{}
	if strings.HasSuffix(o.gk().Group, ".m.upbound.io") {
		at["id"] = kinds.ExternalName(o.Unstructured)
	}
	maps.Copy(at, s.ruleFor(o.gk()).Reported(o.Unstructured, kinds.Scene{
		Server: s.cluster.Server,
		ID:     digits(o.Unstructured),
		Find: func(name string) *unstructured.Unstructured {
			return s.byName[o.GetNamespace()+"/"+name].Unstructured
		},
	}))
	if o.GetKind() == "Object" {
		manifest, _, _ := unstructured.NestedMap(o.Object, "spec", "forProvider", "manifest")
		if manifest["kind"] == "Namespace" {
			manifest["status"] = map[string]any{"phase": "Active"}
		}
		at["manifest"] = manifest
	}
	return at
}

// text of a field of what is wanted.
func text(o *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(o.Object, append([]string{"spec", "forProvider"}, path...)...)
	return s
}

// digits are 16 hexadecimal ones that depend on an object's name only.
func digits(o *unstructured.Unstructured) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(o.GetNamespace() + "/" + o.GetName()))
	s := strconv.FormatUint(h.Sum64(), 16)
	for len(s) < 16 {
		s = "0" + s
	}
	return s
}
