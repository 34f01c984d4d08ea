// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"fmt"
	"strings"
)

// A Mirror is an OCI registry that holds charts below their original host and
// path.
type Mirror struct {
	// Prefix is the host and path below which charts are kept, without scheme.
	Prefix string

	// PlainHTTP says that the mirror has no TLS.
	PlainHTTP bool
}

// ParseMirror reads https://HOST[/PATH], or http:// for a mirror without TLS.
// Nothing is no mirror.
func ParseMirror(url string) (*Mirror, error) {
	if url == "" {
		return nil, nil
	}
	scheme, prefix, ok := strings.Cut(url, "://")
	if !ok || prefix == "" || prefix[0] == '/' || (scheme != "http" && scheme != "https") {
		return nil, fmt.Errorf("must be https://HOST[/PATH] or http://HOST[/PATH], not %q", url)
	}
	return &Mirror{Prefix: strings.TrimSuffix(prefix, "/"), PlainHTTP: scheme == "http"}, nil
}

// String is the URL that ParseMirror reads.
func (m *Mirror) String() string {
	switch {
	case m == nil:
		return ""
	case m.PlainHTTP:
		return "http://" + m.Prefix
	}
	return "https://" + m.Prefix
}

// Rewrite sends a chart repository to the mirror: the original host and path
// follow the mirror's prefix, and it speaks OCI. A port follows its host by a
// dash, as no path of a registry may have a colon. Without a mirror nothing
// changes. The second result says that the mirror has no TLS.
func (m *Mirror) Rewrite(repository string) (string, bool) {
	if m == nil {
		return repository, false
	}
	_, rest, _ := strings.Cut(repository, "://")
	return "oci://" + m.Prefix + "/" + strings.ReplaceAll(strings.TrimSuffix(rest, "/"), ":", "-"), m.PlainHTTP
}
