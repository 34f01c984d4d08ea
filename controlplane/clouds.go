// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/controlplane/cloud"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/ports"
	clusters "github.com/observe-k8s/observe-k8s/functions/cluster"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// SchemasEnv names the environment variable that says where full CRDs of providers
// are, below crds. Without it the committed index has them, without descriptions.
const SchemasEnv = "OBSERVE_K8S_SCHEMAS"

// pushClouds pushes a stand-in for every provider of a cloud that our
// Configuration depends on: a package of the same name with the real CRDs of the
// kinds that we compose, and no program. Without simulated clouds the package is
// empty.
func (cp *ControlPlane) pushClouds(configuration *unstructured.Unstructured) error {
	deps, _, err := unstructured.NestedSlice(configuration.Object, "spec", "dependsOn")
	if err != nil {
		return fmt.Errorf("cannot read dependencies of %s: %w", configuration.GetName(), err)
	}
	kinds, err := activated(cp.opts.Root)
	if err != nil {
		return err
	}
	for _, d := range deps {
		m, _ := d.(map[string]any)
		repo, _ := m["package"].(string)
		constraint, _ := m["version"].(string)
		group, ok := cloudGroup(repo)
		if m["kind"] != "Provider" || !ok || (repo == localRepository && cp.opts.Local != nil) {
			continue
		}
		if !cp.opts.Clouds {
			kinds = nil
		}
		content, found, err := cloudPackage(schemas(cp.opts.Root), path.Base(repo), group, kinds)
		if err != nil {
			return err
		}
		cp.simulated = append(cp.simulated, found...)
		if err := cp.push(pkg{"Provider", dependencyName(repo), repo, oldest(constraint)}, content); err != nil {
			return err
		}
	}
	return nil
}

// standIns are the stand-ins, under the names that Crossplane would give them.
func (cp *ControlPlane) standIns() []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, p := range cp.packages {
		if _, ok := cloudGroup(p.repository); ok {
			out = append(out, p.manifest())
		}
	}
	return out
}

// cloudGroup is the API group of a provider, by its repository. Hosts and
// container engines are simulated like clouds.
func cloudGroup(repository string) (string, bool) {
	known, err := clusters.Kinds()
	group, ok := known.Packages[path.Base(repository)]
	return group, ok && err == nil
}

// oldest version that a range such as ">=v2.5.0, <v3.0.0-0" admits.
func oldest(constraint string) string {
	first, _, _ := strings.Cut(constraint, ",")
	return strings.TrimLeft(first, ">=~^ ")
}

// activated are the kinds that our policy activates, as names of CRDs.
func activated(root string) (map[string]bool, error) {
	b, err := os.ReadFile(filepath.Join(root, "package", "activation-policy.yaml"))
	if err != nil {
		return nil, fmt.Errorf("cannot read activation policy: %w", err)
	}
	policy := struct{ Spec struct{ Activate []string } }{}
	if err := yaml.Unmarshal(b, &policy); err != nil {
		return nil, fmt.Errorf("cannot read activation policy: %w", err)
	}
	out := make(map[string]bool, len(policy.Spec.Activate))
	for _, name := range policy.Spec.Activate {
		out[name] = true
	}
	return out, nil
}

// schemas are the folders with CRDs of providers, by preference, as patterns.
func schemas(root string) []string {
	folders := []string{
		filepath.Join(root, "providers", "local", "package", "crds"),
		filepath.Join(root, "test", "facts", "schemas", "crds", "*"),
	}
	if full := os.Getenv(SchemasEnv); full != "" {
		folders = append([]string{filepath.Join(full, "crds", "*")}, folders...)
	}
	return folders
}

