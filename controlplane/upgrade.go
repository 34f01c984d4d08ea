// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"fmt"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/oci"
	"sigs.k8s.io/yaml"
)

// VersionLabel is on what packages contain that Publish pushed: it says of which
// version it is.
const VersionLabel = "controlplane.observe-k8s.io/version"

// Publish another version of our packages and run its function. From now on a
// platform team can install it: nothing does by itself. It contains what the
// first one contains, with a label.
func (cp *ControlPlane) Publish(version, functionBinary string) error {
	for file, repository := range map[string]string{
		cp.opts.ConfigurationPackage: cp.repository("Configuration"),
		cp.opts.FunctionPackage:      cp.repository("Function"),
	} {
		content, err := oci.ReadPackage(file)
		if err != nil {
			return err
		}
		if content, err = relabel(content, version); err != nil {
			return err
		}
		img, err := oci.Package(content)
		if err != nil {
			return err
		}
		if err := cp.registry.Push(repository, version, img); err != nil {
			return err
		}
	}
	return cp.runFunction(ProcessFunction+"-"+version, functionBinary, version)
}

// repository of our package of a kind.
func (cp *ControlPlane) repository(kind string) string {
	for _, p := range cp.packages {
		if p.kind == kind {
			return p.repository
		}
	}
	return ""
}

// relabel the objects of a package.
func relabel(content []byte, version string) ([]byte, error) {
	objs, err := kube.Parse(content)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, o := range objs {
		labels := o.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[VersionLabel] = version
		o.SetLabels(labels)
		b, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", o.GetName(), err)
		}
		out.WriteString("---\n")
		out.Write(b)
	}
	return out.Bytes(), nil
}
