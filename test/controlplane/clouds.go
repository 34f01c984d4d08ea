package controlplane

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// SchemasEnv names the environment variable that says where CRDs of providers
// are collected, below crds.
const SchemasEnv = "OBSERVE_K8S_SCHEMAS"

// pushClouds pushes a stand-in for every provider of a cloud that our
// Configuration depends on: a package of the same name with the real CRDs of the
// kinds that we compose, and no program. Where no CRDs are collected, the
// package is empty.
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
		if m["kind"] != "Provider" || !ok {
			continue
		}
		content, err := cloudPackage(path.Base(repo), group, kinds)
		if err != nil {
			return err
		}
		if err := cp.push(pkg{"Provider", dependencyName(repo), repo, oldest(constraint)}, content); err != nil {
			return err
		}
	}
	return nil
}

// cloudGroup is the API group of a provider, by its repository:
// provider-aws-ec2 brings ec2.aws.m.upbound.io, provider-family-azure
// azure.m.upbound.io.
func cloudGroup(repository string) (string, bool) {
	parts := strings.SplitN(strings.TrimPrefix(path.Base(repository), "provider-"), "-", 2)
	if len(parts) != 2 {
		return "", false
	}
	switch parts[0] {
	case "family":
		return parts[1] + ".m.upbound.io", true
	case "aws", "azure", "gcp":
		return parts[1] + "." + parts[0] + ".m.upbound.io", true
	}
	return "", false
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

// cloudPackage is the package.yaml of a stand-in.
func cloudPackage(name, group string, kinds map[string]bool) ([]byte, error) {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, `apiVersion: meta.pkg.crossplane.io/v1
kind: Provider
metadata:
  name: %s
  annotations:
    meta.crossplane.io/description: A stand-in of this name. What it manages is simulated.
`, name)
	for kind := range kinds {
		plural, of, _ := strings.Cut(kind, ".")
		if of != group {
			continue
		}
		files, err := filepath.Glob(filepath.Join(os.Getenv(SchemasEnv), "crds", "*", group+"_"+plural+".yaml"))
		if err != nil {
			return nil, fmt.Errorf("cannot find the CRD of %s: %w", kind, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				return nil, fmt.Errorf("cannot read the CRD of %s: %w", kind, err)
			}
			buf.WriteString("---\n")
			buf.Write(b)
		}
	}
	return buf.Bytes(), nil
}
