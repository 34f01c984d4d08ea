// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	"github.com/observe-k8s/observe-k8s/controlplane/skip"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

var root = filepath.Join("..", "..")

// indexed has the CRDs of everything else that is composed.
var indexed = filepath.Join(root, "test", "facts", "schemas", "crds")

// local has the CRDs of our own provider.
var local = filepath.Join(root, "providers", "local", "package", "crds")

// hang is how long a command of the pages may take before it is given up.
const hang = 10 * time.Minute

// project is what all tests of this package look at.
type project struct {
	tracked []string
	pages   []Page
}

func read(t *testing.T) project {
	t.Helper()
	tracked, err := Tracked(root)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := Pages(root, tracked)
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 10 {
		t.Fatalf("only %d pages were found", len(pages))
	}
	return project{tracked: tracked, pages: pages}
}

// blocks of a language.
func (p project) blocks(of string) []Block {
	var out []Block
	for _, page := range p.pages {
		for _, b := range page.Blocks {
			if b.Language == of {
				out = append(out, b)
			}
		}
	}
	return out
}

// text of all files that are not pages.
func (p project) text(t *testing.T, keep func(string) bool) string {
	t.Helper()
	var out strings.Builder
	for _, f := range p.tracked {
		if filepath.Ext(f) == ".md" || !keep(f) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, f))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
		out.WriteByte('\n')
	}
	return out.String()
}

// readers are files that readers of the pages have, or that commands before make.
func readers(file string) bool {
	return slices.Contains([]string{
		"environment.yaml", "my-game.yaml", "values.yaml", "my-claim.yaml",
	}, file) || strings.HasPrefix(file, "/tmp/")
}

// TestLanguages sees that every block says what it is, so that none is left out.
func TestLanguages(t *testing.T) {
	known := []string{"sh", "yaml", "mermaid", "text"}
	for _, page := range read(t).pages {
		if page.Indented {
			t.Errorf("%s: a block is indented: put it between fences, which say what it is", page.Path)
		}
		for _, b := range page.Blocks {
			if !slices.Contains(known, b.Language) {
				t.Errorf("%s: a block is one of %s, not %q", b.Where(), strings.Join(known, ", "), b.Language)
			}
		}
	}
}

// TestCommands goes over every command of the pages. A block with nothing behind
// its "sh" is run here. One that another test runs names it: "sh run by TestX",
// or a stage of all tests: "sh run by make test-x".
// What nobody can run here says what it needs: "sh needs an AWS account". All are
// read by a shell's parser, and what they name has to exist.
func TestCommands(t *testing.T) {
	t.Parallel()
	p := read(t)
	c := checker(t)
	tests := p.text(t, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	type row struct{ where, what string }
	var rows []row
	seen := map[string]int{}
	for _, b := range p.blocks("sh") {
		n, wrong := c.Check(b.Text)
		for _, err := range wrong {
			t.Errorf("%s: %v", b.Where(), err)
		}
		seen["all"] += n
		what := "run here"
		verb, rest, _ := strings.Cut(b.Remark, " ")
		switch verb {
		case "":
			seen["run"] += n
			if len(wrong) == 0 {
				what += ", " + execute(t, b)
			}
		case "run":
			by := strings.TrimPrefix(rest, "by ")
			if name, ok := strings.CutPrefix(by, "make "); ok && !slices.Contains(c.Targets, name) {
				t.Errorf("%s: there is no target %s", b.Where(), name)
			} else if !ok && !strings.Contains(tests, "func "+by+"(") {
				t.Errorf("%s: there is no test %s", b.Where(), by)
			}
			what = "run by " + by
			seen["run"] += n
		case "needs":
			what = "only read: needs " + rest
			seen["read"] += n
		default:
			t.Errorf("%s: behind sh stands nothing, run by TEST, or needs WHAT; not %q", b.Where(), b.Remark)
		}
		rows = append(rows, row{b.Where(), fmt.Sprintf("%2d  %s", n, what)})
	}
	var table strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&table, "%-32s %s\n", r.where, r.what)
	}
	t.Logf("commands of the pages: %d, of which %d are run and %d only read\n%s", seen["all"], seen["run"], seen["read"], table.String())
}

