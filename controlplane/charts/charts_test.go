// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPath(t *testing.T) {
	cases := map[string]struct {
		repository string
		want       string
	}{
		"OCI":           {repository: "oci://ghcr.io/example/charts", want: "ghcr.io/example/charts/app"},
		"HTTPS":         {repository: "https://charts.example.org", want: "charts.example.org/app"},
		"TrailingSlash": {repository: "https://charts.example.org/", want: "charts.example.org/app"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := StandIn{Repository: tc.repository, Name: "app"}.Path()
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Path: -want, +got:\n%s", diff)
			}
		})
	}
}

func TestPackage(t *testing.T) {
	b, err := For("oci://example.org/charts", "kube-prometheus-stack", "1.2.3").Package()
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, b)
	for name, want := range map[string]string{
		"kube-prometheus-stack/Chart.yaml":                                      "version: 1.2.3",
		"kube-prometheus-stack/templates/deployment-operator.yaml":              "kind: Deployment",
		"kube-prometheus-stack/templates/object-servicemonitor-prometheus.yaml": "kind: ServiceMonitor",
		"kube-prometheus-stack/templates/fail.yaml":                             "standInFail",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s: want %q in it, got %q", name, want, files[name])
		}
	}

	again, err := For("oci://example.org/charts", "kube-prometheus-stack", "1.2.3").Package()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, again) {
		t.Error("Package: the same chart gave different bytes")
	}
}

func TestFromCatalogs(t *testing.T) {
	got, err := FromCatalogs("../..")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range got {
		names[s.Name] = s.Version != "" && s.Repository != ""
	}
	for _, want := range []string{"prometheus-operator-crds", "cert-manager", "kube-prometheus-stack", "podinfo"} {
		if !names[want] {
			t.Errorf("FromCatalogs: no complete stand-in for %s", want)
		}
	}
}

func TestOwnCharts(t *testing.T) {
	got, err := OwnCharts("../..")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(got, func(c Own) bool { return c.Path() == "ghcr.io/observe-k8s/charts/game" })
	if i < 0 || got[i].Tag() == "" {
		t.Fatalf("OwnCharts: want the chart of games, got %+v", got)
	}
	game := got[i]
	tgz, err := game.Package()
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, tgz)
	for name, want := range map[string]string{"game/Chart.yaml": "version: " + game.Tag(), "game/templates/services.yaml": "kind: Service", "game/values.schema.json": "services"} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s: want %q in it, got %q", name, want, files[name])
		}
	}
}

func unpack(t *testing.T, tgz []byte) map[string]string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	r := tar.NewReader(gz)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = string(b)
	}
}
