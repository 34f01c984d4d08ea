// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
	"github.com/crossplane/crossplane-runtime/v2/pkg/xpkg/parser"
	xpv1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1"
	xpv1alpha1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1alpha1"
	xpv2 "github.com/crossplane/crossplane/apis/v2/apiextensions/v2"
	metav1 "github.com/crossplane/crossplane/apis/v2/pkg/meta/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

const root = "../.."

func digest(t *testing.T, img Image) string {
	t.Helper()
	d, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// TestReproducible builds everything twice.
func TestReproducible(t *testing.T) {
	cases := map[string]struct {
		reason string
		build  func() (Image, error)
	}{
		"Configuration": {
			reason: "The same sources give the same package.",
			build:  func() (Image, error) { return Configuration(root, "v1.2.3") },
		},
		"Function": {
			reason: "The same binary gives the same package.",
			build:  func() (Image, error) { return Function(root, "v1.2.3", "arm64", []byte("binary")) },
		},
		"Game": {
			reason: "The same binary gives the same image.",
			build:  func() (Image, error) { return Game("v1.2.3", "arm64", []byte("binary")) },
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			want := ""
			for range 2 {
				img, err := tc.build()
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), "a.xpkg")
				if _, err := Save(img, path); err != nil {
					t.Fatal(err)
				}
				content, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				reopened, err := Open(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(digest(t, img), digest(t, reopened)); diff != "" {
					t.Errorf("\n%s\nthe file does not hold what was built: -want, +got:\n%s", tc.reason, diff)
				}
				got := digest(t, img) + string(content)
				if want != "" && got != want {
					t.Errorf("\n%s\ntwo builds differ", tc.reason)
				}
				want = got
			}
		})
	}
}

