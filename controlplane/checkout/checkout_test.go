// SPDX-License-Identifier: Apache-2.0

package checkout

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(root, "controlplane", "programs")
	if err := os.MkdirAll(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	outside, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason, from, root, want string
		err                      error
	}{
		"Above":   {reason: "It is found from any folder in it.", from: inside, want: root},
		"Given":   {reason: "A folder that is given is taken from anywhere.", from: outside, root: root, want: root},
		"Nowhere": {reason: "Outside of a checkout the error says what to do.", from: outside, err: ErrNone},
		"Wrong":   {reason: "A given folder has to be the root itself.", from: root, root: inside, err: ErrNone},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Chdir(tc.from)
			got, err := Find(tc.root)
			if got != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("\n%s\nFind(%q): got %q, %v, want %q, %v", tc.reason, tc.root, got, err, tc.want, tc.err)
			}
		})
	}
}
