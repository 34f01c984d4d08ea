// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBuild(t *testing.T) {
	modules, cache := t.TempDir(), t.TempDir()
	write(t, filepath.Join(modules, "hello", "go.mod"), "module example.org/hello\n\ngo 1.26.0\n")
	write(t, filepath.Join(modules, "hello", "go.sum"), "")
	write(t, filepath.Join(modules, "hello", "cmd", "hello", "main.go"), "package main\n\nfunc main() { println(version) }\n\nvar version = \"none\"\n")
	p := Program{
		Name: "hello", Packages: []string{"example.org/hello/cmd/hello"}, LDFlags: []string{"-X main.version=v1"},
		Assets: []Asset{{Module: "example.org/hello", Path: "cmd", As: "sources"}},
	}
	var out bytes.Buffer
	b := Builder{Modules: modules, Cache: cache, Progress: NewPrinter(&out, false)}

	built, err := b.Build(context.Background(), []Program{p})
	if err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(built["hello"].Bin("hello")).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("v1\n", string(got)); diff != "" {
		t.Errorf("the binary's output: -want, +got:\n%s", diff)
	}
	if _, err := os.Stat(built["hello"].Asset("sources/hello/main.go")); err != nil {
		t.Errorf("the asset is missing: %v", err)
	}

	// The second time takes everything from the cache, without go.
	t.Setenv("PATH", "")
	again, err := b.Build(context.Background(), []Program{p})
	if err != nil {
		t.Fatalf("second build: %v", err)
	}
	if diff := cmp.Diff(built["hello"].dir, again["hello"].dir); diff != "" {
		t.Errorf("second build: -want, +got:\n%s", diff)
	}

	p.LDFlags = []string{"-X main.version=v2"}
	if cached, err := b.Cached([]Program{p}); err != nil || cached {
		t.Errorf("Cached after the flags changed: got %t, %v", cached, err)
	}
}

func TestPrinter(t *testing.T) {
	var out bytes.Buffer
	p := NewPrinter(&out, false)
	a, b := Program{Name: "a", About: "first", Cold: time.Hour, Patches: []Patch{{File: "x.go", Why: "be good"}, {File: "x.go", Why: "be good"}}}, Program{Name: "b", Cold: time.Hour}
	p.Plan([]Program{a, b})
	p.Begin(a)
	p.report(a)
	p.End(a, 30*time.Second, nil)

	for _, want := range []string{"building 2 programs", "building a (1 of 2)", "a                    built in 30s (first)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "patched: x.go, to be good"); n != 1 {
		t.Errorf("output tells of the patch %d times", n)
	}
	// The first was much faster than estimated, so the second will be.
	if left := p.left(0); left > time.Minute {
		t.Errorf("left: got %s although the first took 30s", left)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