// cloudPackage is the package.yaml of a stand-in, and which of the kinds are in
// it. Every kind of the group must be in one of the folders.
func cloudPackage(folders []string, name, group string, kinds map[string]bool) (content []byte, found []string, err error) {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, `apiVersion: meta.pkg.crossplane.io/v1
kind: Provider
metadata:
  name: %s
  annotations:
    meta.crossplane.io/description: A stand-in of this name. What it manages is simulated.
`, name)
	if len(kinds) == 0 {
		return buf.Bytes(), nil, nil
	}
	for _, kind := range append(slices.Sorted(maps.Keys(kinds)), "providerconfigs."+group, "clusterproviderconfigs."+group) {
		plural, of, _ := strings.Cut(kind, ".")
		if of != group {
			continue
		}
		var files []string
		for _, folder := range folders {
			f, err := filepath.Glob(filepath.Join(folder, group+"_"+plural+".yaml"))
			if err != nil {
				return nil, nil, fmt.Errorf("cannot find the CRD of %s: %w", kind, err)
			}
			files = append(files, f...)
		}
		if len(files) == 0 {
			if kinds[kind] {
				return nil, nil, fmt.Errorf("cannot simulate %s: its CRD is in none of %v, which make schemas fills", kind, folders)
			}
			continue // Most groups share the ProviderConfig of their family.
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			return nil, nil, fmt.Errorf("cannot read the CRD of %s: %w", kind, err)
		}
		buf.WriteString("---\n")
		buf.Write(b)
		if kinds[kind] {
			found = append(found, kind)
		}
	}
	return buf.Bytes(), found, nil
}

// startClouds plays the clouds, as soon as the API server serves their kinds.
func (cp *ControlPlane) startClouds(ctx context.Context) error {
	if !cp.opts.Clouds {
		return nil
	}
	if cp.remote == nil {
		return errors.New("cannot simulate clouds without the remote cluster, which every cluster of theirs is")
	}
	return cp.stages.run("start the SIMULATED clouds, by the CRDs in "+filepath.Dir(schemas(cp.opts.Root)[0]), func() error {
		kinds, err := cp.cloudKinds(ctx)
		if err != nil {
			return err
		}
		kubeconfig, err := kube.Kubeconfig("simulated", cp.remote.url(), cp.remote.ca.Cert, cp.remote.admin)
		if err != nil {
			return err
		}
		// It outlives the start, and ends with the other watches.
		play, cancel := context.WithCancel(context.WithoutCancel(ctx))
		stop := cp.cancel
		cp.cancel = func() {
			cancel()
			if stop != nil {
				stop()
			}
		}
		cp.clouds, err = cloud.Start(play, cp.management.client.Config(), cloud.Cluster{
			Kubeconfig: kubeconfig,
			Server:     cp.remote.url(),
		}, kinds)
		return err
	})
}

// startGoogle plays what gives the providers' own identity on Google Cloud.
func (cp *ControlPlane) startGoogle(ctx context.Context) error {
	if !cp.opts.Clouds {
		return nil
	}
	port, err := cp.ports.Free()
	if err != nil {
		return err
	}
	cp.stopGoogle, err = cloud.Google(ctx, ports.Addr(port), cp.googleCredentials())
	return err
}

func (cp *ControlPlane) googleCredentials() string {
	return filepath.Join(cp.dir, "google-credentials.json")
}

// cloudKinds are the kinds of clouds that are served.
func (cp *ControlPlane) cloudKinds(ctx context.Context) ([]schema.GroupVersionResource, error) {
	crd := kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
	var out []schema.GroupVersionResource
	for _, name := range cp.simulated {
		plural, group, _ := strings.Cut(name, ".")
		if err := cp.management.client.WaitCondition(ctx, stepTimeout, crd, "", name, "Established"); err != nil {
			return nil, err
		}
		o, err := cp.management.client.Get(ctx, crd, "", name)
		if err != nil || o == nil {
			return nil, fmt.Errorf("cannot get CRD %s: %w", name, err)
		}
		stored, _, _ := unstructured.NestedStringSlice(o.Object, "status", "storedVersions")
		if len(stored) == 0 {
			return nil, fmt.Errorf("cannot tell the version of %s", name)
		}
		out = append(out, schema.GroupVersionResource{Group: group, Version: stored[len(stored)-1], Resource: plural})
	}
	slices.SortFunc(out, func(a, b schema.GroupVersionResource) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}