// execute a block where the pages say that its reader is.
func execute(t *testing.T, b Block) string {
	t.Helper()
	bin, err := filepath.Abs(filepath.Join(root, "_output", "bin"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", b.Text)
	cmd.Dir = root
	// The demo ends when it has shown what it shows.
	cmd.Env = append(os.Environ(), "DEMO_EXIT=1", "PATH="+bin+":"+os.Getenv("PATH"))
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s\n%s", b.Where(), err, b.Text, out)
	}
	return time.Since(start).Round(time.Second / 10).String()
}

func checker(t *testing.T) *Checker {
	t.Helper()
	c := &Checker{Root: root, Resources: Builtin(), Elsewhere: readers}
	if err := c.ReadMakefile(); err != nil {
		t.Fatal(err)
	}
	// Kinds of programs that the stack installs.
	for _, name := range []string{"certificate", "issuer", "clusterissuer", "applications.argoproj.io", "kustomizations.kustomize.toolkit.fluxcd.io"} {
		c.Resources[name] = true
	}
	for _, crd := range definitions(t) {
		n := crd.Spec.Names
		for _, name := range append([]string{n.Plural, n.Singular}, n.ShortNames...) {
			c.Resources[name] = true
			c.Resources[name+"."+crd.Spec.Group] = true
		}
		for _, category := range n.Categories {
			c.Resources[category] = true
		}
	}
	return c
}

// definitions of all kinds that are composed or claimed.
func definitions(t *testing.T) []*extv1.CustomResourceDefinition {
	t.Helper()
	out, err := validate.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{filepath.Join(indexed, "*"), local} {
		files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			crd := &extv1.CustomResourceDefinition{}
			if err := yaml.Unmarshal(b, crd); err != nil || crd.Kind != "CustomResourceDefinition" {
				continue
			}
			out = append(out, crd)
		}
	}
	return out
}

// TestChecker shows that what is wrong is found.
func TestChecker(t *testing.T) {
	c := checker(t)
	cases := map[string]struct{ reason, script, want string }{
		"Shell":    {"A quote that is not closed.", `echo "a`, "no shell reads it"},
		"Target":   {"A target that is gone.", "make dmeo", "no target dmeo"},
		"Variable": {"A variable that nobody reads.", "make render CLIAM=examples/eks.yaml", "does not read CLIAM"},
		"File":     {"An example that is gone.", "make render CLAIM=examples/ecs.yaml", "there is no examples/ecs.yaml"},
		"Applied":  {"A manifest that is gone.", "kubectl apply -f examples/ecs.yaml", "there is no examples/ecs.yaml"},
		"Flag":     {"A flag that kubectl does not have.", "kubectl get pods --al-namespaces", "unknown flag"},
		"Verb":     {"A command that kubectl does not have.", "kubectl gte pods", "no such command"},
		"Kind":     {"A kind that does not exist.", "kubectl -n team-a get observabilityplatfroms demo", "observabilityplatfroms"},
		"Nested":   {"A command within a command.", `echo "$(kubectl get nothings)"`, "nothings"},
		"Folder":   {"A folder that is gone.", "cd package/acton", "there is no package/acton"},
		"Below":    {"A flag of a command below another.", "kubectl observe ci up claim.yaml --wait", "has no flag --wait"},
		"Game":     {"A game that is gone.", "kubectl-observe game check workloads/game/games/shp.yaml", "shp.yaml"},
		"Program":  {"A program that is gone.", "go run ./functions/cmd/rendre", "functions/cmd/rendre"},
		"Observe":  {"A command of the command line that is gone.", "kubectl observe plant a.yaml", "has no command plant"},
		"Option":   {"A flag of it that is gone.", "kubectl-observe tree team-a/demo --follow", "has no flag --follow"},
		"Fine":     {"All is well.", "export A=b\nkubectl -n team-a get op demo -o yaml | grep -c .\nmake render CLAIM=examples/eks.yaml STEP=2\nkubectl observe tree team-a/demo --watch\nkubectl describe secret \"$(cat name)\"", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, wrong := c.Check(tc.script)
			got := errors.Join(wrong...)
			if (got == nil) != (tc.want == "") || (got != nil && !strings.Contains(got.Error(), tc.want)) {
				t.Errorf("\n%s\nCheck(%q): got %v, want %q", tc.reason, tc.script, got, tc.want)
			}
		})
	}
}

// TestManifests holds every YAML block against the schema of whoever reads it.
// Whole objects are judged as they are; a part of a claim's spec is put into the
// claim of the README. What else a block is, stands behind its "yaml".
func TestManifests(t *testing.T) {
	p := read(t)
	set := load(t)
	var base map[string]any
	if err := yaml.Unmarshal([]byte(p.blocks("yaml")[slices.IndexFunc(p.blocks("yaml"), func(b Block) bool { return b.Page == "README.md" })].Text), &base); err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, b := range p.blocks("yaml") {
		for _, doc := range regexp.MustCompile(`(?m)^---$`).Split(b.Text, -1) {
			judged++
			if err := judge(t, set, base, b.Remark, doc); err != nil {
				t.Errorf("%s: %v", b.Where(), err)
			}
		}
	}
	t.Logf("judged %d manifests", judged)
}

