// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/oci"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	pkgAPI          = "pkg.crossplane.io/v1"
	contribPrefix   = "xpkg.crossplane.io/crossplane-contrib"
	providerHelmVer = "v1.3.0"
	providerKubeVer = "v1.3.1"
)

// A pkg is a package that Crossplane's package manager installs.
type pkg struct {
	kind string
	// name of the object that stands for the package.
	name string
	// repository under which the world knows the package.
	repository string
	version    string
}

// dependencyName returns the name that Crossplane gives to a package which it
// installs as a dependency.
func dependencyName(repository string) string {
	_, repo, _ := strings.Cut(repository, "/")
	return strings.ReplaceAll(repo, "/", "-")
}

func (p pkg) manifest() *unstructured.Unstructured {
	return object(pkgAPI, p.kind, p.name, map[string]any{
		"spec": map[string]any{"package": p.repository + ":" + p.version},
	})
}

// servePackages starts the registry and pushes every package to it.
func (cp *ControlPlane) servePackages() error {
	port, err := cp.ports.Free()
	if err != nil {
		return err
	}
	if cp.registry, err = oci.Serve(ports.Addr(port)); err != nil {
		return err
	}
	for _, p := range []struct{ program, version string }{
		{programs.ProviderHelm, providerHelmVer},
		{programs.ProviderKubernetes, providerKubeVer},
	} {
		content, err := providerPackage(cp.programs[p.program].Asset("package"))
		if err != nil {
			return err
		}
		repo := contribPrefix + "/" + p.program
		if err := cp.push(pkg{"Provider", dependencyName(repo), repo, p.version}, content); err != nil {
			return err
		}
	}
	if err := cp.pushLocal(); err != nil {
		return err
	}
	return cp.pushOurs()
}

func (cp *ControlPlane) push(p pkg, content []byte) error {
	img, err := oci.Package(content)
	if err != nil {
		return err
	}
	if err := cp.registry.Push(p.repository, p.version, img); err != nil {
		return err
	}
	cp.packages = append(cp.packages, p)
	return nil
}

// pushOurs pushes our Configuration and Function under the names by which the
// installation and the Configuration ask for them.
func (cp *ControlPlane) pushOurs() error {
	if cp.opts.ConfigurationPackage == "" {
		return nil
	}
	cfg, err := oci.ReadPackage(cp.opts.ConfigurationPackage)
	if err != nil {
		return err
	}
	fn, err := oci.ReadPackage(cp.opts.FunctionPackage)
	if err != nil {
		return err
	}
	meta, err := packageMeta(cfg)
	if err != nil {
		return err
	}
	repo, err := functionRepository(meta)
	if err != nil {
		return err
	}
	if err := cp.pushClouds(meta); err != nil {
		return err
	}
	version := cp.opts.PackageVersion
	if err := cp.push(pkg{"Function", dependencyName(repo), repo, version}, fn); err != nil {
		return err
	}
	if cp.install, err = readInstall(cp.opts.Root, version); err != nil {
		return err
	}
	name, repo, ok := cp.install.configuration()
	if !ok {
		return errors.New("cannot find our Configuration in what a platform team applies")
	}
	return cp.push(pkg{"Configuration", name, repo, version}, cfg)
}

// packageMeta returns the metadata object of a package.
func packageMeta(content []byte) (*unstructured.Unstructured, error) {
	objs, err := kube.Parse(content)
	if err != nil {
		return nil, err
	}
	for _, o := range objs {
		if strings.HasPrefix(o.GetAPIVersion(), "meta.pkg.crossplane.io/") {
			return o, nil
		}
	}
	return nil, errors.New("cannot find metadata in package")
}

// functionRepository returns the repository of the function that a
// Configuration depends on.
func functionRepository(meta *unstructured.Unstructured) (string, error) {
	deps, _, err := unstructured.NestedSlice(meta.Object, "spec", "dependsOn")
	if err != nil {
		return "", fmt.Errorf("cannot read dependencies of %s: %w", meta.GetName(), err)
	}
	for _, d := range deps {
		m, _ := d.(map[string]any)
		if repo, ok := m["function"].(string); ok {
			return repo, nil
		}
		if m["kind"] == "Function" {
			repo, _ := m["package"].(string)
			return repo, nil
		}
	}
	return "", fmt.Errorf("cannot find a function among the dependencies of %s", meta.GetName())
}

// providerPackage returns the package.yaml of a provider: its metadata and its
// CRDs.
func providerPackage(dir string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(dir, "crds", "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("cannot list CRDs: %w", err)
	}
	var buf bytes.Buffer
	for _, f := range append([]string{filepath.Join(dir, "crossplane.yaml")}, files...) {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("cannot read package: %w", err)
		}
		buf.WriteString("\n---\n")
		buf.Write(b)
	}
	return buf.Bytes(), nil
}

