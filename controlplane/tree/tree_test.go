// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// fake is a Getter of the objects that it holds by kind and name.
type fake map[string]*unstructured.Unstructured

func (f fake) Get(_ context.Context, gvk schema.GroupVersionKind, _, name string) (*unstructured.Unstructured, error) {
	return f[gvk.Kind+"/"+name], nil
}

func (f fake) add(kind, name string, conditions map[string]string, refs ...string) {
	var conds, rs []any
	for typ, status := range conditions {
		conds = append(conds, map[string]any{"type": typ, "status": status, "reason": "Because", "message": typ + " says\nwhy"})
	}
	for _, r := range refs {
		k, n, _ := strings.Cut(r, "/")
		group := "example.org/v1"
		if k == "Usage" {
			group = usageGroup + "/v1beta1"
		}
		rs = append(rs, map[string]any{"apiVersion": group, "kind": k, "name": n})
	}
	f[kind+"/"+name] = &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.org/v1", "kind": kind, "metadata": map[string]any{"name": name},
		"spec":   map[string]any{"crossplane": map[string]any{"resourceRefs": rs}},
		"status": map[string]any{"conditions": conds},
	}}
}

func example() fake {
	f := fake{}
	ready := map[string]string{"Synced": "True", "Ready": "True"}
	f.add("Platform", "demo", map[string]string{"Synced": "True", "Ready": "False"}, "Config/c", "Stack/s", "Later/l", "Usage/u")
	f.add("Stack", "s", ready, "Release/r")
	f.add("Release", "r", map[string]string{"Synced": "False", "Ready": "True"})
	f.add("Config", "c", nil)
	return f
}

func TestLines(t *testing.T) {
	n, err := Walk(context.Background(), example(), schema.GroupVersionKind{Kind: "Platform"}, "team-a", "demo")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"Platform/demo not Ready: Ready says why",
		"├─ Stack/s Ready",
		"│  └─ Release/r not Synced: Synced says why",
		"└─ Config/c",
	}
	var got []string
	for _, l := range n.Lines() {
		// What stands in columns is of no interest here.
		got = append(got, strings.Join(strings.Fields(strings.ReplaceAll(l, "│  ", "│¦¦")), " "))
	}
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], "│¦¦", "│  ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Lines: -want, +got:\n%s", diff)
	}
	if n.Usages != 1 {
		t.Errorf("Usages: want 1, got %d", n.Usages)
	}
	if ready, all := n.Count(); ready != 2 || all != 3 {
		t.Errorf("Count: want 2 of 3, got %d of %d", ready, all)
	}
}

func TestWalkNotFound(t *testing.T) {
	if _, err := Walk(context.Background(), fake{}, schema.GroupVersionKind{Kind: "Platform"}, "", "demo"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Walk: want %v, got %v", ErrNotFound, err)
	}
}

func TestChangesPrintsOnlyChanges(t *testing.T) {
	var out bytes.Buffer
	v := NewView(&out, false, nil)
	n := Node{Kind: "Platform", Name: "demo", Ready: "False", Children: []Node{{Kind: "Config", Name: "c"}}}
	v.Show(n, 0)
	v.Show(n, time.Second)
	n.Ready = "True"
	v.Show(n, 2*time.Second)
	if got := strings.Count(out.String(), "\n"); got != 3 {
		t.Errorf("want 3 lines, got %d:\n%s", got, out.String())
	}
}

func TestRedrawFitsTheScreen(t *testing.T) {
	var out bytes.Buffer
	v := NewView(&out, true, func() (int, int) { return 20, 5 })
	n := Node{Kind: "Platform", Name: "demo"}
	for range 10 {
		n.Children = append(n.Children, Node{Kind: "Release", Name: "with-a-long-name", Ready: "True"})
	}
	v.Show(n, 0)
	if got := strings.Count(out.String(), "\n"); got != 4 {
		t.Errorf("want 4 lines on a screen of 5, got %d:\n%s", got, out.String())
	}
	v.Show(n, 0)
	if !strings.Contains(out.String(), "\x1b[4A") {
		t.Error("the second drawing does not begin where the first one did")
	}
}
