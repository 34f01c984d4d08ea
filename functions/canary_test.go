// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossplane/function-sdk-go/logging"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/go-logr/logr/funcr"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/protobuf/encoding/protojson"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// secretMarker is in everything that is secret. Nobody may ever see it.
const secretMarker = "canary4711"

// recorder is a logger that keeps all that is logged.
func recorder(b *bytes.Buffer) logging.Logger {
	return logging.NewLogrLogger(funcr.New(func(prefix, args string) { fmt.Fprintln(b, prefix, args) }, funcr.Options{Verbosity: 9}))
}

// badSecrets are what a Secret may hold, good or bad, always with the canary.
func badSecrets() map[string]string {
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	good := strings.ReplaceAll(simulate.Kubeconfig, "token: simulated", "token: "+secretMarker)
	return map[string]string{
		"good":          encode(good),
		"not base64":    secretMarker + "!",
		"not YAML":      encode("[" + secretMarker),
		"no kubeconfig": encode(secretMarker + ": " + secretMarker),
		"wrong types":   encode("clusters: " + secretMarker),
		"no user":       encode(strings.ReplaceAll(good, "user: simulated}", "user: "+secretMarker+"}")),
		"exec":          encode(strings.ReplaceAll(good, "user: {token: "+secretMarker+"}", "user: {exec: {command: "+secretMarker+"}}")),
		"file":          encode(strings.ReplaceAll(good, "user: {token: "+secretMarker+"}", "user: {tokenFile: /"+secretMarker+"}")),
		"bad server":    encode(strings.ReplaceAll(good, "https://simulated.example.org", "https://user:"+secretMarker+"@%zz")),
		"password":      encode(strings.ReplaceAll(good, "https://simulated.example.org", "https://user:"+secretMarker+"@simulated.example.org")),
	}
}

// poison puts a value and the canary into every Secret.
func poison(o *unstructured.Unstructured, value string) {
	if o.GetKind() != "Secret" {
		return
	}
	data, _ := o.Object["data"].(map[string]any)
	if data == nil {
		data = map[string]any{}
		o.Object["data"] = data
	}
	for k := range data {
		data[k] = value
	}
	data["kubeconfig"], data["value"], data[secretMarker] = value, value, value
	o.Object["stringData"] = map[string]any{"also": secretMarker}
}

// TestCanary plants a canary in every Secret and every credential that the
// function sees, at every stage of every example, and looks for it in all that
// people can read: the log, traces, conditions, events and the status.
func TestCanary(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "examples", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no example: %v", err)
	}
	secrets, runs, traced := 0, 0, 0
	for _, file := range append(files, largest) {
		s, err := simulate.New(compose.Settings{}, claims(t, file)...)
		if err != nil {
			t.Fatal(err)
		}
		for changed := true; changed; {
			if changed, err = s.Reconcile(); err != nil {
				t.Fatal(err)
			}
			ws, err := s.Requests()
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range ws {
				for what, value := range badSecrets() {
					found := 0
					for _, os := range w.Required {
						for _, o := range os {
							poison(o, value)
							if o.GetKind() == "Secret" {
								found++
							}
						}
					}
					for _, o := range w.Observed {
						poison(o, value)
					}
					if found == 0 {
						continue
					}
					secrets += found
					runs++
					log, spans := &bytes.Buffer{}, tracetest.NewInMemoryExporter()
					tel, err := newTelemetry(prometheus.NewRegistry(), sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer(""))
					if err != nil {
						t.Fatal(err)
					}
					f := &Function{log: recorder(log), telemetry: tel}
					req := requestOf(t, w)
					req.Observed.Composite.ConnectionDetails = map[string][]byte{"kubeconfig": []byte(secretMarker)}
					for _, r := range req.GetObserved().GetResources() {
						r.ConnectionDetails = map[string][]byte{"kubeconfig": []byte(secretMarker)}
					}
					req.Credentials = map[string]*fnv1.Credentials{"c": {Source: &fnv1.Credentials_CredentialData{CredentialData: &fnv1.CredentialData{Data: map[string][]byte{"c": []byte(secretMarker)}}}}}
					rsp := run(t, f, req)
					seen := log.String() + fmt.Sprintf("%+v", spans.GetSpans())
					traced += len(spans.GetSpans())
					for _, c := range rsp.GetConditions() {
						seen += c.String()
					}
					for _, r := range rsp.GetResults() {
						seen += r.String()
					}
					status, err := protojson.Marshal(rsp.GetDesired().GetComposite().GetResource())
					if err != nil {
						t.Fatal(err)
					}
					seen += string(status)
					if i := strings.Index(seen, secretMarker); i >= 0 {
						t.Errorf("%s, a Secret with %s: %s %s shows the canary: …%s…", filepath.Base(file), what, w.XR.GetKind(), w.XR.GetName(), seen[max(0, i-200):min(len(seen), i+50)])
					}
				}
			}
		}
	}
	if traced < runs {
		t.Errorf("%d traces of %d runs: the test does not look at all of them", traced, runs)
	}
	if secrets == 0 {
		t.Error("no composer looks at a Secret: the test tests nothing")
	}
	t.Logf("%d runs with %d poisoned Secrets", runs, secrets)
}
