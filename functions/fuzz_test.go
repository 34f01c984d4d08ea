// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/internal/cputime"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/runtime"
)

// How a fuzzed input is read.
const (
	asProtobuf = iota
	asJSON
	asEdits
)

// FuzzRunFunction sends requests that nobody would send: arbitrary protobuf,
// arbitrary JSON, and real requests of which some fields were changed.
// Whatever it is, there is an answer that can be sent, soon, and the same one twice.
func FuzzRunFunction(f *testing.F) {
	reqs := realRequests(f)
	for i, raw := range reqs {
		f.Add(byte(asEdits), byte(i), []byte{})
		f.Add(byte(asEdits), byte(i), []byte{byte(i), 7, 1, 200, 3, byte(i), 9, 90, 5})
		if i < 5 {
			f.Add(byte(asJSON), byte(0), raw)
		}
	}
	raw, err := proto.Marshal(xr(cluster))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(byte(asProtobuf), byte(0), raw)
	fn := testFunction()
	fn.settings = compose.Settings{ManagementClusterNamespaces: []string{"team-a"}, ChartMirror: &compose.Mirror{Prefix: "mirror.example.org"}}

	f.Fuzz(func(t *testing.T, how, which byte, data []byte) {
		req := &fnv1.RunFunctionRequest{}
		var err error
		switch how {
		case asProtobuf:
			// Whatever it is, to decode it does no harm.
			_ = (&request{}).decode(data)
			err = proto.Unmarshal(data, req)
		case asJSON:
			err = protojson.Unmarshal(data, req)
		default:
			err = protojson.Unmarshal(edited(t, reqs[int(which)%len(reqs)], data), req)
		}
		if err != nil {
			return
		}
		before := cputime.Used()
		want, got := run(t, fn, req), run(t, fn, req)
		if took := cputime.Used() - before; took > 2*time.Second {
			t.Errorf("two runs for a request of %d bytes took %s of a processor", proto.Size(req), took)
		}
		if diff := cmp.Diff(reference(req), received(t, req).world); diff != "" {
			t.Errorf("decoded: -as messages, +at once:\n%s", diff)
		}
		raw, err := proto.Marshal(want)
		if err != nil {
			t.Fatalf("an answer that cannot be sent: %v", err)
		}
		if len(raw) > 4<<20 {
			t.Errorf("an answer of %d bytes to a request of %d", len(raw), proto.Size(req))
		}
		if !proto.Equal(want, got) {
			t.Error("the same request has two answers")
		}
	})
}

// realRequests of all kinds, at all stages of a claim that asks for a lot.
func realRequests(f *testing.F) [][]byte {
	f.Helper()
	cs := claims(f, filepath.Join("testdata", "largest.yaml"))
	// A few of each are enough, and quick.
	spec := cs[0].Object["spec"].(map[string]any)
	stack := spec["stack"].(map[string]any)
	stack["components"] = stack["components"].([]any)[:6]
	spec["workloads"] = spec["workloads"].([]any)[:2]
	s, err := simulate.New(compose.Settings{}, cs...)
	if err != nil {
		f.Fatal(err)
	}
	var out [][]byte
	seen := map[string]bool{}
	for {
		changed, err := s.Reconcile()
		if err != nil {
			f.Fatal(err)
		}
		ws, err := s.Requests()
		if err != nil {
			f.Fatal(err)
		}
		for _, w := range ws {
			// One of a kind for each number of resources that it has.
			key := w.XR.GetKind() + strings.Repeat(".", len(w.Observed))
			if seen[key] {
				continue
			}
			seen[key] = true
			raw, err := protojson.Marshal(requestOf(f, w))
			if err != nil {
				f.Fatal(err)
			}
			out = append(out, raw)
		}
		if !changed {
			return out
		}
	}
}

// A place is where a value is: in an object or in a list.
type place struct {
	object map[string]any
	key    string
	list   []any
	index  int
}

func (p place) set(v any) {
	if p.object != nil {
		p.object[p.key] = v
		return
	}
	p.list[p.index] = v
}

// places of all values within v.
func places(v any) []place {
	var out []place
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			out = append(out, place{object: x, key: k})
			out = append(out, places(x[k])...)
		}
	case []any:
		for i := range x {
			out = append(out, place{list: x, index: i})
			out = append(out, places(x[i])...)
		}
	}
	return out
}

// mostEdits that are made to a request, in bytes. Each looks at all of it, so that
// thousands take longer than Go lets a fuzzed input run.
const mostEdits = 3 * 64

// edited changes a request: every three bytes say which value, and what becomes
// of it.
func edited(t *testing.T, raw, edits []byte) []byte {
	t.Helper()
	var req map[string]any
	if err := json.Unmarshal(raw, &req); err != nil {
		t.Fatal(err)
	}
	odd := []any{
		nil, "", "a", "A b\n\x00ü", strings.Repeat("x", 5000), 0.0, -1.5, 1e300, true, false,
		[]any{},
		[]any{nil},
		[]any{"a"},
		map[string]any{},
		map[string]any{"a": nil},
		map[string]any{"name": 1.0},
		"True", "False", "Ready", "Waiting", "Degraded", "Existing", "Flux", "EKS", "cluster", "release", "e30=",
	}
	for edits = edits[:min(len(edits), mostEdits)]; len(edits) >= 3; edits = edits[3:] {
		ps := places(req)
		if len(ps) == 0 {
			break
		}
		p := ps[(int(edits[0])<<8|int(edits[1]))%len(ps)]
		switch n := int(edits[2]); {
		case n < 3*len(odd):
			p.set(runtime.DeepCopyJSONValue(odd[n%len(odd)]))
		case n < 200 && p.object != nil:
			delete(p.object, p.key)
		case p.object != nil:
			// A value under the name of another.
			v := p.object[p.key]
			delete(p.object, p.key)
			p.object[ps[n%len(ps)].key] = v
		default:
			p.set(nil)
		}
	}
	raw, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
