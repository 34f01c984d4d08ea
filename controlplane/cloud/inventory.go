// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"maps"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/functions/cluster/kinds"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// A resource in a cloud.
type resource struct {
	// uid of the object that made it.
	uid types.UID
	id  string
	gk  schema.GroupKind
	// claim that it was made for.
	claim string
	// names of it, and of what it needs.
	names []string
	needs map[string]bool
}

// need every name in a value.
func (t *resource) need(v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, y := range x {
			// A tag names a thing without needing it.
			if k != "tags" && k != "labels" {
				t.need(y)
			}
		}
	case []any:
		for _, y := range x {
			t.need(y)
		}
	case string:
		t.needs[x] = true
	}
}

// inventory that there are. They are found by what they need without looking at all.
type inventory struct {
	byUID   map[types.UID]*resource
	byNeed  map[string]map[types.UID]*resource
	byClaim map[string]map[types.UID]*resource
}

func newInventory() *inventory {
	return &inventory{byUID: map[types.UID]*resource{}, byNeed: map[string]map[types.UID]*resource{}, byClaim: map[string]map[types.UID]*resource{}}
}

// add a thing, or what is known of it now.
func (ts *inventory) add(t *resource) {
	ts.remove(t.uid)
	ts.byUID[t.uid] = t
	note(ts.byClaim, t.claim, t)
	for name := range t.needs {
		note(ts.byNeed, name, t)
	}
}

// remove a thing, if it is there.
func (ts *inventory) remove(uid types.UID) {
	t, ok := ts.byUID[uid]
	if !ok {
		return
	}
	delete(ts.byUID, uid)
	unnote(ts.byClaim, t.claim, t)
	for name := range t.needs {
		unnote(ts.byNeed, name, t)
	}
}

// needing are the things that need one: those that refer to it, and those of the
// same claim whose kinds are given.
func (ts *inventory) needing(t *resource, by []string) []*resource {
	found := map[*resource]bool{}
	for _, name := range t.names {
		for _, other := range ts.byNeed[name] {
			found[other] = true
		}
	}
	if len(by) > 0 {
		for _, other := range ts.byClaim[t.claim] {
			if slices.Contains(by, kinds.Name(other.gk)) {
				found[other] = true
			}
		}
	}
	delete(found, t)
	return slices.SortedFunc(maps.Keys(found), func(a, b *resource) int { return strings.Compare(a.id, b.id) })
}

func note(index map[string]map[types.UID]*resource, key string, t *resource) {
	if index[key] == nil {
		index[key] = map[types.UID]*resource{}
	}
	index[key][t.uid] = t
}

func unnote(index map[string]map[types.UID]*resource, key string, t *resource) {
	delete(index[key], t.uid)
	if len(index[key]) == 0 {
		delete(index, key)
	}
}
