// SPDX-License-Identifier: Apache-2.0

// Package docs reads the project's pages as a person does, and tells what of
// them can be checked: commands, manifests, diagrams, links and names.
package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// A Page is a Markdown file.
type Page struct {
	// Path below the root of the project.
	Path string

	// Blocks are the fenced blocks, in order.
	Blocks []Block

	// Spans are what stands in backticks, each once, in order.
	Spans []string

	// Links are all destinations, in order.
	Links []string

	// Indented says that there is a block without fences, which does not say
	// what it is.
	Indented bool

	// Anchors that a link to this page may name.
	Anchors []string
}

// A Block is one fenced block.
type Block struct {
	// Page that it stands on, and the line of its first line there.
	Page string
	Line int

	// Language is the first word behind the fence: sh, yaml, mermaid. Remark is
	// the rest, which says how a block is to be taken.
	Language, Remark string

	// Text between the fences.
	Text string
}

// Where a person finds the block.
func (b Block) Where() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Tracked files of the project, as git knows them: those that are committed or
// are about to be.
func Tracked(root string) ([]string, error) {
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard") //nolint:noctx // It takes milliseconds.
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cannot list the files of the project: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// Pages of the project: everything in docs, and what stands beside it for people.
func Pages(root string, tracked []string) ([]Page, error) {
	var pages []Page
	for _, f := range tracked {
		if filepath.Ext(f) != ".md" || strings.HasPrefix(f, ".github/") {
			continue
		}
		source, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			return nil, fmt.Errorf("cannot read a page: %w", err)
		}
		p, err := Parse(f, source)
		if err != nil {
			return nil, err
		}
		pages = append(pages, p)
	}
	return pages, nil
}

// Parse a page.
func Parse(path string, source []byte) (Page, error) {
	p := Page{Path: path}
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.CodeBlock:
			p.Indented = true
		case *ast.FencedCodeBlock:
			p.Blocks = append(p.Blocks, block(path, source, n))
		case *ast.CodeSpan:
			if s := content(n, source); !slices.Contains(p.Spans, s) {
				p.Spans = append(p.Spans, s)
			}
		case *ast.Link:
			p.Links = append(p.Links, string(n.Destination))
		case *ast.Image:
			p.Links = append(p.Links, string(n.Destination))
		case *ast.Heading:
			p.Anchors = append(p.Anchors, anchor(p.Anchors, content(n, source)))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return p, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return p, nil
}

func block(path string, source []byte, n *ast.FencedCodeBlock) Block {
	b := Block{Page: path}
	if n.Info != nil {
		b.Language, b.Remark, _ = strings.Cut(strings.TrimSpace(string(n.Info.Segment.Value(source))), " ")
	}
	var out bytes.Buffer
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		if i == 0 {
			b.Line = 1 + bytes.Count(source[:line.Start], []byte("\n"))
		}
		out.Write(line.Value(source))
	}
	b.Text = out.String()
	return b
}

// content of a node without its markup.
func content(n ast.Node, source []byte) string {
	var out strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			out.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				out.WriteByte(' ')
			}
			continue
		}
		out.WriteString(content(c, source))
	}
	return out.String()
}

// anchor that GitHub makes of a heading: small letters, dashes for blanks, no
// punctuation, and a number where the page has it already.
func anchor(taken []string, heading string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
	a := plain
	for i := 1; slices.Contains(taken, a); i++ {
		a = fmt.Sprintf("%s-%d", plain, i)
	}
	return a
}
