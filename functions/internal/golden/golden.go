// SPDX-License-Identifier: Apache-2.0

// Package golden keeps pages that are made from catalogs as the catalogs are.
package golden

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Page compares a page with what it should say, after writing it if update says so.
func Page(t *testing.T, file, want string, update bool) {
	t.Helper()
	if update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not up to date, see -update: -want, +got:\n%s", file, diff)
	}
}
