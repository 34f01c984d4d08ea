// SPDX-License-Identifier: Apache-2.0

package controlplane

import "testing"

// TestCloudGroup finds which kinds a provider brings.
func TestCloudGroup(t *testing.T) {
	cases := map[string]struct {
		reason     string
		repository string
		want       string
	}{
		"Service": {"A service of a cloud is a group of its own.", "xpkg.crossplane.io/crossplane-contrib/provider-aws-ec2", "ec2.aws.m.upbound.io"},
		"Family":  {"A family has what belongs to no service.", "xpkg.crossplane.io/crossplane-contrib/provider-family-azure", "azure.m.upbound.io"},
		"Hosts":   {"Hosts are simulated like clouds.", "xpkg.crossplane.io/crossplane-contrib/provider-k3s", "k3s.m.crossplane.io"},
		"Engine":  {"So are container engines.", "xpkg.crossplane.io/observe-k8s/provider-local", "local.observe-k8s.io"},
		"Helm":    {"That is no cloud.", "xpkg.crossplane.io/crossplane-contrib/provider-helm", ""},
		"Ours":    {"That is no provider.", "xpkg.crossplane.io/observe-k8s/function-observe-k8s", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got, _ := cloudGroup(tc.repository); got != tc.want {
				t.Errorf("%s: %q, want %q", tc.reason, got, tc.want)
			}
		})
	}
}

// TestOldest finds a version that a range admits.
func TestOldest(t *testing.T) {
	if got, want := oldest(">=v2.6.0, <v3.0.0-0"), "v2.6.0"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
