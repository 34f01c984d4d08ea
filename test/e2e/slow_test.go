// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/charts"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/oci"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

var goneFor = flag.Duration("gone", time.Minute, "How long TestSlow takes the remote cluster away.")

// A network between clients and a server, which may be slow, lossy or down.
type network struct {
	*httptest.Server

	// delay of every request, as a time.Duration.
	delay atomic.Int64
	// loss is one request in so many that fails; none when zero.
	loss atomic.Int64
	// down says that nothing gets through.
	down atomic.Bool
	// late says that every request ends with a gateway's timeout.
	late atomic.Bool

	requests, lost atomic.Int64
}

// newNetwork leads to a server as whoever the transport is.
func newNetwork(t *testing.T, to string, as http.RoundTripper, secure bool) *network {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	n := &network{}
	// Watches are passed on as they come.
	proxy := &httputil.ReverseProxy{Transport: as, FlushInterval: -1, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		// A registry says where to go on by the host that it was asked for.
		r.Out.Host = r.In.Host
		r.Out.Header.Del("Authorization")
	}}
	n.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		count := n.requests.Add(1)
		time.Sleep(time.Duration(n.delay.Load()))
		loss := n.loss.Load()
		switch {
		case n.down.Load():
			panic(http.ErrAbortHandler)
		case n.late.Load():
			http.Error(rw, "the SIMULATED upstream does not answer", http.StatusGatewayTimeout)
		case loss > 0 && count%loss == 0:
			// One half breaks off, the other is what an API server says that cannot keep up.
			if n.lost.Add(1)%2 == 0 {
				panic(http.ErrAbortHandler)
			}
			rw.Header().Set("Retry-After", "1")
			http.Error(rw, "SIMULATED error", http.StatusServiceUnavailable)
		default:
			proxy.ServeHTTP(rw, r)
		}
	}))
	n.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		n.StartTLS()
	} else {
		n.Start()
	}
	t.Cleanup(func() {
		n.CloseClientConnections()
		n.Close()
	})
	return n
}

