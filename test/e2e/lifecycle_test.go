// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestClaim follows the example from kubectl apply to Ready, looks at all that
// it became, sees that nothing moves any more, and deletes it.
func TestClaim(t *testing.T) {
	log := logged(t, controlplane.ProcessCrossplane)
	opens := breakerOpens(t)

	o := example(t, "existing.yaml")
	claim(t, o)
	measured(t, "claim Ready after kubectl apply", ready(t, ours("ObservabilityPlatform"), "demo"), 45*time.Second)

	t.Log("\n" + kubectl(t, "get", "observabilityplatforms,"+clusters+",observabilitystacks,components,workloads", "-A"))
	t.Log("\n" + kubectl(t, "-n", namespace, "describe", "observabilityplatform", "demo"))
	for _, xr := range composites(t) {
		if s, _, _ := kube.Condition(&xr, "Ready"); s != "True" {
			t.Errorf("%s %s is not Ready:%s", xr.GetKind(), xr.GetName(), conditions(&xr))
		}
	}
	checkRemote(t)
	if got := breakerOpens(t) - opens; got != 0 {
		t.Errorf("circuit_breaker_opens_total rose by %v with the burst that our install sets, want 0", got)
	}
	steady(t)
	complaints(t, log)
	remove(t, background, time.Minute, o)
}

// composites are all of our kinds; of each kind there has to be one.
func composites(t *testing.T) []unstructured.Unstructured {
	t.Helper()
	var out []unstructured.Unstructured
	for _, k := range allOurs() {
		objs, err := w.management.List(t.Context(), k, namespace)
		if err != nil {
			t.Fatal(err)
		}
		if len(objs) == 0 {
			t.Errorf("no %s exists", k.Kind)
		}
		out = append(out, objs...)
	}
	return out
}

// TestDeleteHalfway deletes a claim at moments of its provisioning. Where the
// teardown meets an installation, provider-helm meets conflicts, and may wait
// half a minute after an uninstall before it looks at the release again.
func TestDeleteHalfway(t *testing.T) {
	cloud, promised := "existing.yaml", time.Minute
	if w.cp.Clouds() != nil {
		// Nothing is promised of clouds.
		cloud, promised = "gke.yaml", 0
	}
	releases := func(n int) func() (bool, string) {
		return func() (bool, string) {
			objs, err := w.management.List(t.Context(), release, namespace)
			return err == nil && len(objs) >= n, fmt.Sprintf("%d releases, %v", len(objs), err)
		}
	}
	cases := map[string]struct {
		claim    string
		moment   func() (bool, string)
		promised time.Duration
	}{
		"BeforeAnything": {"existing.yaml", func() (bool, string) { return true, "" }, time.Minute},
		"FirstRelease":   {"existing.yaml", releases(1), time.Minute},
		"SecondLayer":    {cloud, releases(3), promised},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := example(t, tc.claim)
			claim(t, o)
			t.Logf("deleted %s after apply", eventually(t, hang, "the moment to delete", tc.moment).Round(100*time.Millisecond))
			remove(t, background, tc.promised, o)
		})
	}
}

// TestDefaultFlags runs Crossplane without our install's burst: breakers may
// open, but nobody may be late because of it, neither with a platform nor with
// clusters in the SIMULATED clouds, the largest that we compose.
//
// It ends with a deletion in the foreground cascade while nobody answers for our
// function. Both take minutes: the garbage collector deletes each Usage together
// with the resource that uses, and Crossplane looks only every 30 seconds whether
// that one is gone, once per layer; and it waits two minutes for a function.
func TestDefaultFlags(t *testing.T) {
	const late = 15 * time.Second
	t.Cleanup(func() {
		if err := w.cp.Restart(context.Background(), controlplane.ProcessCrossplane); err != nil {
			t.Error(err)
		}
	})
	if err := w.cp.Restart(t.Context(), controlplane.ProcessCrossplane, "--circuit-breaker-burst=100"); err != nil {
		t.Fatal(err)
	}
	claims := []*unstructured.Unstructured{example(t, "existing.yaml")}
	if w.cp.Clouds() != nil {
		claims = append(claims, cloudCluster(t, "eks"), cloudCluster(t, "aks"), cloudCluster(t, "gke"))
	}
	claim(t, claims...)
	for _, o := range claims {
		ready(t, o.GroupVersionKind(), o.GetName())
	}
	t.Logf("circuit_breaker_opens_total with Crossplane's default flags: %v", breakerOpens(t))
	for _, xr := range composites(t) {
		measured(t, fmt.Sprintf("%s %s Ready after its last resource", xr.GetKind(), xr.GetName()), readyAt(&xr).Sub(lastChild(t, &xr)), late)
	}
	functionKilled(t, claims)
}

