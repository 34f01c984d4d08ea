// SPDX-License-Identifier: Apache-2.0

package component

import (
	"strconv"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	resourceOCIRepository  = "oci-repository"
	resourceHelmRepository = "helm-repository"
	resourceGitRepository  = "git-repository"
	resourceHelmRelease    = "helm-release"
	resourceKustomization  = "kustomization"

	fluxSourceAPI    = "source.toolkit.fluxcd.io/v1"
	fluxHelmAPI      = "helm.toolkit.fluxcd.io/v2"
	fluxKustomizeAPI = "kustomize.toolkit.fluxcd.io/v1"

	// fluxInterval is how often Flux looks at sources and at what drifted.
	fluxInterval = "5m"
	// fluxRetry is when Flux tries again what failed.
	fluxRetry = "30s"
)

// fluxReady holds when an object of Flux works as its present spec has it.
const fluxReady = `has(object.status) && has(object.status.conditions) && ` +
	`object.status.conditions.exists(c, c.type == "Ready" && c.status == "True" && ` +
	`has(c.observedGeneration) && c.observedGeneration == object.metadata.generation)`

// flux hands a source to Flux on the cluster: an object that says where it is,
// and one that says what becomes of it. Both live in the component's namespace.
type flux struct{}

// Plan plans the two objects.
func (flux) Plan(o RenderInput) (DeploymentPlan, error) {
	if o.Claim.Spec.Source.Git != nil {
		return fluxGit(o), nil
	}
	return fluxChart(o), nil
}

// fluxChart plans a HelmRelease and where its chart comes from.
func fluxChart(o RenderInput) DeploymentPlan {
	xr := o.Claim
	repository, plain := o.Mirror.Rewrite(o.Chart.Repository)
	host, isOCI := strings.CutPrefix(strings.TrimSuffix(repository, "/"), "oci://")
	sourceName, source := resourceHelmRepository, fluxObject(fluxSourceAPI, "HelmRepository", o, map[string]any{
		"interval": fluxInterval,
		"url":      repository,
	})
	if isOCI {
		// Tags have no plus, which separates what Helm leaves out when it compares.
		ref := map[string]any{"tag": strings.ReplaceAll(o.Chart.Version, "+", "_")}
		if o.Chart.Digest != "" {
			ref = map[string]any{"digest": o.Chart.Digest}
		}
		spec := map[string]any{
			"interval": fluxInterval,
			"url":      "oci://" + host + "/" + o.Chart.Name,
			"ref":      ref,
			"layerSelector": map[string]any{
				"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
				"operation": "copy",
			},
		}
		if plain {
			spec["insecure"] = true
		}
		sourceName, source = resourceOCIRepository, fluxObject(fluxSourceAPI, "OCIRepository", o, spec)
	}

	retry := func() map[string]any {
		return map[string]any{
			"crds":     "CreateReplace",
			"strategy": map[string]any{"name": "RetryOnFailure", "retryInterval": fluxRetry},
		}
	}
	spec := map[string]any{
		"interval":       fluxInterval,
		"timeout":        xr.Spec.Timeout,
		"releaseName":    o.ReleaseName,
		"maxHistory":     int64(5),
		"driftDetection": map[string]any{"mode": "enabled"},
		"install":        retry(),
		"upgrade":        retry(),
	}
	if isOCI {
		spec["chartRef"] = map[string]any{"kind": "OCIRepository", "name": fluxName(xr)}
	} else {
		spec["chart"] = map[string]any{"spec": map[string]any{
			"chart":     o.Chart.Name,
			"version":   o.Chart.Version,
			"interval":  fluxInterval,
			"sourceRef": map[string]any{"kind": "HelmRepository", "name": fluxName(xr)},
		}}
	}
	if len(o.Values) > 0 {
		spec["values"] = o.Values
	}
	if peers := fluxPeers(o, resourceHelmRelease); len(peers) > 0 {
		spec["dependsOn"] = peers
	}

	d := fluxResources(o, sourceName, source, resourceHelmRelease, fluxObject(fluxHelmAPI, "HelmRelease", o, spec),
		func(release *unstructured.Unstructured) bool { return installs(release, o.Chart) })
	latest := latestRelease(manifestOf(o.Observed[resourceHelmRelease]))
	d.Version, _, _ = strings.Cut(stringField(latest, "chartVersion"), "+")
	d.Revision = revision(latest, "version")
	return d
}

