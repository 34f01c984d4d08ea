// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestDeployer shows which deployer deploys workloads, and that the stack brings
// it.
func TestDeployer(t *testing.T) {
	by := func(asked v1alpha1.Deployer) func(*v1alpha1.ObservabilityPlatform) {
		w := podinfo("shop")
		w.Deployer = asked
		return workloads(w)
	}
	standard := func(c *v1alpha1.ObservabilityPlatform) { c.Spec.Stack.Profile = v1alpha1.ProfileStandard }
	existing := settle(t, compose.Request{XR: toUnstructured(t, claim())}).Observed
	cases := map[string]struct {
		reason    string
		claim     *v1alpha1.ObservabilityPlatform
		observed  map[string]*unstructured.Unstructured
		deployer  string
		deployers []string
		says      string
	}{
		"Minimal":  {"The smallest profile does without deployers on the cluster.", claim(by("")), nil, "Helm", nil, ""},
		"Standard": {"Argo CD is for workloads.", claim(by(""), standard), nil, "ArgoCD", []string{"ArgoCD"}, ""},
		"Asked":    {"A workload may take another way.", claim(by("Flux"), standard), nil, "Flux", []string{"Flux"}, ""},
		"Latched":  {"A larger profile does not touch what is there.", claim(by(""), standard), existing, "Helm", nil, ""},
		"Changed": {
			"Nor does a word that comes later, which is refused.", claim(by("ArgoCD")), existing, "Helm", nil,
			"Workload shop was deployed by Helm, and ArgoCD does not take it over: give a new workload the other deployer, then remove this one",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := compose.Request{XR: toUnstructured(t, tc.claim), Observed: tc.observed}
			if tc.observed == nil {
				w = settle(t, w)
			}
			res := run(t, w)
			deployer, _, _ := unstructured.NestedString(res.Resources["workload-shop"].Object, "spec", "deployer")
			deployers, _, _ := unstructured.NestedStringSlice(res.Resources["stack"].Object, "spec", "additionalDeployers")
			says := ""
			for _, c := range res.Conditions {
				if c.Reason == "ImmutableField" {
					says = c.Message
				}
			}
			if diff := cmp.Diff([]any{tc.deployer, tc.deployers, tc.says}, []any{deployer, deployers, says}); diff != "" {
				t.Errorf("\n%s\ndeployer, deployers and complaint: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