// stream of a package, as Crossplane extracts it: from the layer that is marked.
func stream(t *testing.T, img Image) []byte {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	marked := 0
	var layer v1.Layer
	for _, d := range m.Layers {
		if d.Annotations["io.crossplane.xpkg"] != "base" {
			continue
		}
		marked++
		if layer, err = img.LayerByDigest(d.Digest); err != nil {
			t.Fatal(err)
		}
	}
	if marked != 1 {
		t.Fatalf("want exactly one layer marked for Crossplane, got %d", marked)
	}
	r, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tr := tar.NewReader(r)
	hdr, err := tr.Next()
	if err != nil {
		t.Fatal(err)
	}
	if hdr.Name != "package.yaml" {
		t.Fatalf("want package.yaml in the layer, got %s", hdr.Name)
	}
	b, err := io.ReadAll(tr)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// parse a package with Crossplane's parser and its schemes.
func parse(t *testing.T, content []byte) *parser.Package {
	t.Helper()
	meta, objects := runtime.NewScheme(), runtime.NewScheme()
	if err := metav1.AddToScheme(meta); err != nil {
		t.Fatal(err)
	}
	for _, add := range []func(*runtime.Scheme) error{xpv1.AddToScheme, xpv2.AddToScheme, xpv1alpha1.AddToScheme} {
		if err := add(objects); err != nil {
			t.Fatal(err)
		}
	}
	pkg, err := parser.New(meta, objects).Parse(t.Context(), io.NopCloser(bytes.NewReader(content)))
	if err != nil {
		t.Fatal(err)
	}
	if len(pkg.GetMeta()) != 1 {
		t.Fatalf("want one meta object, got %d", len(pkg.GetMeta()))
	}
	return pkg
}

// TestConfigurationParses reads the configuration as Crossplane does.
func TestConfigurationParses(t *testing.T) {
	img, err := Configuration(root, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	pkg := parse(t, stream(t, img))
	cfg, ok := pkg.GetMeta()[0].(*metav1.Configuration)
	if !ok {
		t.Fatalf("want a Configuration, got %T", pkg.GetMeta()[0])
	}
	if _, err := semver.NewConstraint(cfg.Spec.Crossplane.Version); err != nil {
		t.Errorf("Crossplane cannot read its version range: %v", err)
	}
	for _, d := range cfg.Spec.DependsOn {
		if d.APIVersion == nil || d.Kind == nil || d.Package == nil {
			t.Errorf("a dependency lacks apiVersion, kind or package: %+v", d)
			continue
		}
		if _, err := semver.NewConstraint(d.Version); err != nil {
			t.Errorf("Crossplane cannot read the range of %s: %v", *d.Package, err)
		}
		if _, err := name.NewRepository(*d.Package, name.StrictValidation); err != nil {
			t.Errorf("%s is not a fully qualified repository: %v", *d.Package, err)
		}
	}

	// Every kind has its definition and its composition.
	defined, composed := map[string]bool{}, map[string]bool{}
	for _, o := range pkg.GetObjects() {
		switch o := o.(type) {
		case *xpv2.CompositeResourceDefinition:
			defined[o.Spec.Names.Kind] = true
		case *xpv1.Composition:
			composed[o.Spec.CompositeTypeRef.Kind] = true
		case *xpv1alpha1.ManagedResourceActivationPolicy:
		default:
			t.Errorf("a configuration cannot contain a %T", o)
		}
	}
	want := map[string]bool{"ObservabilityPlatform": true, "KubernetesCluster": true, "ObservabilityStack": true, "Component": true, "Workload": true}
	if diff := cmp.Diff(want, defined); diff != "" {
		t.Errorf("kinds with a definition: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(want, composed); diff != "" {
		t.Errorf("kinds with a composition: -want, +got:\n%s", diff)
	}
}

// TestFunctionName proves that the compositions name the function as Crossplane
// names the one it installs as a dependency.
func TestFunctionName(t *testing.T) {
	content, err := Stream(root, configurationSources())
	if err != nil {
		t.Fatal(err)
	}
	pkg := parse(t, content)
	cfg, ok := pkg.GetMeta()[0].(*metav1.Configuration)
	if !ok {
		t.Fatalf("want a Configuration, got %T", pkg.GetMeta()[0])
	}
	want := ""
	for _, d := range cfg.Spec.DependsOn {
		if *d.Kind != "Function" {
			continue
		}
		repo, err := name.NewRepository(*d.Package)
		if err != nil {
			t.Fatal(err)
		}
		want = dnsLabel(repo.RepositoryStr())
	}
	for _, o := range pkg.GetObjects() {
		c, ok := o.(*xpv1.Composition)
		if !ok {
			continue
		}
		for _, step := range c.Spec.Pipeline {
			if diff := cmp.Diff(want, step.FunctionRef.Name); diff != "" {
				t.Errorf("function of composition %s: -want, +got:\n%s", c.GetName(), diff)
			}
		}
	}
}

// dnsLabel is Crossplane's rule for the name of a package that it installs as a
// dependency, made from the repository's path.
func dnsLabel(s string) string {
	var cut strings.Builder
	for i := range min(len(s), 63) {
		b := s[i]
		if ('a' <= b && b <= 'z') || ('0' <= b && b <= '9') {
			cut.WriteByte(b)
		}
		if strings.ContainsRune("./:-", rune(b)) && i != 0 && i != 62 && i != len(s)-1 {
			cut.WriteByte('-')
		}
	}
	return strings.Trim(cut.String(), "-")
}

// TestInstallManifest proves that the manifest for platform teams installs this
// configuration and its function, under the name that Crossplane would give it.
func TestInstallManifest(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "package", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]string{}
	for doc := range strings.SplitSeq("\n"+string(b), "\n---\n") {
		o := struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct{ Package string }
		}{}
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		if o.Spec.Package != "" {
			packages[o.Kind+" "+o.Metadata.Name] = o.Spec.Package
		}
	}
	want := map[string]string{
		"Configuration observe-k8s":                                "xpkg.crossplane.io/observe-k8s/observe-k8s:v0.1.0",
		"Function " + dnsLabel("observe-k8s/function-observe-k8s"): "xpkg.crossplane.io/observe-k8s/function-observe-k8s:v0.1.0",
	}
	if diff := cmp.Diff(want, packages); diff != "" {
		t.Errorf("packages that the manifest installs: -want, +got:\n%s", diff)
	}
}

// TestFunctionIsConfined proves that the manifest runs the function without rights:
// not as root, on a file system that cannot be written, with no token, and with
// nobody to talk to.
func TestFunctionIsConfined(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "package", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for doc := range strings.SplitSeq("\n"+string(b), "\n---\n") {
		o := map[string]any{}
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		u := unstructured.Unstructured{Object: o}
		switch {
		case u.GetName() != "function-observe-k8s":
		case u.GetKind() == "DeploymentRuntimeConfig":
			pod, _, _ := unstructured.NestedMap(o, "spec", "deploymentTemplate", "spec", "template", "spec")
			got["labels"], _, _ = unstructured.NestedMap(o, "spec", "deploymentTemplate", "spec", "template", "metadata", "labels")
			got["token"] = pod["automountServiceAccountToken"]
			containers, _ := pod["containers"].([]any)
			for _, c := range containers {
				got["context"] = c.(map[string]any)["securityContext"]
			}
		case u.GetKind() == "NetworkPolicy":
			got["selects"], _, _ = unstructured.NestedMap(o, "spec", "podSelector", "matchLabels")
			got["types"], _, _ = unstructured.NestedSlice(o, "spec", "policyTypes")
			got["egress"], _, _ = unstructured.NestedSlice(o, "spec", "egress")
		}
	}
	labels := map[string]any{"observe-k8s.io/runs": "function"}
	want := map[string]any{
		"labels": labels, "selects": labels, "token": false,
		"types": []any{"Ingress", "Egress"}, "egress": []any{},
		"context": map[string]any{
			"allowPrivilegeEscalation": false, "privileged": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
			"capabilities": map[string]any{"drop": []any{"ALL"}}, "seccompProfile": map[string]any{"type": "RuntimeDefault"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("how the manifest runs the function: -want, +got:\n%s", diff)
	}
}

// TestFunctionImage looks at what runs.
func TestFunctionImage(t *testing.T) {
	binary := []byte("binary")
	img, err := Function(root, "v1.2.3", "arm64", binary)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"os": cfg.OS, "architecture": cfg.Architecture, "user": cfg.Config.User,
		"entrypoint": strings.Join(cfg.Config.Entrypoint, " "), "ports": len(cfg.Config.ExposedPorts),
		"version": cfg.Config.Labels["org.opencontainers.image.version"],
	}
	want := map[string]any{
		"os": "linux", "architecture": "arm64", "user": "65532:65532",
		"entrypoint": "/function", "ports": 1, "version": "v1.2.3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("image: -want, +got:\n%s", diff)
	}

	files := map[string]string{}
	tr := tar.NewReader(mutate.Extract(img))
	for {
		hdr, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		files[hdr.Name] = string(b)
	}
	if diff := cmp.Diff(string(binary), files["function"]); diff != "" {
		t.Errorf("binary: -want, +got:\n%s", diff)
	}
	if len(files) != 2 {
		t.Errorf("want the binary and the package's objects and nothing else, got %d files", len(files))
	}
	pkg := parse(t, stream(t, img))
	f, ok := pkg.GetMeta()[0].(*metav1.Function)
	if !ok {
		t.Fatalf("want a Function, got %T", pkg.GetMeta()[0])
	}
	if diff := cmp.Diff([]string{"composition"}, f.Spec.Capabilities); diff != "" {
		t.Errorf("capabilities: -want, +got:\n%s", diff)
	}
}

// TestPush pushes to a registry in memory and reads back what Crossplane would.
func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New(quiet()))
	defer server.Close()
	target := Target{Registry: strings.TrimPrefix(server.URL, "http://") + "/observe-k8s", Version: "v1.2.3", Insecure: true}

	dir := t.TempDir()
	configuration := filepath.Join(dir, "c.xpkg")
	img, err := Configuration(root, target.Version)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Save(img, configuration); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	functions := []string{}
	for _, arch := range []string{"amd64", "arm64"} {
		img, err := Function(root, target.Version, arch, program)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, arch+".xpkg")
		if _, err := Save(img, path); err != nil {
			t.Fatal(err)
		}
		functions = append(functions, path)
	}

	if _, err := Push(t.Context(), target, configuration, functions); err != nil {
		t.Fatal(err)
	}

	for _, arch := range []string{"amd64", "arm64"} {
		ref, err := target.ref("function-observe-k8s")
		if err != nil {
			t.Fatal(err)
		}
		pulled, err := remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := pulled.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(arch, cfg.Architecture); diff != "" {
			t.Errorf("architecture of what was pulled: -want, +got:\n%s", diff)
		}
		parse(t, stream(t, pulled))
	}

	ref, err := target.ref("observe-k8s")
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	parse(t, stream(t, pulled))
}

// TestGame shows what an image of the emulator is: one binary, for one platform,
// without any rights.
func TestGame(t *testing.T) {
	img, err := Game("v1.2.3", "arm64", []byte("binary"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{cfg.OS, cfg.Architecture, cfg.Config.User, strings.Join(cfg.Config.Entrypoint, " "), cfg.Created.UTC().Format("2006-01-02")}
	if diff := cmp.Diff([]string{"linux", "arm64", nonroot, "/game", "1970-01-01"}, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) != 1 {
		t.Errorf("want one layer, got %d", len(layers))
	}
}
