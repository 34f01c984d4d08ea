// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// TestIngressTaken shows where k3s may keep its own ingress.
func TestIngressTaken(t *testing.T) {
	off := false
	on := func(profile v1alpha1.Profile, traefik, serviceLB bool) func(*v1alpha1.ObservabilityPlatform) {
		return func(c *v1alpha1.ObservabilityPlatform) {
			c.Spec.Stack.Profile = profile
			c.Spec.Cluster.Provider, c.Spec.Cluster.Existing = v1alpha1.ProviderK3d, nil
			c.Spec.Cluster.K3d = &v1alpha1.K3dCluster{Traefik: traefik, ServiceLB: serviceLB}
		}
	}
	hosts := func(c *v1alpha1.ObservabilityPlatform) {
		on(v1alpha1.ProfileStandard, false, false)(c)
		c.Spec.Cluster.Provider, c.Spec.Cluster.K3d = v1alpha1.ProviderK3s, nil
		c.Spec.Cluster.K3s = &v1alpha1.K3sCluster{Traefik: true, ServiceLB: true}
	}
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.ObservabilityPlatform
		want   string
	}{
		"Neither":   {"Unless somebody asks for it, k3s has none.", claim(on(v1alpha1.ProfileStandard, false, false)), ""},
		"Both":      {"The stack's ingress needs the same ports.", claim(on(v1alpha1.ProfileStandard, true, true)), "k3d.traefik and k3d.serviceLB"},
		"Hosts":     {"So it does on hosts.", claim(hosts), "k3s.traefik and k3s.serviceLB"},
		"Unserved":  {"Without the load balancer Traefik does not take the ports.", claim(on(v1alpha1.ProfileStandard, true, false)), ""},
		"Balancer":  {"The load balancer alone serves the stack's ingress.", claim(on(v1alpha1.ProfileStandard, false, true)), ""},
		"NoIngress": {"Where the stack brings none, k3s may have one.", claim(on(v1alpha1.ProfileMinimal, true, true)), ""},
		"Disabled":  {"Nor does a stack that was told not to.", claim(on(v1alpha1.ProfileStandard, true, true), components(v1alpha1.StackComponent{Name: "ingress", Enabled: &off})), ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, settle(t, compose.Request{XR: toUnstructured(t, tc.claim)}))
			got := ""
			for _, c := range res.Conditions {
				if c.Reason == "PortConflict" {
					got = c.Message
				}
			}
			want := tc.want
			if want != "" {
				want += " keep an ingress of k3s on the ports that component ingress needs, and k3s cannot change them: disable component ingress, or make the platform anew without them"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
