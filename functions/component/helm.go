// SPDX-License-Identifier: Apache-2.0

package component

import (
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

const resourceRelease = "release"

// retries is how often provider-helm takes back a failed release and tries
// again. Without a limit it never does; a cause may last for days, so the limit
// is far away.
const retries = 10000

// helm installs charts straight from the management cluster, by provider-helm.
type helm struct{}

// Plan plans a Release. It waits until the chart's workloads are ready, so that
// Ready means that they work.
func (helm) Plan(o RenderInput) (DeploymentPlan, error) {
	xr := o.Claim
	leaf := v1alpha1.ObjectReference{APIVersion: compose.HelmAPIVersion, Kind: "Release", Name: compose.Name(xr.Namespace, xr.Name, resourceRelease)}
	d := DeploymentPlan{
		ManagedRefs: []ManagedRef{{Resource: resourceRelease, Ref: leaf}},
		Config:      v1alpha1.ObjectReference{APIVersion: compose.HelmAPIVersion, Kind: "ProviderConfig"},
	}
	r := compose.Resource{Name: resourceRelease, ConditionType: ConditionDeployed, Gate: o.Gate, Ready: compose.Managed}
	d.Resources = interrupted(o)
	if o.Connection == nil {
		d.Resources = append(d.Resources, r)
		return d, nil
	}
	d.Config.Name = o.Connection.HelmProviderConfigRef.Name
	r.Object = map[string]any{
		"apiVersion": leaf.APIVersion,
		"kind":       leaf.Kind,
		"metadata": map[string]any{
			"name":      leaf.Name,
			"namespace": xr.Namespace,
			"annotations": map[string]any{
				compose.AnnotationExternalName: o.ReleaseName,
				compose.AnnotationPollInterval: compose.PollInterval,
			},
		},
		"spec": map[string]any{
			"rollbackLimit":     int64(retries),
			"providerConfigRef": map[string]any{"kind": "ProviderConfig", "name": o.Connection.HelmProviderConfigRef.Name},
			"forProvider":       release(o),
		},
	}
	d.Resources = append(d.Resources, r)
	if obs := o.Observed[resourceRelease]; obs != nil {
		d.Version = stringField(obs, "status", "atProvider", "version")
		d.Revision = revision(obs, "status", "atProvider", "revision")
	}
	return d, nil
}

// release are the parameters of a Release.
func release(o RenderInput) map[string]any {
	c, spec := o.Chart, o.Claim.Spec
	repository, plain := o.Mirror.Rewrite(c.Repository)
	chart := map[string]any{"repository": repository, "name": c.Name, "version": c.Version}
	if c.Digest != "" {
		chart["digest"] = c.Digest
	}
	p := map[string]any{
		"chart":               chart,
		"namespace":           spec.TargetNamespace,
		"skipCreateNamespace": true,
		"wait":                true,
		"waitTimeout":         spec.Timeout,
		"maxHistory":          int64(5),
	}
	if plain {
		p["plainHTTP"] = true
	}
	if len(o.Values) > 0 {
		p["values"] = o.Values
	}
	from := make([]any, 0, len(spec.ValuesFrom))
	for _, v := range spec.ValuesFrom {
		kind := "configMapKeyRef"
		if v.Kind == v1alpha1.ValuesFromSecret {
			kind = "secretKeyRef"
		}
		ref := map[string]any{"name": v.Name, "key": v.Key}
		if v.Optional {
			ref["optional"] = true
		}
		from = append(from, map[string]any{kind: ref})
	}
	if len(from) > 0 {
		p["valuesFrom"] = from
	}
	return p
}
