// SPDX-License-Identifier: Apache-2.0

// Package render proves that the simulation shows what really happens: every
// run of every composer of every example is repeated by Crossplane's own render
// engine, through our function, and has to come out equal.
package render

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	renderv1alpha1 "github.com/crossplane/crossplane/v2/proto/render/v1alpha1"
	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// root of the repository.
const root = "../.."

// What Crossplane puts before the names and messages that it reports.
const (
	eventOfFunction = `Pipeline step "observe-k8s": `
	eventNotReady   = `Composed resource "%s" is not yet ready`
)

// world is what all tests share.
type world struct {
	cli      bool
	function string
}

var w world

func TestMain(m *testing.M) {
	flag.BoolVar(&w.cli, "cli", false, "Also give the examples to Crossplane's tool, which takes minutes to build.")
	flag.StringVar(&w.function, "function", filepath.Join(root, "_output", "bin", "function"), "The function.")
	flag.Parse()
	os.Exit(m.Run())
}

// An outcome is all that a run decides, in plain JSON.
type outcome struct {
	// Composed objects as they are applied, by composition-resource-name.
	Composed map[string]any

	// NotReady are the composed objects that are not ready.
	NotReady []string

	// Deleted are the objects that go.
	Deleted []string

	// Required are the objects that were looked up.
	Required []string

	// Status of the composite without its conditions.
	Status map[string]any

	// Conditions by type: status, reason and message.
	Conditions map[string]string

	// Events of the function.
	Events []string
}

func TestSimulationEqualsCrossplane(t *testing.T) {
	e := start(t, w.function)
	for _, claim := range read(t, filepath.Join(root, "examples", "*.yaml")) {
		if claim.GetAPIVersion() != v1alpha1.APIVersion {
			continue
		}
		t.Run(claim.GetKind()+"/"+claim.GetName(), func(t *testing.T) {
			runs := simulation(t, claim)
			compare(t, e, runs)
			t.Logf("compared %d runs of composers that each saw something new", len(runs))
		})
	}
}

// simulation of a claim, and then of what becomes of it without its workloads:
// every run in which a composer saw something new.
func simulation(t *testing.T, claim *unstructured.Unstructured) []simulate.Run {
	t.Helper()
	s, err := simulate.New(compose.Settings{}, claim)
	if err != nil {
		t.Fatal(err)
	}
	var runs []simulate.Run
	seen := map[string]bool{}
	s.Watch = func(r simulate.Run) {
		saw := string(encode(t, []any{r.Request.XR, r.Request.Observed, r.Request.Required}))
		if !seen[saw] {
			runs = append(runs, r)
		}
		seen[saw] = true
	}
	if _, err := s.Converge(); err != nil {
		t.Fatal(err)
	}
	unstructured.RemoveNestedField(claim.Object, "spec", "workloads")
	s.Apply(claim)
	if _, err := s.Converge(); err != nil {
		t.Fatal(err)
	}
	return runs
}

// compare repeats runs with Crossplane, as many at a time as there are
// processors.
func compare(t *testing.T, e engine, runs []simulate.Run) {
	t.Helper()
	todo := make(chan simulate.Run)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for r := range todo {
				id := fmt.Sprintf("%s %s, of which %d resources exist", r.Request.XR.GetKind(), r.Request.XR.GetName(), len(r.Request.Observed))
				out, err := e.render(t.Context(), r.Request)
				if err != nil {
					t.Errorf("%s: %v", id, err)
					continue
				}
				if diff := cmp.Diff(ofCrossplane(t, out), ofSimulation(t, r)); diff != "" {
					t.Errorf("%s: -Crossplane, +simulation:\n%s", id, diff)
				}
			}
		})
	}
	for _, r := range runs {
		todo <- r
	}
	close(todo)
	workers.Wait()
}

