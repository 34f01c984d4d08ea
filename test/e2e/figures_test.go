// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"io"
	"testing"
	"time"
)

// A figure is how long something took, and what is promised of it.
type figure struct {
	test, what     string
	took, promised time.Duration
}

// mark says that a promise was missed. That is no failure, since it says as much
// about the machine as about the product.
func (f figure) mark() string {
	if f.promised > 0 && f.took > f.promised {
		return "MISSED"
	}
	return ""
}

func (f figure) promise() string {
	if f.promised == 0 {
		return "-"
	}
	return f.promised.String()
}

// measured notes how long something took. Nothing is promised of it if promised
// is zero.
func measured(t *testing.T, what string, took, promised time.Duration) {
	t.Helper()
	f := figure{t.Name(), what, took.Round(100 * time.Millisecond), promised}
	w.figures = append(w.figures, f)
	t.Logf("%s: %s (promised: %s) %s", what, f.took, f.promise(), f.mark())
}

// failedf notes what a test failed with, for the end of a long log.
func failedf(t *testing.T, format string, args ...any) {
	t.Helper()
	msg := fmt.Sprintf(format, args...)
	w.failures = append(w.failures, t.Name()+": "+msg)
	t.Fatal(msg)
}

// printFigures prints what was measured, as a table, and what hung.
func printFigures(out io.Writer) {
	for _, f := range w.failures {
		fmt.Fprintf(out, "\nFAILED %s\n", f)
	}
	if len(w.figures) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%-40s %-62s %8s %9s\n", "test", "what", "measured", "promised")
	for _, f := range w.figures {
		fmt.Fprintf(out, "%-40s %-62s %8s %9s %s\n", f.test, f.what, f.took, f.promise(), f.mark())
	}
	fmt.Fprintln(out)
}
