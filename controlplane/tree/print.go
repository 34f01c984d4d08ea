// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"fmt"
	"io"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// nameWidth is how wide the names of a tree are, give or take.
const nameWidth = 68

// Lines returns the tree, a line for each resource.
func (n Node) Lines() []string { return n.lines("", "") }

func (n Node) lines(first, rest string) []string {
	out := []string{n.line(first)}
	for i, c := range n.Children {
		if i == len(n.Children)-1 {
			out = append(out, c.lines(rest+"└─ ", rest+"   ")...)
			continue
		}
		out = append(out, c.lines(rest+"├─ ", rest+"│  ")...)
	}
	return out
}

func (n Node) line(prefix string) string {
	name := prefix + n.Kind + "/" + n.Name
	if pad := nameWidth - len([]rune(name)); pad > 0 {
		name += strings.Repeat(" ", pad)
	}
	if n.age != "" {
		name += fmt.Sprintf(" %-6s", n.age)
	}
	return strings.TrimRight(name+" "+n.state(), " ")
}

// Ages returns the tree with the age of each resource before its state.
func (n Node) Ages(now time.Time) Node {
	if !n.Created.IsZero() {
		n.age = duration.HumanDuration(now.Sub(n.Created))
	}
	children := make([]Node, 0, len(n.Children))
	for _, c := range n.Children {
		children = append(children, c.Ages(now))
	}
	n.Children = children
	return n
}

// state of the resource in a few words.
func (n Node) state() string {
	var parts []string
	if n.Ready == "True" && n.Synced != "False" {
		parts = append(parts, "Ready")
	}
	if n.Ready != "" && n.Ready != "True" {
		parts = append(parts, "not Ready")
	}
	if n.Synced == "False" {
		parts = append(parts, "not Synced")
	}
	if n.Message != "" {
		parts = append(parts, strings.Join(strings.Fields(n.Message), " "))
	}
	return strings.Join(parts, ": ")
}

// A View shows a tree as it changes.
type View interface {
	// Show the tree as it is now, so long after the start.
	Show(n Node, after time.Duration)
}

// NewView returns a View on w: one that redraws the tree if w is a terminal of
// the given size, and otherwise one that prints a line for each change.
func NewView(w io.Writer, live bool, size func() (width, height int)) View {
	if live {
		return &redraw{w: w, size: size}
	}
	return &changes{w: w, seen: map[string]string{}}
}

// redraw draws the tree over the one drawn before.
type redraw struct {
	w     io.Writer
	size  func() (int, int)
	drawn int
}

// Show draws the tree.
func (v *redraw) Show(n Node, after time.Duration) {
	width, height := v.size()
	ready, all := n.Count()
	lines := append([]string{fmt.Sprintf("%.0fs: %d of %d Ready", after.Seconds(), ready, all)}, n.Lines()...)
	// What does not fit on the screen could not be drawn over.
	if height > 1 && len(lines) > height-1 {
		lines = append(lines[:height-2], fmt.Sprintf("… and %d more", len(lines)-height+2))
	}
	var b strings.Builder
	if v.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", v.drawn)
	}
	for _, l := range lines {
		b.WriteString("\r\x1b[K" + cut(l, width) + "\n")
	}
	b.WriteString("\x1b[J")
	v.drawn = len(lines)
	_, _ = io.WriteString(v.w, b.String())
}

// cut a line to a width.
func cut(s string, width int) string {
	r := []rune(s)
	if width > 1 && len(r) >= width {
		return string(r[:width-2]) + "…"
	}
	return s
}

// changes prints each resource when it appears and whenever its state changes.
type changes struct {
	w    io.Writer
	seen map[string]string
}

// Show prints what changed.
func (v *changes) Show(n Node, after time.Duration) {
	v.show(n, after, 0)
}

func (v *changes) show(n Node, after time.Duration, depth int) {
	id := strings.Join([]string{n.Group, n.Kind, n.Name}, "/")
	state := n.state()
	if old, ok := v.seen[id]; !ok || old != state {
		v.seen[id] = state
		name := strings.Repeat("  ", depth) + n.Kind + "/" + n.Name
		_, _ = fmt.Fprintln(v.w, strings.TrimRight(fmt.Sprintf("%5.1fs  %-*s %s", after.Seconds(), nameWidth, name, state), " "))
	}
	for _, c := range n.Children {
		v.show(c, after, depth+1)
	}
}
