// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// A Checker knows what commands of the pages may name.
type Checker struct {
	// Root of the project.
	Root string

	// Targets of its Makefile, and the variables that it reads.
	Targets, Variables []string

	// Resources that kubectl may be asked for: plurals, singulars, short names,
	// also with their group, and categories.
	Resources map[string]bool

	// Elsewhere are files that a page makes or takes from its reader.
	Elsewhere func(file string) bool
}

var (
	target   = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
	variable = regexp.MustCompile(`(?m)\$\((?:or )?\$?\(?([A-Z][A-Z0-9_]*)|^([A-Z][A-Z0-9_]*) *[:?]?=|if \$\(([A-Z_]+)\)`)
)

// ReadMakefile notes the targets of the Makefile and the variables it reads.
func (c *Checker) ReadMakefile() error {
	b, err := os.ReadFile(filepath.Join(c.Root, "Makefile"))
	if err != nil {
		return fmt.Errorf("cannot read the Makefile: %w", err)
	}
	for _, m := range target.FindAllStringSubmatch(string(b), -1) {
		c.Targets = append(c.Targets, m[1])
	}
	for _, m := range variable.FindAllStringSubmatch(string(b), -1) {
		c.Variables = append(c.Variables, m[1]+m[2]+m[3])
	}
	// The demo reads it from its environment.
	c.Variables = append(c.Variables, "DEMO_EXIT")
	return nil
}

// Check a script: that a shell can read it, and that what its commands name
// exists. It returns how many commands there are, and what is wrong.
func (c *Checker) Check(script string) (int, []error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		return 0, []error{fmt.Errorf("no shell reads it: %w", err)}
	}
	var wrong []error
	n, dir := 0, "."
	syntax.Walk(file, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		n++
		words := make([]string, 0, len(call.Args))
		for _, w := range call.Args {
			words = append(words, literal(w))
		}
		if words[0] == "cd" && len(words) > 1 {
			dir = words[1]
		}
		for _, err := range c.command(dir, words) {
			wrong = append(wrong, fmt.Errorf("%s: %w", strings.Join(words, " "), err))
		}
		return true
	})
	return n, wrong
}

// placeholder stands for what only the shell knows.
const placeholder = "some-value"

// literal is a word with placeholders for what is expanded.
func literal(w *syntax.Word) string {
	cfg := &expand.Config{
		Env: expand.FuncEnviron(func(string) string { return placeholder }),
		CmdSubst: func(out io.Writer, _ *syntax.CmdSubst) error {
			if _, err := io.WriteString(out, placeholder); err != nil {
				return fmt.Errorf("cannot put a placeholder: %w", err)
			}
			return nil
		},
	}
	s, err := expand.Literal(cfg, w)
	if err != nil {
		return placeholder
	}
	return s
}

func (c *Checker) command(dir string, words []string) []error {
	switch words[0] {
	case "make":
		return c.make(words[1:])
	case "kubectl":
		if len(words) > 1 && words[1] == "observe" {
			return c.observe(words[2:])
		}
		return c.kubectl(words[1:])
	case "kubectl-observe":
		return c.observe(words[1:])
	case "cd":
		return c.exists(".", words[1])
	case "go":
		if i := slices.Index(words, "run"); i > 0 {
			if j := slices.Index(words, "-C"); j > 0 {
				dir, i = words[j+1], max(i, j+1)
			}
			if strings.HasPrefix(words[i+1], "-") {
				return nil
			}
			return c.exists(dir, words[i+1])
		}
	}
	return nil
}

// exists says that a file is part of the project, or the reader's.
func (c *Checker) exists(dir, file string) []error {
	if c.Elsewhere(file) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(c.Root, dir, file)); err != nil {
		return []error{fmt.Errorf("there is no %s", filepath.Join(dir, file))}
	}
	return nil
}

func (c *Checker) make(args []string) []error {
	var wrong []error
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		switch {
		case ok && !slices.Contains(c.Variables, name):
			wrong = append(wrong, fmt.Errorf("the Makefile does not read %s", name))
		case ok && strings.HasSuffix(value, ".yaml"):
			wrong = append(wrong, c.exists(".", value)...)
		case !ok && !strings.HasPrefix(a, "-") && !slices.Contains(c.Targets, a):
			wrong = append(wrong, fmt.Errorf("the Makefile has no target %s", a))
		}
	}
	return wrong
}

// observe checks a command with the page that is generated from all of them.
func (c *Checker) observe(args []string) []error {
	raw, err := os.ReadFile(filepath.Join(c.Root, "docs", "command-line.md"))
	if err != nil {
		return []error{fmt.Errorf("cannot read the page of the command line: %w", err)}
	}
	if len(args) == 0 || args[0] == "completion" || args[0] == "--help" {
		return nil
	}
	command, section := "kubectl observe", ""
	for len(args) > 0 {
		_, below, ok := strings.Cut(string(raw), "\n## "+command+" "+args[0]+"\n")
		if !ok {
			break
		}
		command, section, args = command+" "+args[0], below, args[1:]
	}
	if section == "" {
		return []error{fmt.Errorf("kubectl observe has no command %s", args[0])}
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var wrong []error
	for _, a := range args {
		flag, _, _ := strings.Cut(a, "=")
		if strings.HasPrefix(flag, "-") && flag != "-" && !strings.Contains(section, "`"+flag+"`") {
			wrong = append(wrong, fmt.Errorf("%s has no flag %s", command, flag))
		}
		if strings.HasSuffix(a, ".yaml") && strings.Contains(a, "/") {
			wrong = append(wrong, c.exists(".", a)...)
		}
	}
	return wrong
}

// kubectl checks a command with kubectl's own parser.
func (c *Checker) kubectl(args []string) []error {
	root := kubectl.NewKubectlCommand(kubectl.KubectlOptions{IOStreams: genericiooptions.NewTestIOStreamsDiscard()})
	// Flags of all commands may come before the command.
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		return []error{fmt.Errorf("kubectl has no such command: %w", err)}
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return []error{fmt.Errorf("kubectl %s: %w", cmd.Name(), err)}
	}
	var wrong []error
	for _, f := range filenames(cmd) {
		wrong = append(wrong, c.exists(".", f)...)
	}
	if len(filenames(cmd)) > 0 || !slices.Contains([]string{"get", "delete", "patch", "describe", "wait", "annotate", "edit", "label"}, cmd.Name()) {
		return wrong
	}
	first := cmd.Flags().Arg(0)
	if first == "" || first == placeholder || first == strings.ToUpper(first) {
		return wrong
	}
	first, _, _ = strings.Cut(first, "/")
	for kind := range strings.SplitSeq(first, ",") {
		if !c.Resources[kind] {
			wrong = append(wrong, fmt.Errorf("nothing here or in Kubernetes is called %s", kind))
		}
	}
	return wrong
}

func filenames(cmd *cobra.Command) []string {
	if cmd.Flags().Lookup("filename") == nil {
		return nil
	}
	files, _ := cmd.Flags().GetStringSlice("filename")
	return slices.DeleteFunc(files, func(f string) bool { return f == "-" || strings.Contains(f, "://") })
}

// Builtin are the resources of Kubernetes that the pages name.
func Builtin() map[string]bool {
	return maps.Collect(func(yield func(string, bool) bool) {
		for _, n := range []string{"namespace", "namespaces", "ns", "secret", "secrets", "pods", "pod", "deployments", "deployment", "events", "crds", "clusterrolebinding", "nodes", "services", "svc", "configmaps"} {
			if !yield(n, true) {
				return
			}
		}
	})
}
