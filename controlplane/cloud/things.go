// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// A thing in a cloud.
type thing struct {
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
func (t *thing) need(v any) {
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

// things that there are. They are found by what they need without looking at all.
type things struct {
	byUID   map[types.UID]*thing
	byNeed  map[string]map[types.UID]*thing
	byClaim map[string]map[types.UID]*thing
}

func newThings() *things {
	return &things{byUID: map[types.UID]*thing{}, byNeed: map[string]map[types.UID]*thing{}, byClaim: map[string]map[types.UID]*thing{}}
}

// add a thing, or what is known of it now.
func (ts *things) add(t *thing) {
	ts.remove(t.uid)
	ts.byUID[t.uid] = t
	note(ts.byClaim, t.claim, t)
	for name := range t.needs {
		note(ts.byNeed, name, t)
	}
}

// remove a thing, if it is there.
func (ts *things) remove(uid types.UID) {
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
func (ts *things) needing(t *thing, kinds []string) []*thing {
	found := map[*thing]bool{}
	for _, name := range t.names {
		for _, other := range ts.byNeed[name] {
			found[other] = true
		}
	}
	if len(kinds) > 0 {
		for _, other := range ts.byClaim[t.claim] {
			if slices.Contains(kinds, kindOf(other.gk)) {
				found[other] = true
			}
		}
	}
	delete(found, t)
	return slices.SortedFunc(maps.Keys(found), func(a, b *thing) int { return strings.Compare(a.id, b.id) })
}

func note(index map[string]map[types.UID]*thing, key string, t *thing) {
	if index[key] == nil {
		index[key] = map[types.UID]*thing{}
	}
	index[key][t.uid] = t
}

func unnote(index map[string]map[types.UID]*thing, key string, t *thing) {
	delete(index[key], t.uid)
	if len(index[key]) == 0 {
		delete(index, key)
	}
}

func kindOf(gk schema.GroupKind) string { return gk.Kind + "." + gk.Group }
