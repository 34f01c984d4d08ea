package e2e

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// set changes one field of the example claim.
func set(t *testing.T, value any, fields ...string) *unstructured.Unstructured {
	t.Helper()
	o := example(t, "existing.yaml")
	if err := unstructured.SetNestedField(o.Object, value, fields...); err != nil {
		t.Fatal(err)
	}
	return o
}

// workload is a claim's list of workloads with podinfo and one more.
func workload(extra map[string]any) []any {
	return []any{map[string]any{"name": "podinfo", "app": "podinfo"}, extra}
}

// TestBreak takes one platform through everything that may go wrong around it.
// Each time the claim says what is wrong, the rest stays, and it recovers when
// the cause is gone.
func TestBreak(t *testing.T) {
	onFailure(t)
	before := take(t)
	platform := ours("ObservabilityPlatform")
	apply(t, example(t, "existing.yaml"))
	ready(t, platform, "demo", long)
	whole := slices.Sorted(maps.Keys(specs(t)))
	// repair takes back what a test changed. It is over when nothing of that is
	// left.
	repair := func(t *testing.T) {
		t.Helper()
		apply(t, example(t, "existing.yaml"))
		took := eventually(t, long, "as it was before", func() (bool, string) {
			diff := cmp.Diff(whole, slices.Sorted(maps.Keys(specs(t))))
			return diff == "", diff
		})
		t.Logf("recovered after %s", (took + ready(t, platform, "demo", long)).Round(time.Second))
	}

	t.Run("ChartThatDoesNotExist", func(t *testing.T) {
		onFailure(t)
		untouched := specs(t)
		apply(t, set(t, workload(map[string]any{"name": "missing", "chart": map[string]any{
			"repository": "oci://registry.example.org/charts", "name": "no-such-chart", "version": "1.0.0",
		}}), "spec", "workloads"))
		took := says(t, platform, "demo", "WorkloadsReady", "False", "missing", "no-such-chart")
		t.Logf("said so after %s:%s", took.Round(time.Second), conditions(get(t, platform, "demo")))
		same(t, untouched)
		repair(t)
	})

	t.Run("ValuesError", func(t *testing.T) {
		onFailure(t)
		untouched := specs(t)
		apply(t, set(t, []any{map[string]any{"name": "cert-manager", "values": map[string]any{"standInFail": "replicas must be a number"}}}, "spec", "stack", "components"))
		took := says(t, platform, "demo", "StackReady", "False", "cert-manager", "replicas must be a number")
		t.Logf("said so after %s:%s", took.Round(time.Second), conditions(get(t, platform, "demo")))
		same(t, untouched, "cert-manager")
		repair(t)
	})

	t.Run("UnknownComponent", func(t *testing.T) {
		onFailure(t)
		untouched := specs(t)
		apply(t, set(t, []any{map[string]any{"name": "prometeus"}}, "spec", "stack", "components"))
		says(t, platform, "demo", "StackReady", "False", "prometeus", "not in the catalog", "kube-prometheus-stack")
		same(t, untouched)
		repair(t)
	})

	t.Run("RemoteClusterGone", func(t *testing.T) {
		onFailure(t)
		untouched := specs(t)
		if err := w.cp.Kill("remote-apiserver"); err != nil {
			t.Fatal(err)
		}
		took := says(t, platform, "demo", "ClusterReady", "False", "does not answer")
		t.Logf("said so after %s:%s", took.Round(time.Second), conditions(get(t, platform, "demo")))
		time.Sleep(10 * time.Second)
		same(t, untouched)
		if err := w.cp.Restart(t.Context(), "remote-apiserver"); err != nil {
			t.Fatal(err)
		}
		t.Logf("recovered after %s", ready(t, platform, "demo", long).Round(time.Second))
	})

	t.Run("FunctionKilled", func(t *testing.T) {
		onFailure(t)
		untouched := specs(t)
		if err := w.cp.Kill("function"); err != nil {
			t.Fatal(err)
		}
		apply(t, set(t, workload(map[string]any{"name": "second", "app": "podinfo"}), "spec", "workloads"))
		took := says(t, platform, "demo", "Synced", "False", "function")
		t.Logf("said so after %s:%s", took.Round(time.Second), conditions(get(t, platform, "demo")))
		same(t, untouched)
		if err := w.cp.Restart(t.Context(), "function"); err != nil {
			t.Fatal(err)
		}
		eventually(t, long, "the second workload composed", func() (bool, string) {
			objs, err := w.management.List(t.Context(), ours("Workload"), namespace)
			return len(objs) == 2, errString(err)
		})
		t.Logf("recovered after %s", ready(t, platform, "demo", long).Round(time.Second))
		repair(t)
	})

	t.Run("KubeconfigSecretIsProtected", func(t *testing.T) {
		out, err := tryKubectl(t, "", "-n", namespace, "delete", "secret", "remote-kubeconfig", "--timeout=5s")
		if err == nil {
			t.Fatalf("the Secret that reaches the cluster could be deleted: %s", out)
		}
		t.Logf("refused: %s", out)
	})

	remove(t, platform, "demo", metav1.DeletePropagationBackground, before, 90*time.Second)
}