// functionKilled sees what goes on without the function. A claim that changes
// says that nobody answers, and is composed as soon as somebody does. A teardown
// needs nobody.
func functionKilled(t *testing.T, claims []*unstructured.Unstructured) {
	t.Helper()
	// In a namespace of its own, since it is to stay.
	const elsewhere = "team-b"
	kubeconfig := get(t, secret, "remote-kubeconfig").DeepCopy()
	kubeconfig.Object["metadata"] = map[string]any{"name": "remote-kubeconfig", "namespace": elsewhere}
	apply(t, parse(t, "{apiVersion: v1, kind: Namespace, metadata: {name: "+elsewhere+"}}"))
	apply(t, kubeconfig)
	const stays = `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: stays, namespace: team-b}
spec: {provider: Existing, version: "1.33", existing: {kubeconfigSecretRef: {name: remote-kubeconfig}}}
`
	o := parse(t, stays)
	apply(t, o)
	eventually(t, hang, "a cluster elsewhere", func() (bool, string) {
		now := current(t, o)
		s, _, _ := kube.Condition(now, "Ready")
		return s == "True", conditions(now)
	})

	kill(t, controlplane.ProcessFunction)
	apply(t, parse(t, strings.Replace(stays, "1.33", "1.34", 1)))
	start := time.Now()
	// The clouds with the longest chains go the quicker way.
	for _, o := range claims[min(2, len(claims)):] {
		if err := deleteObject(t.Context(), o, background); err != nil {
			t.Fatal(err)
		}
	}
	remove(t, foreground, 0, claims[:min(2, len(claims))]...)
	eventually(t, 2*hang, "the claim says that the function does not answer", func() (bool, string) {
		now := current(t, o)
		s, _, msg := kube.Condition(now, "Synced")
		return s == "False" && strings.Contains(msg, "cannot run Function"), conditions(now)
	})
	t.Logf("said so within %s:%s", time.Since(start).Round(time.Second), conditions(current(t, o)))
	if err := w.cp.Restart(t.Context(), controlplane.ProcessFunction); err != nil {
		t.Fatal(err)
	}
	measured(t, "the change is composed when the function is back", eventually(t, hang, "the change that nobody composed before", func() (bool, string) {
		now := current(t, o)
		version, _, _ := unstructured.NestedString(now.Object, "status", "version")
		return version == "1.34", conditions(now)
	}), 0)
	remove(t, background, 0, o)
}

// readyAt is when an object became Ready; the zero time when it has no such
// condition.
func readyAt(o *unstructured.Unstructured) time.Time {
	cs, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range cs {
		m, _ := c.(map[string]any)
		if m["type"] == "Ready" {
			s, _ := m["lastTransitionTime"].(string)
			at, _ := time.Parse(time.RFC3339, s)
			return at
		}
	}
	return time.Time{}
}

