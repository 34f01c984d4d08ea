package main

import (
	"maps"
	"net"
	"slices"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// heaviest are the requests of the largest claim that are heaviest, by kind.
func heaviest(b *testing.B) map[string]*fnv1.RunFunctionRequest {
	b.Helper()
	out := map[string]*fnv1.RunFunctionRequest{}
	for _, w := range worlds(b, largest) {
		req := requestOf(b, w)
		if was, ok := out[w.XR.GetKind()]; !ok || proto.Size(was) < proto.Size(req) {
			out[w.XR.GetKind()] = req
		}
	}
	return out
}

// BenchmarkRunFunction runs the function as a Go program would.
func BenchmarkRunFunction(b *testing.B) {
	f := testFunction()
	reqs := heaviest(b)
	for _, kind := range slices.Sorted(maps.Keys(reqs)) {
		req := reqs[kind]
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.RunFunction(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(proto.Size(req)), "request-B")
		})
	}
}

// BenchmarkGRPC runs the function as Crossplane does, on this machine and
// without TLS.
func BenchmarkGRPC(b *testing.B) {
	lis, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := grpc.NewServer()
	fnv1.RegisterFunctionRunnerServiceServer(srv, &drainer{FunctionRunnerServiceServer: testFunction()})
	go srv.Serve(lis)
	b.Cleanup(srv.Stop)
	conn, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	c := fnv1.NewFunctionRunnerServiceClient(conn)
	reqs := heaviest(b)
	for _, kind := range slices.Sorted(maps.Keys(reqs)) {
		req := reqs[kind]
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.RunFunction(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
