// SPDX-License-Identifier: Apache-2.0

package component

import (
	"encoding/json"
	"fmt"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/values"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// ManifestsChart is the chart of this project that installs what its value
// manifests lists, and nothing else. With it every deployer can deploy manifests
// and take back what it deployed.
func ManifestsChart() v1alpha1.Chart {
	return v1alpha1.Chart{Repository: "oci://ghcr.io/observe-k8s/charts", Name: "manifests", Version: "0.1.0"}
}

// wrapManifests makes a chart with values of manifests.
func wrapManifests(manifests []runtime.RawExtension) (*v1alpha1.Chart, map[string]any, error) {
	list := make([]any, 0, len(manifests))
	for _, m := range manifests {
		o := map[string]any{}
		if err := json.Unmarshal(m.Raw, &o); err != nil {
			return nil, nil, fmt.Errorf("cannot read a manifest: %w", err)
		}
		list = append(list, o)
	}
	c := ManifestsChart()
	return &c, map[string]any{"manifests": list}, nil
}

// allValues are the values in place over those that valuesFrom refers to, for
// deployers that cannot look into the namespace of the claim. The gate is closed
// while some of them are not known.
func allValues(in compose.TypedRequest[v1alpha1.Component], p *compose.Plan) (map[string]any, compose.Gate, error) {
	merged := map[string]any{}
	gate := compose.Gate{}
	refuse := func(reason, format string, a ...any) {
		msg := fmt.Sprintf(format, a...)
		p.Problems = append(p.Problems, compose.Problem{ConditionType: ConditionDeployed, Reason: reason, Message: msg})
		gate = gate.And(compose.Gate{Waiting: msg})
	}
	for _, v := range in.Claim.Spec.ValuesFrom {
		requirement := requirementValues + v.Name
		switch {
		case v.Kind != v1alpha1.ValuesFromConfigMap:
			refuse("InvalidSpec", "Deployer %s cannot take values from %s %s without showing them on the way: choose deployer Helm", in.Claim.Spec.Deployer, v.Kind, v.Name)
			continue
		case !in.IsResolved(requirement):
			gate = gate.And(compose.Gate{Waiting: "Waiting for ConfigMap " + v.Name + " to be read"})
			continue
		}
		data, ok, _ := unstructured.NestedString(object(in.RequiredObject(requirement)), "data", v.Key)
		if !ok {
			if !v.Optional {
				refuse("ValuesNotFound", "ConfigMap %s with key %s does not exist in this namespace", v.Name, v.Key)
			}
			continue
		}
		m := map[string]any{}
		if err := yaml.Unmarshal([]byte(data), &m); err != nil {
			refuse("InvalidValues", "Key %s of ConfigMap %s is not a map of values in YAML", v.Key, v.Name)
			continue
		}
		merged = values.Merge(merged, m)
	}
	own, err := values.From(in.Claim.Spec.Values)
	return values.Merge(merged, own), gate, err
}

func object(o *unstructured.Unstructured) map[string]any {
	if o == nil {
		return nil
	}
	return o.Object
}
