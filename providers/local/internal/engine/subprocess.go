// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	kindexec "sigs.k8s.io/kind/pkg/exec"
)

// creationLimit is how long the creation of a cluster may take. Pulling a node
// image of a gigabyte over a slow line is part of it.
const creationLimit = 15 * time.Minute

// A Runner runs the tool that creates clusters.
type Runner interface {
	Create(ctx context.Context, r Request, step func(string)) error
}

// A Subprocess creates each cluster in a process of its own, of the same program:
// both tools find the engine by their environment, write to the home folder and
// log to global loggers, and kind cannot be interrupted. Nothing of it reaches
// the provider, whose end also ends its subprocesses.
type Subprocess struct {
	// Tool to run.
	Tool string
	// Host of the container engine.
	Host string
	// Network of the engine that nodes join.
	Network string
}

// A message from the subprocess, one JSON object on a line.
type message struct {
	Step  string `json:"step,omitempty"`
	Error string `json:"error,omitempty"`
	Done  bool   `json:"done,omitempty"`
}

// Create a cluster.
func (s Subprocess) Create(ctx context.Context, r Request, step func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, creationLimit)
	defer cancel()

	self, err := os.Executable()
	if err != nil {
		return errors.Wrap(err, "cannot find the provider's own program")
	}
	in, err := json.Marshal(r)
	if err != nil {
		return errors.Wrap(err, "cannot pass on the request")
	}
	home, err := os.MkdirTemp("", "provider-local-")
	if err != nil {
		return errors.Wrap(err, "cannot make a home for "+s.Tool)
	}
	defer func() { _ = os.RemoveAll(home) }()

	cmd := exec.CommandContext(ctx, self, "create", s.Tool)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"TMPDIR=" + home,
		"KUBECONFIG=" + filepath.Join(home, "kubeconfig"),
		"DOCKER_CONFIG=" + filepath.Join(home, "docker"),
		"DOCKER_HOST=" + s.Host,
		"KIND_EXPERIMENTAL_DOCKER_NETWORK=" + s.Network,
	}
	killWithParent(cmd)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return errors.Wrap(err, "cannot listen to "+s.Tool)
	}

	// The kernel ends a child together with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return errors.Wrap(err, "cannot run "+s.Tool)
	}
	last := listen(out, step)
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil && last.Error == "" && !last.Done:
		return errors.Wrap(ctx.Err(), s.Tool+" was interrupted")
	case last.Error != "":
		return errors.New(last.Error)
	case err != nil || !last.Done:
		return errors.Errorf("%s ended before it was done", s.Tool)
	}
	return nil
}

// listen to a subprocess until its end; the last message is its result.
func listen(out io.Reader, step func(string)) message {
	last := message{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		m := message{}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			continue
		}
		if m.Step != "" {
			step(m.Step)
			continue
		}
		last = m
	}
	return last
}

// Serve is the subprocess: it creates the cluster that is asked for on in, and
// tells out about it. Libraries print to the standard output; out is all that
// the parent hears.
func Serve(ctx context.Context, tool string, in io.Reader, out io.Writer) error {
	enc := json.NewEncoder(out)
	tell := func(m message) {
		// A parent that does not listen any more is gone.
		_ = enc.Encode(m) //nolint:errchkjson // As said.
	}
	step := func(s string) { tell(message{Step: s}) }

	r := Request{}
	d := json.NewDecoder(in)
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return errors.Wrap(err, "cannot read the request")
	}
	var err error
	switch tool {
	case KindName:
		err = createKind(r, os.Getenv("KUBECONFIG"), step)
	case K3dName:
		err = createK3d(ctx, r, step)
	default:
		err = errors.Errorf("there is no tool %q", tool)
	}
	if err != nil {
		tell(message{Error: explain(err)})
		return err
	}
	tell(message{Done: true})
	return nil
}

// Lines of a command's output that say what went wrong.
var telling = regexp.MustCompile(`(?i)error|no space left|cannot|denied|failed|already in use|not found`)

// What must not be shown: kubeadm prints tokens and keys that join a cluster.
var secret = regexp.MustCompile(`[a-z0-9]{6}\.[a-z0-9]{16}|(?:sha256:)?[0-9a-f]{64}|--token\S*\s+\S+|--certificate-key\s+\S+`)

// explain an error of a tool in a few lines. The message of a command that
// failed is in its output, the rest of which nobody should see.
func explain(err error) string {
	out := []string{err.Error()}
	if run := kindexec.RunErrorForError(err); run != nil {
		out = nil
		for line := range strings.Lines(string(run.Output)) {
			line = strings.TrimSpace(line)
			if telling.MatchString(line) && !strings.HasPrefix(line, "I") {
				out = append(out, line)
			}
		}
		if len(out) > 3 {
			out = out[len(out)-3:]
		}
		if len(out) == 0 {
			out = []string{"a command failed: " + filepath.Base(run.Command[0])}
		}
		// What it was about stands before the command itself.
		if about, _, ok := strings.Cut(err.Error(), ": command \""); ok {
			out = append([]string{about}, out...)
		}
	}
	text := secret.ReplaceAllString(strings.Join(out, "; "), "…")
	if len(text) > 600 {
		text = text[:600] + "…"
	}
	return text
}
