// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPatchApply(t *testing.T) {
	const line = `Port: c.Port,`
	cases := map[string]struct {
		reason  string
		content string
		want    string
		err     string
	}{
		"Once": {
			reason:  "A line that is there once is replaced.",
			content: "a\n\t" + line + "\nb\n",
			want:    "a\n\tHost: \"127.0.0.1\", Port: c.Port,\nb\n",
		},
		"Gone": {
			reason:  "A patch that no longer applies must not go unnoticed.",
			content: "a\n",
			want:    "a\n",
			err:     "want exactly 1",
		},
		"Ambiguous": {
			reason:  "Neither must one that would change more than it was written for.",
			content: line + line,
			want:    line + line,
			err:     "has 2 lines",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "main.go")
			if err := os.WriteFile(file, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			err := Patch{Module: "m", File: "main.go", Old: line, New: `Host: "127.0.0.1", Port: c.Port,`}.apply(dir)
			if (err != nil) != (tc.err != "") || (err != nil && !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("\n%s\napply: want error %q, got %v", tc.reason, tc.err, err)
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("\n%s\napply: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
