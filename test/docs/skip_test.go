// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/controlplane/skip"
)

// TestNothingSkipsInSilence proves that no test of any module decides by itself to be
// skipped: all ask the package skip, which knows what may be.
func TestNothingSkipsInSilence(t *testing.T) {
	skips := regexp.MustCompile(`\.Skip(f|Now)?\(|testing\.Short\(|SKIPPED`)
	for _, f := range read(t).tracked {
		if !strings.HasSuffix(f, ".go") || f == "controlplane/skip/skip.go" || strings.HasSuffix(f, "docs/skip_test.go") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		if found := skips.Find(b); found != nil {
			t.Errorf("%s: %s skips without the package skip", f, found)
		}
	}
	if err := skip.Check("schemas", "as a test"); err == nil {
		t.Error("what is not listed must not be skipped")
	}
}
