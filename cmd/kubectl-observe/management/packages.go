// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	observek8s "github.com/observe-k8s/observe-k8s"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// A dependency of our Configuration.
type dependency struct{ Kind, Package, Version string }

// wanted says whether a laptop needs it: what makes clusters in clouds would only
// take its memory.
func (d dependency) wanted() bool {
	for _, p := range []string{"/function-observe-k8s", "/provider-helm", "/provider-kubernetes", "/provider-local"} {
		if strings.HasSuffix(d.Package, p) {
			return true
		}
	}
	return false
}

// object is what installs the dependency: the oldest version that is admitted,
// which for our own is the only one.
func (d dependency) object(ours string) *unstructured.Unstructured {
	oldest, _, _ := strings.Cut(d.Version, ",")
	version := strings.TrimLeft(oldest, ">=~^ ")
	if strings.HasPrefix(d.Package, prefix) {
		version = ours
	}
	_, repo, _ := strings.Cut(d.Package, "/")
	return object("pkg.crossplane.io/v1", d.Kind, strings.ReplaceAll(repo, "/", "-"), map[string]any{
		"package": d.Package + ":" + version,
		// Resolving dependencies would install the providers of clouds.
		"skipDependencyResolution": true,
	})
}

func object(apiVersion, kind, name string, spec map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}}}
	if spec != nil {
		o.Object["spec"] = spec
	}
	return o
}

// dependencies of our Configuration.
func dependencies() ([]dependency, error) {
	b, err := observek8s.Manifests.ReadFile("crossplane.yaml")
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the configuration")
	}
	cfg := struct {
		Spec struct{ DependsOn []dependency }
	}{}
	if err := yaml.Unmarshal(b, &cfg); err != nil {
		return nil, errors.Wrap(err, "cannot read the configuration")
	}
	return cfg.Spec.DependsOn, nil
}

// rewrite sends Crossplane to where the packages are; nil if that is where they
// are released.
func (c UpOptions) rewrite(r registry) *unstructured.Unstructured {
	from, to := prefix, r.pull+"/"+r.path(prefix)
	switch {
	case r.everything:
		from, to = "xpkg.crossplane.io", r.pull
	case r.pull == "" && (c.Packages == "" || c.Packages == prefix):
		return nil
	case r.pull == "":
		to = c.Packages
	}
	return object("pkg.crossplane.io/v1beta1", "ImageConfig", "kind-registry", map[string]any{
		"matchImages":  []any{map[string]any{"type": "Prefix", "prefix": from}},
		"rewriteImage": map[string]any{"prefix": to},
	})
}

// plan is everything that is applied before anything is waited for, in order.
func (c UpOptions) plan(r registry) ([]*unstructured.Unstructured, error) {
	var objs []*unstructured.Unstructured
	if o := c.rewrite(r); o != nil {
		objs = append(objs, o)
	}
	// The second mounts docker's socket, which others have to ask for.
	for _, file := range []string{"package/install.yaml", "package/runtime-docker.yaml"} {
		b, err := observek8s.Manifests.ReadFile(file)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot read %s", file)
		}
		more, err := kube.Parse(b)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot read %s", file)
		}
		objs = append(objs, more...)
	}
	// The function is among the dependencies.
	objs = slices.DeleteFunc(objs, func(o *unstructured.Unstructured) bool { return o.GetKind() == "Function" })
	deps, err := dependencies()
	if err != nil {
		return nil, err
	}
	for _, o := range objs {
		if o.GetKind() != "Configuration" {
			continue
		}
		ref, _, _ := unstructured.NestedString(o.Object, "spec", "package")
		repo, _, _ := strings.Cut(ref, ":")
		o.Object["spec"] = map[string]any{"package": repo + ":" + c.Version, "skipDependencyResolution": true}
	}
	runtimes := runtimeConfigs(objs)
	for _, d := range deps {
		if !d.wanted() {
			continue
		}
		o := d.object(c.Version)
		// An ImageConfig is looked up by where a package comes from, which is here.
		if name := runtimes[d.Package]; name != "" {
			if err := unstructured.SetNestedField(o.Object, name, "spec", "runtimeConfigRef", "name"); err != nil {
				return nil, errors.Wrapf(err, "cannot say how %s runs", d.Package)
			}
		}
		objs = append(objs, o)
	}
	return objs, nil
}

// runtimeConfigs are the names of DeploymentRuntimeConfigs by the repository that
// ImageConfigs tie them to.
func runtimeConfigs(objs []*unstructured.Unstructured) map[string]string {
	out := map[string]string{}
	for _, o := range objs {
		name, _, _ := unstructured.NestedString(o.Object, "spec", "runtime", "configRef", "name")
		images, _, _ := unstructured.NestedSlice(o.Object, "spec", "matchImages")
		for _, i := range images {
			m, _ := i.(map[string]any)
			if repo, _ := m["prefix"].(string); name != "" && repo != "" {
				out[repo] = name
			}
		}
	}
	return out
}

// installPackages installs what a platform team applies, without clouds, and
// makes everything ready for a first claim.
func (c UpOptions) installPackages(ctx context.Context, r registry) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	objs, err := c.plan(r)
	if err != nil {
		return err
	}
	if err := client.Apply(ctx, objs...); err != nil {
		return err
	}
	for _, o := range objs {
		if o.GroupVersionKind().Group != "pkg.crossplane.io" || !slices.Contains([]string{"Configuration", "Function", "Provider"}, o.GetKind()) {
			continue
		}
		for _, condition := range []string{"Installed", "Healthy"} {
			if err := client.WaitCondition(ctx, c.Timeout, o.GroupVersionKind(), "", o.GetName(), condition); err != nil {
				return err
			}
		}
	}
	// Until its CRD is served, the kind is unknown.
	config := object("local.observe-k8s.io/v1alpha1", "ClusterProviderConfig", "default", map[string]any{})
	err = kube.Wait(ctx, c.Timeout, "the provider for clusters of containers", func(ctx context.Context) (bool, error) {
		err := client.Apply(ctx, config)
		return err == nil, err
	})
	if err != nil {
		return err
	}
	return client.Apply(ctx, object("v1", "Namespace", c.Namespace, nil))
}
