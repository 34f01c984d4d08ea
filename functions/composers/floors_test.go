// SPDX-License-Identifier: Apache-2.0

package composers_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestFloors proves that no composer knows one above it, or beside it: what they need
// of each other goes through specs and statuses.
func TestFloors(t *testing.T) {
	const functions = "github.com/observe-k8s/observe-k8s/functions/"
	floors := map[string]int{"component": 1, "cluster": 2, "stack": 2, "workload": 2, "platform": 3, "policy": 4}
	for above, floor := range floors {
		files, err := filepath.Glob(filepath.Join("..", above, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no files: %v", above, err)
		}
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range f.Imports {
				path, _ := strconv.Unquote(i.Path.Value)
				below, _, _ := strings.Cut(strings.TrimPrefix(path, functions), "/")
				if n := floors[below]; strings.HasPrefix(path, functions) && n >= floor && below != above {
					t.Errorf("%s knows %s, which is not below it", file, below)
				}
			}
		}
	}
}
