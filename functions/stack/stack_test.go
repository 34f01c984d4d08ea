// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/nearest"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/values"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// claim is a stack of the Minimal profile, without dashboards so that it is
// small, with components changed.
func claim(cs ...v1alpha1.StackComponent) *v1alpha1.ObservabilityStack {
	cs = append(cs, disabled(v1alpha1.StackComponent{Name: content}), disabled(v1alpha1.StackComponent{Name: "perses"}), disabled(v1alpha1.StackComponent{Name: "perses-operator"}))
	c := &v1alpha1.ObservabilityStack{}
	c.APIVersion, c.Kind = v1alpha1.APIVersion, v1alpha1.ObservabilityStackKind
	c.Namespace, c.Name = "team-a", "demo"
	c.Spec = v1alpha1.ObservabilityStackSpec{
		StackParameters: v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal, Deployer: v1alpha1.DeployerHelm, Components: cs},
		ClusterRef:      v1alpha1.LocalReference{Name: "cluster"},
	}
	return c
}

// own is a component that the team brings.
func ownComponent(name, namespace string, needs ...string) v1alpha1.StackComponent {
	c := v1alpha1.StackComponent{
		Name: name, TargetNamespace: namespace,
		Chart: &v1alpha1.Chart{Repository: "oci://charts.example.org", Name: name, Version: "1.2.3"},
	}
	for _, n := range needs {
		c.DependsOn = append(c.DependsOn, v1alpha1.LocalReference{Name: n})
	}
	return c
}

func disabled(c v1alpha1.StackComponent) v1alpha1.StackComponent {
	no := false
	c.Enabled = &no
	return c
}

func raw(s string) *runtime.RawExtension { return &runtime.RawExtension{Raw: []byte(s)} }

// toUnstructured is an object as a composer sees it.
func toUnstructured(t *testing.T, o any) *unstructured.Unstructured {
	t.Helper()
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: m}
}

// cluster as it is observed; without capabilities when there are none.
func cluster(capabilities map[string]any) map[string][]*unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"kind": "KubernetesCluster", "status": map[string]any{}}}
	if capabilities != nil {
		o.Object["status"] = map[string]any{"capabilities": capabilities, "conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}
	}
	return map[string][]*unstructured.Unstructured{"cluster": {o}}
}

func reachable() map[string][]*unstructured.Unstructured {
	return cluster(map[string]any{"architecture": "amd64"})
}

func capabilities() *v1alpha1.Capabilities {
	return &v1alpha1.Capabilities{Architecture: v1alpha1.ArchitectureAMD64}
}

// observe makes everything that a result desires observed and ready.
func observe(res compose.Result) map[string]*unstructured.Unstructured {
	out := map[string]*unstructured.Unstructured{}
	for name, d := range res.Resources {
		o := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(d.Object)}
		o.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}
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

// settle runs until nothing is added any more, everything composed being ready
// at once.
func settle(t *testing.T, w compose.Request) compose.Request {
	t.Helper()
	for range 20 {
		was := len(w.Observed)
		w.Observed = observe(run(t, w))
		if len(w.Observed) == was {
			return w
		}
	}
	t.Fatal("not settled after 20 rounds")
	return w
}

// names of the composed resources.
func names(res compose.Result) []string { return slices.Sorted(maps.Keys(res.Resources)) }

// spec of a composed Component.
func spec(t *testing.T, d compose.Desired) v1alpha1.ComponentSpec {
	t.Helper()
	c := v1alpha1.Component{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(d.Object, &c); err != nil {
		t.Fatal(err)
	}
	return c.Spec
}

var minimal = []string{"cert-manager", "kube-prometheus-stack", "prometheus-operator-crds"}

// TestGrowth shows which resources appear in which round.
func TestGrowth(t *testing.T) {
	w := compose.Request{XR: toUnstructured(t, claim(
		ownComponent("shop", "shops", "kube-prometheus-stack"),
		v1alpha1.StackComponent{Name: "cert-manager", ValuesFrom: []v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromSecret, Name: "s", Key: "k"}}},
	)), Required: reachable()}
	want := [][]string{
		{"cert-manager", "prometheus-operator-crds", "values.cert-manager"},
		{"kube-prometheus-stack"},
		{"shop"},
		{},
	}
	var got [][]string
	for range want {
		res := run(t, w)
		var added []string
		for _, name := range names(res) {
			if !w.IsObserved(name) {
				added = append(added, name)
			}
		}
		got = append(got, added)
		w.Observed = observe(res)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("\nA component comes when everything that it needs works.\nnames by round: -want, +got:\n%s", diff)
	}
}

