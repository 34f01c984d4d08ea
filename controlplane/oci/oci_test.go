// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestReadPackage(t *testing.T) {
	const content = "apiVersion: meta.pkg.crossplane.io/v1\nkind: Configuration\n"
	img, err := Package([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	// In a file, a label says which layer is the package.
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	d, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	img, err = mutate.Config(img, v1.Config{Labels: map[string]string{layerKey + ":" + d.String(): layerBase}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "test.xpkg")
	if err := tarball.WriteToFile(file, name.MustParseReference("example.org/test:v1"), img); err != nil {
		t.Fatal(err)
	}

	got, err := ReadPackage(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(content, string(got)); diff != "" {
		t.Errorf("ReadPackage: -want, +got:\n%s", diff)
	}
}

func TestPushChart(t *testing.T) {
	r, err := Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	img, err := Chart(map[string]any{"name": "app", "version": "v1.0.0"}, []byte("a chart"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Push("charts/example.org/app", "v1.0.0", img); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(r.Addr()+"/charts/example.org/app:v1.0.0", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	m, err := got.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(helmConfig, m.Config.MediaType); diff != "" {
		t.Errorf("media type of the configuration: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(helmLayer, m.Layers[0].MediaType); diff != "" {
		t.Errorf("media type of the chart: -want, +got:\n%s", diff)
	}
	cfg, err := got.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"name":"app","version":"v1.0.0"}`, string(cfg)); diff != "" {
		t.Errorf("configuration: -want, +got:\n%s", diff)
	}
}