// fluxGit plans a Kustomization and where its folder comes from.
func fluxGit(o RenderInput) DeploymentPlan {
	xr, git := o.Claim, o.Claim.Spec.Source.Git
	ref := map[string]any{}
	for _, r := range []struct{ field, value string }{
		{"branch", git.Ref.Branch}, {"tag", git.Ref.Tag}, {"semver", git.Ref.Semver}, {"commit", git.Ref.Commit},
	} {
		if r.value != "" {
			ref[r.field] = r.value
		}
	}
	repository := map[string]any{"interval": fluxInterval, "url": git.URL, "ref": ref}
	if git.SecretRef != nil {
		repository["secretRef"] = map[string]any{"name": git.SecretRef.Name}
	}
	source := fluxObject(fluxSourceAPI, "GitRepository", o, repository)
	spec := map[string]any{
		"interval":        fluxInterval,
		"retryInterval":   fluxRetry,
		"timeout":         xr.Spec.Timeout,
		"path":            "./" + git.Path,
		"prune":           true,
		"wait":            true,
		"targetNamespace": xr.Spec.TargetNamespace,
		"sourceRef":       map[string]any{"kind": "GitRepository", "name": fluxName(xr)},
	}
	if k := git.Kustomize; k != nil {
		if len(k.Images) > 0 {
			images := make([]any, 0, len(k.Images))
			for _, i := range k.Images {
				images = append(images, fields("name", i.Name, "newName", i.NewName, "newTag", i.NewTag))
			}
			spec["images"] = images
		}
		if len(k.Patches) > 0 {
			spec["patches"] = patches(k.Patches)
		}
	}
	if peers := fluxPeers(o, resourceKustomization); len(peers) > 0 {
		spec["dependsOn"] = peers
	}
	fetched := stringField(manifestOf(o.Observed[resourceGitRepository]), "status", "artifact", "revision")
	d := fluxResources(o, resourceGitRepository, source, resourceKustomization, fluxObject(fluxKustomizeAPI, "Kustomization", o, spec),
		func(k *unstructured.Unstructured) bool {
			return fetched == "" || stringField(k, "status", "lastAppliedRevision") == fetched
		})
	d.Revision = stringField(manifestOf(o.Observed[resourceKustomization]), "status", "lastAppliedRevision")
	return d
}

// fluxResources is a source and what is made of it. The source is a leaf too: its
// finalizer needs Flux.
func fluxResources(o RenderInput, sourceName string, source map[string]any, name string, manifest map[string]any, current func(*unstructured.Unstructured) bool) DeploymentPlan {
	xr := o.Claim
	d := DeploymentPlan{
		ManagedRefs: []ManagedRef{{name, objectRef(xr, name)}, {sourceName, objectRef(xr, sourceName)}},
		Config:      v1alpha1.ObjectReference{APIVersion: compose.KubernetesAPIVersion, Kind: "ProviderConfig"},
	}
	anything := func(*unstructured.Unstructured) bool { return true }
	rs := []compose.Resource{
		{Name: sourceName, ConditionType: ConditionDeployed, Gate: o.Gate, Ready: fluxVerdict(anything)},
		{Name: name, ConditionType: ConditionDeployed, Gate: o.Gate, Ready: fluxVerdict(current)},
	}
	if o.Connection != nil {
		d.Config.Name = o.Connection.KubernetesProviderConfigRef.Name
		rs[0].Object = onCluster(xr, o.Connection, sourceName, fluxReady, source)
		// What a dependency is called is known when the dependency is.
		if !o.Unknown && len(o.Dependencies) == len(xr.Spec.DependsOn) {
			rs[1].Object = onCluster(xr, o.Connection, name, fluxReady, manifest)
		}
	}
	d.Resources = rs
	return d
}

// fluxName is what the objects of a Component are called on the cluster.
func fluxName(xr v1alpha1.Component) string { return defaultReleaseName(xr) }

func fluxObject(apiVersion, kind string, o RenderInput, spec map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": apiVersion,
		"kind":       kind,
		"metadata":   map[string]any{"name": fluxName(o.Claim), "namespace": o.Claim.Spec.TargetNamespace},
		"spec":       spec,
	}
}

