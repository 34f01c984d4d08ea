// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"math/rand"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestName(t *testing.T) {
	long := strings.Repeat("a", 63)
	type args struct {
		namespace string
		parts     []string
	}
	cases := map[string]struct {
		reason string
		args   args
		want   string
	}{
		// A name that changes is another object: these must stay as they are.
		"Pinned": {
			reason: "Names are API.",
			args:   args{namespace: "team-a", parts: []string{"demo", "cluster"}},
			want:   "demo-cluster-8b9ae1e8",
		},
		"OtherNamespace": {
			reason: "The hash covers the namespace.",
			args:   args{namespace: "team-b", parts: []string{"demo", "cluster"}},
			want:   "demo-cluster-badc1ede",
		},
		"OfAName": {
			reason: "The hash of an owner's name is left out of the readable part, not out of the hash.",
			args:   args{namespace: "team-a", parts: []string{"demo-cluster-8b9ae1e8", "access"}},
			want:   "demo-cluster-access-506db176",
		},
		"Long": {
			reason: "The readable part is cut, the hash never.",
			args:   args{namespace: "team-a", parts: []string{long, "cluster"}},
			want:   strings.Repeat("a", 54) + "-82da9472",
		},
		"CutAtDash": {
			reason: "No two dashes meet at the cut.",
			args:   args{namespace: "team-a", parts: []string{strings.Repeat("a", 53), "cluster"}},
			want:   strings.Repeat("a", 53) + "-3a7f684b",
		},
		"Dots": {
			reason: "A composite may be called a.b, but a reference to its cluster may not.",
			args:   args{namespace: "team-a", parts: []string{"my.demo", "cluster"}},
			want:   "my-demo-cluster-e2a5fb0c",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Name(tc.args.namespace, tc.args.parts...)); diff != "" {
				t.Errorf("\n%s\nName(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestWithoutHash(t *testing.T) {
	cases := map[string]struct {
		reason string
		name   string
		want   string
	}{
		"Hash":       {reason: "The hash of a name goes.", name: "demo-cluster-8b9ae1e8", want: "demo-cluster"},
		"NoHash":     {reason: "What is no hash stays.", name: "kube-prometheus", want: "kube-prometheus"},
		"TooShort":   {reason: "A shorter tail is no hash.", name: "demo-8b9ae1e", want: "demo-8b9ae1e"},
		"NoDash":     {reason: "A hash follows a dash.", name: "demo8b9ae1e8", want: "demo8b9ae1e8"},
		"OnlyHash":   {reason: "Something has to remain.", name: "-8b9ae1e8", want: "-8b9ae1e8"},
		"BareHash":   {reason: "Something has to remain.", name: "8b9ae1e8", want: "8b9ae1e8"},
		"OtherChars": {reason: "A hash has hexadecimal digits only.", name: "demo-workload", want: "demo-workload"},
		"Empty":      {reason: "Nothing is nothing."},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, withoutHash(tc.name)); diff != "" {
				t.Errorf("\n%s\nwithoutHash(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// randomName is a name that the API server takes for a composite.
func randomName(r *rand.Rand, most int) string {
	const edge = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 1+r.Intn(most))
	for i := range b {
		b[i] = edge[r.Intn(len(edge))]
		if i == 0 || i == len(b)-1 {
			continue
		}
		switch n := r.Intn(12); {
		case n < 2:
			b[i] = '-'
		case n < 3 && b[i-1] != '-' && b[i-1] != '.':
			b[i] = '.'
		}
	}
	return strings.NewReplacer(".-", "-", "-.", "-").Replace(string(b))
}

// TestNameProperties looks at what holds for all names, over random owners.
func TestNameProperties(t *testing.T) {
	label := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	const seed = 1
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewSource(seed))
	seen := map[string]string{}
	for range 5000 {
		ns := randomName(r, 20)
		parts := make([]string, 1+r.Intn(3))
		for i := range parts {
			parts[i] = randomName(r, 63)
		}
		of := ns + "\x00" + strings.Join(parts, "\x00")
		for _, limit := range []int{MaxName, MaxReleaseName, 40, 20} {
			got := NameMax(limit, ns, parts...)
			if len(got) > limit {
				t.Errorf("NameMax(%d, %q, %q): %q has %d characters", limit, ns, parts, got, len(got))
			}
			if !label.MatchString(got) {
				t.Errorf("NameMax(%d, %q, %q): %q is not a DNS label", limit, ns, parts, got)
			}
			if again := NameMax(limit, ns, parts...); again != got {
				t.Errorf("NameMax(%d, %q, %q): once %q, once %q", limit, ns, parts, got, again)
			}
		}
		n := Name(ns, parts...)
		if other, ok := seen[n]; ok && other != of {
			t.Errorf("%q and %q have the same name %q", other, of, n)
		}
		seen[n] = of
	}
}

// TestNameUnique compares names that are easily mistaken for each other.
func TestNameUnique(t *testing.T) {
	type args struct {
		namespace string
		parts     []string
	}
	cases := map[string]struct {
		reason string
		a, b   args
	}{
		"DashInPart": {
			reason: "Where one part ends matters.",
			a:      args{namespace: "team", parts: []string{"a-b", "c"}},
			b:      args{namespace: "team", parts: []string{"a", "b-c"}},
		},
		"NumberOfParts": {
			reason: "How many parts there are matters.",
			a:      args{namespace: "team", parts: []string{"a-b"}},
			b:      args{namespace: "team", parts: []string{"a", "b"}},
		},
		"Namespace": {
			reason: "Cloud-global names are unique over namespaces.",
			a:      args{namespace: "team-a", parts: []string{"demo"}},
			b:      args{namespace: "team-b", parts: []string{"demo"}},
		},
		"NamespaceAndPart": {
			reason: "Where the namespace ends matters.",
			a:      args{namespace: "team-a", parts: []string{"b"}},
			b:      args{namespace: "team", parts: []string{"a", "b"}},
		},
		"HashInPart": {
			reason: "A hash that is left out of the readable part still counts.",
			a:      args{namespace: "team", parts: []string{"demo-8b9ae1e8", "access"}},
			b:      args{namespace: "team", parts: []string{"demo-8b9ae1e9", "access"}},
		},
		"Dots": {
			reason: "A dot is not a dash.",
			a:      args{namespace: "team", parts: []string{"my.demo"}},
			b:      args{namespace: "team", parts: []string{"my-demo"}},
		},
		"Cut": {
			reason: "What is cut off still counts.",
			a:      args{namespace: "team", parts: []string{strings.Repeat("a", 60), "b"}},
			b:      args{namespace: "team", parts: []string{strings.Repeat("a", 60), "c"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a, b := Name(tc.a.namespace, tc.a.parts...), Name(tc.b.namespace, tc.b.parts...)
			if a == b {
				t.Errorf("\n%s\nboth are named %q", tc.reason, a)
			}
		})
	}
}
