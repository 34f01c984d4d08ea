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
)

// atOnce is how many requests of one caller are decoded and composed at once. A
// run only computes, so that more of them than processors finish no sooner, and
// each takes some megabytes. The others wait where they are, with the caller.
func atOnce() uint32 {
	return uint32(max(2, runtime.GOMAXPROCS(0))) //nolint:gosec // It is a small number.
}

// serve serves a function over gRPC, as the SDK does, but no more requests at
// once than can be worked on: the SDK's Serve does not let that be said.
func (c *CLI) serve(ctx context.Context, fn fnv1.FunctionRunnerServiceServer, health grpc_health_v1.HealthServer, registry *prometheus.Registry) error {
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
		grpc.MaxConcurrentStreams(atOnce()),
		grpc.UnaryInterceptor(metrics.UnaryServerInterceptor()),
	)
	reflection.Register(srv)
	fnv1.RegisterFunctionRunnerServiceServer(srv, fn)
	v1beta1.RegisterFunctionRunnerServiceServer(srv, function.ServeBeta(fn))
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