// lastChild is when the last resource that an XR composes became ready, or was
// created where it has no such condition.
func lastChild(t *testing.T, xr *unstructured.Unstructured) time.Time {
	t.Helper()
	last := time.Time{}
	refs, _, _ := unstructured.NestedSlice(xr.Object, "spec", "crossplane", "resourceRefs")
	for _, r := range refs {
		m, _ := r.(map[string]any)
		apiVersion, _ := m["apiVersion"].(string)
		kind, _ := m["kind"].(string)
		name, _ := m["name"].(string)
		o := get(t, schema.FromAPIVersionAndKind(apiVersion, kind), name)
		if o == nil {
			t.Fatalf("%s refers to %s %s, which does not exist", xr.GetName(), kind, name)
		}
		at := readyAt(o)
		if at.IsZero() {
			at = o.GetCreationTimestamp().Time
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

// checkRemote sees that the releases are really on the remote cluster.
func checkRemote(t *testing.T) {
	t.Helper()
	secrets, err := w.remote.List(t.Context(), schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, "")
	if err != nil {
		t.Fatal(err)
	}
	releases := map[string]bool{}
	for _, s := range secrets {
		if s.GetLabels()["owner"] == "helm" && s.GetLabels()["status"] == "deployed" {
			releases[s.GetNamespace()] = true
		}
	}
	want := []string{"cert-manager", "monitoring", "observe", "perses", "perses-operator", "podinfo", "prometheus-operator-crds"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(releases))); diff != "" {
		t.Errorf("namespaces with deployed Helm releases on the remote cluster: -want, +got:\n%s", diff)
	}
	// The chart content is no stand-in.
	for _, k := range []schema.GroupVersionKind{
		{Group: "perses.dev", Version: "v1alpha2", Kind: "PersesDashboard"},
		{Group: "monitoring.coreos.com", Version: "v1", Kind: "PrometheusRule"},
	} {
		brought, err := w.remote.List(t.Context(), k, "observe")
		if err != nil {
			t.Fatal(err)
		}
		if len(brought) == 0 {
			t.Errorf("there is no %s on the remote cluster", k.Kind)
		}
		t.Logf("%d objects of kind %s", len(brought), k.Kind)
	}
	for _, ns := range []string{"cert-manager", "monitoring", "perses-operator", "podinfo"} {
		pods, err := w.remote.List(t.Context(), schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, ns)
		if err != nil {
			t.Fatal(err)
		}
		if len(pods) == 0 {
			t.Errorf("namespace %s has no pods", ns)
		}
		for _, p := range pods {
			s, _, _ := kube.Condition(&p, "Ready")
			t.Logf("remote pod %s/%s Ready=%s (simulated by KWOK)", ns, p.GetName(), s)
			if s != "True" {
				t.Errorf("pod %s/%s is not Ready", ns, p.GetName())
			}
		}
	}
}

// steady sees that nothing of ours is written any more over five reconciles of
// the claim.
func steady(t *testing.T) {
	t.Helper()
	const reconciles = 5
	before := quiet(t)
	start := functionRuns(t)
	for i := range reconciles {
		// A reconcile is asked for in a way that changes nothing that is compared.
		asked, xrs := functionRuns(t), composites(t)
		for _, xr := range xrs {
			kubectl(t, "-n", namespace, "annotate", "--overwrite", strings.ToLower(xr.GetKind())+".observe-k8s.io", xr.GetName(), "e2e.observe-k8s.io/poke="+strconv.Itoa(i))
		}
		eventually(t, hang, "a run of the function for each composite", func() (bool, string) {
			ran := functionRuns(t) - asked
			return ran >= float64(len(xrs)), fmt.Sprintf("%v runs for %d composites", ran, len(xrs))
		})
	}
	after := quiet(t)
	t.Logf("steady state: %v runs of the function", functionRuns(t)-start)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("objects were written in steady state: -before, +after:\n%s", diff)
	}
}

// quiet waits until nobody has asked the function for some seconds, and returns
// the versions that everything has then. What became Ready a moment ago may still
// write its last status.
func quiet(t *testing.T) map[string]any {
	t.Helper()
	const still = 5 * time.Second
	ran, since := functionRuns(t), time.Now()
	eventually(t, hang, "nothing happens any more", func() (bool, string) {
		if now := functionRuns(t); now != ran {
			ran, since = now, time.Now()
		}
		return time.Since(since) >= still, fmt.Sprintf("%v runs of the function", ran)
	})
	return versions(t)
}

// versions are the resourceVersions of everything that a claim consists of,
// and for the composites that a test pokes, their generation and status.
func versions(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, k := range kinds() {
		objs, err := w.management.List(t.Context(), k, namespace)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objs {
			if k.Group == "observe-k8s.io" {
				out[k.Kind+"/"+o.GetName()] = []any{o.GetGeneration(), o.Object["status"]}
				continue
			}
			out[k.Group+"/"+k.Kind+"/"+o.GetName()] = o.GetResourceVersion()
		}
	}
	return out
}

// logged is how much a process has logged so far.
func logged(t *testing.T, process string) int64 {
	t.Helper()
	info, err := os.Stat(w.cp.Log(process))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// complaints sees that Crossplane's log has no error about what we compose, from
// an offset on: what other tests broke is not meant. Conflicts are how
// controllers take turns.
func complaints(t *testing.T, from int64) {
	t.Helper()
	f, err := os.Open(w.cp.Log(controlplane.ProcessCrossplane))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		line := s.Text()
		about := strings.Contains(line, "observe-k8s.io") || strings.Contains(line, "protection.crossplane.io")
		bad := strings.Contains(line, "ERROR") || strings.Contains(line, `"error"`)
		if about && bad && !strings.Contains(line, "the object has been modified") {
			t.Errorf("Crossplane complains: %s", line)
		}
	}
	if err := s.Err(); err != nil {
		t.Errorf("cannot read Crossplane's log: %v", err)
	}
}

func breakerOpens(t *testing.T) float64 {
	t.Helper()
	return metric(t, "circuit_breaker_opens_total")
}

func functionRuns(t *testing.T) float64 {
	t.Helper()
	return metric(t, "function_run_function_request_total")
}

// metric sums a metric of Crossplane over its labels.
func metric(t *testing.T, name string) float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.cp.CrossplaneMetrics(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	rsp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer rsp.Body.Close()
	sum := 0.0
	s := bufio.NewScanner(rsp.Body)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		if !strings.HasPrefix(s.Text(), name) {
			continue
		}
		fields := strings.Fields(s.Text())
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err == nil {
			sum += v
		}
	}
	return sum
}
