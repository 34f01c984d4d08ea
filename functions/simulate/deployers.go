// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// onCluster is what an Object of provider-kubernetes sees on the cluster: what
// it brought there, with what a deployer says of it once it works. Flux and Argo
// CD are simulated.
func (s *Simulation) onCluster(o *unstructured.Unstructured) map[string]any {
	m, _, _ := unstructured.NestedMap(o.Object, "spec", "forProvider", "manifest")
	remote := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(m)}
	str := func(path ...string) string {
		v, _, _ := unstructured.NestedString(remote.Object, path...)
		return v
	}
	ready := func(reason, message string) map[string]any {
		remote.SetGeneration(1)
		c := condition("Ready", true, reason, message)
		c["observedGeneration"] = int64(1)
		return map[string]any{"observedGeneration": int64(1), "conditions": []any{c}}
	}
	var st map[string]any
	switch remote.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Kind: "Namespace"}:
		st = map[string]any{"phase": "Active"}
	case schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "OCIRepository"},
		schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "HelmRepository"}:
		st = ready("Succeeded", "stored artifact")
	case schema.GroupKind{Group: "source.toolkit.fluxcd.io", Kind: "GitRepository"}:
		st = ready("Succeeded", "stored artifact")
		st["artifact"] = map[string]any{"revision": revision(remote)}
	case schema.GroupKind{Group: "kustomize.toolkit.fluxcd.io", Kind: "Kustomization"}:
		st = ready("ReconciliationSucceeded", "Applied revision")
		if source := s.behind(o, "git-repository"); source != nil {
			st["lastAppliedRevision"] = revision(source)
		}
	case schema.GroupKind{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}:
		st = ready("InstallSucceeded", "Helm install succeeded")
		st["history"] = []any{s.installed(o, remote)}
	case schema.GroupKind{Group: "argoproj.io", Kind: "Application"}:
		source, _, _ := unstructured.NestedMap(remote.Object, "spec", "source")
		st = map[string]any{
			"sync": map[string]any{
				"status": "Synced", "revision": str("spec", "source", "targetRevision"),
				"comparedTo": map[string]any{"source": source},
			},
			"health": map[string]any{"status": "Healthy"},
		}
	default:
		return remote.Object
	}
	remote.Object["status"] = st
	return remote.Object
}

// installed is what a HelmRelease says of the chart that it installed. The chart
// of an OCI repository gets a part of its digest for a suffix.
func (s *Simulation) installed(o, release *unstructured.Unstructured) map[string]any {
	version, _, _ := unstructured.NestedString(release.Object, "spec", "chart", "spec", "version")
	out := map[string]any{"chartVersion": version, "version": int64(1), "status": "deployed"}
	source := s.behind(o, "oci-repository")
	if version != "" || source == nil {
		return out
	}
	tag, _, _ := unstructured.NestedString(source.Object, "spec", "ref", "tag")
	out["chartVersion"] = strings.ReplaceAll(tag, "_", "+") + "+0123456789ab"
	if digest, ok, _ := unstructured.NestedString(source.Object, "spec", "ref", "digest"); ok {
		out["chartVersion"], out["ociDigest"] = "0.0.0+0123456789ab", digest
	}
	return out
}

// behind is the source that something is made of: what the same composite
// composes under a name.
func (s *Simulation) behind(o *unstructured.Unstructured, resource string) *unstructured.Unstructured {
	k := keyOf(o)
	for _, children := range s.children {
		if children[o.GetAnnotations()[AnnotationResourceName]] != k {
			continue
		}
		source := s.objects[children[resource]]
		if source == nil {
			return nil
		}
		m, _, _ := unstructured.NestedMap(source.Object, "spec", "forProvider", "manifest")
		return &unstructured.Unstructured{Object: m}
	}
	return nil
}

// revision is what Flux says of a repository that it has fetched.
func revision(repository *unstructured.Unstructured) string {
	ref, _, _ := unstructured.NestedStringMap(repository.Object, "spec", "ref")
	for _, kind := range []string{"branch", "tag", "semver"} {
		if ref[kind] != "" {
			return ref[kind] + "@sha1:0123456789abcdef0123456789abcdef01234567"
		}
	}
	return "sha1:" + ref["commit"]
}