// fluxPeers are what Flux itself waits for, also after the first time. It knows
// only its own objects, and of those only the ones of the same kind. What becomes
// a dependency later does not hold up what runs already: it counts from the time
// when it works.
func fluxPeers(o RenderInput, resource string) []any {
	known := map[string]bool{}
	if obs := o.Observed[resource]; obs != nil {
		list, _, _ := unstructured.NestedSlice(obs.Object, "spec", "forProvider", "manifest", "spec", "dependsOn")
		for _, d := range list {
			if m, ok := d.(map[string]any); ok {
				name, _ := m["name"].(string)
				known[name] = true
			}
		}
	}
	var out []any
	for _, p := range o.Dependencies {
		name := fluxName(p.Component)
		alike := p.Spec.Deployer == v1alpha1.DeployerFlux && (p.Spec.Source.Git == nil) == (o.Claim.Spec.Source.Git == nil)
		if alike && (p.IsReady || known[name]) {
			out = append(out, map[string]any{"name": name, "namespace": p.Spec.TargetNamespace})
		}
	}
	return out
}

// fluxVerdict judges an object of Flux by what the object says of itself, so
// that a person reads the cause. Besides it has to be current: Flux tells of a
// new source only when it has looked at it.
func fluxVerdict(current func(*unstructured.Unstructured) bool) func(*unstructured.Unstructured) compose.Health {
	return func(o *unstructured.Unstructured) compose.Health {
		v := compose.Managed(o)
		remote := manifestOf(o)
		if remote == nil || compose.GetCondition(o, "Synced").Status == "False" {
			return v
		}
		updating := compose.Health{Progressing: true, Reason: compose.ReasonUpdating, Message: displayName(remote) + " is being updated"}
		c := compose.GetCondition(remote, "Ready")
		// What Flux has brought goes on working while a dependency does not, and Flux
		// only does not look after it.
		if done := compose.GetCondition(remote, "Released"); c.Reason == "DependencyNotReady" && !c.Stale && done.Status == "True" && !done.Stale && current(remote) {
			return compose.Health{Ready: true}
		}
		// While it tries again, the last failure says more than the attempt.
		if failed := compose.GetCondition(remote, "Released"); c.Status == "Unknown" && failed.Status == "False" {
			c = failed
		}
		switch {
		case v.Ready && !current(remote):
			return updating
		case v.Ready:
			return v
		case c.Status == "" || c.Stale:
			return updating
		case c.Status == "False":
			return compose.Health{Progressing: fluxWaits(c.Reason), Reason: c.Reason, Message: displayName(remote) + ": " + c.Message}
		}
		return compose.Health{Progressing: true, Reason: compose.ReasonCreating, Message: displayName(remote) + ": " + c.Message}
	}
}

// fluxWaits says whether a reason means that something else comes first. What
// is wrong with that stands there.
func fluxWaits(reason string) bool {
	switch reason {
	case "DependencyNotReady", "SourceNotReady", "ArtifactNotReady", "Progressing", "ProgressingWithRetry":
		return true
	}
	return false
}

// latestRelease is what Helm did last, as a HelmRelease tells it.
func latestRelease(helmRelease *unstructured.Unstructured) *unstructured.Unstructured {
	if helmRelease != nil {
		history, _, _ := unstructured.NestedSlice(helmRelease.Object, "status", "history")
		if len(history) > 0 {
			if m, ok := history[0].(map[string]any); ok {
				return &unstructured.Unstructured{Object: m}
			}
		}
	}
	return &unstructured.Unstructured{}
}

// installs says whether the latest release is of the chart. Flux appends a part
// of the digest to the version of a chart from an OCI repository, and not every
// chart has the v of its tag.
func installs(helmRelease *unstructured.Unstructured, c *v1alpha1.Chart) bool {
	latest := latestRelease(helmRelease)
	if c.Digest != "" {
		return stringField(latest, "ociDigest") == c.Digest
	}
	plain := func(version string) string {
		version, _, _ = strings.Cut(strings.TrimPrefix(version, "v"), "+")
		return version
	}
	return plain(stringField(latest, "chartVersion")) == plain(c.Version)
}

// patches of Kustomize, which Flux and Argo CD write alike.
func patches(ps []v1alpha1.KustomizePatch) []any {
	out := make([]any, 0, len(ps))
	for _, p := range ps {
		m := map[string]any{"patch": p.Patch}
		if t := p.Target; t != nil {
			m["target"] = fields("kind", t.Kind, "name", t.Name, "labelSelector", t.LabelSelector)
		}
		out = append(out, m)
	}
	return out
}

// fields are those of name and value that have a value.
func fields(kv ...string) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			m[kv[i]] = kv[i+1]
		}
	}
	return m
}

// revision of a release, as text; empty if there is none.
func revision(release *unstructured.Unstructured, path ...string) string {
	if n, ok, err := unstructured.NestedInt64(release.Object, path...); ok && err == nil {
		return strconv.FormatInt(n, 10)
	}
	return ""
}
