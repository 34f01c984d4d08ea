// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/crossplane/function-sdk-go"
	"github.com/crossplane/function-sdk-go/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/proto/v1beta1"
	grpcprometheus "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

// maxConcurrent is how many requests are decoded and composed at once. A run only
// computes, so that more of them than processors finish no sooner, and each takes
// some megabytes.
func maxConcurrent() int { return max(2, runtime.GOMAXPROCS(0)) }

// service is how requests reach a runner: some at once, the others in the order
// in which they came, not decoded yet. Versions of the protocol differ by name only.
func service(name string, slots chan struct{}) *grpc.ServiceDesc {
	info := grpc.UnaryServerInfo{FullMethod: "/" + name + "/RunFunction"}
	handle := func(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		req := &request{}
		if err := decode(req); err != nil {
			return nil, err
		}
		return intercept(ctx, req, &info, func(ctx context.Context, _ any) (any, error) {
			return srv.(runner).run(ctx, req) //nolint:forcetypeassert // gRPC has checked HandlerType.
		})
	}
	return &grpc.ServiceDesc{ServiceName: name, HandlerType: (*runner)(nil), Methods: []grpc.MethodDesc{{MethodName: "RunFunction", Handler: handle}}}
}

// register the function's service, in both versions that Crossplane may ask for.
func register(srv grpc.ServiceRegistrar, r runner) {
	slots := make(chan struct{}, maxConcurrent())
	srv.RegisterService(service(fnv1.FunctionRunnerService_ServiceDesc.ServiceName, slots), r)
	srv.RegisterService(service(v1beta1.FunctionRunnerService_ServiceDesc.ServiceName, slots), r)
}

// serve serves a function over gRPC, as the SDK does, but no more requests at
// once than can be worked on: the SDK's Serve does not let that be said.
func (c *CLI) serve(ctx context.Context, fn runner, health grpc_health_v1.HealthServer, registry *prometheus.Registry) error {
	so := &function.ServeOptions{}
	for _, o := range []function.ServeOption{function.MTLSCertificates(c.TLSCertsDir), function.Insecure(c.Insecure)} {
		if err := o(so); err != nil {
			return errors.Wrap(err, "cannot read certificates")
		}
	}
	if so.Credentials == nil {
		return errors.New("no credentials provided: give --tls-certs-dir, or --insecure to serve in the clear")
	}
	lis, err := (&net.ListenConfig{}).Listen(ctx, c.Network, c.Address)
	if err != nil {
		return errors.Wrapf(err, "cannot listen for %s connections at address %q", c.Network, c.Address)
	}
	metrics := grpcprometheus.NewServerMetrics()
	srv := grpc.NewServer(
		grpc.Creds(so.Credentials),
		grpc.MaxRecvMsgSize(c.MaxRecvMessageSize*1024*1024),
		// Who waits beyond that waits with the caller, without having been received.
		grpc.MaxConcurrentStreams(uint32(2*maxConcurrent())), //nolint:gosec // It is a small number.
		grpc.ForceServerCodecV2(newCodec()),
		grpc.UnaryInterceptor(metrics.UnaryServerInterceptor()),
	)
	reflection.Register(srv)
	register(srv, fn)
	grpc_health_v1.RegisterHealthServer(srv, health)
	if c.MetricsAddress != "" {
		metrics.InitializeMetrics(srv)
		if err := registry.Register(metrics); err != nil {
			return errors.Wrap(err, "cannot register metrics")
		}
		ms := &http.Server{Addr: c.MetricsAddress, Handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), ReadHeaderTimeout: 30 * time.Second}
		context.AfterFunc(ctx, func() { _ = ms.Close() })
		go ms.ListenAndServe() //nolint:errcheck // Without metrics the function still works.
	}
	return errors.Wrap(srv.Serve(lis), "cannot serve gRPC connections")
}
