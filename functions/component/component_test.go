// SPDX-License-Identifier: Apache-2.0

package component

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// claim is a Component, changed by fs.
func claim(fs ...func(*v1alpha1.Component)) *v1alpha1.Component {
	c := &v1alpha1.Component{}
	c.APIVersion, c.Kind = v1alpha1.APIVersion, v1alpha1.ComponentKind
	c.Namespace, c.Name = "team-a", "shop"
	c.Spec = v1alpha1.ComponentSpec{
		ClusterRef:      v1alpha1.LocalReference{Name: "demo"},
		Deployer:        v1alpha1.DeployerHelm,
		Source:          v1alpha1.ComponentSource{Chart: &v1alpha1.Chart{Repository: "https://charts.example.org", Name: "shop", Version: "1.2.3"}},
		TargetNamespace: "shops",
		Timeout:         "5m",
	}
	for _, f := range fs {
		f(c)
	}
	return c
}

// connection to the cluster.
func connection() *v1alpha1.Connection {
	return &v1alpha1.Connection{
		HelmProviderConfigRef: v1alpha1.LocalReference{Name: "helm-config"}, KubernetesProviderConfigRef: v1alpha1.LocalReference{Name: "kubernetes-config"},
	}
}

// toUnstructured is an object as a composer sees it.
func toUnstructured(t *testing.T, o any) *unstructured.Unstructured {
	t.Helper()
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: m}
}

func ready(status string) map[string]any {
	return map[string]any{"type": "Ready", "status": status, "reason": "Because", "message": "because"}
}

// cluster that the component is to be brought to.
func cluster(status string, connection map[string]any) *unstructured.Unstructured {
	s := map[string]any{"conditions": []any{ready(status)}}
	if connection != nil {
		s["connection"] = connection
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.APIVersion, "kind": v1alpha1.KubernetesClusterKind,
		"metadata": map[string]any{"name": "demo", "namespace": "team-a"},
		"status":   s,
	}}
}

func reachable(status string) *unstructured.Unstructured {
	return cluster(status, map[string]any{"helmProviderConfigRef": map[string]any{"name": "helm-config"}, "kubernetesProviderConfigRef": map[string]any{"name": "kubernetes-config"}})
}

// dependency that the component needs.
func dependencyOf(status string, leaves ...any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.APIVersion, "kind": v1alpha1.ComponentKind,
		"metadata": map[string]any{"name": "till", "namespace": "team-a"},
		"status":   map[string]any{"conditions": []any{ready(status)}, "resourceRefs": leaves},
	}}
}

var tillLeaf = map[string]any{"apiVersion": compose.HelmAPIVersion, "kind": "Release", "name": "till-release"}

// answers to requirements.
func answers(kv ...any) map[string][]*unstructured.Unstructured {
	m := map[string][]*unstructured.Unstructured{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i].(string)] = []*unstructured.Unstructured{}
		if o := kv[i+1].(*unstructured.Unstructured); o != nil {
			m[kv[i].(string)] = append(m[kv[i].(string)], o)
		}
	}
	return m
}

// nothing answers a requirement.
var nothing *unstructured.Unstructured

// observe makes everything that a result desires observed and ready.
func observe(res compose.Result) map[string]*unstructured.Unstructured {
	out := map[string]*unstructured.Unstructured{}
	for name, d := range res.Resources {
		o := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(d.Object)}
		if o.GetAnnotations()[compose.AnnotationPaused] == "" {
			o.Object["status"] = map[string]any{"conditions": []any{ready("True")}}
		}
		out[name] = o
	}
	return out
}

