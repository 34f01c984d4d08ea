// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// schemas of the kinds of this project.
func schemas(t *testing.T) map[string]*structural.Structural {
	t.Helper()
	set, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*structural.Structural{}
	for _, kind := range kinds() {
		k, err := set.find(schema.FromAPIVersionAndKind(v1alpha1.APIVersion, kind))
		if err != nil {
			t.Fatal(err)
		}
		out[kind] = k.structural
	}
	return out
}

// TestRenamed proves that every renamed field is gone, and that the new one exists.
func TestRenamed(t *testing.T) {
	fields, err := apis.Renamed()
	if err != nil {
		t.Fatal(err)
	}
	all := schemas(t)
	for _, f := range fields {
		for _, kind := range f.Kinds {
			if all[kind] == nil {
				t.Errorf("there is no kind %s", kind)
				continue
			}
			if schemaAt(all[kind], f.Old) != nil {
				t.Errorf("%s still has %s", kind, f.Old)
			}
			if schemaAt(all[kind], f.New) == nil {
				t.Errorf("%s has no %s", kind, f.New)
			}
		}
	}
}

// TestHints proves that every hint is for a field of a kind, or for one that people
// take for one.
func TestHints(t *testing.T) {
	hints, err := apis.Hints()
	if err != nil {
		t.Fatal(err)
	}
	all := schemas(t)
	for _, h := range hints {
		for _, f := range h.Fields {
			kind, path, _ := strings.Cut(f, ".")
			parent, _ := cut(path)
			if all[kind] == nil || schemaAt(all[kind], parent) == nil {
				t.Errorf("there is no %s in %s", parent, kind)
			}
		}
	}
}

// TestSpelling shows which words are taken for another.
func TestSpelling(t *testing.T) {
	words := []string{"EKS", "AKS", "Existing", "europe-west", "us-east"}
	cases := map[string]struct{ reason, word, want string }{
		"Case":  {reason: "Only the case differs.", word: "existing", want: "Existing"},
		"Typo":  {reason: "A letter is wrong.", word: "Exsting", want: "Existing"},
		"Short": {reason: "Of three letters one may differ.", word: "EKZ", want: "EKS"},
		"Far":   {reason: "Another word is not taken for one.", word: "eu-west-1", want: ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := spelling(tc.word, words); got != tc.want {
				t.Errorf("\n%s\nspelling(%q): want %q, got %q", tc.reason, tc.word, tc.want, got)
			}
		})
	}
}

// TestRule shows that a limit of a text does not hide the rule with the words.
func TestRule(t *testing.T) {
	const claim = `
apiVersion: observe-k8s.io/v1alpha1
kind: ObservabilityPlatform
metadata: {name: demo, namespace: team-a}
spec: {cluster: {provider: Kind}, lifetime: "a lifetime that is much longer than it may be"}
`
	set, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := set.problems(t.Context(), object(t, claim), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) != 1 || problems[0].Path != "spec.lifetime" || !strings.Contains(problems[0].Hint, "lifetime must be hours, minutes and seconds") {
		t.Errorf("want a hint for spec.lifetime, got %v", problems)
	}
}
