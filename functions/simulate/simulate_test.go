// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/composers"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write golden files instead of comparing with them")

const examples = "../../examples"

// everyone may take the management cluster, so that every example is composed.
var everyone = compose.Settings{ManagementClusterNamespaces: []string{"*"}}

// read the objects of a file.
func read(tb testing.TB, file string) []*unstructured.Unstructured {
	tb.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return parse(tb, string(raw))
}

// parse the claims of a manifest; what they refer to is not composed.
func parse(tb testing.TB, text string) []*unstructured.Unstructured {
	tb.Helper()
	objs, err := Read([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return slices.DeleteFunc(objs, func(o *unstructured.Unstructured) bool {
		_, ours := composers.For(o.GetKind())
		return !ours || o.GetAPIVersion() != v1alpha1.APIVersion
	})
}

func start(tb testing.TB, settings compose.Settings, claims ...*unstructured.Unstructured) *Simulation {
	tb.Helper()
	s, err := New(settings, claims...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func converge(tb testing.TB, s *Simulation) {
	tb.Helper()
	if _, err := s.Converge(); err != nil {
		tb.Fatal(err)
	}
}

// render objects as YAML.
func render(tb testing.TB, objs []*unstructured.Unstructured) []byte {
	tb.Helper()
	var b bytes.Buffer
	for _, o := range objs {
		raw, err := yaml.Marshal(o.Object)
		if err != nil {
			tb.Fatal(err)
		}
		b.WriteString("---\n")
		b.Write(raw)
	}
	return b.Bytes()
}

// applied claims with their status, which says what a person sees.
func applied(s *Simulation) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, n := range s.Trees() {
		withoutRefs(n.Object)
		out = append(out, n.Object)
	}
	return out
}

// TestGolden compares what every example becomes with what it became when
// somebody last looked: what each round adds or changes, everything at the end,
// and what the claim then says of itself. Names of resources, their order and
// their contents are API; a change to these files is a change to everybody's
// platforms.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("there is no example")
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			s := start(t, everyone, read(t, file)...)
			got := map[string]string{}
			before := map[key]string{}
			for n := 1; ; n++ {
				changed, err := s.Reconcile()
				if err != nil {
					t.Fatal(err)
				}
				if !changed {
					break
				}
				if n == MaxRounds {
					t.Fatalf("still changing after %d rounds", n)
				}
				var added []*unstructured.Unstructured
				now := map[key]string{}
				for _, o := range s.Composed() {
					k := keyOf(o)
					now[k] = string(render(t, []*unstructured.Unstructured{o}))
					if before[k] != now[k] {
						added = append(added, o)
					}
				}
				for k := range before {
					if _, ok := now[k]; !ok {
						t.Errorf("round %d removed %s %s", n, k.kind, k.name)
					}
				}
				before = now
				if len(added) > 0 {
					got[fmt.Sprintf("step-%02d.yaml", n)] = string(render(t, added))
				}
			}
			got["composed.yaml"] = string(render(t, s.Composed()))
			got["claims.yaml"] = string(render(t, applied(s)))
			golden(t, filepath.Join("testdata", name), got)
		})
	}
}

// golden compares files with those of a folder, or writes them.
func golden(t *testing.T, dir string, got map[string]string) {
	t.Helper()
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, content := range got {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	want := map[string]string{}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		want[filepath.Base(f)] = string(raw)
	}
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if diff := cmp.Diff(strings.Split(want[name], "\n"), strings.Split(got[name], "\n")); diff != "" {
			t.Errorf("%s differs; where that is meant, run go test ./functions/simulate -update and read what changed: -want, +got:\n%s", filepath.Join(dir, name), diff)
		}
	}
}

