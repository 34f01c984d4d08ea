// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// arrivalTimeout is how long something that must come may take. It is only there so
// that a test ends.
const arrivalTimeout = time.Minute

// A program is what a test runs.
type program struct {
	// module that has it, relative to this folder, and its package.
	module, pkg string
	// flags of go build.
	flags []string
}

// programs by name.
func programs() map[string]program {
	return map[string]program{
		"collector": {module: "../../controlplane/programs/collector", pkg: "."},
		// Discovery of targets in clouds is not what is tested, and most of its modules.
		"prometheus": {
			module: "../../controlplane/programs/prometheus", pkg: "github.com/prometheus/prometheus/cmd/prometheus",
			flags: []string{"-tags", "remove_all_sd,enable_kubernetes_sd"},
		},
		"game": {module: "../../workloads/game", pkg: "."},
	}
}

// build a program, or take the one that was built before.
func build(t *testing.T, name string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	p := programs()[name]
	binary := filepath.Join(root, ".cache", "game-e2e", name)
	// The flags of controlplane, so that nothing is compiled twice.
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", binary}, append(p.flags, p.pkg)...)...)
	cmd.Dir, cmd.Env = p.module, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build %s: %v\n%s", name, err, out)
	}
	return binary
}

// A process that a test started. It ends with the test.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

// Write what the process says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

// said is all that the process has said.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func run(t *testing.T, env []string, binary string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // What it said is shown when a test fails.
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(binary), p.said())
		}
	})
	return p
}

// lives fails the test when the process has ended by itself.
func (p *process) lives(t *testing.T) {
	t.Helper()
	select {
	case <-p.done:
		t.Fatalf("%s has ended", p.cmd.Path)
	default:
	}
}

// stop the process and wait until it is gone.
func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // It may be gone already.
	select {
	case <-p.done:
	case <-time.After(arrivalTimeout):
		t.Errorf("%s does not stop", p.cmd.Path)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// rss is how much memory the process has resident, in KiB.
func (p *process) rss(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kib := 0
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}

// freePort is one that nobody has at the moment.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), arrivalTimeout)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s", what, arrivalTimeout)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// fetch what is at a URL; empty while there is nothing.
func fetch(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	return b
}

// startPrometheus runs Prometheus with its receiver for OTLP, and returns its URL.
func startPrometheus(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(config, []byte("otlp: {promote_resource_attributes: [service.instance.id]}\nstorage: {exemplars: {max_exemplars: 100000}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	run(t, nil, build(t, "prometheus"), "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port), "--web.enable-otlp-receiver", "--enable-feature=exemplar-storage")
	eventually(t, "Prometheus is ready", func() bool { return fetch(t, url+"/-/ready") != nil })
	return url
}

// A collector that passes traces and logs to sink, and metrics to Prometheus.
type collector struct {
	*process

	url    string
	config string
	binary string
}

func startCollector(t *testing.T, sink, prometheus string) *collector {
	t.Helper()
	port := freePort(t)
	c := &collector{url: fmt.Sprintf("http://127.0.0.1:%d", port), config: filepath.Join(t.TempDir(), "collector.yaml"), binary: build(t, "collector")}
	if err := os.WriteFile(c.config, fmt.Appendf(nil, `
receivers:
  otlp: {protocols: {http: {endpoint: 127.0.0.1:%d}}}
exporters:
  otlp_http/sink: {endpoint: %q, compression: none}
  otlp_http/prometheus: {endpoint: %q}
service:
  telemetry: {metrics: {level: none}, logs: {level: warn}}
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_http/sink]}
    logs: {receivers: [otlp], exporters: [otlp_http/sink]}
    metrics: {receivers: [otlp], exporters: [otlp_http/prometheus]}
`, port, sink, prometheus+"/api/v1/otlp"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.start(t)
	return c
}

// start the collector, again where it was stopped.
func (c *collector) start(t *testing.T) {
	t.Helper()
	c.process = run(t, nil, c.binary, "--config", "file:"+c.config)
	eventually(t, "the collector listens", func() bool {
		c.lives(t)
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}
