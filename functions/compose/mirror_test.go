// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseMirror(t *testing.T) {
	type want struct {
		mirror *Mirror
		err    error
	}
	cases := map[string]struct {
		reason string
		url    string
		want   want
	}{
		"None": {
			reason: "By default charts come from their own repositories.",
		},
		"HTTPS": {
			reason: "A mirror has a host.",
			url:    "https://mirror.example.org",
			want:   want{mirror: &Mirror{Prefix: "mirror.example.org"}},
		},
		"Path": {
			reason: "A mirror may be below a path.",
			url:    "https://mirror.example.org:8443/charts/",
			want:   want{mirror: &Mirror{Prefix: "mirror.example.org:8443/charts"}},
		},
		"HTTP": {
			reason: "The provider has to be told that a mirror has no TLS.",
			url:    "http://127.0.0.1:5000",
			want:   want{mirror: &Mirror{Prefix: "127.0.0.1:5000", PlainHTTP: true}},
		},
		"NoScheme": {
			reason: "Nobody can tell whether it has TLS.",
			url:    "mirror.example.org",
			want:   want{err: cmpopts.AnyError},
		},
		"OtherScheme": {
			reason: "Charts speak OCI anyway; the scheme says whether there is TLS.",
			url:    "oci://mirror.example.org",
			want:   want{err: cmpopts.AnyError},
		},
		"NoHost": {
			reason: "A mirror needs a host.",
			url:    "https://",
			want:   want{err: cmpopts.AnyError},
		},
		"OnlyPath": {
			reason: "A mirror needs a host.",
			url:    "https:///",
			want:   want{err: cmpopts.AnyError},
		},
		"PathWithoutHost": {
			reason: "A mirror needs a host.",
			url:    "https:///charts",
			want:   want{err: cmpopts.AnyError},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ParseMirror(tc.url)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nParseMirror(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.mirror, got); diff != "" {
				t.Errorf("\n%s\nParseMirror(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestRunRefuses what cannot be served.
