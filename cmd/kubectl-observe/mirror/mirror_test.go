// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// serve a registry in memory, and return its host.
func serve(t *testing.T) (host string, server *httptest.Server) {
	t.Helper()
	server = httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), server
}

// pack a chart with a Deployment that runs an image.
func pack(t *testing.T, chartName, template string) []byte {
	t.Helper()
	dir := t.TempDir()
	file, err := chartutil.Save(&helmchart.Chart{
		Metadata:  &helmchart.Metadata{APIVersion: "v2", Name: chartName, Version: "1.2.3"},
		Templates: []*helmchart.File{{Name: "templates/deployment.yaml", Data: []byte(template)}},
		Values:    map[string]any{},
	}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, file)
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  template:
    spec:
      containers:
      - {name: a, image: "{{ .Values.image }}"}
`

func standalone(repository, chartName string, values map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "observe-k8s.io/v1alpha1", "kind": "Component",
		"metadata": map[string]any{"name": chartName, "namespace": "team-a"},
		"spec": map[string]any{
			"clusterRef": map[string]any{"name": "c"}, "deployer": "Helm", "targetNamespace": chartName,
			"source": map[string]any{"chart": map[string]any{"repository": repository, "name": chartName, "version": "1.2.3"}},
			"values": values,
		},
	}}
}

// TestMirror copies charts from a registry and from a Helm repository, with what
// they run, to a registry that is then the only one there is. A chart that cannot
// be had does not keep the others from being copied.
func TestMirror(t *testing.T) {
	upstream, closing := serve(t)
	mirror, _ := serve(t)
	helm := map[string][]byte{"/b-1.2.3.tgz": pack(t, "b", deployment)}
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/index.yaml" {
			_, _ = fmt.Fprintln(w, `{apiVersion: v1, entries: {b: [{apiVersion: v2, name: b, version: 1.2.3, urls: [b-1.2.3.tgz]}]}}`)
			return
		}
		_, _ = w.Write(helm[r.URL.Path])
	}))
	t.Cleanup(pages.Close)

	images := map[string]string{}
	for _, tag := range []string{"one", "two", "v1.2.0", "v1.10.0", "v2.0.0"} {
		img, err := random.Index(64, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		ref, err := name.ParseReference(upstream + "/app:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.WriteIndex(ref, img); err != nil {
			t.Fatal(err)
		}
		digest, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		images[tag] = digest.String()
	}
	source, err := compose.ParseMirror("http://" + upstream)
	if err != nil {
		t.Fatal(err)
	}
	to, err := compose.ParseMirror("http://" + mirror + "/mirror")
	if err != nil {
		t.Fatal(err)
	}
	one := chart{Repository: "oci://charts.example.org/x", Name: "a", Version: "1.2.3"}
	if err := one.push(t.Context(), packedOf(t, pack(t, "a", deployment)), source); err != nil {
		t.Fatal(err)
	}

	var out bytes.Buffer
	err = run(t.Context(), &out, needed(t, standalone("oci://charts.example.org/x", "a", map[string]any{"image": upstream + "/app:one"})), source, to, true)
	if err != nil {
		t.Fatalf("from a registry: %v\n%s", err, out.String())
	}
	found := needed(t, standalone(pages.URL+"/none", "none", nil), standalone(pages.URL, "b", map[string]any{"image": upstream + "/app:two"}))
	found.packages = []dependency{{Package: upstream + "/app", Version: ">=v1.0.0, <v2.0.0-0"}}
	err = run(t.Context(), &out, found, nil, to, true)
	if err == nil || !strings.Contains(err.Error(), "/none/none 1.2.3") {
		t.Errorf("a chart that cannot be had: error is %v, want one that names it", err)
	}
	t.Log("\n" + out.String())
	closing.Close()
	pages.Close()

	// Of the versions of a package only the newest that will do is copied.
	delete(images, "v1.2.0")
	delete(images, "v2.0.0")
	if strings.Contains(out.String(), "app:v1.2.0") || strings.Contains(out.String(), "app:v2.0.0") {
		t.Errorf("copied versions that nobody needs:\n%s", out.String())
	}
	host := strings.ReplaceAll(upstream, ":", "-")
	for tag, digest := range images {
		ref, err := name.ParseReference(mirror + "/mirror/" + host + "/app:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Get(ref)
		if err != nil {
			t.Errorf("not at the mirror: %v", err)
			continue
		}
		if diff := cmp.Diff(digest, got.Digest.String()); diff != "" {
			t.Errorf("%s: -at its own registry, +at the mirror:\n%s", ref, diff)
		}
	}
	for _, c := range []chart{one, {Repository: strings.Replace(pages.URL, "http://", "https://", 1), Name: "b", Version: "1.2.3"}} {
		if _, err := c.fetch(t.Context(), to); err != nil {
			t.Errorf("%s is not where the function looks for it: %v", c, err)
		}
	}
}

// needed by claims.
func needed(t *testing.T, claims ...*unstructured.Unstructured) needs {
	t.Helper()
	out, err := find(claims)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPackages finds all that has to be there to install our configuration.
func TestPackages(t *testing.T) {
	got, err := packages(read(t, "../../../crossplane.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, d := range got {
		found[d.Package] = true
	}
	for _, want := range []string{"observe-k8s/observe-k8s", "observe-k8s/function-observe-k8s", "crossplane-contrib/provider-helm"} {
		if !found["xpkg.crossplane.io/"+want] {
			t.Errorf("the package %s is missing in %v", want, got)
		}
	}
}

// TestImagesIn finds what would be pulled.
func TestImagesIn(t *testing.T) {
	cases := map[string]struct {
		reason, object string
		want           []string
	}{
		"Containers": {
			reason: "Every container is found, however deep.",
			object: "{kind: Pod, spec: {initContainers: [{image: a}], containers: [{image: 'b:v1'}]}}",
			want:   []string{"b:v1", "a"},
		},
		"Arguments": {
			reason: "Operators start what their arguments and variables name.",
			object: "{args: ['--prometheus-config-reloader=quay.io/p/reloader:v1', '--listen=example.org:80', '--url=https://example.org/a:b'], env: [{name: X, value: 'ghcr.io/a/b@sha256:" + strings.Repeat("a", 64) + "'}]}",
			want:   []string{"quay.io/p/reloader:v1", "ghcr.io/a/b@sha256:" + strings.Repeat("a", 64)},
		},
		"Definitions": {
			reason: "The description of a kind runs nothing.",
			object: "{kind: CustomResourceDefinition, spec: {default: {image: a}}}",
		},
	}
	for title, tc := range cases {
		t.Run(title, func(t *testing.T) {
			o := map[string]any{}
			if err := yaml.Unmarshal([]byte(tc.object), &o); err != nil {
				t.Fatal(err)
			}
			got := imagesIn(o)
			if diff := cmp.Diff(sorted(tc.want), sorted(got)); diff != "" {
				t.Errorf("\n%s\nimagesIn(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestFind lists what profiles and examples need.
func TestFind(t *testing.T) {
	before := 0
	for _, p := range []string{"Minimal", "Standard", "Full"} {
		got, err := find([]*unstructured.Unstructured{Profile(p)})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.charts) <= before {
			t.Errorf("profile %s has %d charts, want more than %d", p, len(got.charts), before)
		}
		before = len(got.charts)
	}
	claims, err := simulate.Read(read(t, "../../../examples/existing.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := find(claims)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, c := range got.charts {
		found[c.Name] = true
	}
	for _, want := range []string{"kube-prometheus-stack", "podinfo", "content"} {
		if !found[want] {
			t.Errorf("the example needs the chart %s, which is not listed", want)
		}
	}
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func packedOf(t *testing.T, content []byte) packed {
	t.Helper()
	ch, err := loader.LoadArchive(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return packed{content: content, chart: ch}
}