func load(t *testing.T) *validate.Set {
	t.Helper()
	set, err := validate.Load(indexed, local)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func judge(t *testing.T, set *validate.Set, base map[string]any, remark, doc string) error {
	t.Helper()
	var o map[string]any
	if err := yaml.UnmarshalStrict([]byte(doc), &o); err != nil {
		return err
	}
	switch {
	case remark == "of a workflow":
		return workflow(doc)
	case remark == "of a game":
		_, err := language.Parse([]byte(doc))
		return err
	case strings.HasPrefix(remark, "of "):
		// What this project does not read, it cannot judge.
		return nil
	case remark != "":
		return fmt.Errorf("behind yaml stands nothing, or of WHAT; not %q", remark)
	case o["kind"] != nil:
		return errors.Join(set.Validate(t.Context(), o)...)
	}
	// A part of a claim's spec.
	claim := map[string]any{}
	b, err := json.Marshal(base)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &claim); err != nil {
		return err
	}
	spec, _ := claim["spec"].(map[string]any)
	maps.Copy(spec, o)
	return errors.Join(set.Validate(t.Context(), claim)...)
}

// workflow checks what a workflow gives to our action.
func workflow(doc string) error {
	var w struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses string
				With map[string]any
			}
		}
	}
	if err := yaml.Unmarshal([]byte(doc), &w); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(root, "action.yml"))
	if err != nil {
		return err
	}
	var action struct {
		Inputs, Outputs map[string]any
	}
	if err := yaml.Unmarshal(b, &action); err != nil {
		return err
	}
	var wrong []error
	for _, j := range w.Jobs {
		for _, s := range j.Steps {
			if !strings.HasPrefix(s.Uses, "observe-k8s/observe-k8s@") {
				continue
			}
			for k := range s.With {
				if action.Inputs[k] == nil {
					wrong = append(wrong, fmt.Errorf("the action has no input %s", k))
				}
			}
		}
	}
	for _, m := range regexp.MustCompile(`steps\.\w+\.outputs\.(\w+)`).FindAllStringSubmatch(doc, -1) {
		if action.Outputs[m[1]] == nil {
			wrong = append(wrong, fmt.Errorf("the action has no output %s", m[1]))
		}
	}
	return errors.Join(wrong...)
}

// TestLinks follows every link within the project.
func TestLinks(t *testing.T) {
	p := read(t)
	anchors := map[string][]string{}
	for _, page := range p.pages {
		anchors[page.Path] = page.Anchors
	}
	inside, outside := 0, 0
	for _, page := range p.pages {
		for _, link := range page.Links {
			u, err := url.Parse(link)
			if err != nil {
				t.Errorf("%s: %v", page.Path, err)
				continue
			}
			if u.Scheme != "" {
				outside++
				continue
			}
			inside++
			to := path.Join(path.Dir(page.Path), u.Path)
			if u.Path == "" {
				to = page.Path
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: there is no %s", page.Path, to)
				continue
			}
			if u.Fragment != "" && !slices.Contains(anchors[to], u.Fragment) {
				t.Errorf("%s: %s has no heading for #%s", page.Path, to, u.Fragment)
			}
		}
	}
	t.Logf("followed %d links within the project; %d lead outside and were not followed", inside, outside)
}