// ofSimulation is the outcome of a run of the simulation.
func ofSimulation(t *testing.T, r simulate.Run) outcome {
	t.Helper()
	o := outcome{Composed: map[string]any{}}
	for name, c := range r.Composed {
		o.Composed[name] = plain(t, c.Object)
		if !r.Result.Resources[name].Ready {
			o.NotReady = append(o.NotReady, name)
		}
	}
	for name, c := range r.Request.Observed {
		if r.Composed[name] == nil {
			o.Deleted = append(o.Deleted, id(c.Object))
		}
	}
	for _, q := range r.Result.Requirements {
		o.Required = append(o.Required, fmt.Sprintf("%s %s %s/%s", q.APIVersion, q.Kind, q.Namespace, q.ObjectName))
	}
	for _, ev := range r.Result.Events {
		typ := "Normal"
		if ev.Warning {
			typ = "Warning"
		}
		o.Events = append(o.Events, fmt.Sprintf("%s %s: %s", typ, ev.Reason, ev.Message))
	}
	o.Status, o.Conditions = status(plain(t, map[string]any{"status": r.Status}))
	return o.sorted()
}

// ofCrossplane is the outcome of a run of Crossplane.
func ofCrossplane(t *testing.T, r *renderv1alpha1.CompositeOutput) outcome {
	t.Helper()
	o := outcome{Composed: map[string]any{}}
	for _, s := range r.GetComposedResources() {
		c := plain(t, s.AsMap())
		u := unstructured.Unstructured{Object: c}
		name := u.GetAnnotations()[simulate.AnnotationResourceName]
		u.SetOwnerReferences(nil)
		o.Composed[name] = c
		if slices.ContainsFunc(r.GetEvents(), func(e *renderv1alpha1.Event) bool { return e.GetMessage() == fmt.Sprintf(eventNotReady, name) }) {
			o.NotReady = append(o.NotReady, name)
		}
	}
	for _, s := range r.GetDeletedResources() {
		o.Deleted = append(o.Deleted, id(s.AsMap()))
	}
	for _, s := range r.GetRequiredResources() {
		m := s.AsMap()
		// A cluster-scoped one has none.
		ns, _ := m["namespace"].(string)
		o.Required = append(o.Required, fmt.Sprintf("%s %s %s/%s", m["apiVersion"], m["kind"], ns, m["matchName"]))
	}
	for _, e := range r.GetEvents() {
		if msg, ok := strings.CutPrefix(e.GetMessage(), eventOfFunction); ok {
			o.Events = append(o.Events, fmt.Sprintf("%s %s: %s", e.GetType(), e.GetReason(), msg))
		}
	}
	o.Status, o.Conditions = status(plain(t, r.GetCompositeResource().AsMap()))
	// It tells of watches, which belong to the process.
	delete(o.Conditions, "Responsive")
	return o.sorted()
}

// status of a composite, and its conditions apart from it.
func status(xr map[string]any) (map[string]any, map[string]string) {
	st, _ := xr["status"].(map[string]any)
	cs, _ := st["conditions"].([]any)
	delete(st, "conditions")
	conditions := make(map[string]string, len(cs))
	for _, c := range cs {
		m, _ := c.(map[string]any)
		message, _ := m["message"].(string)
		conditions[fmt.Sprint(m["type"])] = fmt.Sprintf("%s %s %s", m["status"], m["reason"], message)
	}
	return st, conditions
}

// sorted puts what has no order in one.
func (o outcome) sorted() outcome {
	for _, s := range [][]string{o.NotReady, o.Deleted, o.Required} {
		slices.Sort(s)
	}
	o.Required = slices.Compact(o.Required)
	return o
}

func id(o map[string]any) string {
	u := unstructured.Unstructured{Object: o}
	return u.GetKind() + " " + u.GetName()
}

// plain is an object after a trip through JSON, where all numbers are alike.
func plain(t *testing.T, o map[string]any) map[string]any {
	t.Helper()
	out := map[string]any{}
	if err := json.Unmarshal(encode(t, o), &out); err != nil {
		t.Error(err)
	}
	return out
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return b
}
