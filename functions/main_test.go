// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/crossplane/function-sdk-go/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/proto/v1beta1"
	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

func TestRunRefuses(t *testing.T) {
	cases := map[string]struct {
		reason string
		cli    CLI
		want   string
	}{
		"NoCredentials": {
			reason: "Nobody is served in the clear without saying so.",
			cli:    CLI{Network: "unix", Address: filepath.Join(t.TempDir(), "s")},
			want:   "no credentials provided",
		},
		"NoCertificates": {
			reason: "Certificates that are not there cannot be served with.",
			cli:    CLI{Network: "unix", Address: filepath.Join(t.TempDir(), "s"), TLSCertsDir: t.TempDir()},
			want:   "no such file",
		},
		"BadAddress": {
			reason: "An address that is none cannot be listened at.",
			cli:    CLI{Network: "tcp", Address: "nowhere", Insecure: true},
			want:   "cannot listen",
		},
		"BadMirror": {
			reason: "A mirror that is none is told before anything is served.",
			cli:    CLI{Network: "unix", Address: filepath.Join(t.TempDir(), "s"), Insecure: true, ChartMirror: "mirror"},
			want:   "--chart-mirror",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.cli.MaxRecvMessageSize = 4
			err := tc.cli.Run()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("\n%s\nRun(): want an error with %q, got %v", tc.reason, tc.want, err)
			}
		})
	}
}

// dial connects to a function on a socket.
func dial(tb testing.TB, address string) *grpc.ClientConn {
	tb.Helper()
	c, err := grpc.NewClient("passthrough:///unix", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", address)
		}))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// TestServe serves a function over gRPC as main does, and stops it.
func TestServe(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	served := make(chan error, 1)
	cli := &CLI{Network: "unix", Address: socket, Insecure: true, MaxRecvMessageSize: 1, ManagementClusterNamespaces: []string{"team-a"}, ChartMirror: "https://mirror.example.org"}
	go func() { served <- cli.Run() }()

	c := dial(t, socket)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	health, err := grpc_health_v1.NewHealthClient(c).Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(grpc_health_v1.HealthCheckResponse_SERVING, health.GetStatus()); diff != "" {
		t.Errorf("health: -want, +got:\n%s", diff)
	}

	// What comes back over the wire is what the function said.
	want := run(t, testFunction(), xr(workload))
	got, err := fnv1.NewFunctionRunnerServiceClient(c).RunFunction(ctx, xr(workload))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("RunFunction(...) over gRPC: -want, +got:\n%s", diff)
	}
	raw, err := proto.Marshal(xr(workload))
	if err != nil {
		t.Fatal(err)
	}
	older := &v1beta1.RunFunctionRequest{}
	if err := proto.Unmarshal(raw, older); err != nil {
		t.Fatal(err)
	}
	beta, err := v1beta1.NewFunctionRunnerServiceClient(c).RunFunction(ctx, older)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.GetConditions()[0].GetReason(), beta.GetConditions()[0].GetReason()); diff != "" {
		t.Errorf("RunFunction(...) by the older protocol: -want, +got:\n%s", diff)
	}

	// Flags reach the composers.
	req := xr(`{
		"apiVersion": "observe-k8s.io/v1alpha1", "kind": "KubernetesCluster",
		"metadata": {"name": "demo", "namespace": "team-a"},
		"spec": {"provider": "Existing", "existing": {"managementCluster": true}}
	}`)
	// There is no policy.
	req.RequiredResources = map[string]*fnv1.Resources{}
	for _, r := range policy.Requirements("team-a") {
		req.RequiredResources[r.Name] = &fnv1.Resources{}
	}
	management, err := fnv1.NewFunctionRunnerServiceClient(c).RunFunction(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("Creating", management.GetConditions()[0].GetReason()); diff != "" {
		t.Errorf("the management cluster of an allowed namespace: -want, +got:\n%s", diff)
	}

	// A message that is too large is refused, and the function lives on.
	huge := xr(workload)
	huge.Meta.Tag = strings.Repeat("a", 2<<20)
	_, err = fnv1.NewFunctionRunnerServiceClient(c).RunFunction(ctx, huge)
	if diff := cmp.Diff(codes.ResourceExhausted, status.Code(err)); diff != "" {
		t.Errorf("a message that is too large: -want, +got:\n%s", diff)
	}

	// A signal stops it in good order.
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-served:
		if err != nil {
			t.Errorf("Run(): %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("not stopped after 20s")
	}
	health, err = grpc_health_v1.NewHealthClient(c).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil || health.GetStatus() != grpc_health_v1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("after the stop: want it not to be serving, got %v %v", health.GetStatus(), err)
	}
	_, err = fnv1.NewFunctionRunnerServiceClient(c).RunFunction(ctx, xr(workload))
	if diff := cmp.Diff(codes.Unavailable, status.Code(err)); diff != "" {
		t.Errorf("a run after the stop: -want, +got:\n%s", diff)
	}
}

// crowd notes how many requests run at once.
type crowd struct {
	mu            sync.Mutex
	running, most int
	end           chan struct{}
}

func (c *crowd) run(context.Context, *request) (*fnv1.RunFunctionResponse, error) {
	c.mu.Lock()
	c.running++
	c.most = max(c.most, c.running)
	c.mu.Unlock()
	<-c.end
	c.mu.Lock()
	c.running--
	c.mu.Unlock()
	return &fnv1.RunFunctionResponse{}, nil
}

// TestAtOnce sends more requests than are worked on at once, by both versions of
// the protocol.
func TestAtOnce(t *testing.T) {
	c := &crowd{end: make(chan struct{})}
	slots := make(chan struct{}, 2)
	pass := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		return handle(ctx, req)
	}
	send := func(ctx context.Context, version string) error {
		_, err := service(version, slots).Methods[0].Handler(c, ctx, func(any) error { return nil }, pass)
		return err
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if err := send(t.Context(), []string{"v1", "v1beta1"}[i%2]); err != nil {
				t.Error(err)
			}
		})
	}
	for len(slots) < cap(slots) {
		time.Sleep(time.Millisecond)
	}
	// Who does not want to wait any longer need not.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if diff := cmp.Diff(codes.Canceled, status.Code(send(ctx, "v1"))); diff != "" {
		t.Errorf("a caller that gave up: -want, +got:\n%s", diff)
	}
	close(c.end)
	wg.Wait()
	if c.most != cap(slots) {
		t.Errorf("%d requests ran at once, want %d", c.most, cap(slots))
	}
	// One that cannot be decoded frees its place.
	for range 2 * cap(slots) {
		if _, err := service("v1", slots).Methods[0].Handler(c, t.Context(), func(any) error { return errors.New("no request") }, pass); err == nil {
			t.Fatal("a request that cannot be decoded: want an error")
		}
	}
}