// TestNames sees that what stands in backticks exists: files, targets, tests,
// fields, reasons of conditions, flags.
func TestNames(t *testing.T) {
	p := read(t)
	c := checker(t)
	known := p.text(t, func(f string) bool { return !strings.HasPrefix(f, "test/docs/") })
	files := map[string]bool{}
	for _, f := range p.tracked {
		files[path.Base(f)] = true
	}
	folders := map[string]bool{}
	for _, f := range p.tracked {
		top, _, ok := strings.Cut(f, "/")
		folders[top] = folders[top] || ok
	}
	fields := fieldPaths(t)
	// A name is one word of letters, digits, dots and dashes.
	name := regexp.MustCompile(`^-{0,2}[A-Za-z][A-Za-z0-9._=-]+$`)
	// A word in capitals stands for one that the reader knows.
	capitals := regexp.MustCompile(`[A-Z]{4,}`)
	place := regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._*-]+)*/?$`)
	checked := 0
	for _, page := range p.pages {
		if strings.HasPrefix(page.Path, "docs/reference/") || page.Path == "docs/content.md" {
			// Generated from what they would be checked against.
			continue
		}
		for _, s := range page.Spans {
			var err error
			top, _, slash := strings.Cut(s, "/")
			switch {
			case strings.HasPrefix(s, "make "), strings.HasPrefix(s, "kubectl "):
				_, wrong := c.Check(s)
				err = errors.Join(wrong...)
			case slash && folders[top] && place.MatchString(s):
				if found, globErr := filepath.Glob(filepath.Join(root, s)); globErr != nil || len(found) == 0 {
					err = errors.New("there is no such file")
				}
			case files[s], fields[s], others()[strings.TrimSuffix(s, "=False")] != "":
			case name.MatchString(s) && !capitals.MatchString(s):
				if before, value, ok := strings.Cut(s, "="); ok && (value == "True" || value == "False") {
					s = before
				}
				kind, field, _ := strings.Cut(s, ".")
				if !hasWord(known, s) && (!hasWord(known, "type "+kind+" struct") || !fields[field]) {
					err = errors.New("no file of the project has this word. If it is somebody else's, say so in others()")
				}
			default:
				continue
			}
			checked++
			if err != nil {
				t.Errorf("%s: `%s`: %v", page.Path, s, err)
			}
		}
	}
	t.Logf("checked %d names", checked)
}

// others are words of other projects that the pages use, and whose they are.
func others() map[string]string {
	return map[string]string{
		"WatchCircuitOpen":           "Crossplane: reason of the condition Responsive",
		"--cascade=foreground":       "kubectl: flag of delete",
		"Responsive":                 "Crossplane: condition of a composite",
		"Synced":                     "Crossplane: condition of everything",
		"--concurrent":               "Flux: flag of its controllers",
		"target_info":                "OpenTelemetry: metric of a resource's attributes",
		"metricRelabelings":          "Prometheus operator: field of a ServiceMonitor",
		"scrapeTimeout":              "Prometheus operator: field of a ServiceMonitor",
		"ingress-nginx":              "the name that its chart gives the Service",
		"cluster-admin":              "Kubernetes: a ClusterRole",
		"ExternalAuth":               "Gateway API: a filter",
		"X-Forwarded-Email":          "oauth2-proxy: header of a request",
		"htpasswd":                   "Apache's program",
		"-python":                    "the end of an annotation that stands before it",
		"-nodejs":                    "the end of an annotation that stands before it",
		"-dotnet":                    "the end of an annotation that stands before it",
		"StackParameters.components": "a Go type and a field of it in JSON",
	}
}

// hasWord says whether a text has a word that is not only part of another.
func hasWord(text, word string) bool {
	part := func(b byte) bool {
		return b == '_' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
	}
	for {
		i := strings.Index(text, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || !part(text[i-1])) && (end == len(text) || !part(text[end])) {
			return true
		}
		text = text[end:]
	}
}

// fieldPaths are all paths of fields of our kinds, and all their ends: people
// write nodes.maxCount for spec.cluster.nodes.maxCount.
func fieldPaths(t *testing.T) map[string]bool {
	t.Helper()
	crds, err := validate.Definitions()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	var walk func(path []string, s extv1.JSONSchemaProps)
	walk = func(path []string, s extv1.JSONSchemaProps) {
		for i := range path {
			out[strings.Join(path[i:], ".")] = true
		}
		if s.Items != nil && s.Items.Schema != nil {
			last := append(slices.Clone(path[:len(path)-1]), path[len(path)-1]+"[]")
			walk(last, *s.Items.Schema)
			walk(path, *s.Items.Schema)
		}
		for k, v := range s.Properties {
			walk(append(slices.Clone(path), k), v)
		}
	}
	for _, crd := range crds {
		for k, v := range crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties {
			walk([]string{k}, v)
		}
	}
	return out
}

// TestDiagrams renders every diagram with Mermaid, as GitHub does.
func TestDiagrams(t *testing.T) {
	t.Parallel()
	blocks := read(t).blocks("mermaid")
	texts := make([]string, 0, len(blocks))
	for _, b := range blocks {
		texts = append(texts, b.Text)
	}
	// The last one must not render, so that it is known that this test can fail.
	answers := render(t, append(texts, "flowchart TD\n a-->"))
	for i, b := range blocks {
		if answers[i] != "" {
			t.Errorf("%s: %s", b.Where(), answers[i])
		}
	}
	if answers[len(blocks)] == "" {
		t.Error("a diagram that ends in the middle of an arrow renders")
	}
	t.Logf("rendered %d diagrams", len(blocks))
}

// render diagrams in a copy of the folder that has Mermaid, kept for the next time.
func render(t *testing.T, diagrams []string) []string {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		skip.Test(t, "mermaid", err)
	}
	dir := "mermaid"
	run := func(in []byte, name string, args ...string) ([]byte, error) {
		ctx, cancel := context.WithTimeout(t.Context(), hang)
		defer cancel()
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, stderr.Bytes())
		}
		return out, nil
	}
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err != nil || done.ModTime().Before(lock.ModTime()) {
		// That a registry does not answer says nothing about a diagram.
		if _, err := run(nil, "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"); err != nil {
			skip.Test(t, "mermaid", err)
		}
	}
	in, err := json.Marshal(diagrams)
	if err != nil {
		t.Fatal(err)
	}
	out, err := run(in, "node", "render.mjs")
	if err != nil {
		t.Fatal(err)
	}
	var answers []string
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}