// installPackages installs every package the way that a platform team does,
// except that an ImageConfig sends Crossplane to our registry, and waits until
// all are healthy.
func (cp *ControlPlane) installPackages(ctx context.Context) error {
	watch, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cp.cancel = cancel
	cp.watches.Go(func() { cp.markRuntimes(watch) })

	c := cp.management.client
	if err := c.Apply(ctx, cp.rewrites()...); err != nil {
		return err
	}
	// Without our Configuration, which depends on them, the others are installed
	// by themselves.
	objs := cp.install.objects
	if len(objs) == 0 {
		objs = append(objs, activation())
		for _, p := range cp.packages {
			objs = append(objs, p.manifest())
		}
	}
	// Crossplane installs dependencies one after another, which takes seconds for
	// each. It finds the stand-ins there already.
	if err := c.ApplyAll(ctx, cp.standIns()); err != nil {
		return err
	}
	if err := c.Apply(ctx, objs...); err != nil {
		return err
	}
	for _, p := range cp.packages {
		if err := c.WaitCondition(ctx, stepTimeout, kind(pkgAPI, p.kind), "", p.name, "Healthy"); err != nil {
			return err
		}
	}
	return parallel(
		func() error { return cp.waitForAPIs(ctx) },
		func() error { return cp.startProviders(ctx) },
	)
}

// activation activates what the providers manage. Our Configuration brings a
// policy of its own.
func activation() *unstructured.Unstructured {
	return object("apiextensions.crossplane.io/v1alpha1", "ManagedResourceActivationPolicy", "controlplane", map[string]any{
		"spec": map[string]any{"activate": []any{
			"k3dclusters.local.observe-k8s.io", "kindclusters.local.observe-k8s.io", "objects.kubernetes.m.crossplane.io", "releases.helm.m.crossplane.io",
		}},
	})
}

// rewrites are ImageConfigs that send Crossplane to our registry.
func (cp *ControlPlane) rewrites() []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	seen := map[string]bool{}
	for _, p := range cp.packages {
		prefix := path.Dir(p.repository)
		if seen[prefix] {
			continue
		}
		seen[prefix] = true
		out = append(out, object("pkg.crossplane.io/v1beta1", "ImageConfig", "controlplane-"+strings.NewReplacer(".", "-", "/", "-").Replace(prefix), map[string]any{
			"spec": map[string]any{
				"matchImages":  []any{map[string]any{"type": "Prefix", "prefix": prefix}},
				"rewriteImage": map[string]any{"prefix": cp.registry.Addr() + "/" + prefix},
			},
		}))
	}
	return out
}

// waitForAPIs waits until composite resources of every kind can be created.
func (cp *ControlPlane) waitForAPIs(ctx context.Context) error {
	xrd := kind("apiextensions.crossplane.io/v2", "CompositeResourceDefinition")
	xrds, err := cp.management.client.List(ctx, xrd, "")
	if err != nil {
		return err
	}
	for _, x := range xrds {
		if err := cp.management.client.WaitCondition(ctx, stepTimeout, xrd, "", x.GetName(), "Established"); err != nil {
			return err
		}
	}
	return nil
}

// markRuntimes says of every package revision's runtime that it is there, which
// with Crossplane's external runtime is up to whoever runs the processes.
func (cp *ControlPlane) markRuntimes(ctx context.Context) {
	// Packages are installed now, and hardly ever after.
	const often, seldom, change = 150 * time.Millisecond, 2 * time.Second, time.Minute
	tick := time.NewTicker(often)
	defer tick.Stop()
	relax := time.After(change)
	for {
		for _, k := range []string{"FunctionRevision", "ProviderRevision"} {
			revs, err := cp.management.client.List(ctx, kind(pkgAPI, k), "")
			if err != nil {
				continue
			}
			for _, r := range revs {
				if status, _, _ := kube.Condition(&r, "RuntimeHealthy"); status == "True" {
					continue
				}
				// What fails is tried again with the next tick.
				_ = cp.management.client.ApplyStatus(ctx, cp.runtimeStatus(&r))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-relax:
			tick.Reset(seldom)
		case <-tick.C:
		}
	}
}

func (cp *ControlPlane) runtimeStatus(revision *unstructured.Unstructured) *unstructured.Unstructured {
	now := time.Now().UTC().Format(time.RFC3339)
	status := map[string]any{
		"tlsServerSecretName": serverSecret,
		"tlsClientSecretName": clientSecret,
		"conditions": []any{
			map[string]any{
				"type": "RuntimeHealthy", "status": "True", "reason": "HealthyPackageRevision",
				"lastTransitionTime": now, "message": "runs as a process beside the control plane",
			},
			map[string]any{
				"type": "RuntimeActive", "status": "True", "reason": "ActiveRuntime",
				"lastTransitionTime": now, "message": "runs as a process beside the control plane",
			},
		},
	}
	if revision.GetKind() == "FunctionRevision" {
		image, _, _ := unstructured.NestedString(revision.Object, "spec", "image")
		status["endpoint"] = fmt.Sprintf("dns:///localhost:%d", cp.functions.port(image))
	}
	return object(pkgAPI, revision.GetKind(), revision.GetName(), map[string]any{"status": status})
}