// busy is a claim in which everything happens that a claim can ask for.
const busy = `
apiVersion: observe-k8s.io/v1alpha1
kind: ObservabilityPlatform
metadata: {name: busy, namespace: team-a}
spec:
  cluster:
    provider: Existing
    existing: {kubeconfigSecretRef: {name: remote}, storageClassName: fast, controlPlaneMetricsReachable: true}
  stack:
    components:
    - {name: cert-manager, values: {replicaCount: 2}, valuesFrom: [{kind: Secret, name: s}]}
    - {name: kube-prometheus-stack, version: 88.5.4}
    - {name: till, targetNamespace: shops, chart: {repository: "oci://charts.example.org", name: till, version: 1.2.3}}
    - {name: bank, targetNamespace: shops, dependsOn: [{name: till}, {name: cert-manager}], chart: {repository: "https://charts.example.org", name: bank, version: 1.2.3}}
  workloads:
  - {name: podinfo, app: podinfo, values: {replicaCount: 2}}
  - {name: shop, targetNamespace: front, chart: {repository: "oci://charts.example.org", name: shop, version: 1.2.3}, valuesFrom: [{kind: ConfigMap, name: c}]}
`

// TestDeterminism proves that the same claim gives the same bytes, whatever
// order Go's maps are walked in.
func TestDeterminism(t *testing.T) {
	var want []byte
	for n := range 20 {
		s := start(t, everyone, parse(t, busy)...)
		converge(t, s)
		got := append(render(t, s.Composed()), render(t, applied(s))...)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Fatalf("run %d differs: -first, +later:\n%s", n, diff)
		}
	}
}

// copyWorld copies all that a composer sees.
func copyWorld(w compose.Request) compose.Request {
	w.XR = w.XR.DeepCopy()
	observed := w.Observed
	w.Observed = map[string]*unstructured.Unstructured{}
	for n, o := range observed {
		w.Observed[n] = o.DeepCopy()
	}
	required := w.Required
	w.Required = map[string][]*unstructured.Unstructured{}
	for n, os := range required {
		w.Required[n] = []*unstructured.Unstructured{}
		for _, o := range os {
			w.Required[n] = append(w.Required[n], o.DeepCopy())
		}
	}
	return w
}

// spoil changes everything within a value.
func spoil(v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			spoil(e)
			x[k] = "spoilt"
		}
	case []any:
		for i, e := range x {
			spoil(e)
			x[i] = "spoilt"
		}
	}
}

// TestPurity proves that a composer changes nothing that it sees, and that
// nothing that it answers is shared with the next answer.
func TestPurity(t *testing.T) {
	s := start(t, everyone, parse(t, busy)...)
	for n := 0; ; n++ {
		worlds, err := s.Requests()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range worlds {
			composer, _ := composers.For(w.XR.GetKind())
			before := copyWorld(w)
			first, err := compose.Run(w, composer)
			if err != nil {
				t.Fatal(err)
			}
			want := copyResult(first)
			if diff := cmp.Diff(before, w); diff != "" {
				t.Errorf("round %d, %s: the composer changed what it saw: -before, +after:\n%s", n, w.XR.GetKind(), diff)
			}
			for _, d := range first.Resources {
				spoil(d.Object)
			}
			spoil(first.Status)
			second, err := compose.Run(before, composer)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, second); diff != "" {
				t.Errorf("round %d, %s: two answers share something: -first, +second:\n%s", n, w.XR.GetKind(), diff)
			}
		}
		changed, err := s.Reconcile()
		if err != nil {
			t.Fatal(err)
		}
		if !changed {
			return
		}
	}
}

func copyResult(r compose.Result) compose.Result {
	rs := r.Resources
	r.Resources = map[string]compose.Desired{}
	for n, d := range rs {
		r.Resources[n] = compose.Desired{Object: (&unstructured.Unstructured{Object: d.Object}).DeepCopy().Object, Ready: d.Ready}
	}
	r.Status = (&unstructured.Unstructured{Object: r.Status}).DeepCopy().Object
	return r
}

