package component

import (
	"encoding/json"
	"strconv"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// retries is how often provider-helm takes back a failed release and tries
// again. Without a limit it never does; a cause may last for days, so the limit
// is far away.
const retries = 10000

// helm installs charts straight from the management cluster, by provider-helm.
type helm struct{}

// Plan plans a Release. It waits until the chart's workloads are ready, so that
// Ready means that they work.
func (helm) Plan(in compose.Input[v1alpha1.Component], access *v1alpha1.Access, gate compose.Gate) (Delivery, error) {
	xr := in.Claim
	d := Delivery{
		LeafName:    resourceRelease,
		Leaf:        v1alpha1.ObjectReference{APIVersion: compose.HelmAPIVersion, Kind: "Release", Name: compose.Name(xr.Namespace, xr.Name, resourceRelease)},
		Config:      v1alpha1.ObjectReference{APIVersion: compose.HelmAPIVersion, Kind: "ProviderConfig"},
		ReleaseName: xr.Spec.ReleaseName,
	}
	if d.ReleaseName == "" {
		d.ReleaseName = compose.NameMax(compose.MaxReleaseName, xr.Namespace, xr.Name)
	}
	r := compose.Resource{Name: resourceRelease, Part: PartDelivered, Gate: gate, Ready: compose.Managed}
	if access == nil {
		d.Resources = []compose.Resource{r}
		return d, nil
	}
	d.Config.Name = access.HelmProviderConfig
	mirror, err := mirrorOf(in.Settings, access)
	if err != nil {
		return Delivery{}, err
	}
	parameters, err := release(xr.Spec, mirror)
	if err != nil {
		return Delivery{}, err
	}
	r.Object = map[string]any{
		"apiVersion": d.Leaf.APIVersion,
		"kind":       d.Leaf.Kind,
		"metadata": map[string]any{
			"name":      d.Leaf.Name,
			"namespace": xr.Namespace,
			"annotations": map[string]any{
				compose.AnnotationExternalName: d.ReleaseName,
				compose.AnnotationPollInterval: compose.PollInterval,
			},
		},
		"spec": map[string]any{
			"rollbackLimit":     int64(retries),
			"providerConfigRef": map[string]any{"kind": "ProviderConfig", "name": access.HelmProviderConfig},
			"forProvider":       parameters,
		},
	}
	d.Resources = []compose.Resource{r}
	if o := in.Observed[resourceRelease]; o != nil {
		d.Version, _, _ = unstructured.NestedString(o.Object, "status", "atProvider", "version")
		if rev, ok, _ := unstructured.NestedFieldNoCopy(o.Object, "status", "atProvider", "revision"); ok {
			d.Revision = revision(rev)
		}
	}
	return d, nil
}

// mirrorOf the cluster's policy, or else of the function's flag.
func mirrorOf(s compose.Settings, access *v1alpha1.Access) (*compose.Mirror, error) {
	if access.ChartMirror == "" {
		return s.ChartMirror, nil
	}
	return compose.ParseMirror(access.ChartMirror)
}

// release are the parameters of a Release.
func release(spec v1alpha1.ComponentSpec, mirror *compose.Mirror) (map[string]any, error) {
	c := spec.Source.Chart
	repository, plain := mirror.Rewrite(c.Repository)
	chart := map[string]any{"repository": repository, "name": c.Name, "version": c.Version}
	if c.Digest != "" {
		chart["digest"] = c.Digest
	}
	p := map[string]any{
		"chart":               chart,
		"namespace":           spec.Namespace,
		"skipCreateNamespace": true,
		"wait":                true,
		"waitTimeout":         spec.Timeout,
		"maxHistory":          int64(5),
	}
	if plain {
		p["plainHTTP"] = true
	}
	if spec.Values != nil && len(spec.Values.Raw) > 0 {
		values := map[string]any{}
		if err := json.Unmarshal(spec.Values.Raw, &values); err != nil {
			return nil, err
		}
		p["values"] = values
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
	return p, nil
}

// revision writes a number that came through JSON or protobuf.
func revision(v any) string {
	switch n := v.(type) {
	case int64:
		return strconv.FormatInt(n, 10)
	case float64:
		return strconv.FormatInt(int64(n), 10)
	}
	return ""
}
