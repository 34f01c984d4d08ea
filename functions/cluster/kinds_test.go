// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// TestKinds proves that the folders of providers tell of just the kinds that the
// activation policy activates.
func TestKinds(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "package", "activation-policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	policy := struct{ Spec struct{ Activate []string } }{}
	if err := yaml.Unmarshal(raw, &policy); err != nil {
		t.Fatal(err)
	}
	known, err := Kinds()
	if err != nil {
		t.Fatal(err)
	}
	plural := strings.NewReplacer("rys.", "ries.", "tys.", "ties.")
	var got []string
	for name := range known.Kinds {
		kind, group, _ := strings.Cut(name, ".")
		got = append(got, plural.Replace(strings.ToLower(kind)+"s.")+group)
	}
	slices.Sort(got)
	if diff := cmp.Diff(policy.Spec.Activate, got); diff != "" {
		t.Errorf("-activated, +told in kinds.yaml:\n%s", diff)
	}
}
