// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"sigs.k8s.io/yaml"
)

// TestPushCharts pushes to a registry in memory and reads back what Helm would,
// under the names and versions that the catalogs ask for.
func TestPushCharts(t *testing.T) {
	server := httptest.NewServer(registry.New(quiet()))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	target := Target{Registry: host + "/observe-k8s", Version: "v9.9.9", Insecure: true}
	root := filepath.Join("..", "..")

	first, err := PushCharts(t.Context(), target, root)
	if err != nil {
		t.Fatal(err)
	}
	again, err := PushCharts(t.Context(), target, root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same charts became different bytes: -first, +again:\n%s", diff)
	}

	for chart, version := range asked(t, root) {
		t.Run(chart, func(t *testing.T) {
			ref, err := name.ParseReference(host+"/observe-k8s/charts/"+chart+":"+version, name.Insecure)
			if err != nil {
				t.Fatal(err)
			}
			img, err := remote.Image(ref)
			if err != nil {
				t.Fatalf("the catalog asks for version %s, which is not pushed: %v", version, err)
			}
			config, err := img.RawConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			var meta struct{ Name, Version string }
			if err := json.Unmarshal(config, &meta); err != nil {
				t.Fatal(err)
			}
			if meta.Name != chart || meta.Version != version {
				t.Errorf("want the metadata of %s %s, got %+v", chart, version, meta)
			}
			layers, err := img.Layers()
			if err != nil || len(layers) != 1 {
				t.Fatalf("want one layer, got %d: %v", len(layers), err)
			}
			if media, err := layers[0].MediaType(); media != chartContent {
				t.Errorf("Helm does not take a layer of type %s: %v", media, err)
			}
			r, err := layers[0].Compressed()
			if err != nil {
				t.Fatal(err)
			}
			unzipped, err := gzip.NewReader(r)
			if err != nil {
				t.Fatal(err)
			}
			var files []string
			for archive := tar.NewReader(unzipped); ; {
				h, err := archive.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, h.Name)
			}
			for _, want := range []string{chart + "/Chart.yaml"} {
				if !slices.Contains(files, want) {
					t.Errorf("want %s in it, got %v", want, files)
				}
			}
			if chart == "content" && !slices.Contains(files, "content/files/index.yaml") {
				t.Errorf("want the dashboards in it, got %v", files)
			}
		})
	}
}

// asked are our own charts that the catalogs ask for, with their versions.
func asked(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, catalog := range []string{"stack", "workload"} {
		files, err := filepath.Glob(filepath.Join(root, "functions", catalog, "catalog", "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var entry struct {
				Chart struct{ Repository, Name, Version string }
			}
			if err := yaml.Unmarshal(b, &entry); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(entry.Chart.Repository, "oci://ghcr.io/observe-k8s/") {
				out[entry.Chart.Name] = entry.Chart.Version
			}
		}
	}
	if out["content"] == "" {
		t.Fatalf("no catalog asks for the chart of dashboards: %v", out)
	}
	return out
}