// kubeconfig that leads over the network.
func (n *network) kubeconfig(t *testing.T) []byte {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: n.Certificate().Raw})
	raw, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "slow",
		"clusters": []any{map[string]any{"name": "slow", "cluster": map[string]any{"server": n.URL, "certificate-authority-data": ca}}},
		"users":    []any{map[string]any{"name": "slow", "user": map[string]any{"token": "slow"}}},
		"contexts": []any{map[string]any{"name": "slow", "context": map[string]any{"cluster": "slow", "user": "slow"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// impairNetwork lets processes of the management cluster reach its API server over a
// network of their own, until the test ends.
func impairNetwork(t *testing.T, kubeconfig string, processes ...string) *network {
	t.Helper()
	was, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(was)
	if err != nil {
		t.Fatal(err)
	}
	n := newNetwork(t, config.Host, transport(t, config), true)
	set := func(content []byte) {
		if err := os.WriteFile(kubeconfig, content, 0o600); err != nil {
			t.Error(err)
		}
		for _, p := range processes {
			if err := w.cp.Restart(context.WithoutCancel(t.Context()), p); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(func() { set(was) })
	set(n.kubeconfig(t))
	return n
}

func transport(t *testing.T, config *rest.Config) http.RoundTripper {
	t.Helper()
	config = rest.CopyConfig(config)
	config.QPS = -1
	tr, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// restartWhatEnds does what a kubelet does, until the test ends.
func restartWhatEnds(t *testing.T, processes ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-done
	})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			for _, p := range processes {
				if !slices.Contains(w.cp.Processes(), p) {
					t.Logf("%s ended and is started again", p)
					_ = w.cp.Restart(ctx, p)
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Second):
			}
		}
	}()
}

// pushChart pushes a stand-in to where charts come from, and returns its digest.
func pushChart(t *testing.T, c charts.StandIn) string {
	t.Helper()
	tgz, err := c.Package()
	if err != nil {
		t.Fatal(err)
	}
	img, err := oci.Chart(c.Metadata(), tgz)
	if err != nil {
		t.Fatal(err)
	}
	mirror, err := url.Parse(w.cp.ChartMirror())
	if err != nil {
		t.Fatal(err)
	}
	if err := oci.Push(mirror.Host, strings.Trim(mirror.Path, "/")+"/"+c.Path(), c.Tag(), img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// TestSlow makes a platform in a bad world. Every request of Crossplane and its
// providers to their API server, and of the providers to the remote cluster, takes
// half a second longer, and one in twenty fails. At first the registry of the charts
// times out; later the remote cluster is gone for a while. Nothing is deleted, the
// claim says what is wrong, and recovers by itself.
func TestSlow(t *testing.T) {
	const (
		latency = 500 * time.Millisecond
		oneIn   = 20
		limit   = 6 * hang
	)
	platform := ours("ObservabilityPlatform")
	processes := []string{controlplane.ProcessCrossplane, controlplane.ProcessProviderHelm, controlplane.ProcessProviderKubernetes}
	t.Cleanup(func() { clean(t) })
	onFailure(t)
	remote := newNetwork(t, w.cp.Remote().Host, transport(t, w.cp.Remote()), true)
	crossplane := impairNetwork(t, filepath.Join(filepath.Dir(w.cp.Kubeconfig()), "crossplane.kubeconfig"), processes[0])
	providers := impairNetwork(t, w.cp.Kubeconfig(), processes[1:]...)
	restartWhatEnds(t, processes...)
	mirror, err := url.Parse(w.cp.ChartMirror())
	if err != nil {
		t.Fatal(err)
	}
	registry := newNetwork(t, w.cp.ChartMirror(), http.DefaultTransport, false)
	registry.late.Store(true)
	registry.delay.Store(int64(10 * time.Second))
	if err := w.cp.Restart(t.Context(), controlplane.ProcessFunction, "--chart-mirror="+registry.URL+mirror.Path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The last argument wins.
		if err := w.cp.Restart(context.WithoutCancel(t.Context()), controlplane.ProcessFunction, "--chart-mirror="+w.cp.ChartMirror()); err != nil {
			t.Error(err)
		}
	})
	for _, n := range []*network{remote, crossplane, providers} {
		n.delay.Store(int64(latency))
		n.loss.Store(oneIn)
	}
	t.Cleanup(func() {
		for name, n := range map[string]*network{"the remote cluster": remote, "Crossplane": crossplane, "the providers": providers, "the registry": registry} {
			t.Logf("network of %s: %d requests, %d lost", name, n.requests.Load(), n.lost.Load())
		}
	})

	apply(t, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "slow-kubeconfig", "namespace": namespace},
		"data": map[string]any{"kubeconfig": base64.StdEncoding.EncodeToString(remote.kubeconfig(t))},
	}})
	o := example(t, "existing.yaml")
	if err := unstructured.SetNestedField(o.Object, "slow-kubeconfig", "spec", "cluster", "existing", "kubeconfigSecretRef", "name"); err != nil {
		t.Fatal(err)
	}
	// A chart that provider-helm cannot have in its cache.
	version := fmt.Sprintf("1.0.%d", time.Now().Unix())
	pushChart(t, charts.For("oci://ghcr.io/team-a/charts", "slow", version))
	own := map[string]any{"name": "slow", "targetNamespace": "slow", "chart": map[string]any{"repository": "oci://ghcr.io/team-a/charts", "name": "slow", "version": version}}
	if err := unstructured.SetNestedSlice(o.Object, []any{own}, "spec", "stack", "components"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	apply(t, o)
	measured(t, "the registry times out: the component says so", eventually(t, limit, "the component tells of the registry", func() (bool, string) {
		if o := get(t, platform, "demo"); isReady(o) {
			t.Error("the claim is Ready though a chart cannot be fetched")
		}
		components, err := w.management.List(t.Context(), ours("Component"), namespace)
		for _, c := range components {
			if _, _, said := kube.Condition(&c, "Deployed"); strings.Contains(c.GetName(), "stack-slow") && strings.Contains(said, "Gateway Timeout") {
				return true, ""
			}
		}
		return false, fmt.Sprintf("%d components, error %v%s", len(components), err, conditions(get(t, platform, "demo")))
	}), 0)
	t.Log(conditions(get(t, platform, "demo")))
	registry.late.Store(false)
	registry.delay.Store(0)
	isReadyWithin := func(what string, limit time.Duration) time.Duration {
		return eventually(t, limit, what, func() (bool, string) {
			o := get(t, platform, "demo")
			return o != nil && isReady(o), conditions(o)
		})
	}
	measured(t, "the registry answers again: Ready", isReadyWithin("Ready", limit), 0)
	measured(t, "from the claim to Ready, all in all", time.Since(start), 0)
	before := uids(t)

	remote.down.Store(true)
	remote.CloseClientConnections()
	start = time.Now()
	measured(t, "the remote cluster is gone: the claim says so", says(t, platform, "demo", "ClusterReady", "False", "does not answer"), 0)
	t.Log(conditions(get(t, platform, "demo")))
	for time.Since(start) < *goneFor {
		wanted(t, before, uids(t))
		if isReady(get(t, platform, "demo")) {
			t.Error("the claim is Ready though its cluster is gone")
		}
		if t.Failed() {
			t.FailNow()
		}
		time.Sleep(5 * time.Second)
	}
	remote.down.Store(false)
	measured(t, "the remote cluster is back after "+goneFor.String()+": Ready", isReadyWithin("Ready again", limit), 0)
	wanted(t, before, uids(t))

	start = time.Now()
	if err := deleteObject(t.Context(), o, background); err != nil {
		t.Fatal(err)
	}
	eventually(t, limit, "nothing left", func() (bool, string) {
		left := leftovers(t.Context(), namespace)
		return len(left) == 0, strings.Join(left, ", ")
	})
	measured(t, "nothing left after kubectl delete, in the slow world", time.Since(start), 0)
}
