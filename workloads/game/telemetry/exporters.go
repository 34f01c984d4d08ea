// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// Protocols of OTLP.
const (
	protocolGRPC = "grpc"
	protocolHTTP = "http/protobuf"
)

// protocol in which a signal is sent.
func protocol(signal string) (string, error) {
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch p := os.Getenv(variable); p {
		case "":
		case protocolGRPC, protocolHTTP:
			return p, nil
		default:
			return "", fmt.Errorf("cannot speak %q as %s says: only %s and %s", p, variable, protocolGRPC, protocolHTTP)
		}
	}
	return protocolHTTP, nil
}

func spanExporter(ctx context.Context) (*otlptrace.Exporter, error) {
	p, err := protocol("TRACES")
	if err != nil {
		return nil, err
	}
	var e *otlptrace.Exporter
	if p == protocolGRPC {
		e, err = otlptracegrpc.New(ctx)
	} else {
		e, err = otlptracehttp.New(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot export traces: %w", err)
	}
	return e, nil
}

func metricExporter(ctx context.Context) (sdkmetric.Exporter, error) {
	p, err := protocol("METRICS")
	if err != nil {
		return nil, err
	}
	var e sdkmetric.Exporter
	if p == protocolGRPC {
		e, err = otlpmetricgrpc.New(ctx)
	} else {
		e, err = otlpmetrichttp.New(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot export metrics: %w", err)
	}
	return e, nil
}

func logExporter(ctx context.Context) (sdklog.Exporter, error) {
	p, err := protocol("LOGS")
	if err != nil {
		return nil, err
	}
	var e sdklog.Exporter
	if p == protocolGRPC {
		e, err = otlploggrpc.New(ctx)
	} else {
		e, err = otlploghttp.New(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot export logs: %w", err)
	}
	return e, nil
}
