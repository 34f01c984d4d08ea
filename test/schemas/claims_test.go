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