func TestCompose(t *testing.T) {
	type want struct {
		condition    compose.Condition
		ready        bool
		composed     []string
		rows         []v1alpha1.ChildStatus
		capabilities *v1alpha1.Capabilities
	}
	changed := v1alpha1.StackComponent{Name: "cert-manager", Values: raw(`{"replicaCount": 2}`), ValuesFrom: []v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromSecret, Name: "s", Key: "k"}}}
	there := settle(t, compose.Request{XR: toUnstructured(t, claim()), Required: reachable()}).Observed
	withValues := settle(t, compose.Request{XR: toUnstructured(t, claim(changed)), Required: reachable()}).Observed
	withShop := settle(t, compose.Request{XR: toUnstructured(t, claim(ownComponent("shop", "shops"))), Required: reachable()}).Observed
	shared := settle(t, compose.Request{XR: toUnstructured(t, claim(ownComponent("till", "shops"))), Required: reachable()}).Observed
	withCapabilities := func(c *v1alpha1.ObservabilityStack) *v1alpha1.ObservabilityStack {
		c.Status.Capabilities = capabilities()
		return c
	}
	working := compose.Condition{Type: "ComponentsReady", Ready: true, Reason: "Available"}
	failed := func(reason, message string) compose.Condition {
		return compose.Condition{Type: "ComponentsReady", Reason: reason, Message: message}
	}
	row := func(name, version, reason string) v1alpha1.ChildStatus {
		return v1alpha1.ChildStatus{Name: name, Version: version, Ready: reason == "", Reason: reason}
	}
	rows := []v1alpha1.ChildStatus{
		row("cert-manager", "v1.21.1", ""),
		row("prometheus-operator-crds", "31.0.1", ""),
		row("kube-prometheus-stack", "88.5.3", ""),
	}
	waiting := []v1alpha1.ChildStatus{
		row("cert-manager", "v1.21.1", "Waiting"),
		row("prometheus-operator-crds", "31.0.1", "Waiting"),
		row("kube-prometheus-stack", "88.5.3", "Waiting"),
	}
	begun := []v1alpha1.ChildStatus{
		row("cert-manager", "v1.21.1", "Creating"),
		row("prometheus-operator-crds", "31.0.1", "Creating"),
		row("kube-prometheus-stack", "88.5.3", "Waiting"),
	}
	none := map[string][]*unstructured.Unstructured{"cluster": {}}
	unready := reachable()
	unstructured.RemoveNestedField(unready["cluster"][0].Object, "status", "conditions")
	entries, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	inCatalog := "The nearest names in it are " + strings.Join(nearest.Words("shop", slices.Sorted(maps.Keys(entries)), 3), ", ") + ". A component of your own needs a chart"

	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.ObservabilityStack
		observed map[string]*unstructured.Unstructured
		required map[string][]*unstructured.Unstructured
		want     want
	}{
		"ClusterNotAnswered": {
			reason: "Until the cluster was read, nothing is composed.",
			claim:  claim(),
			want: want{
				condition: failed("Waiting", "Waiting for the cluster"),
				rows:      waiting,
			},
		},
		"NoCluster": {
			reason:   "A cluster that is not there is a mistake, or comes later.",
			claim:    claim(),
			required: none,
			want:     want{condition: failed("ClusterNotFound", "KubernetesCluster cluster does not exist in this namespace"), rows: waiting},
		},
		"ClusterWithoutCapabilities": {
			reason:   "Values depend on what the cluster says of itself.",
			claim:    claim(),
			required: cluster(nil),
			want: want{
				condition: failed("Waiting", "Waiting for the cluster"),
				rows:      waiting,
			},
		},
		"ClusterNotReady": {
			reason:   "Its capabilities may be known before it can be reached.",
			claim:    claim(),
			required: unready,
			want:     want{condition: failed("Waiting", "Waiting for the cluster"), rows: waiting, capabilities: capabilities()},
		},
		"ClusterWithMalformedCapabilities": {
			reason:   "Capabilities that cannot be read are none.",
			claim:    claim(),
			required: cluster(map[string]any{"architecture": map[string]any{}}),
			want: want{
				condition: failed("Waiting", "Waiting for the cluster"),
				rows:      waiting,
			},
		},
		"Begin": {
			reason:   "What others need comes first.",
			claim:    claim(),
			required: reachable(),
			want: want{
				condition:    failed("Creating", "Component "+ComponentName("team-a", "demo", "cert-manager")+" is being created"),
				composed:     []string{"cert-manager", "prometheus-operator-crds"},
				rows:         begun,
				capabilities: capabilities(),
			},
		},
		"Ready": {
			reason:   "A stack is ready when all of its components are.",
			claim:    claim(),
			observed: there,
			required: reachable(),
			want:     want{condition: working, ready: true, composed: minimal, rows: rows, capabilities: capabilities()},
		},
		"ClusterFlaps": {
			reason:   "What is there stays by the way that was last known.",
			claim:    withCapabilities(claim()),
			observed: there,
			required: cluster(nil),
			want:     want{condition: working, ready: true, composed: minimal, rows: rows, capabilities: capabilities()},
		},
		"ClusterGone": {
			reason:   "What is there stays when the cluster's object is gone.",
			claim:    withCapabilities(claim(changed)),
			observed: withValues,
			required: none,
			want: want{
				condition: failed("ClusterNotFound", "KubernetesCluster cluster does not exist in this namespace"),
				composed:  append([]string{"cert-manager", "kube-prometheus-stack", "prometheus-operator-crds"}, "values.cert-manager"),
				rows:      rows, capabilities: capabilities(),
			},
		},
		"ClusterAndStatusGone": {
			reason:   "What is there stays if nobody knows the way any more, the values of components too; it is not ready, since nobody knows all that is planned.",
			claim:    claim(changed),
			observed: withValues,
			required: cluster(nil),
			want: want{
				condition: working,
				composed:  []string{"cert-manager", "kube-prometheus-stack", "prometheus-operator-crds", "values.cert-manager"},
				rows:      rows,
			},
		},
		"Disabled": {
			reason:   "A component that is disabled goes, and nothing else.",
			claim:    claim(disabled(v1alpha1.StackComponent{Name: "kube-prometheus-stack"})),
			observed: there,
			required: reachable(),
			want: want{
				condition: working, ready: true,
				composed: []string{"cert-manager", "prometheus-operator-crds"},
				rows:     rows[:2], capabilities: capabilities(),
			},
		},
		"OwnRemoved": {
			reason:   "A component of the team that is not named any more goes, and nothing else.",
			claim:    claim(),
			observed: withShop,
			required: reachable(),
			want:     want{condition: working, ready: true, composed: minimal, rows: rows, capabilities: capabilities()},
		},
		"OwnDisabled": {
			reason:   "A component of the team that is disabled goes, and nothing else.",
			claim:    claim(disabled(ownComponent("shop", "shops"))),
			observed: withShop,
			required: reachable(),
			want:     want{condition: working, ready: true, composed: minimal, rows: rows, capabilities: capabilities()},
		},
		"UnknownComponent": {
			reason:   "A name that nobody knows is told together with those that are known; nothing that runs is touched.",
			claim:    claim(v1alpha1.StackComponent{Name: "shop"}),
			observed: withShop,
			required: reachable(),
			want: want{
				condition: failed("UnknownComponent", "Component shop is not in the catalog. "+inCatalog),
				composed:  []string{"cert-manager", "kube-prometheus-stack", "prometheus-operator-crds", "shop"},
				rows:      rows, capabilities: capabilities(),
			},
		},
		"UnknownComponentAtFirst": {
			reason:   "What is right comes up beside what is wrong.",
			claim:    claim(v1alpha1.StackComponent{Name: "shop"}),
			required: reachable(),
			want: want{
				condition: failed("UnknownComponent", "Component shop is not in the catalog. "+inCatalog),
				composed:  []string{"cert-manager", "prometheus-operator-crds"},
				rows:      begun, capabilities: capabilities(),
			},
		},
		"NameConflict": {
			reason:   "The catalog's names are the catalog's; what runs under them stays as it is.",
			claim:    claim(ownComponent("cert-manager", "cert-manager")),
			observed: withValues,
			required: reachable(),
			want: want{
				condition: failed("NameConflict", "Component cert-manager is in the catalog and keeps its chart: give your own chart another name"),
				composed:  []string{"cert-manager", "kube-prometheus-stack", "prometheus-operator-crds", "values.cert-manager"},
				rows:      rows, capabilities: capabilities(),
			},
		},
		"NameTakenAtFirst": {
			reason:   "Nobody can tell what is wanted, so nothing is composed under that name.",
			claim:    claim(ownComponent("prometheus-operator-crds", "crds")),
			required: reachable(),
			want: want{
				condition: failed("NameConflict", "Component prometheus-operator-crds is in the catalog and keeps its chart: give your own chart another name"),
				composed:  []string{"cert-manager"},
				rows: []v1alpha1.ChildStatus{
					row("cert-manager", "v1.21.1", "Creating"),
					row("prometheus-operator-crds", "31.0.1", "Waiting"),
					row("kube-prometheus-stack", "88.5.3", "Waiting"),
				},
				capabilities: capabilities(),
			},
		},
		"DependencyDisabled": {
			reason:   "What is needed cannot go; nothing that runs is touched.",
			claim:    claim(disabled(v1alpha1.StackComponent{Name: "prometheus-operator-crds"})),
			observed: there,
			required: reachable(),
			want: want{
				condition:    failed("DependencyDisabled", "Component kube-prometheus-stack needs prometheus-operator-crds, which is disabled: enable it, or disable kube-prometheus-stack too"),
				composed:     minimal,
				rows:         []v1alpha1.ChildStatus{row("cert-manager", "v1.21.1", "")},
				capabilities: capabilities(),
			},
		},
		"DependencyNotFound": {
			reason:   "What is needed has to be there.",
			claim:    claim(ownComponent("shop", "shops", "till")),
			observed: there,
			required: reachable(),
			want: want{
				condition: failed("DependencyNotFound", "Component shop needs till, which is not part of this stack: add it, or take it out of dependsOn"),
				composed:  minimal, rows: rows, capabilities: capabilities(),
			},
		},
		"DependencyCycle": {
			reason:   "Nothing can come before itself; what is not part of the cycle comes up.",
			claim:    claim(ownComponent("shop", "shops", "till"), ownComponent("till", "tills", "shop")),
			observed: there,
			required: reachable(),
			want: want{
				condition: failed("DependencyCycle", "Component shop depends on itself through till: take one of them out of dependsOn"),
				composed:  minimal, rows: rows, capabilities: capabilities(),
			},
		},
		"NeedsCycle": {
			reason:   "What needs a cycle waits for it to be broken; it is not told to be part of it.",
			claim:    claim(ownComponent("bakery", "bakeries", "shop"), ownComponent("shop", "shops", "till"), ownComponent("till", "tills", "shop")),
			observed: there,
			required: reachable(),
			want: want{
				condition: failed("DependencyCycle", "Component shop depends on itself through till: take one of them out of dependsOn"),
				composed:  minimal, rows: rows, capabilities: capabilities(),
			},
		},
		"NeedsItself": {
			reason:   "Nothing can come before itself.",
			claim:    claim(ownComponent("shop", "shops", "shop")),
			observed: there,
			required: reachable(),
			want: want{
				condition: failed("DependencyCycle", "Component shop depends on itself through shop: take one of them out of dependsOn"),
				composed:  minimal, rows: rows, capabilities: capabilities(),
			},
		},
		"NeedsWhatIsRefused": {
			reason:   "What needs something that is refused does not come up either.",
			claim:    claim(ownComponent("a-shop", "shops", "till"), ownComponent("till", "tills", "bank")),
			observed: there,
			required: reachable(),
			want: want{
				condition: failed("DependencyNotFound", "Component till needs bank, which is not part of this stack: add it, or take it out of dependsOn"),
				composed:  minimal, rows: rows, capabilities: capabilities(),
			},
		},
		"NamespaceInUse": {
			reason:   "A namespace goes with the component that made it, and would take others along.",
			claim:    claim(ownComponent("shop", "shops")),
			observed: settle(t, compose.Request{XR: toUnstructured(t, claim(ownComponent("till", "shops"), ownComponent("shop", "shops"))), Observed: shared, Required: reachable()}).Observed,
			required: reachable(),
			want: want{
				condition:    failed("NamespaceInUse", "Component till made namespace shops, in which component shop lives too, and would take it along: keep till, or remove shop first"),
				composed:     []string{"cert-manager", "kube-prometheus-stack", "prometheus-operator-crds", "shop", "till"},
				rows:         []v1alpha1.ChildStatus{rows[0], rows[1], row("shop", "1.2.3", ""), rows[2]},
				capabilities: capabilities(),
			},
		},
		"NamespaceLeft": {
			reason:   "A component that takes the place of another waits until that is gone with its namespace.",
			claim:    claim(ownComponent("bakery", "shops")),
			observed: shared,
			required: reachable(),
			want: want{
				condition:    failed("Waiting", "bakery: waiting for till to be gone, with namespace shops"),
				composed:     minimal,
				rows:         []v1alpha1.ChildStatus{row("bakery", "1.2.3", "Waiting"), rows[0], rows[1], rows[2]},
				capabilities: capabilities(),
			},
		},
		"NamespaceChanged": {
			reason:   "What is installed does not move; it stays as it is.",
			claim:    claim(ownComponent("till", "tills")),
			observed: shared,
			required: reachable(),
			want: want{
				condition:    failed("NamespaceChanged", "Component till lives in namespace shops and cannot move to tills: give it another name there, then remove this one"),
				composed:     append(slices.Clone(minimal), "till"),
				rows:         []v1alpha1.ChildStatus{rows[0], rows[1], row("till", "1.2.3", ""), rows[2]},
				capabilities: capabilities(),
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, compose.Request{XR: toUnstructured(t, tc.claim), Observed: tc.observed, Required: tc.required})
			status := v1alpha1.ObservabilityStackStatus{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Status, &status); err != nil {
				t.Fatal(err)
			}
			got := want{condition: res.Conditions[0], ready: res.Ready, composed: names(res), rows: status.Components, capabilities: status.Capabilities}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestSummary shows what a stack tells workloads, also before anything of it is there.
func TestSummary(t *testing.T) {
	minimal := v1alpha1.StackSummary{
		Environment:        &v1alpha1.WorkloadEnvironment{Capabilities: []v1alpha1.Capability{v1alpha1.CapabilityPrometheus}},
		TopLevelComponents: []v1alpha1.LocalReference{{Name: ComponentName("team-a", "demo", "kube-prometheus-stack")}},
		Namespaces: []v1alpha1.StackNamespace{
			{Name: "cert-manager", Component: "cert-manager"},
			{Name: "monitoring", Component: "kube-prometheus-stack"},
			{Name: "prometheus-operator-crds", Component: "prometheus-operator-crds"},
		},
	}
	onARM := minimal
	onARM.Environment = &v1alpha1.WorkloadEnvironment{Architecture: v1alpha1.ArchitectureARM64, Capabilities: minimal.Environment.Capabilities}
	arm := capabilities()
	arm.Architecture = v1alpha1.ArchitectureARM64
	known := claim()
	known.Status.Capabilities = arm
	two := claim(ownComponent("bakery", "shops"), ownComponent("till", "shops"))
	moving := claim(ownComponent("till", "tills"))
	there := settle(t, compose.Request{XR: toUnstructured(t, two), Required: reachable()}).Observed
	none, full := claim(), claim()
	none.Spec.Profile, full.Spec.Profile = "", v1alpha1.ProfileFull
	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.ObservabilityStack
		observed map[string]*unstructured.Unstructured
		want     v1alpha1.StackSummary
	}{
		"Begin":   {reason: "It does not depend on what is there.", claim: claim(), want: minimal},
		"Nodes":   {reason: "What nodes there are is known for as long as the way to the cluster.", claim: known, want: onARM},
		"NoStack": {reason: "That there is nothing is said, too.", claim: none, want: v1alpha1.StackSummary{Environment: &v1alpha1.WorkloadEnvironment{}}},
		"Unmovable": {reason: "A component lives where it is installed, whatever is asked for.", claim: moving, observed: there, want: func() v1alpha1.StackSummary {
			s := minimal
			s.TopLevelComponents = append([]v1alpha1.LocalReference{{Name: ComponentName("team-a", "demo", "till")}}, s.TopLevelComponents...)
			s.Namespaces = append(slices.Clone(s.Namespaces), v1alpha1.StackNamespace{Name: "shops", Component: "till"})
			return s
		}()},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := v1alpha1.StackSummary{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(run(t, compose.Request{XR: toUnstructured(t, tc.claim), Observed: tc.observed}).Status, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nsummary: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
	if has, _ := run(t, compose.Request{XR: toUnstructured(t, full)}).Status["hasIngress"].(bool); !has {
		t.Error("want a stack with an ingress to say so")
	}
}

// TestChanges changes a claim of which everything is there, and looks at which
// objects change.
func TestChanges(t *testing.T) {
	shop := ownComponent("shop", "shops")
	newer := ownComponent("shop", "shops")
	newer.Chart = &v1alpha1.Chart{Repository: "oci://charts.example.org", Name: "shop", Version: "1.2.4"}
	cases := map[string]struct {
		reason   string
		from, to *v1alpha1.ObservabilityStack
		want     []string
	}{
		"Nothing": {
			reason: "The same claim gives the same objects.",
			from:   claim(shop),
			to:     claim(shop),
		},
		"Values": {
			reason: "Values of one component change that component.",
			from:   claim(),
			to:     claim(v1alpha1.StackComponent{Name: "cert-manager", Values: raw(`{"replicaCount": 2}`)}),
			want:   []string{"cert-manager"},
		},
		"Version": {
			reason: "The version of one component changes that component.",
			from:   claim(),
			to:     claim(v1alpha1.StackComponent{Name: "kube-prometheus-stack", Version: "88.5.4"}),
			want:   []string{"kube-prometheus-stack"},
		},
		"OwnVersion": {
			reason: "The version of a component of the team changes that component.",
			from:   claim(shop),
			to:     claim(newer),
			want:   []string{"shop"},
		},
		"ValuesFrom": {
			reason: "References of one component change that component, and bring the catalog's values along.",
			from:   claim(),
			to:     claim(v1alpha1.StackComponent{Name: "cert-manager", ValuesFrom: []v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromSecret, Name: "s", Key: "k"}}}),
			want:   []string{"cert-manager", "values.cert-manager"},
		},
		"NewLodger": {
			reason: "A component that comes into a namespace changes nothing about the one that made it, whatever their names are.",
			from:   claim(shop),
			to:     claim(shop, ownComponent("bakery", "shops")),
			want:   []string{"bakery"},
		},
		"NewLodgerOfTheCatalog": {
			reason: "Who made a namespace keeps it, from the catalog too.",
			from:   claim(disabled(v1alpha1.StackComponent{Name: "kube-prometheus-stack"}), ownComponent("shop", "monitoring")),
			to:     claim(ownComponent("shop", "monitoring")),
			want:   []string{"kube-prometheus-stack"},
		},
		"NamespaceChanged": {
			reason: "What cannot move stays as it is.",
			from:   claim(shop),
			to:     claim(ownComponent("shop", "other-shops")),
		},
		"NameConflict": {
			reason: "A claim that cannot be understood changes nothing.",
			from:   claim(v1alpha1.StackComponent{Name: "cert-manager", Values: raw(`{"replicaCount": 2}`), Version: "v1.21.0"}),
			to:     claim(ownComponent("cert-manager", "cert-manager")),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := settle(t, compose.Request{XR: toUnstructured(t, tc.from), Required: reachable()})
			w.XR = toUnstructured(t, tc.to)
			w = settle(t, w)
			before := run(t, settle(t, compose.Request{XR: toUnstructured(t, tc.from), Required: reachable()})).Resources
			after := run(t, w).Resources
			all := maps.Clone(before)
			maps.Copy(all, after)
			var got []string
			for _, name := range slices.Sorted(maps.Keys(all)) {
				if !cmp.Equal(before[name].Object, after[name].Object) {
					got = append(got, name)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nchanged objects: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// catalogWith are the values of an entry with some changed, as JSON.
func catalogWith(t *testing.T, name string, changes map[string]any) string {
	t.Helper()
	entries, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(values.Merge(entries[name].Values, changes))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestComponent looks at what is composed for one component.
func TestComponent(t *testing.T) {
	yes, no := true, false
	ref := v1alpha1.LocalReference{Name: "cluster"}
	needs := func(cs ...string) []v1alpha1.LocalReference {
		out := []v1alpha1.LocalReference{}
		for _, c := range cs {
			out = append(out, v1alpha1.LocalReference{Name: ComponentName("team-a", "demo", c)})
		}
		return out
	}
	shopChart := &v1alpha1.Chart{Repository: "oci://charts.example.org", Name: "shop", Version: "1.2.3"}
	certManager := func(version, values string) v1alpha1.ComponentSpec {
		return v1alpha1.ComponentSpec{
			ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "cert-manager", CreateNamespace: &yes,
			Source: v1alpha1.ComponentSource{Chart: &v1alpha1.Chart{Repository: "https://charts.jetstack.io", Name: "cert-manager", Version: version}},
			Values: raw(values),
		}
	}
	catalogValues := catalogWith(t, "cert-manager", nil)
	full := ownComponent("shop", "shops", "cert-manager")
	full.Values = raw(`{"replicas":2}`)
	full.ValuesFrom = []v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromConfigMap, Name: "c", Key: "k", Optional: true}}
	cases := map[string]struct {
		reason    string
		claim     *v1alpha1.ObservabilityStack
		component string
		want      v1alpha1.ComponentSpec
	}{
		"Catalog": {
			reason:    "What the team leaves open is as the catalog has it.",
			claim:     claim(),
			component: "cert-manager",
			want:      certManager("v1.21.1", catalogValues),
		},
		"Version": {
			reason:    "The team may pin another version.",
			claim:     claim(v1alpha1.StackComponent{Name: "cert-manager", Version: "v1.21.2"}),
			component: "cert-manager",
			want:      certManager("v1.21.2", catalogValues),
		},
		"Values": {
			reason:    "The team's values win over those of the catalog.",
			claim:     claim(v1alpha1.StackComponent{Name: "cert-manager", Values: raw(`{"crds": {"keep": true}, "replicaCount": 2}`)}),
			component: "cert-manager",
			want:      certManager("v1.21.1", catalogWith(t, "cert-manager", map[string]any{"crds": map[string]any{"keep": true}, "replicaCount": 2})),
		},
		"Own": {
			reason:    "A component of the team is as the team says.",
			claim:     claim(full),
			component: "shop",
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shops", CreateNamespace: &yes,
				Source:     v1alpha1.ComponentSource{Chart: shopChart},
				Values:     raw(`{"replicas":2}`),
				ValuesFrom: full.ValuesFrom,
				DependsOn:  needs("cert-manager"),
			},
		},
		"CatalogIsHost": {
			reason:    "A component of the catalog makes its namespace, whatever the names are.",
			claim:     claim(ownComponent("a-shop", "monitoring")),
			component: "a-shop",
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "monitoring", CreateNamespace: &no,
				Source:    v1alpha1.ComponentSource{Chart: &v1alpha1.Chart{Repository: "oci://charts.example.org", Name: "a-shop", Version: "1.2.3"}},
				DependsOn: needs("kube-prometheus-stack"),
			},
		},
		"NeededIsHost": {
			reason:    "Of two components of the team, the one that the other needs makes the namespace.",
			claim:     claim(ownComponent("shop", "shops", "till"), ownComponent("till", "shops")),
			component: "shop",
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shops", CreateNamespace: &no,
				Source:    v1alpha1.ComponentSource{Chart: shopChart},
				DependsOn: needs("till"),
			},
		},
		"FirstIsHost": {
			reason:    "Of two components that need nothing of each other, the first by name makes the namespace.",
			claim:     claim(ownComponent("shop", "shops"), ownComponent("bakery", "shops")),
			component: "shop",
			want: v1alpha1.ComponentSpec{
				ClusterRef: ref, Deployer: v1alpha1.DeployerHelm, TargetNamespace: "shops", CreateNamespace: &no,
				Source:    v1alpha1.ComponentSource{Chart: shopChart},
				DependsOn: needs("bakery"),
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, settle(t, compose.Request{XR: toUnstructured(t, tc.claim), Required: reachable()}))
			d, ok := res.Resources[tc.component]
			if !ok {
				t.Fatalf("\n%s\nthere is no %s among %v: %+v", tc.reason, tc.component, names(res), res.Conditions)
			}
			text := cmp.Transformer("text", func(r *runtime.RawExtension) string {
				if r == nil {
					return ""
				}
				return string(r.Raw)
			})
			if diff := cmp.Diff(tc.want, spec(t, d), text); diff != "" {
				t.Errorf("\n%s\n%s: -want, +got:\n%s", tc.reason, tc.component, diff)
			}
		})
	}
}

// TestNames are taken from everywhere.
func TestNames(t *testing.T) {
	from := []v1alpha1.ValuesReference{{Kind: v1alpha1.ValuesFromSecret, Name: "s", Key: "k"}}
	res := run(t, settle(t, compose.Request{XR: toUnstructured(t, claim(
		v1alpha1.StackComponent{Name: "cert-manager", ValuesFrom: from},
		ownComponent("values-cert-manager", "shops"),
	)), Required: reachable()}))
	want := []string{"cert-manager", "kube-prometheus-stack", "prometheus-operator-crds", "values-cert-manager", "values.cert-manager"}
	if diff := cmp.Diff(want, names(res)); diff != "" {
		t.Errorf("\nNo component can be called as what holds the values of another.\nnames: -want, +got:\n%s", diff)
	}
}

func TestRequirements(t *testing.T) {
	want := []compose.Requirement{{Name: "cluster", APIVersion: v1alpha1.APIVersion, Kind: "KubernetesCluster", Namespace: "team-a", ObjectName: "cluster"}}
	for name, required := range map[string]map[string][]*unstructured.Unstructured{"NotAnswered": nil, "Answered": reachable()} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, run(t, compose.Request{XR: toUnstructured(t, claim()), Required: required}).Requirements); diff != "" {
				t.Errorf("requirements: -want, +got:\n%s", diff)
			}
		})
	}
}

// TestInvalidValues are refused by the API server; here they are an error.
func TestInvalidValues(t *testing.T) {
	c := claim(v1alpha1.StackComponent{Name: "cert-manager", Values: raw(`"all of them"`)})
	if _, err := compose.Run(compose.Request{XR: toUnstructured(t, c), Required: reachable()}, compose.For(Compose)); err == nil {
		t.Error("want an error for values that are no object")
	}
}
