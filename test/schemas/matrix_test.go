// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/apis"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// maxResponse is the most that the function may answer for one composite.
const maxResponse = 512 << 10

// enum reads the words that the schema of a kind admits for a field.
func enum(t *testing.T, kind string, path ...string) []string {
	t.Helper()
	schemas, err := apis.Schemas()
	if err != nil {
		t.Fatal(err)
	}
	node := schemas[kind]
	for _, p := range path {
		node, _, _ = unstructured.NestedMap(node, "properties", p)
	}
	words, _, _ := unstructured.NestedStringSlice(node, "enum")
	if len(words) == 0 {
		t.Fatalf("the schema of %s admits no words for %s", kind, strings.Join(path, "."))
	}
	return words
}

// TestMatrix renders every profile on every provider by every deployer, and judges
// all that comes of it: composed objects by the CRDs, values of charts by the
// charts, manifests by the CRDs of those who read them.
func TestMatrix(t *testing.T) {
	set, charts := load(t, installed()...), newShelf(t)
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "provider\tprofile\tdeployer\tworkloads by\tcomponents\tobjects\tvalues\tmanifests\tby hand\tlargest answer")
	examples := providers(t)
	for _, provider := range slices.Sorted(maps.Keys(examples)) {
		example := examples[provider]
		for _, profile := range enum(t, v1alpha1.ObservabilityPlatformKind, "spec", "stack", "profile") {
			for _, deployer := range enum(t, v1alpha1.ObservabilityPlatformKind, "spec", "stack", "deployer") {
				t.Run(strings.Join([]string{provider, profile, deployer}, "/"), func(t *testing.T) {
					claim := example.DeepCopy()
					for field, value := range map[string]string{"profile": profile, "deployer": deployer, "domain": "demo.example.org"} {
						if err := unstructured.SetNestedField(claim.Object, value, "spec", "stack", field); err != nil {
							t.Fatal(err)
						}
					}
					by := workloadsBy(t, claim, deployer)
					m := judgeMatrix(t, set, charts, claim)
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\t%.0f KiB\n", provider, profile, deployer, by, m.components, m.objects, m.values, m.manifests, strings.Join(m.byHand, " "), float64(m.answer)/1024)
				})
			}
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
	for _, l := range listed(t) {
		t.Logf("by hand: values of chart %s are compared with a list that somebody made of %s in %s", l.Name, l.Source, l.Date)
	}
}

// workloadsBy gives a claim a workload by the deployer of its stack, and one by Argo
// CD beside Flux, so that all deployers meet.
func workloadsBy(t *testing.T, claim *unstructured.Unstructured, deployer string) string {
	t.Helper()
	deployers := []string{deployer}
	if deployer == string(v1alpha1.DeployerFlux) {
		deployers = append(deployers, string(v1alpha1.DeployerArgoCD))
	}
	var workloads []any
	for _, e := range deployers {
		workloads = append(workloads, map[string]any{"name": "by-" + strings.ToLower(e), "app": "podinfo", "deployer": e})
	}
	if err := unstructured.SetNestedSlice(claim.Object, workloads, "spec", "workloads"); err != nil {
		t.Fatal(err)
	}
	return strings.Join(deployers, ", ")
}

// providers are the examples of clusters, by provider.
func providers(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	out := map[string]*unstructured.Unstructured{}
	for _, name := range enum(t, v1alpha1.ObservabilityPlatformKind, "spec", "cluster", "provider") {
		b, err := os.ReadFile(filepath.Join(root, "examples", strings.ToLower(name)+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(b, &u.Object); err != nil {
			t.Fatal(err)
		}
		out[name] = u
	}
	return out
}

// A chartShelf finds charts, and keeps them.
type chartShelf struct {
	listed []Listed
	loaded map[string]*Chart
}

func newShelf(t *testing.T) *chartShelf {
	t.Helper()
	return &chartShelf{listed: listed(t), loaded: map[string]*Chart{}}
}

// of a Component: its chart, in the version that the Component names, and the values
// that it sets. The chart is nil where there is none.
func (s *chartShelf) of(component *unstructured.Unstructured) (*Chart, map[string]any, error) {
	text := func(field string) string {
		v, _, _ := unstructured.NestedString(component.Object, "spec", "source", "chart", field)
		return v
	}
	name, version := text("name"), text("version")
	if name == "" || component.GetKind() != v1alpha1.ComponentKind {
		return nil, nil, nil
	}
	c, err := s.find(name, text("repository"))
	if err != nil {
		return nil, nil, err
	}
	if c.Version != "" && c.Version != version {
		return nil, nil, errors.Errorf("version %s of chart %s is installed, and values of %s are checked", version, name, c.Version)
	}
	values, _, _ := unstructured.NestedMap(component.Object, "spec", "values")
	err = plain(&values)
	return c, values, err
}

// find a chart: one of ours, one that somebody read, or one of the index.
func (s *chartShelf) find(name, repository string) (*Chart, error) {
	if c := s.loaded[name]; c != nil {
		return c, nil
	}
	var err error
	byHand := slices.IndexFunc(s.listed, func(l Listed) bool { return l.Name == name })
	switch {
	case byHand >= 0:
		s.loaded[name] = s.listed[byHand].chart()
	case repository == ourCharts:
		s.loaded[name], err = LoadChart(filepath.Join(root, "package", "charts"), name)
	default:
		s.loaded[name], err = IndexedChart(filepath.Join(index, "charts", name+".yaml"))
	}
	return s.loaded[name], err
}

// measures of one rendering.
type measures struct {
	components, objects, values, manifests, answer int

	// byHand are the charts whose values are compared with a list.
	byHand []string
}

func judgeMatrix(t *testing.T, set *Set, charts *chartShelf, claim *unstructured.Unstructured) measures {
	t.Helper()
	m := measures{}
	s := simulation(t, claim)
	s.Watch = func(r simulate.Run) { m.answer = max(m.answer, sizeOf(t, r)) }
	if _, err := s.Converge(); err != nil {
		t.Fatal(err)
	}
	for _, n := range s.Trees() {
		if got, _, _ := unstructured.NestedString(n.Object.Object, "status", "phase"); got != "Ready" {
			t.Errorf("the platform is %s: %v", got, n.Object.Object["status"])
		}
	}
	for _, o := range s.Composed() {
		m.objects++
		for _, err := range set.Validate(t.Context(), o.Object) {
			t.Error(err)
		}
		if o.GetKind() != v1alpha1.ComponentKind {
			continue
		}
		m.components++
		c, values, err := charts.of(o)
		if err != nil {
			t.Error(err)
		}
		if c != nil {
			m.values++
			if slices.ContainsFunc(charts.listed, func(l Listed) bool { return l.Name == c.Name }) && !slices.Contains(m.byHand, c.Name) {
				m.byHand = append(m.byHand, c.Name)
			}
			errs, _ := c.Check(values, free())
			for _, err := range errs {
				t.Error(err)
			}
		}
		m.manifests += judgeManifests(t, set, o, values)
	}
	slices.Sort(m.byHand)
	if m.answer > maxResponse {
		t.Errorf("an answer of the function has %d bytes, want at most %d", m.answer, maxResponse)
	}
	return m
}

// judgeManifests judges the objects that a Component brings as they are.
func judgeManifests(t *testing.T, set *Set, component *unstructured.Unstructured, values map[string]any) int {
	t.Helper()
	namespace, _, _ := unstructured.NestedString(component.Object, "spec", "targetNamespace")
	fromValues, _, _ := unstructured.NestedSlice(values, "manifests")
	fromSource, _, _ := unstructured.NestedSlice(component.Object, "spec", "source", "manifests")
	n := 0
	for _, raw := range append(fromValues, fromSource...) {
		o := &unstructured.Unstructured{Object: raw.(map[string]any)}
		n++
		if o.GetNamespace() == "" && set.Namespaced(o.GroupVersionKind()) {
			o.SetNamespace(namespace)
		}
		for _, err := range set.Validate(t.Context(), o.Object) {
			t.Errorf("%s: %v", component.GetName(), err)
		}
	}
	return n
}

// sizeOf what the function answers, in bytes of JSON, which is more than the
// protobuf that it really is.
func sizeOf(t *testing.T, r simulate.Run) int {
	t.Helper()
	objects := map[string]any{"status": r.Status}
	for name, o := range r.Composed {
		objects[name] = o.Object
	}
	b, err := json.Marshal(runtime.DeepCopyJSON(objects))
	if err != nil {
		t.Fatal(err)
	}
	return len(b)
}
