// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// key identifies what a build of the program depends on. Two builds with the
// same key are interchangeable.
func key(p Program, moduleDir string) (string, error) {
	h := sha256.New()
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(moduleDir, name))
		if err != nil {
			return "", fmt.Errorf("cannot read the module of %s: %w", p.Name, err)
		}
		_, _ = fmt.Fprintf(h, "%s %d\n", name, len(b))
		h.Write(b)
	}
	p.About, p.Cold = "", 0
	if err := json.NewEncoder(h).Encode(p); err != nil {
		return "", fmt.Errorf("cannot hash the build of %s: %w", p.Name, err)
	}
	_, _ = fmt.Fprintln(h, runtime.GOOS, runtime.GOARCH, runtime.Version(), buildFlags())
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}
