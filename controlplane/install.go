// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// An install is what a platform team applies: package/install.yaml.
type install struct {
	objects []*unstructured.Unstructured
}

// readInstall reads what a platform team applies. Our packages are the version
// that we have.
func readInstall(root, version string) (install, error) {
	objs, err := kube.ReadFiles(filepath.Join(root, "package", "install.yaml"))
	if err != nil {
		return install{}, err
	}
	for _, o := range objs {
		if k := o.GetKind(); k != "Configuration" && k != "Function" {
			continue
		}
		ref, _, _ := unstructured.NestedString(o.Object, "spec", "package")
		repository, _, _ := strings.Cut(ref, ":")
		if err := unstructured.SetNestedField(o.Object, repository+":"+version, "spec", "package"); err != nil {
			return install{}, fmt.Errorf("cannot set version of %s: %w", o.GetName(), err)
		}
	}
	return install{objects: objs}, nil
}

// Install reads what a platform team applies to install a version.
func (cp *ControlPlane) Install(version string) ([]*unstructured.Unstructured, error) {
	i, err := readInstall(cp.opts.Root, version)
	return i.objects, err
}

// configuration returns our Configuration's name and repository.
func (i install) configuration() (name, repository string, ok bool) {
	for _, o := range i.objects {
		if o.GetKind() == "Configuration" {
			ref, _, _ := unstructured.NestedString(o.Object, "spec", "package")
			repository, _, _ := strings.Cut(ref, ":")
			return o.GetName(), repository, true
		}
	}
	return "", "", false
}

// args returns the arguments with which a DeploymentRuntimeConfig of the
// installation runs a package. Processes get the same.
func (i install) args(runtimeConfig string) []string {
	for _, o := range i.objects {
		if o.GetKind() != "DeploymentRuntimeConfig" || o.GetName() != runtimeConfig {
			continue
		}
		containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "deploymentTemplate", "spec", "template", "spec", "containers")
		for _, c := range containers {
			m, _ := c.(map[string]any)
			args, _, _ := unstructured.NestedStringSlice(m, "args")
			return args
		}
	}
	return nil
}
