// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestSchemas gets the CRDs of a provider from a registry in memory.
func TestSchemas(t *testing.T) {
	const stream = `---
apiVersion: meta.pkg.crossplane.io/v1
kind: Provider
metadata: {name: provider-aws-ec2}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: vpcs.ec2.aws.m.upbound.io}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: instances.ec2.aws.m.upbound.io}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: providerconfigs.aws.m.upbound.io}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: providerconfigs.aws.upbound.io}
`
	server := httptest.NewServer(registry.New())
	defer server.Close()
	p := Provider{strings.TrimPrefix(server.URL, "http://") + "/crossplane-contrib/provider-aws-ec2", "v2.6.0"}
	img, err := addStream(empty.Image, []byte(stream), v1.Config{Labels: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(p.Repository + ":" + p.Version)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(t.TempDir(), "crds")
	got, err := Schemas(t.Context(), p, []string{"vpcs.ec2.aws.m.upbound.io"}, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ec2.aws.m.upbound.io_vpcs.yaml", "aws.m.upbound.io_providerconfigs.yaml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is composed, and what configures it: -want, +got:\n%s", diff)
	}
	b, err := os.ReadFile(filepath.Join(dir, want[0]))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "name: vpcs.ec2.aws.m.upbound.io") {
		t.Errorf("the file does not hold its CRD: %s", b)
	}

	server.Close()
	if _, err := Schemas(t.Context(), p, nil, dir); err == nil || !strings.Contains(err.Error(), "cannot pull") {
		t.Errorf("without a registry: want an error that says what cannot be pulled, got %v", err)
	}
}

// TestProviders reads what the configuration depends on.
func TestProviders(t *testing.T) {
	providers, err := Providers(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(providers) < 5 {
		t.Errorf("want the providers of three clouds, got %v", providers)
	}
	for _, p := range providers {
		if _, err := name.ParseReference(p.Repository+":"+p.Version, name.StrictValidation); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	kinds, err := Activated(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(kinds) < 20 {
		t.Errorf("want the kinds of three clouds, got %v", kinds)
	}
}
