// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestRefusedClaims judges claims that an API server must refuse, within a
// second. The end-to-end tests ask a real one.
func TestRefusedClaims(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "refused.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Reason, Message string
		Claim, Old            map[string]any
	}
	if err := yaml.UnmarshalStrict(b, &cases); err != nil {
		t.Fatal(err)
	}
	set := load(t)
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			if tc.Old != nil {
				check(t, "What is to be replaced must be valid.", "", set.Validate(t.Context(), tc.Old))
				// As an API server has them on an update.
				for _, o := range []map[string]any{tc.Old, tc.Claim} {
					o["metadata"].(map[string]any)["resourceVersion"] = "1"
				}
			}
			check(t, tc.Reason, tc.Message, set.ValidateUpdate(t.Context(), tc.Claim, tc.Old))
		})
	}
}

// TestAcceptedChanges shows what may change of a cluster on hosts of one's own,
// where most may not.
func TestAcceptedChanges(t *testing.T) {
	const lab = `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: lab, namespace: team-a, resourceVersion: "1"}
spec:
  provider: K3s
  version: "1.34"
  k3s:
`
	const one = "    hosts: [{address: 192.0.2.10, role: Server}]\n"
	cases := map[string]struct{ reason, old, now string }{
		"Agent": {
			reason: "Hosts may join later.",
			old:    lab + one + "    ssh: {keySecretRef: {name: a}}",
			now:    lab + "    hosts: [{address: 192.0.2.10, role: Server}, {address: node-1.lab.example.org, labels: {rack: a}}]\n    ssh: {keySecretRef: {name: a}}",
		},
		"Login": {
			reason: "Keys and users are rotated.",
			old:    lab + one + "    ssh: {keySecretRef: {name: a}}",
			now:    lab + one + "    ssh: {username: ubuntu, port: 2222, keySecretRef: {name: b, key: id_ed25519}}",
		},
	}
	set := load(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			check(t, tc.reason, "", set.ValidateUpdate(t.Context(), object(t, tc.now), object(t, tc.old)))
		})
	}
}
