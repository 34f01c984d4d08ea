// SPDX-License-Identifier: Apache-2.0

package ci

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// told are the spans that were told so far, for a collector that is only there
// once the platform is.
type told struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

// ExportSpans keeps them.
func (t *told) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spans = append(t.spans, spans...)
	return nil
}

// Shutdown has nothing to do.
func (*told) Shutdown(context.Context) error { return nil }

// collector of the claim's platform, SERVICE.NAMESPACE; nothing if its stack has none.
func (k *client) collector(ctx context.Context, claim *unstructured.Unstructured) string {
	host := ""
	// Without it, the file has the trace.
	_ = k.tree(ctx, claim, func(_ item, o *unstructured.Unstructured) {
		if h, ok, _ := unstructured.NestedString(o.Object, "status", "environment", "collector"); ok && o.GetKind() == "ObservabilityStack" {
			host = h
		}
	})
	return host
}

// tellPlatform sends what was told so far to the platform's own collector, through
// the API server of its cluster. A collector that does not answer does not fail
// the job: the file has it all.
func (t *tracer) tellPlatform(ctx context.Context, kubeconfig, host string) {
	if kubeconfig == "" || host == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err == nil {
		err = t.send(ctx, config, host)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ci: the platform's collector did not take the trace, the file has it:", err)
		return
	}
	fmt.Println("the trace so far is in the platform, by its ID", t.state.TraceID)
}

func (t *tracer) send(ctx context.Context, config *rest.Config, host string) error {
	service, namespace, _ := strings.Cut(host, ".")
	namespace, _, _ = strings.Cut(namespace, ".")
	web, err := rest.HTTPClientFor(config)
	if err != nil {
		return errors.Wrap(err, "cannot make a client for the platform's cluster")
	}
	url := fmt.Sprintf("%s/api/v1/namespaces/%s/services/%s:4318/proxy/v1/traces", strings.TrimSuffix(config.Host, "/"), namespace, service)
	e, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(url), otlptracehttp.WithHTTPClient(web), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	if err != nil {
		return errors.Wrap(err, "cannot reach the platform's collector")
	}
	t.told.mu.Lock()
	defer t.told.mu.Unlock()
	return errors.Join(e.ExportSpans(ctx, t.told.spans), e.Shutdown(ctx))
}
