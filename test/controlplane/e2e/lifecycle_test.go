package e2e

import (
	"bufio"
	"context"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/kube"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestClaim follows the example from kubectl apply to Ready, looks at all that
// it became, sees that nothing moves any more, and deletes it.
func TestClaim(t *testing.T) {
	onFailure(t)
	before := take(t)
	opens := breakerOpens(t)

	apply(t, example(t, "existing.yaml"))
	t.Logf("claim Ready after %s (promised: 45s)", ready(t, ours("ObservabilityPlatform"), "demo", 45*time.Second).Round(100*time.Millisecond))

	t.Log("\n" + kubectl(t, "get", "observabilityplatforms,"+clusters+",observabilitystacks,components,workloads", "-A"))
	t.Log("\n" + kubectl(t, "-n", namespace, "describe", "observabilityplatform", "demo"))
	for _, kind := range []string{"ObservabilityPlatform", "KubernetesCluster", "ObservabilityStack", "Component", "Workload"} {
		objs, err := w.management.List(t.Context(), ours(kind), namespace)
		if err != nil {
			t.Fatal(err)
		}
		if len(objs) == 0 {
			t.Errorf("no %s exists", kind)
		}
		for _, o := range objs {
			if s, _, _ := kube.Condition(&o, "Ready"); s != "True" {
				t.Errorf("%s %s is not Ready:%s", kind, o.GetName(), conditions(&o))
			}
		}
	}
	checkRemote(t)
	if got := breakerOpens(t) - opens; got != 0 {
		t.Errorf("circuit_breaker_opens_total rose by %v with the burst that our install sets, want 0", got)
	}
	steady(t)
	complaints(t)

	took := remove(t, ours("ObservabilityPlatform"), "demo", metav1.DeletePropagationBackground, before, 60*time.Second)
	t.Logf("nothing left %s after kubectl delete (promised: 60s)", took.Round(100*time.Millisecond))
}

// halfway is how long a teardown may take whose beginning meets an installation.
// provider-helm then meets conflicts, and may wait half a minute after an
// uninstall before it looks at the release again. That is less than a minute on
// a machine with nothing else to do.
const halfway = 100 * time.Second

// TestDeleteHalfway deletes a claim at moments of its provisioning.
func TestDeleteHalfway(t *testing.T) {
	for _, after := range []time.Duration{500 * time.Millisecond, 3 * time.Second, 6 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			onFailure(t)
			before := take(t)
			apply(t, example(t, "existing.yaml"))
			time.Sleep(after)
			took := remove(t, ours("ObservabilityPlatform"), "demo", metav1.DeletePropagationBackground, before, halfway)
			t.Logf("deleted %s after apply: nothing left after %s (promised: 60s)", after, took.Round(100*time.Millisecond))
		})
	}
}

// foreground is how long a teardown may take in the foreground cascade. There
// the garbage collector deletes each Usage together with the resource that uses,
// and Crossplane looks only every 30 seconds whether that one is gone: once per
// layer.
const foreground = 4 * time.Minute

// TestDefaultFlags runs Crossplane without our install's burst: breakers may
// open, but nobody may be late because of it. It ends with a deletion in the
// foreground cascade: slower, in the same order, without a hang.
func TestDefaultFlags(t *testing.T) {
	onFailure(t)
	if err := w.cp.Restart(t.Context(), "crossplane", "--circuit-breaker-burst=100"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.cp.Restart(context.Background(), "crossplane", "--circuit-breaker-burst=1000"); err != nil {
			t.Error(err)
		}
	})
	before := take(t)
	apply(t, example(t, "existing.yaml"))
	ready(t, ours("ObservabilityPlatform"), "demo", long)
	t.Logf("circuit_breaker_opens_total with Crossplane's default flags: %v", breakerOpens(t))

	for _, kind := range []string{"ObservabilityPlatform", "KubernetesCluster", "ObservabilityStack", "Component", "Workload"} {
		xrs, err := w.management.List(t.Context(), ours(kind), namespace)
		if err != nil {
			t.Fatal(err)
		}
		for _, xr := range xrs {
			late := readyAt(&xr).Sub(lastChild(t, &xr))
			t.Logf("%-22s %-50s Ready %s after its last composed resource (promised: 15s)", kind, xr.GetName(), late)
			if late > 15*time.Second {
				t.Errorf("%s %s was Ready %s after its last composed resource, want at most 15s", kind, xr.GetName(), late)
			}
		}
	}
	took := remove(t, ours("ObservabilityPlatform"), "demo", metav1.DeletePropagationForeground, before, foreground)
	t.Logf("nothing left %s after kubectl delete --cascade=foreground", took.Round(100*time.Millisecond))
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
	want := []string{"cert-manager", "monitoring", "podinfo", "prometheus-operator-crds"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(releases))); diff != "" {
		t.Errorf("namespaces with deployed Helm releases on the remote cluster: -want, +got:\n%s", diff)
	}
	for _, ns := range []string{"cert-manager", "monitoring", "podinfo"} {
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
	// What became Ready a moment ago may still write its last status.
	time.Sleep(5 * time.Second)
	before := versions(t)
	start := functionRuns(t)
	for i := range reconciles {
		// A reconcile is asked for in a way that changes nothing that is compared.
		for _, kind := range []string{"ObservabilityPlatform", "KubernetesCluster", "ObservabilityStack", "Component", "Workload"} {
			objs, err := w.management.List(t.Context(), ours(kind), namespace)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range objs {
				kubectl(t, "-n", namespace, "annotate", "--overwrite", strings.ToLower(kind)+".observe-k8s.io", o.GetName(), "e2e.observe-k8s.io/poke="+strconv.Itoa(i))
			}
		}
		time.Sleep(2 * time.Second)
	}
	after := versions(t)
	t.Logf("steady state: %v runs of the function", functionRuns(t)-start)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("objects were written in steady state: -before, +after:\n%s", diff)
	}
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

// complaints sees that Crossplane's log has no error about what we compose.
// Conflicts are how controllers take turns.
func complaints(t *testing.T) {
	t.Helper()
	f, err := os.Open(w.cp.Log("crossplane"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
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
