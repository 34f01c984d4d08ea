// SPDX-License-Identifier: Apache-2.0

// Package skip decides which tests may be skipped. A test that cannot run is a failed
// one, unless allowed.yaml names it with the reason. A test of the docs looks that
// nothing else skips.
package skip

import (
	_ "embed"
	"fmt"
	"testing"

	"sigs.k8s.io/yaml"
)

//go:embed allowed.yaml
var allowed []byte

// Check returns an error if what is named must not be skipped here. Otherwise it says
// loudly that it is, because of cause.
func Check(name string, cause any) error {
	reasons := map[string]string{}
	if err := yaml.UnmarshalStrict(allowed, &reasons); err != nil {
		return fmt.Errorf("cannot read which tests may be skipped: %w", err)
	}
	if reasons[name] == "" {
		return fmt.Errorf("cannot skip %s, which allowed.yaml does not name: %v", name, cause)
	}
	if _, err := fmt.Printf("\n!!! SKIPPED: %s was NOT tested: %v.\n!!! It may be, because: %s\n\n", name, cause, reasons[name]); err != nil {
		return fmt.Errorf("cannot say that %s is skipped: %w", name, err)
	}
	return nil
}

// Test skips a test because of cause, if it may be skipped.
func Test(t testing.TB, name string, cause any) {
	t.Helper()
	if err := Check(name, cause); err != nil {
		t.Fatal(err)
	}
	t.Skip(cause)
}
