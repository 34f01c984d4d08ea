// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// released builds a release of two platforms in a folder of its own. The program is
// a small one, for this machine.
func released(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"LICENSE":                     "as you like",
		"cmd/kubectl-observe/go.mod":  "module example.org/observe\n\ngo 1.26.0\n",
		"cmd/kubectl-observe/main.go": "package main\n\nvar version = \"unknown\"\n\nfunc main() { println(version) }\n",
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := &ReleaseCmd{Root: root, Out: "release", Version: "v1.2.3", Platform: []string{"linux/arm64", "windows/amd64"}}
	if err := c.release(func(string, string) ([]byte, error) {
		return compile(t.Context(), commandProgram(), root, "_output", c.Version, "linux", runtime.GOARCH)
	}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "release")
}

// contents of an archive: name and mode of each file.
func contents(t *testing.T, name string, b []byte) []string {
	t.Helper()
	var out []string
	if strings.HasSuffix(name, ".zip") {
		r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.File {
			out = append(out, fmt.Sprintf("%s %s", f.Mode(), f.Name))
		}
		return out
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s %s", h.FileInfo().Mode(), h.Name))
	}
}

// TestRelease builds a release twice: it has the same bytes, and its lists say
// what is in it.
func TestRelease(t *testing.T) {
	dir, again := released(t), released(t)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, digests := map[string][]string{}, map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		second, err := os.ReadFile(filepath.Join(again, f.Name()))
		if err != nil || !bytes.Equal(b, second) {
			t.Errorf("%s: two builds differ: %v", f.Name(), err)
		}
		sum := sha256.Sum256(b)
		digests[f.Name()] = hex.EncodeToString(sum[:])
		got[f.Name()] = nil
		if strings.HasSuffix(f.Name(), ".zip") || strings.HasSuffix(f.Name(), ".gz") {
			got[f.Name()] = contents(t, f.Name(), b)
		}
	}
	linux, windows, sbom := "kubectl-observe_v1.2.3_linux_arm64.tar.gz", "kubectl-observe_v1.2.3_windows_amd64.zip", "kubectl-observe_v1.2.3.cdx.json"
	want := map[string][]string{
		linux:           {"-rw-r--r-- LICENSE", "-rwxr-xr-x kubectl-observe"},
		windows:         {"-rw-r--r-- LICENSE", "-rwxr-xr-x kubectl-observe.exe"},
		sbom:            nil,
		"checksums.txt": nil,
		"observe.yaml":  nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files of the release: -want, +got:\n%s", diff)
	}

	checksums, err := os.ReadFile(filepath.Join(dir, "checksums.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := fmt.Sprintf("%s  %s\n%s  %s\n%s  %s\n", digests[linux], linux, digests[windows], windows, digests[sbom], sbom)
	if diff := cmp.Diff(lines, string(checksums)); diff != "" {
		t.Errorf("checksums.txt: -want, +got:\n%s", diff)
	}

	raw, err := os.ReadFile(filepath.Join(dir, "observe.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var plugin struct {
		Kind string
		Spec struct {
			Version   string
			Platforms []struct{ URI, SHA256, Bin string }
		}
	}
	if err := yaml.Unmarshal(raw, &plugin); err != nil {
		t.Fatal(err)
	}
	if plugin.Kind != "Plugin" || plugin.Spec.Version != "v1.2.3" || len(plugin.Spec.Platforms) != 2 {
		t.Fatalf("the manifest for krew is not one of two platforms:\n%s", raw)
	}
	for i, name := range []string{linux, windows} {
		p := plugin.Spec.Platforms[i]
		if p.URI != releases+"/v1.2.3/"+name || p.SHA256 != digests[name] {
			t.Errorf("the manifest for krew has %s with %s, want %s with %s", p.URI, p.SHA256, name, digests[name])
		}
		if !strings.HasSuffix(strings.Join(got[name], "\n"), " "+p.Bin) {
			t.Errorf("%s has no %s", name, p.Bin)
		}
	}
	list, err := os.ReadFile(filepath.Join(dir, sbom))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(list, []byte("pkg:golang/example.org/observe")) {
		t.Error("the list of what is in the program lacks a module")
	}
}
