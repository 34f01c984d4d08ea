// SPDX-License-Identifier: Apache-2.0

package workload

import (
	goflag "flag"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/functions/internal/golden"
)

var update = goflag.Bool("update", false, "write the page about the catalog instead of comparing with it")

// TestPage proves that the page about the catalog says what the catalog says.
// -update writes it.
func TestPage(t *testing.T) {
	golden.Page(t, filepath.Join("..", "..", "docs", "applications.md"), page(t), *update)
}

// page about the catalog.
func page(t *testing.T) string {
	t.Helper()
	apps, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# The applications of the catalog\n\nMade from `functions/workload/catalog`; a test keeps it so. How to use them: [workloads](workloads.md).\n")
	for _, name := range slices.Sorted(maps.Keys(apps)) {
		a := apps[name]
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| | |\n|---|---|\n", name, a.Purpose)
		row := func(what, format string, args ...any) {
			if s := fmt.Sprintf(format, args...); s != "" {
				fmt.Fprintf(&b, "| %s | %s |\n", what, s)
			}
		}
		row("shows", "%s", a.Summary)
		row("cannot be deployed", "%s", strings.TrimSpace(a.Unavailable))
		row("from", "[%s](%s), %s (%s)", a.Project.Name, a.Project.Source, a.Licence, a.Project.Date)
		if a.Chart.Name != "" {
			row("chart", "%s %s", a.Chart.Name, a.Chart.Version)
		}
		row("signals of its own", "%s", joined(a.Signals))
		if a.Requests.CPU != "" {
			row("takes", "%s CPU, %s", a.Requests.CPU, a.Requests.Memory)
		}
		row("dashboards", "%s", joined(a.Dashboards))
		if a.Load != nil {
			row("users by default", "%d", a.Load.Users)
		}
		row("targets of chaos", "%s", joined(a.Targets.Names))
		row("flags", "%s", joined(a.Flags))
	}
	return b.String()
}

func joined[T ~string](words []T) string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, string(w))
	}
	return strings.Join(out, ", ")
}