func TestNew(t *testing.T) {
	cases := map[string]struct {
		reason string
		claim  string
		want   error
	}{
		"OtherKind": {
			reason: "Only our own kinds can be composed.",
			claim:  "{apiVersion: observe-k8s.io/v1alpha1, kind: Deployment, metadata: {name: a}}",
			want:   cmpopts.AnyError,
		},
		"OtherVersion": {
			reason: "Only our own kinds can be composed.",
			claim:  "{apiVersion: observe-k8s.io/v2, kind: Workload, metadata: {name: a}}",
			want:   cmpopts.AnyError,
		},
		"Claim": {
			reason: "A claim of every kind may begin.",
			claim:  "{apiVersion: observe-k8s.io/v1alpha1, kind: Workload, metadata: {name: a}}",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(tc.claim), &o.Object); err != nil {
				t.Fatal(err)
			}
			_, err := New(compose.Settings{}, o)
			if diff := cmp.Diff(tc.want, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nNew(...): -want error, +got error:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestApply proves that a person's change keeps what others say of an object,
// and takes away what is no longer asked for.
func TestApply(t *testing.T) {
	s := start(t, everyone, parse(t, busy)...)
	converge(t, s)
	before := applied(s)[0]

	changed := parse(t, busy)[0]
	unstructured.RemoveNestedField(changed.Object, "spec", "workloads")
	s.Apply(changed)
	after := applied(s)[0]
	if diff := cmp.Diff(before.Object["status"], after.Object["status"]); diff != "" {
		t.Errorf("the status is the composer's to change: -before, +after:\n%s", diff)
	}
	if _, ok, _ := unstructured.NestedFieldNoCopy(after.Object, "spec", "workloads"); ok {
		t.Error("what is no longer asked for is still there")
	}
	// Defaults are those of the schema.
	if profile, _, _ := unstructured.NestedString(after.Object, "spec", "stack", "profile"); profile != "Minimal" {
		t.Errorf("want profile Minimal by default, got %q", profile)
	}

	count := len(s.Composed())
	converge(t, s)
	if now := len(s.Composed()); now >= count {
		t.Errorf("want fewer than %d objects without workloads, got %d", count, now)
	}
	var left []string
	for k := range s.objects {
		if k.kind == v1alpha1.WorkloadKind || strings.Contains(k.name, "workload") {
			left = append(left, k.kind+" "+k.name)
		}
	}
	if len(left) > 0 {
		t.Errorf("workloads left something behind: %v", left)
	}
}

// TestTrees proves that trees hold everything exactly once.
func TestTrees(t *testing.T) {
	s := start(t, everyone, parse(t, busy)...)
	converge(t, s)
	seen := map[key]int{}
	var walk func(n Node)
	walk = func(n Node) {
		seen[keyOf(n.Object)]++
		if n.IsLeaf() && len(n.Children) > 0 {
			t.Errorf("%s %s has children", n.Object.GetKind(), n.Object.GetName())
		}
		if !n.IsLeaf() && len(n.Conditions) == 0 {
			t.Errorf("%s %s has no conditions", n.Object.GetKind(), n.Object.GetName())
		}
		if n.IsLeaf() != (len(n.Conditions) == 0) {
			t.Errorf("%s %s: conditions are a composer's", n.Object.GetKind(), n.Object.GetName())
		}
		for _, c := range n.Children {
			if c.ResourceName == "" {
				t.Errorf("%s %s has no resource name", c.Object.GetKind(), c.Object.GetName())
			}
			walk(c)
		}
	}
	for _, n := range s.Trees() {
		walk(n)
	}
	want := map[key]int{}
	for k := range s.objects {
		want[k] = 1
	}
	if diff := cmp.Diff(want, seen, cmp.AllowUnexported(key{})); diff != "" {
		t.Errorf("objects in trees: -want, +got:\n%s", diff)
	}
	leaves := 0
	s.Each(func(*unstructured.Unstructured) { leaves++ })
	composites := len(slices.Collect(maps.Keys(s.results)))
	if leaves+composites != len(s.objects) {
		t.Errorf("%d leaves and %d composites are not %d objects", leaves, composites, len(s.objects))
	}
}
