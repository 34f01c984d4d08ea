// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/internal/golden"
)

var update = flag.Bool("update", false, "write the page about the catalog instead of comparing with it")

// TestPage proves that the page about the catalog says what the catalog says.
// -update writes it.
func TestPage(t *testing.T) {
	golden.Page(t, filepath.Join("..", "..", "docs", "catalog.md"), page(t), *update)
}

// page about the catalog.
func page(t *testing.T) string {
	t.Helper()
	entries, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# The components of a stack\n\nMade from the catalog in `functions/stack/catalog`; a test keeps it so. How to choose among them: [the stack](stack.md).\n\n")
	b.WriteString("| Component | What it is for | For | Takes → gives | Project, CNCF maturity | Chart | Needs |\n|---|---|---|---|---|---|---|\n")
	row := func(name string) {
		c := entries[name]
		maturity := string(c.Project.Maturity)
		if maturity == "NonCNCF" {
			maturity = "not in the CNCF"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s → %s | [%s](%s), %s (%s) | %s %s | %s |\n", name, c.Purpose,
			joined(c.Personas), joined(c.Consumes), joined(c.Produces), c.Project.Name, c.Project.Source, maturity, c.Project.Date,
			c.Chart.Name, c.Chart.Version, joined(c.Requires))
	}
	for _, section := range []struct {
		title string
		in    func(Component) bool
	}{
		{"In every profile", func(c Component) bool { return c.in(v1alpha1.ProfileMinimal) }},
		{"From Standard on", func(c Component) bool { return c.in(v1alpha1.ProfileStandard) && !c.in(v1alpha1.ProfileMinimal) }},
		{"In Full", func(c Component) bool { return c.in(v1alpha1.ProfileFull) && !c.in(v1alpha1.ProfileStandard) }},
		{"Deployers, brought with what they deploy", func(c Component) bool { return c.ProvidesDeployer != "" }},
		{"Outside the CNCF, only when nonCNCFComponents names them", func(c Component) bool { return c.nonCNCF() }},
	} {
		fmt.Fprintf(&b, "| **%s** | | | | | | |\n", section.title)
		for _, name := range sortedKeys(entries) {
			if section.in(entries[name]) {
				row(name)
			}
		}
	}
	return b.String()
}

// joined words, or a dash.
func joined[T ~string](words []T) string {
	if len(words) == 0 {
		return "–"
	}
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, string(w))
	}
	return strings.Join(out, ", ")
}