// TestManagementClusterIsOff sees that nobody gets the providers' own identity
// unless the platform team allows it.
func TestManagementClusterIsOff(t *testing.T) {
	onFailure(t)
	cluster := ours("KubernetesCluster")
	apply(t, parse(t, `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: management}
spec: {provider: Existing, existing: {managementCluster: true}}
`))
	t.Cleanup(func() {
		_, _ = tryKubectl(t, "", "-n", namespace, "delete", "kubernetescluster", "management", "--ignore-not-found")
	})
	says(t, cluster, "management", "AccessReady", "False", "platform team has not allowed", namespace)
	for _, k := range kinds() {
		if k.Kind != "ProviderConfig" {
			continue
		}
		objs, err := w.management.List(t.Context(), k, namespace)
		if err != nil {
			t.Fatal(err)
		}
		if len(objs) != 0 {
			t.Errorf("%s %s was composed", k.Kind, objs[0].GetName())
		}
	}
	kubectl(t, "-n", namespace, "delete", "kubernetescluster", "management", "--timeout=60s")
}

// TestKubeconfigSecretMissing sees that a claim which comes before its Secret
// says so, and goes on when the Secret comes.
func TestKubeconfigSecretMissing(t *testing.T) {
	onFailure(t)
	cluster := ours("KubernetesCluster")
	apply(t, parse(t, `
apiVersion: observe-k8s.io/v1alpha1
kind: KubernetesCluster
metadata: {name: early}
spec: {provider: Existing, existing: {kubeconfigSecretRef: {name: late}}}
`))
	says(t, cluster, "early", "AccessReady", "False", "Secret late does not exist")
	kubeconfig := get(t, schema.GroupVersionKind{Version: "v1", Kind: "Secret"}, "remote-kubeconfig")
	late := kubeconfig.DeepCopy()
	late.Object["metadata"] = map[string]any{"name": "late", "namespace": namespace}
	apply(t, late)
	t.Logf("Ready %s after its Secret came", ready(t, cluster, "early", long).Round(100*time.Millisecond))
	kubectl(t, "-n", namespace, "delete", "kubernetescluster", "early", "--timeout=60s")
	eventually(t, 90*time.Second, "the Secret may be deleted again", func() (bool, string) {
		out, err := tryKubectl(t, "", "-n", namespace, "delete", "secret", "late", "--timeout=5s")
		return err == nil, out
	})
}

// specs are the specs of everything that the platform consists of.
func specs(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, k := range kinds() {
		objs, err := w.management.List(context.WithoutCancel(t.Context()), k, namespace)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objs {
			if k.Kind != "ProviderConfigUsage" && k.Kind != "ObservabilityPlatform" && k.Kind != "ObservabilityStack" {
				out[k.Group+"/"+k.Kind+"/"+o.GetName()] = map[string]any{"uid": string(o.GetUID()), "spec": withoutRefs(o.Object["spec"])}
			}
		}
	}
	return out
}

// withoutRefs leaves out what Crossplane itself keeps in a spec.
func withoutRefs(spec any) any {
	m, ok := spec.(map[string]any)
	if !ok {
		return spec
	}
	out := map[string]any{}
	for k, v := range m {
		if k != "crossplane" {
			out[k] = v
		}
	}
	return out
}

// same sees that everything that was there is still there, unchanged but for
// what the test itself changed.
func same(t *testing.T, before map[string]any, but ...string) {
	t.Helper()
	now := specs(t)
	for name, b := range before {
		if slices.ContainsFunc(but, func(s string) bool { return strings.Contains(name, s) }) {
			continue
		}
		if diff := cmp.Diff(b, now[name]); diff != "" {
			t.Errorf("%s was touched: -before, +after:\n%s", name, diff)
		}
	}
}

func errString(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