func run(t *testing.T, w compose.Request) compose.Result {
	t.Helper()
	res, err := compose.Run(w, compose.For(Compose))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// converge runs until it is ready, everything composed being ready at once.
func converge(t *testing.T, w compose.Request) compose.Request {
	t.Helper()
	for range 10 {
		res := run(t, w)
		if res.Ready {
			return w
		}
		w.Observed = observe(res)
	}
	t.Fatal("not ready after 10 rounds")
	return w
}

func needsTill(c *v1alpha1.Component) {
	c.Spec.DependsOn = []v1alpha1.LocalReference{{Name: "till"}}
}

func withoutNamespace(c *v1alpha1.Component) {
	no := false
	c.Spec.CreateNamespace = &no
}

// TestGrowth shows which resources appear in which round.
func TestGrowth(t *testing.T) {
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.Component
		want   [][]string
	}{
		"Alone": {
			reason: "The namespace before the release, what protects them after them.",
			claim:  claim(),
			want: [][]string{
				{"namespace"},
				{"release", "usage-namespace-access"},
				{"usage-access", "usage-namespace"},
				{},
			},
		},
		"WithoutNamespace": {
			reason: "A namespace that somebody else makes is not composed.",
			claim:  claim(withoutNamespace),
			want:   [][]string{{"release"}, {"usage-access"}, {}},
		},
		"WithDependency": {
			reason: "What is needed is protected as long as this is there.",
			claim:  claim(needsTill),
			want: [][]string{
				{"namespace"},
				{"release", "usage-namespace-access"},
				{"usage-access", "usage-component-till", "usage-namespace"},
				{},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := compose.Request{
				XR:       toUnstructured(t, tc.claim),
				Required: answers("cluster", reachable("True"), "component-till", dependencyOf("True", tillLeaf)),
			}
			var got [][]string
			for range tc.want {
				res := run(t, w)
				var added []string
				for _, name := range slices.Sorted(maps.Keys(res.Resources)) {
					if !w.IsObserved(name) {
						added = append(added, name)
					}
				}
				got = append(got, added)
				w.Observed = observe(res)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nnames by round: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCompose(t *testing.T) {
	type want struct {
		conditions []compose.Condition
		ready      bool
		composed   []string
		connection *v1alpha1.Connection
	}
	up := answers("cluster", reachable("True"), "component-till", dependencyOf("True", tillLeaf))
	there := converge(t, compose.Request{XR: toUnstructured(t, claim(needsTill)), Required: up}).Observed
	everything := []string{"namespace", "release", "usage-access", "usage-component-till", "usage-namespace", "usage-namespace-access"}
	was := func(c *v1alpha1.Component) { c.Status.Connection = connection() }
	// reachability is the condition of the cluster and of the dependencies.
	conditions := func(deployed, reachability compose.Condition) []compose.Condition {
		deployed.Type, reachability.Type = "Deployed", "DependenciesReady"
		return []compose.Condition{deployed, reachability}
	}
	working := compose.Condition{Ready: true, Reason: "Available"}
	waiting := func(m string) compose.Condition { return compose.Condition{Reason: "Waiting", Message: m} }

	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.Component
		observed map[string]*unstructured.Unstructured
		required map[string][]*unstructured.Unstructured
		want     want
	}{
		"ClusterNotAnswered": {
			reason: "Until the cluster was read, nothing is composed, and nothing is wrong.",
			claim:  claim(),
			want:   want{conditions: conditions(waiting("Waiting for KubernetesCluster demo to be read"), working)},
		},
		"NoCluster": {
			reason:   "A cluster that is not there is a mistake, or comes later.",
			claim:    claim(),
			required: answers("cluster", nothing),
			want: want{conditions: conditions(
				waiting("KubernetesCluster demo does not exist in this namespace"),
				compose.Condition{Reason: "ClusterNotFound", Message: "KubernetesCluster demo does not exist in this namespace"},
			)},
		},
		"ClusterWithoutConnection": {
			reason:   "A cluster that is being made does not say yet how it is reached.",
			claim:    claim(),
			required: answers("cluster", cluster("False", nil)),
			want:     want{conditions: conditions(waiting("Waiting for KubernetesCluster demo to be Ready"), working)},
		},
		"ClusterWithBrokenConnection": {
			reason:   "A connection that leads nowhere is no connection.",
			claim:    claim(),
			required: answers("cluster", cluster("True", map[string]any{"helmProviderConfigRef": map[string]any{"name": "a"}})),
			want:     want{conditions: conditions(waiting("Waiting for KubernetesCluster demo to say how it is reached"), working)},
		},
		"ClusterNotReady": {
			reason:   "Nothing is brought to a cluster that does not work.",
			claim:    claim(),
			required: answers("cluster", reachable("False")),
			want: want{
				conditions: conditions(waiting("Waiting for KubernetesCluster demo to be Ready"), working),
				connection: connection(),
			},
		},
		"Begin": {
			reason:   "The namespace comes first.",
			claim:    claim(),
			required: up,
			want: want{
				conditions: conditions(compose.Condition{Reason: "Creating", Message: "Object " + compose.Name("team-a", "shop", "namespace") + " is being created"}, working),
				composed:   []string{"namespace"},
				connection: connection(),
			},
		},
		"DependencyNotAnswered": {
			reason:   "Until a dependency was read, nothing is deployed, and nothing is wrong.",
			claim:    claim(needsTill, withoutNamespace),
			required: answers("cluster", reachable("True")),
			want: want{
				conditions: conditions(waiting("Waiting for Component till to be Ready"), working),
				connection: connection(),
			},
		},
		"NoDependency": {
			reason:   "A dependency that is not there is a mistake, or comes later.",
			claim:    claim(needsTill, withoutNamespace),
			required: answers("cluster", reachable("True"), "component-till", nothing),
			want: want{
				conditions: conditions(
					waiting("Waiting for Component till to be Ready"),
					compose.Condition{Reason: "DependencyNotFound", Message: "Component till does not exist in this namespace. Create it, or take it out of dependsOn"},
				),
				connection: connection(),
			},
		},
		"DependencyNotReady": {
			reason:   "What is needed has to work first.",
			claim:    claim(needsTill, withoutNamespace),
			required: answers("cluster", reachable("True"), "component-till", dependencyOf("False", tillLeaf)),
			want: want{
				conditions: conditions(waiting("Waiting for Component till to be Ready"), working),
				connection: connection(),
			},
		},
		"Ready": {
			reason:   "A component is ready when it works and everything is protected.",
			claim:    claim(needsTill),
			observed: there,
			required: up,
			want:     want{conditions: conditions(working, working), ready: true, composed: everything, connection: connection()},
		},
		"NothingAnswered": {
			reason:   "Requirements that are not answered at the moment change nothing.",
			claim:    claim(needsTill, was),
			observed: there,
			want:     want{conditions: conditions(working, working), ready: true, composed: everything, connection: connection()},
		},
		"ClusterFlaps": {
			reason:   "What was deployed stays while the cluster does not work or does not say how it is reached.",
			claim:    claim(needsTill, was),
			observed: there,
			required: answers("cluster", cluster("False", nil), "component-till", dependencyOf("True", tillLeaf)),
			want:     want{conditions: conditions(working, working), ready: true, composed: everything, connection: connection()},
		},
		"ClusterGone": {
			reason:   "What was deployed stays when the cluster's object is gone, by the way that was last known.",
			claim:    claim(needsTill, was),
			observed: there,
			required: answers("cluster", nothing, "component-till", dependencyOf("True", tillLeaf)),
			want: want{
				conditions: conditions(working, compose.Condition{Reason: "ClusterNotFound", Message: "KubernetesCluster demo does not exist in this namespace"}),
				composed:   everything,
				connection: connection(),
			},
		},
		"ClusterAndStatusGone": {
			reason:   "What was deployed stays even if nobody knows the way any more.",
			claim:    claim(needsTill),
			observed: there,
			required: answers("cluster", nothing, "component-till", nothing),
			want: want{
				conditions: conditions(working, compose.Condition{Reason: "ClusterNotFound", Message: "KubernetesCluster demo does not exist in this namespace"}),
				composed:   everything,
			},
		},
		"DependencyFlaps": {
			reason:   "What was deployed stays while a dependency does not work.",
			claim:    claim(needsTill),
			observed: there,
			required: answers("cluster", reachable("True"), "component-till", dependencyOf("False")),
			want:     want{conditions: conditions(working, working), ready: true, composed: everything, connection: connection()},
		},
		"DependencyRemoved": {
			reason:   "What is no longer needed is no longer protected.",
			claim:    claim(),
			observed: there,
			required: up,
			want: want{
				conditions: conditions(working, working),
				ready:      true,
				composed:   []string{"namespace", "release", "usage-access", "usage-namespace", "usage-namespace-access"},
				connection: connection(),
			},
		},
		"DeployerNotAvailable": {
			reason:   "A deployer that is not there yet takes nothing with it.",
			claim:    claim(was, func(c *v1alpha1.Component) { c.Spec.Deployer = "Carrier" }),
			observed: there,
			required: up,
			want: want{
				conditions: conditions(compose.Condition{Reason: "Unsupported", Message: "Deployer Carrier is not available yet. Available: Helm, Flux, ArgoCD"}, working),
				composed:   everything,
				connection: connection(),
			},
		},
		"NoChart": {
			reason:   "A claim without a source takes nothing with it.",
			claim:    claim(was, func(c *v1alpha1.Component) { c.Spec.Source.Chart = nil }),
			observed: there,
			required: up,
			want: want{
				conditions: conditions(compose.Condition{Reason: "InvalidSpec", Message: "There is nothing to deploy: give source.chart, source.git or source.manifests"}, working),
				composed:   everything,
				connection: connection(),
			},
		},
		"UnknownDeployer": {
			reason: "A claim that got past an older schema.",
			claim:  claim(func(c *v1alpha1.Component) { c.Spec.Deployer = "Carrier" }),
			want:   want{conditions: conditions(compose.Condition{Reason: "Unsupported", Message: "Deployer Carrier is not available yet. Available: Helm, Flux, ArgoCD"}, working)},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, compose.Request{XR: toUnstructured(t, tc.claim), Observed: tc.observed, Required: tc.required})
			status := v1alpha1.ComponentStatus{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Status, &status); err != nil {
				t.Fatal(err)
			}
			got := want{conditions: res.Conditions, ready: res.Ready, connection: status.Connection, composed: slices.Sorted(maps.Keys(res.Resources))}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestHeld proves that what cannot be built is kept as it is, not only by name.
func TestHeld(t *testing.T) {
	there := converge(t, compose.Request{
		XR:       toUnstructured(t, claim(needsTill)),
		Required: answers("cluster", reachable("True"), "component-till", dependencyOf("True", tillLeaf)),
	}).Observed
	res := run(t, compose.Request{XR: toUnstructured(t, claim(needsTill)), Observed: there, Required: answers("cluster", nothing)})
	for name, o := range there {
		want := o.DeepCopy()
		delete(want.Object, "status")
		if diff := cmp.Diff(want.Object, res.Resources[name].Object); diff != "" {
			t.Errorf("%s: -want, +got:\n%s", name, diff)
		}
	}
}

// TestNamespace looks at when a namespace may be deleted on the cluster.
func TestNamespace(t *testing.T) {
	careful := []any{"Observe", "Create", "Update", "LateInitialize"}
	cases := map[string]struct {
		reason      string
		annotations map[string]any
		observed    bool
		want        []any
	}{
		"New": {
			reason: "It may be there already, with somebody else's work in it.",
			want:   careful,
		},
		"Found": {
			reason:   "A namespace that its provider did not create is left alone.",
			observed: true,
			want:     careful,
		},
		"Pending": {
			reason:      "As long as nobody says that it was created, it may have been there.",
			observed:    true,
			annotations: map[string]any{"crossplane.io/external-create-pending": "2026-01-01T00:00:00Z"},
			want:        careful,
		},
		"Created": {
			reason:      "Who made it removes it.",
			observed:    true,
			annotations: map[string]any{"crossplane.io/external-create-succeeded": "2026-01-01T00:00:00Z"},
			want:        []any{"*"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := compose.Request{XR: toUnstructured(t, claim()), Required: answers("cluster", reachable("True"))}
			if tc.observed {
				w.Observed = map[string]*unstructured.Unstructured{"namespace": {Object: map[string]any{
					"metadata": map[string]any{"annotations": tc.annotations},
				}}}
			}
			want := map[string]any{
				"apiVersion": "kubernetes.m.crossplane.io/v1alpha1",
				"kind":       "Object",
				"metadata": map[string]any{
					"name": compose.Name("team-a", "shop", "namespace"), "namespace": "team-a",
					"annotations": map[string]any{"crossplane.io/poll-interval": "30s"},
				},
				"spec": map[string]any{
					"managementPolicies": tc.want,
					"providerConfigRef":  map[string]any{"kind": "ProviderConfig", "name": "kubernetes-config"},
					"readiness":          map[string]any{"policy": "DeriveFromCelQuery", "celQuery": `object.status.phase == "Active"`},
					"watch":              true,
					"forProvider": map[string]any{"manifest": map[string]any{
						"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "shops"},
					}},
				},
			}
			if diff := cmp.Diff(want, run(t, w).Resources["namespace"].Object); diff != "" {
				t.Errorf("\n%s\nnamespace: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestUsages looks at the order of the teardown.
func TestUsages(t *testing.T) {
	w := converge(t, compose.Request{
		XR:       toUnstructured(t, claim(needsTill)),
		Required: answers("cluster", reachable("True"), "component-till", dependencyOf("True", tillLeaf)),
	})
	res := run(t, w)
	type pair struct{ of, by string }
	got := map[string]pair{}
	side := func(o map[string]any, s string) string {
		kind, _, _ := unstructured.NestedString(o, "spec", s, "kind")
		name, _, _ := unstructured.NestedString(o, "spec", s, "resourceRef", "name")
		return kind + " " + name
	}
	for name, d := range res.Resources {
		if d.Object["kind"] == "Usage" {
			got[name] = pair{of: side(d.Object, "of"), by: side(d.Object, "by")}
		}
	}
	release, ns := "Release "+compose.Name("team-a", "shop", "release"), "Object "+compose.Name("team-a", "shop", "namespace")
	want := map[string]pair{
		"usage-access":           {of: "ProviderConfig helm-config", by: release},
		"usage-namespace":        {of: ns, by: release},
		"usage-namespace-access": {of: "ProviderConfig kubernetes-config", by: ns},
		"usage-component-till":   {of: "Release till-release", by: release},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(pair{})); diff != "" {
		t.Errorf("\nThe release goes before all that it needs.\nUsages: -want, +got:\n%s", diff)
	}
}

// TestHoldBack looks at when a leaf may begin.
func TestHoldBack(t *testing.T) {
	metadata := func(annotations map[string]any, finalizers ...any) map[string]any {
		return map[string]any{"metadata": map[string]any{"name": "shop", "annotations": annotations, "finalizers": finalizers}}
	}
	paused := map[string]any{compose.AnnotationPaused: "true"}
	works := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": []any{ready("True")}}}}
	cases := map[string]struct {
		reason   string
		alone    bool
		phase    v1alpha1.Phase
		release  map[string]any
		usage    *unstructured.Unstructured
		want     bool
		wantText string
	}{
		"New":         {reason: "A Usage needs both its ends.", want: true, wantText: "is being created"},
		"Unprotected": {reason: "There is no Usage yet.", release: metadata(paused), want: true, wantText: "protected from deletion"},
		"NotYet":      {reason: "The Usage does not work yet.", release: metadata(paused), usage: &unstructured.Unstructured{Object: map[string]any{}}, want: true, wantText: "protected from deletion"},
		"Protected":   {reason: "The Usage works.", release: metadata(paused), usage: works, wantText: "protected from deletion"},
		"Alone":       {reason: "It depends on nothing.", alone: true, wantText: "is being created"},
		"Begun":       {reason: "What is being installed is not stopped.", release: metadata(nil)},
		"PausedLater": {reason: "What was held back by a flap goes on.", release: metadata(paused, "finalizer.managedresource.crossplane.io")},
		"Flap":        {reason: "What has worked is not stopped because it was not observed.", phase: v1alpha1.PhaseReady, wantText: "is being created"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := claim(needsTill)
			if tc.alone {
				c = claim()
			}
			c.Status.Phase = tc.phase
			there := converge(t, compose.Request{
				XR:       toUnstructured(t, claim()),
				Required: answers("cluster", reachable("True")),
			}).Observed
			w := compose.Request{
				XR:       toUnstructured(t, c),
				Observed: map[string]*unstructured.Unstructured{"namespace": there["namespace"]},
				Required: answers("cluster", reachable("True"), "component-till", dependencyOf("True", tillLeaf)),
			}
			if tc.release != nil {
				w.Observed["release"] = &unstructured.Unstructured{Object: tc.release}
			}
			if tc.usage != nil {
				w.Observed["usage-component-till"] = tc.usage
			}
			res := run(t, w)
			got := (&unstructured.Unstructured{Object: res.Resources["release"].Object}).GetAnnotations()[compose.AnnotationPaused] == "true"
			if got != tc.want {
				t.Errorf("\n%s\nheld back: want %v, got %v", tc.reason, tc.want, got)
			}
			for _, cond := range res.Conditions {
				if cond.Type == ConditionDeployed && !strings.Contains(cond.Message, tc.wantText) {
					t.Errorf("\n%s\nDeployed: want a message with %q, got %q", tc.reason, tc.wantText, cond.Message)
				}
			}
		})
	}
}

// TestStatus looks at what a component says of itself.
func TestStatus(t *testing.T) {
	release := func(atProvider map[string]any) map[string]*unstructured.Unstructured {
		return map[string]*unstructured.Unstructured{"release": {Object: map[string]any{
			"status": map[string]any{"conditions": []any{ready("True")}, "atProvider": atProvider},
		}}}
	}
	leaves := []v1alpha1.ObjectReference{{APIVersion: "helm.m.crossplane.io/v1beta1", Kind: "Release", Name: compose.Name("team-a", "shop", "release")}}
	name := compose.Name("team-a", "shop")
	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.Component
		observed map[string]*unstructured.Unstructured
		required map[string][]*unstructured.Unstructured
		want     v1alpha1.ComponentStatus
	}{
		"Nothing": {
			reason: "Leaves are known from the beginning: names never change.",
			claim:  claim(),
			want:   v1alpha1.ComponentStatus{Phase: v1alpha1.PhasePending, ReleaseName: name, ResourceRefs: leaves},
		},
		"Installed": {
			reason:   "Version and revision are those of the release.",
			claim:    claim(),
			observed: release(map[string]any{"version": "1.2.2", "revision": int64(7)}),
			required: answers("cluster", reachable("True")),
			want: v1alpha1.ComponentStatus{
				Phase: v1alpha1.PhaseProvisioning, ReleaseName: name, ResourceRefs: leaves,
				ChartVersion: "1.2.2", Revision: "7", Connection: connection(),
			},
		},
		"ThroughProtobuf": {
			reason:   "All numbers of a request are floating-point ones.",
			claim:    claim(func(c *v1alpha1.Component) { c.Spec.ReleaseName = "my-shop" }),
			observed: release(map[string]any{"version": "1.2.3", "revision": int64(12)}),
			required: answers("cluster", reachable("True")),
			want: v1alpha1.ComponentStatus{
				Phase: v1alpha1.PhaseProvisioning, ReleaseName: "my-shop", ResourceRefs: leaves,
				ChartVersion: "1.2.3", Revision: "12", Connection: connection(),
			},
		},
		"Malformed": {
			reason:   "What is no revision is not shown.",
			claim:    claim(),
			observed: release(map[string]any{"version": int64(1), "revision": "first"}),
			required: answers("cluster", reachable("True")),
			want:     v1alpha1.ComponentStatus{Phase: v1alpha1.PhaseProvisioning, ReleaseName: name, ResourceRefs: leaves, Connection: connection()},
		},
		"DeployerNotAvailable": {
			reason: "What was known stays while a deployer is not available.",
			claim: claim(func(c *v1alpha1.Component) {
				c.Spec.Deployer = "Carrier"
				c.Status = v1alpha1.ComponentStatus{Phase: v1alpha1.PhaseReady, ChartVersion: "1.2.2", Revision: "7", ResourceRefs: leaves, Connection: connection()}
			}),
			observed: release(nil),
			want:     v1alpha1.ComponentStatus{Phase: v1alpha1.PhaseDegraded, ChartVersion: "1.2.2", Revision: "7", ResourceRefs: leaves, Connection: connection()},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, compose.Request{XR: toUnstructured(t, tc.claim), Observed: tc.observed, Required: tc.required})
			got := v1alpha1.ComponentStatus{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Status, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nstatus: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestRequirements are the same in every run: Crossplane asks again as long as
// they change.
func TestRequirements(t *testing.T) {
	want := []compose.Requirement{
		{Name: "cluster", APIVersion: v1alpha1.APIVersion, Kind: "KubernetesCluster", Namespace: "team-a", ObjectName: "demo"},
		{Name: "component-till", APIVersion: v1alpha1.APIVersion, Kind: "Component", Namespace: "team-a", ObjectName: "till"},
	}
	carrier := func(c *v1alpha1.Component) { c.Spec.Deployer = "Carrier" }
	cases := map[string]struct {
		claim    *v1alpha1.Component
		required map[string][]*unstructured.Unstructured
	}{
		"NotAnswered":          {claim: claim(needsTill)},
		"NotFound":             {claim: claim(needsTill), required: answers("cluster", nothing, "component-till", nothing)},
		"Found":                {claim: claim(needsTill), required: answers("cluster", reachable("True"), "component-till", dependencyOf("True", tillLeaf))},
		"DeployerNotAvailable": {claim: claim(needsTill, carrier)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := run(t, compose.Request{XR: toUnstructured(t, tc.claim), Required: tc.required}).Requirements
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("requirements: -want, +got:\n%s", diff)
			}
		})
	}
}
