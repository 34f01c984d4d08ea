// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// floorVariable makes this test's program serve the floor instead of running tests:
// a process of its own, so that neither pays for the other's garbage.
const floorVariable = "OBSERVE_K8S_SERVE_FLOOR"

func TestMain(m *testing.M) {
	if os.Getenv(floorVariable) == "" {
		os.Exit(m.Run())
	}
	if err := runFloor("s"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A floor is the least that any function does: it receives a request, decodes
// it, and returns a response of the same bytes as the function's.
type floor struct {
	fnv1.UnimplementedFunctionRunnerServiceServer

	answers map[string]*fnv1.RunFunctionResponse
}

func (f *floor) RunFunction(_ context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	return f.answers[req.GetMeta().GetTag()], nil
}

// runFloor serves the answers in the files of the working directory, by tag.
func runFloor(socket string) error {
	f := &floor{answers: map[string]*fnv1.RunFunctionResponse{}}
	files, err := filepath.Glob("*.answer")
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rsp := &fnv1.RunFunctionResponse{}
		if err := proto.Unmarshal(raw, rsp); err != nil {
			return err
		}
		f.answers[strings.TrimSuffix(file, ".answer")] = rsp
	}
	lis, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", socket)
	if err != nil {
		return err
	}
	srv := grpc.NewServer()
	fnv1.RegisterFunctionRunnerServiceServer(srv, f)
	return srv.Serve(lis)
}

// encoded sends and receives messages that are bytes already, so that the
// caller's own work is none.
type encoded struct{}

func (encoded) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (encoded) Unmarshal(b []byte, v any) error {
	*v.(*[]byte) = slices.Clone(b)
	return nil
}
func (encoded) Name() string { return "proto" }

// A served process and the way to it.
type served struct {
	cmd  *exec.Cmd
	conn *grpc.ClientConn
}

// program builds the function as it is shipped.
func program(b *testing.B) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "function")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return bin
}

// serveFunction starts the function on the socket "s" of a folder.
func serveFunction(b *testing.B, bin, dir string) served {
	b.Helper()
	return start(b, dir, exec.CommandContext(context.WithoutCancel(b.Context()), bin, "--insecure", "--network=unix", "--address=s", "--metrics-address=127.0.0.1:0"))
}

// serveFloor starts the floor on the socket "s" of a folder.
func serveFloor(b *testing.B, dir string) served {
	b.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), exe)
	cmd.Env = append(os.Environ(), floorVariable+"=1")
	return start(b, dir, cmd)
}

func start(b *testing.B, dir string, cmd *exec.Cmd) served {
	b.Helper()
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return served{cmd, dial(b, filepath.Join(dir, "s"))}
}

func (s served) call(ctx context.Context, req []byte) ([]byte, error) {
	var rsp []byte
	err := s.conn.Invoke(ctx, fnv1.FunctionRunnerService_RunFunction_FullMethodName, &req, &rsp,
		grpc.ForceCodec(encoded{}), grpc.WaitForReady(true))
	return rsp, err
}

// rss is the greatest resident memory of a process since its start, in MiB.
func (s served) rss(b *testing.B) float64 {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}

// calls sends a request n times by each of some callers at once and returns
// what each took.
func (s served) calls(b *testing.B, req []byte, callers, n int) []time.Duration {
	b.Helper()
	took := make([][]time.Duration, callers)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for range n {
				start := time.Now()
				if _, err := s.call(b.Context(), req); err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(start))
			}
		})
	}
	wg.Wait()
	return slices.Concat(took...)
}

// BenchmarkCost runs the function and the floor side by side over gRPC, for the
// heaviest request of each kind of the largest claim, by one caller and by
// eight. They take turns, so that what else the machine does meets both.
func BenchmarkCost(b *testing.B) {
	reqs := heaviest(b)
	answers := b.TempDir()
	raw := map[string][]byte{}
	for kind, req := range reqs {
		req.Meta.Tag = kind
		var err error
		if raw[kind], err = proto.Marshal(req); err != nil {
			b.Fatal(err)
		}
	}
	ours := serveFunction(b, program(b), b.TempDir())
	for kind := range reqs {
		rsp, err := ours.call(b.Context(), raw[kind])
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(answers, kind+".answer"), rsp, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	floor := serveFloor(b, answers)
	for _, callers := range []int{1, 8} {
		for _, kind := range slices.Sorted(maps.Keys(reqs)) {
			b.Run(fmt.Sprintf("%s/%d", kind, callers), func(b *testing.B) {
				const atOnce = 40
				ours.calls(b, raw[kind], callers, atOnce)
				floor.calls(b, raw[kind], callers, atOnce)
				var a, z []time.Duration
				for b.Loop() {
					a = append(a, ours.calls(b, raw[kind], callers, atOnce)...)
					z = append(z, floor.calls(b, raw[kind], callers, atOnce)...)
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(len(raw[kind]))/1024, "request-KiB")
				b.ReportMetric(ours.rss(b), "RSS-MiB")
				b.ReportMetric(floor.rss(b), "RSS-floor-MiB")
				for _, p := range []int{50, 99} {
					o, f := percentile(a, p), percentile(z, p)
					b.ReportMetric(float64(o.Microseconds()), fmt.Sprintf("p%d-µs", p))
					b.ReportMetric(float64(f.Microseconds()), fmt.Sprintf("p%d-floor-µs", p))
					b.ReportMetric(float64(o)/float64(f), fmt.Sprintf("p%d-ratio", p))
				}
			})
		}
	}
}

func percentile(ds []time.Duration, p int) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	slices.Sort(ds)
	return ds[min(len(ds)-1, len(ds)*p/100)]
}

// BenchmarkStart runs the program as it is shipped, from its start to its first
// answer.
func BenchmarkStart(b *testing.B) {
	bin := program(b)
	req, err := proto.Marshal(heaviest(b)["ObservabilityPlatform"])
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for b.Loop() {
		dir := b.TempDir()
		begin := time.Now()
		f := serveFunction(b, bin, dir)
		for {
			if _, err := os.Stat(filepath.Join(dir, "s")); err == nil {
				break
			}
			time.Sleep(500 * time.Microsecond)
		}
		if _, err := f.call(b.Context(), req); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
		_ = f.cmd.Process.Kill()
	}
	b.ReportMetric(float64(percentile(took, 50).Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[0].Microseconds())/1000, "least-ms")
}
