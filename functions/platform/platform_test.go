// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/stack"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// claim is a platform with a workload, changed by fs.
func claim(fs ...func(*v1alpha1.ObservabilityPlatform)) *v1alpha1.ObservabilityPlatform {
	c := &v1alpha1.ObservabilityPlatform{}
	c.APIVersion, c.Kind = v1alpha1.APIVersion, v1alpha1.ObservabilityPlatformKind
	c.Namespace, c.Name = "team-a", "demo"
	c.Spec = v1alpha1.ObservabilityPlatformSpec{
		Cluster: v1alpha1.ClusterParameters{
			Provider: v1alpha1.ProviderExisting,
			Version:  "1.34",
			Nodes:    v1alpha1.Nodes{MinCount: 2, MaxCount: 5},
			Existing: &v1alpha1.ExistingCluster{KubeconfigSecretRef: &v1alpha1.SecretKeyReference{Name: "remote", Key: "kubeconfig"}},
		},
		Stack:     v1alpha1.StackParameters{Profile: v1alpha1.ProfileMinimal, Deployer: v1alpha1.DeployerHelm},
		Workloads: []v1alpha1.PlatformWorkload{podinfo("shop")},
	}
	for _, f := range fs {
		f(c)
	}
	return c
}

func podinfo(name string) v1alpha1.PlatformWorkload {
	return v1alpha1.PlatformWorkload{Name: name, WorkloadParameters: v1alpha1.WorkloadParameters{App: v1alpha1.AppPodinfo, Deployer: v1alpha1.DeployerHelm}}
}

func workloads(ws ...v1alpha1.PlatformWorkload) func(*v1alpha1.ObservabilityPlatform) {
	return func(c *v1alpha1.ObservabilityPlatform) { c.Spec.Workloads = ws }
}

func components(cs ...v1alpha1.StackComponent) func(*v1alpha1.ObservabilityPlatform) {
	return func(c *v1alpha1.ObservabilityPlatform) { c.Spec.Stack.Components = cs }
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

func run(t *testing.T, w compose.Request) compose.Result {
	t.Helper()
	res, err := compose.Run(w, compose.For(Compose))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func names(res compose.Result) []string { return slices.Sorted(maps.Keys(res.Resources)) }

func condition(typ, status, reason, message string) map[string]any {
	return map[string]any{"type": typ, "status": status, "reason": reason, "message": message}
}

// observe makes everything that a result desires observed and ready. The stack says
// what it tells workloads.
func observe(t *testing.T, res compose.Result) map[string]*unstructured.Unstructured {
	t.Helper()
	out := map[string]*unstructured.Unstructured{}
	for name, d := range res.Resources {
		o := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(d.Object)}
		status := map[string]any{"conditions": []any{condition("Ready", "True", "", "")}}
		if name == "stack" {
			said, err := compose.Run(compose.Request{XR: o}, compose.For(stack.Compose))
			if err != nil {
				t.Fatal(err)
			}
			for _, field := range []string{"environment", "namespaces", "hasIngress"} {
				if v, ok := said.Status[field]; ok {
					status[field] = v
				}
			}
		}
		o.Object["status"] = status
		out[name] = o
	}
	return out
}

// settle runs until nothing is added any more, everything composed being ready
// at once.
func settle(t *testing.T, w compose.Request) compose.Request {
	t.Helper()
	for range 10 {
		was := len(w.Observed)
		w.Observed = observe(t, run(t, w))
		if len(w.Observed) == was {
			return w
		}
	}
	t.Fatal("not settled after 10 rounds")
	return w
}

// with changes the status of one observed resource.
func with(observed map[string]*unstructured.Unstructured, name string, status map[string]any) map[string]*unstructured.Unstructured {
	out := maps.Clone(observed)
	out[name] = out[name].DeepCopy()
	out[name].Object["status"] = status
	return out
}

// TestGrowth shows which resources appear in which round.
func TestGrowth(t *testing.T) {
	w := compose.Request{XR: toUnstructured(t, claim(workloads(podinfo("shop"), podinfo("bakery"))))}
	want := [][]string{{"cluster", "stack"}, {"workload-bakery", "workload-shop"}, {}}
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
		w.Observed = observe(t, res)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("\nA cluster and a stack that waits for it, then what it observes.\nnames by round: -want, +got:\n%s", diff)
	}
}

func TestCompose(t *testing.T) {
	type want struct {
		conditions []compose.Condition
		ready      bool
		composed   []string
		phase      v1alpha1.Phase
	}
	conditions := func(cluster, stack, workloads compose.Condition) []compose.Condition {
		cluster.Type, stack.Type, workloads.Type = "ClusterReady", "StackReady", "WorkloadsReady"
		return []compose.Condition{cluster, stack, workloads}
	}
	working := compose.Condition{Ready: true, Reason: "Available"}
	failed := func(reason, message string) compose.Condition {
		return compose.Condition{Reason: reason, Message: message}
	}
	two := workloads(podinfo("shop"), podinfo("bakery"))
	there := settle(t, compose.Request{XR: toUnstructured(t, claim())}).Observed
	thereTwo := settle(t, compose.Request{XR: toUnstructured(t, claim(two))}).Observed
	all := []string{"cluster", "stack", "workload-shop"}
	was := func(c *v1alpha1.ObservabilityPlatform) { c.Status.Phase = v1alpha1.PhaseReady }
	till := v1alpha1.StackComponent{
		Name: "till", TargetNamespace: "shop",
		Chart: &v1alpha1.Chart{Repository: "oci://charts.example.org", Name: "till", Version: "1.2.3"},
	}
	both := settle(t, compose.Request{XR: toUnstructured(t, claim(workloads(), components(till)))}).Observed
	both["workload-shop"] = there["workload-shop"]
	play := v1alpha1.PlatformWorkload{Name: "play"}
	play.App = v1alpha1.AppGame
	play.Game = &language.Game{Services: []language.Service{{Name: "web"}}}
	playing := settle(t, compose.Request{XR: toUnstructured(t, claim(workloads(play, podinfo("bakery"))))}).Observed
	endless := play
	endless.Game = &language.Game{Services: []language.Service{{Name: "web", Endpoints: []language.Endpoint{{
		Path: "/", Steps: []language.Call{{Step: language.Step{HTTP: &language.HTTP{Service: "web"}}}},
	}}}}}
	const endlessly = "play: The game cannot be played: services[web].endpoints[/]: requests may never end: web/ → web/ is a cycle in which a request causes at least one more on average. Give a call in it a lower probability, or an error before it"
	inMonitoring := podinfo("shop")
	inMonitoring.TargetNamespace = "monitoring"

	meshed, socks := podinfo("shop"), podinfo("shop")
	meshed.MeshInjection, socks.App = v1alpha1.MeshInjectionEnabled, v1alpha1.AppSockShop
	starting := settle(t, compose.Request{XR: toUnstructured(t, claim(workloads()))}).Observed
	starting["stack"].Object["status"].(map[string]any)["conditions"] = []any{
		condition("Ready", "False", "", ""), condition("ComponentsReady", "False", "Waiting", "grafana: waiting for loki"),
	}

	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.ObservabilityPlatform
		observed map[string]*unstructured.Unstructured
		want     want
	}{
		"Begin": {
			reason: "Cluster and stack come first; the stack waits for the cluster itself.",
			claim:  claim(),
			want: want{
				conditions: conditions(
					failed("Creating", "KubernetesCluster "+compose.Name("team-a", "demo", "cluster")+" is being created"),
					failed("Creating", "ObservabilityStack "+compose.Name("team-a", "demo", "stack")+" is being created"),
					failed("Waiting", "Waiting for the stack"),
				),
				composed: []string{"cluster", "stack"},
				phase:    v1alpha1.PhaseProvisioning,
			},
		},
		"Ready": {
			reason:   "A platform is ready when cluster, stack and workloads are.",
			claim:    claim(),
			observed: there,
			want:     want{conditions: conditions(working, working, working), ready: true, composed: all, phase: v1alpha1.PhaseReady},
		},
		"NoWorkloads": {
			reason:   "A platform may have nothing to observe yet.",
			claim:    claim(workloads()),
			observed: with(there, "cluster", map[string]any{"conditions": []any{condition("Ready", "True", "", "")}}),
			want:     want{conditions: conditions(working, working, working), ready: true, composed: []string{"cluster", "stack"}, phase: v1alpha1.PhaseReady},
		},
		"ClusterUnreachable": {
			reason: "A cluster that does not answer takes nothing with it; only its own condition says so.",
			claim:  claim(was),
			observed: with(there, "cluster", map[string]any{"phase": "Degraded", "conditions": []any{
				condition("Ready", "False", "", ""), condition("AccessReady", "False", "Unreachable", "The API server does not answer"),
			}}),
			want: want{
				conditions: conditions(failed("Unreachable", "The API server does not answer"), working, working),
				composed:   all,
				phase:      v1alpha1.PhaseDegraded,
			},
		},
		"StackBroken": {
			reason: "What is wrong in the stack is passed on in its own words.",
			claim:  claim(was),
			observed: with(there, "stack", map[string]any{"conditions": []any{
				condition("Ready", "False", "", ""), condition("ComponentsReady", "False", "ReconcileError", "cert-manager: no such chart"),
			}}),
			want: want{
				conditions: conditions(working, failed("ReconcileError", "cert-manager: no such chart"), working),
				composed:   all,
				phase:      v1alpha1.PhaseDegraded,
			},
		},
		"WorkloadBroken": {
			reason: "Of several workloads one sees which it is.",
			claim:  claim(two, was),
			observed: with(thereTwo, "workload-bakery", map[string]any{"conditions": []any{
				condition("Ready", "False", "", ""), condition("AppReady", "False", "ReconcileError", "no such chart"),
			}}),
			want: want{
				conditions: conditions(working, working, failed("ReconcileError", "bakery: no such chart")),
				composed:   []string{"cluster", "stack", "workload-bakery", "workload-shop"},
				phase:      v1alpha1.PhaseDegraded,
			},
		},
		"WorkloadRemoved": {
			reason:   "A workload that is removed goes, and nothing else.",
			claim:    claim(),
			observed: thereTwo,
			want:     want{conditions: conditions(working, working, working), ready: true, composed: all, phase: v1alpha1.PhaseReady},
		},
		"WorkloadAdded": {
			reason:   "A new workload comes beside the others.",
			claim:    claim(two, was),
			observed: there,
			want: want{
				conditions: conditions(working, working, failed("Creating", "Workload "+compose.Name("team-a", "demo", "workload-bakery")+" is being created")),
				composed:   []string{"cluster", "stack", "workload-bakery", "workload-shop"},
				phase:      v1alpha1.PhaseUpdating,
			},
		},
		"NamespaceConflict": {
			reason:   "A workload lives beside the stack, not in it. Everything else comes up.",
			claim:    claim(workloads(inMonitoring, podinfo("bakery"))),
			observed: settle(t, compose.Request{XR: toUnstructured(t, claim(workloads()))}).Observed,
			want: want{
				conditions: conditions(working, working, failed("NamespaceConflict",
					"shop: The workload cannot have namespace monitoring, which is that of component kube-prometheus-stack: give it another in workloads[].namespace")),
				composed: []string{"cluster", "stack", "workload-bakery"},
				phase:    v1alpha1.PhaseProvisioning,
			},
		},
		"ComponentMissing": {
			reason:   "What the stack does not have is told as soon as it says what it has, not when it works.",
			claim:    claim(workloads(meshed)),
			observed: starting,
			want: want{
				conditions: conditions(working, failed("Waiting", "grafana: waiting for loki"), failed("ComponentMissing",
					"shop: There is no mesh on the cluster: enable component linkerd-control-plane in stack.components, or take profile Standard")),
				composed: []string{"cluster", "stack"},
				phase:    v1alpha1.PhaseProvisioning,
			},
		},
		"StackIsAsked": {
			reason:   "A stack that was just asked for more is not said to lack it. Something new waits for it, what is there follows.",
			claim:    claim(was, workloads(meshed, podinfo("bakery")), func(c *v1alpha1.ObservabilityPlatform) { c.Spec.Stack.Profile = v1alpha1.ProfileStandard }),
			observed: there,
			want: want{
				conditions: conditions(working, working, failed("Waiting", "Waiting for the stack")),
				composed:   all,
				phase:      v1alpha1.PhaseUpdating,
			},
		},
		"UnsupportedArchitecture": {
			reason: "A cloud's nodes are what the claim says, before there are any.",
			claim: claim(workloads(socks), func(c *v1alpha1.ObservabilityPlatform) {
				c.Spec.Cluster.Provider, c.Spec.Cluster.Existing = v1alpha1.ProviderGKE, nil
				c.Spec.Cluster.Nodes.Architecture = v1alpha1.ArchitectureARM64
			}),
			observed: starting,
			want: want{
				conditions: conditions(working, failed("Waiting", "grafana: waiting for loki"), failed("UnsupportedArchitecture",
					"shop: App sock-shop has images for amd64 only, and the nodes are arm64: set cluster.nodes.architecture, or choose another app")),
				composed: []string{"cluster", "stack"},
				phase:    v1alpha1.PhaseProvisioning,
			},
		},
		"InvalidGame": {
			reason: "What is wrong with a game is told at once, not when its turn comes.",
			claim:  claim(workloads(endless, podinfo("bakery"))),
			want: want{
				conditions: conditions(
					failed("Creating", "KubernetesCluster "+compose.Name("team-a", "demo", "cluster")+" is being created"),
					failed("Creating", "ObservabilityStack "+compose.Name("team-a", "demo", "stack")+" is being created"),
					failed("InvalidGame", endlessly),
				),
				composed: []string{"cluster", "stack"},
				phase:    v1alpha1.PhaseProvisioning,
			},
		},
		"GameBecameInvalid": {
			reason:   "What plays goes on as it is; what is asked for besides comes, and what is not goes.",
			claim:    claim(was, workloads(endless)),
			observed: playing,
			want: want{
				conditions: conditions(working, working, failed("InvalidGame", endlessly)),
				composed:   []string{"cluster", "stack", "workload-play"},
				phase:      v1alpha1.PhaseDegraded,
			},
		},
		"NamespaceOfWorkload": {
			reason:   "A new component would go with the namespace of a workload, so it does not come up. Nothing else is touched.",
			claim:    claim(was, components(till)),
			observed: there,
			want: want{
				conditions: conditions(working, failed("NamespaceConflict",
					"Component till cannot have namespace shop, which is that of workload shop: give it another namespace"), working),
				composed: all,
				phase:    v1alpha1.PhaseDegraded,
			},
		},
		"NamespaceOfLeavingWorkload": {
			reason:   "A component waits until a workload is gone with its namespace.",
			claim:    claim(was, workloads(), components(till)),
			observed: there,
			want: want{
				conditions: conditions(working, failed("NamespaceConflict",
					"Component till cannot have namespace shop, which is that of workload shop: give it another namespace"), working),
				composed: []string{"cluster", "stack"},
				phase:    v1alpha1.PhaseDegraded,
			},
		},
		"NamespaceOfComponent": {
			reason:   "Who was there first stays.",
			claim:    claim(was, components(till)),
			observed: settle(t, compose.Request{XR: toUnstructured(t, claim(workloads(), components(till)))}).Observed,
			want: want{
				conditions: conditions(working, working, failed("NamespaceConflict",
					"shop: The workload cannot have namespace shop, which is that of component till: give it another in workloads[].namespace")),
				composed: []string{"cluster", "stack"},
				phase:    v1alpha1.PhaseDegraded,
			},
		},
		"NamespaceOfBoth": {
			reason:   "A workload whose namespace is that of a component, by an older version of ours, stays as it is.",
			claim:    claim(was, components(till)),
			observed: both,
			want: want{
				conditions: conditions(working, working, failed("NamespaceConflict",
					"shop: The workload cannot have namespace shop, which is that of component till: give it another in workloads[].namespace")),
				composed: all,
				phase:    v1alpha1.PhaseDegraded,
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, compose.Request{XR: toUnstructured(t, tc.claim), Observed: tc.observed})
			status := v1alpha1.ObservabilityPlatformStatus{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Status, &status); err != nil {
				t.Fatal(err)
			}
			got := want{conditions: res.Conditions, ready: res.Ready, composed: names(res), phase: status.Phase}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestStatus looks at what a platform says of itself.
func TestStatus(t *testing.T) {
	clusterName := compose.Name("team-a", "demo", "cluster")
	ref := &v1alpha1.SecretKeyReference{Name: "remote", Key: "kubeconfig"}
	ready := condition("Ready", "True", "", "")
	row := v1alpha1.ChildStatus{Name: "cert-manager", Version: "v1.21.1", Ready: true}
	there := settle(t, compose.Request{XR: toUnstructured(t, claim())}).Observed
	talking := with(with(with(there,
		"cluster", map[string]any{"conditions": []any{ready}, "version": "1.34", "connection": map[string]any{
			"helmProviderConfigRef": map[string]any{"name": "h"}, "kubernetesProviderConfigRef": map[string]any{"name": "k"}, "apiServerURL": "https://one.example.org",
			"kubeconfigSecretRef": map[string]any{"name": "remote", "key": "kubeconfig"},
		}}),
		"stack", map[string]any{"conditions": []any{ready}, "components": []any{
			map[string]any{"name": "cert-manager", "version": "v1.21.1", "ready": true},
		}}),
		"workload-shop", map[string]any{"conditions": []any{ready}, "chartVersion": "6.9.1"})
	full := v1alpha1.ObservabilityPlatformStatus{
		Phase: v1alpha1.PhaseReady, ClusterRef: &v1alpha1.LocalReference{Name: clusterName}, KubernetesVersion: "1.34", APIServerURL: "https://one.example.org", KubeconfigSecretRef: ref,
		Components: []v1alpha1.ChildStatus{row},
		Workloads:  []v1alpha1.ChildStatus{{Name: "shop", Version: "6.9.1", Ready: true}},
	}
	cases := map[string]struct {
		reason   string
		was      v1alpha1.ObservabilityPlatformStatus
		observed map[string]*unstructured.Unstructured
		want     v1alpha1.ObservabilityPlatformStatus
	}{
		"Nothing": {
			reason: "The cluster's name is known from the beginning.",
			want: v1alpha1.ObservabilityPlatformStatus{
				Phase: v1alpha1.PhaseProvisioning, ClusterRef: &v1alpha1.LocalReference{Name: clusterName},
				Workloads: []v1alpha1.ChildStatus{{Name: "shop", Reason: "Waiting"}},
			},
		},
		"Everything": {
			reason:   "What cluster, stack and workloads say of themselves is passed on.",
			observed: talking,
			want:     full,
		},
		"Silence": {
			reason:   "What they do not say at the moment stays as it was.",
			was:      full,
			observed: there,
			want: v1alpha1.ObservabilityPlatformStatus{
				Phase: v1alpha1.PhaseReady, ClusterRef: &v1alpha1.LocalReference{Name: clusterName}, KubernetesVersion: "1.34", APIServerURL: "https://one.example.org", KubeconfigSecretRef: ref,
				Components: []v1alpha1.ChildStatus{row},
				Workloads:  []v1alpha1.ChildStatus{{Name: "shop", Ready: true}},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			res := run(t, compose.Request{
				XR:       toUnstructured(t, claim(func(c *v1alpha1.ObservabilityPlatform) { c.Status = tc.was })),
				Observed: tc.observed,
			})
			got := v1alpha1.ObservabilityPlatformStatus{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Status, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nstatus: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestRoom adds up what workloads take, in the order of the claim.
func TestRoom(t *testing.T) {
	demo := v1alpha1.PlatformWorkload{Name: "demo", WorkloadParameters: v1alpha1.WorkloadParameters{App: v1alpha1.AppOpenTelemetryDemo}}
	socks := v1alpha1.PlatformWorkload{Name: "socks", WorkloadParameters: v1alpha1.WorkloadParameters{App: v1alpha1.AppSockShop}}
	again := demo
	again.Name = "again"
	on := func(p v1alpha1.Provider, size v1alpha1.InstanceSize, most int64) func(*v1alpha1.ObservabilityPlatform) {
		return func(c *v1alpha1.ObservabilityPlatform) {
			c.Spec.Cluster.Provider, c.Spec.Cluster.Nodes = p, v1alpha1.Nodes{InstanceSize: size, MaxCount: most}
		}
	}
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.ObservabilityPlatform
		want   string
	}{
		"Fits":      {reason: "There is room for both.", claim: claim(on(v1alpha1.ProviderGKE, v1alpha1.InstanceSizeMedium, 2), workloads(demo, socks))},
		"Elsewhere": {reason: "Nobody knows the nodes of a cluster that is there already.", claim: claim(on(v1alpha1.ProviderExisting, v1alpha1.InstanceSizeSmall, 1), workloads(demo, socks))},
		"OwnMachines": {
			reason: "Of machines by a cloud's own name nothing is judged: this one has 32 CPUs.",
			claim: claim(on(v1alpha1.ProviderEKS, v1alpha1.InstanceSizeSmall, 1), workloads(demo), func(c *v1alpha1.ObservabilityPlatform) {
				c.Spec.Cluster.EKS = &v1alpha1.EKSCluster{InstanceTypes: []v1alpha1.InstanceType{"m6i.8xlarge"}}
			}),
		},
		"Adopted": {
			reason: "Nor of nodes that are there already, whatever the defaults say.",
			claim:  claim(on(v1alpha1.ProviderEKS, v1alpha1.InstanceSizeSmall, 1), workloads(demo), func(c *v1alpha1.ObservabilityPlatform) { c.Spec.Cluster.ExternalName = "prod-1" }),
		},
		"SpotOnSystemPool": {
			reason: "Beside spot nodes on AKS workloads run on the system pool, and only there.",
			claim: claim(on(v1alpha1.ProviderAKS, v1alpha1.InstanceSizeXLarge, 2), workloads(demo), func(c *v1alpha1.ObservabilityPlatform) {
				c.Spec.Cluster.Nodes.CapacityType, c.Spec.Cluster.AKS = v1alpha1.CapacityTypeSpot, &v1alpha1.AKSCluster{SystemPool: &v1alpha1.AKSSystemPool{InstanceSize: v1alpha1.InstanceSizeSmall, MaxCount: 1}}
				c.Spec.Cluster.Nodes.MaxCount = 1
			}),
			want: "demo: demo takes 2 CPU and 6Gi of memory, in all 2 CPU and 6Gi of memory; 1 nodes of size Small with 1800m CPU and 6Gi of memory each for pods have 1800m CPU and 6Gi of memory. " +
				"Ask for more or larger nodes in cluster.nodes, or for fewer workloads. The stack needs room besides",
		},
		"First": {
			reason: "The first alone is too large.",
			claim:  claim(on(v1alpha1.ProviderEKS, v1alpha1.InstanceSizeSmall, 1), workloads(demo)),
			want: "demo: demo takes 2 CPU and 6Gi of memory, in all 2 CPU and 6Gi of memory; 1 nodes of size Small with 1800m CPU and 6Gi of memory each for pods have 1800m CPU and 6Gi of memory. " +
				"Ask for more or larger nodes in cluster.nodes, or for fewer workloads. The stack needs room besides",
		},
		"Second": {
			reason: "The first takes what the second would need.",
			claim:  claim(on(v1alpha1.ProviderAKS, v1alpha1.InstanceSizeSmall, 2), workloads(podinfo("tiny"), demo, socks, again)),
			want: "again: tiny takes 100m CPU and 64Mi of memory, demo takes 2 CPU and 6Gi of memory, socks takes 1070m CPU and 2948Mi of memory, again takes 2 CPU and 6Gi of memory, in all 5170m CPU and 15300Mi of memory; " +
				"2 nodes of size Small with 1800m CPU and 6Gi of memory each for pods have 3600m CPU and 12Gi of memory. " +
				"Ask for more or larger nodes in cluster.nodes, or for fewer workloads. The stack needs room besides",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, c := range run(t, compose.Request{XR: toUnstructured(t, tc.claim)}).Conditions {
				if c.Reason == "InsufficientCapacity" {
					got = c.Message
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestObjects looks at what is composed.
func TestObjects(t *testing.T) {
	c := claim(func(c *v1alpha1.ObservabilityPlatform) {
		c.Spec.Workloads[0].Values = &runtime.RawExtension{Raw: []byte(`{"replicaCount": 2}`)}
	})
	res := run(t, settle(t, compose.Request{XR: toUnstructured(t, c)}))
	name := func(part string) string { return compose.Name("team-a", "demo", part) }
	object := func(kind, part string, spec map[string]any) map[string]any {
		return map[string]any{
			"apiVersion": "observe-k8s.io/v1alpha1", "kind": kind,
			"metadata": map[string]any{"name": name(part), "namespace": "team-a"},
			"spec":     spec,
		}
	}
	ref := map[string]any{"name": name("cluster")}
	cases := map[string]struct {
		reason   string
		resource string
		want     map[string]any
	}{
		"Cluster": {
			reason:   "The cluster is what the claim says of it.",
			resource: "cluster",
			want: object("KubernetesCluster", "cluster", map[string]any{
				"provider": "Existing",
				"version":  "1.34",
				"nodes":    map[string]any{"minCount": int64(2), "maxCount": int64(5)},
				"existing": map[string]any{"kubeconfigSecretRef": map[string]any{"name": "remote", "key": "kubeconfig"}},
			}),
		},
		"Stack": {
			reason:   "The stack is what the claim says of it, on the claim's cluster.",
			resource: "stack",
			want: object("ObservabilityStack", "stack", map[string]any{
				"profile": "Minimal", "deployer": "Helm", "clusterRef": ref,
				"workloadRoutes": []any{map[string]any{"name": "shop", "namespace": "shop", "service": "podinfo", "port": int64(9898)}},
			}),
		},
		"Workload": {
			reason:   "A workload lives in a namespace of its own, and asks the stack that observes it for the rest.",
			resource: "workload-shop",
			want: object("Workload", "workload-shop", map[string]any{
				"app": "podinfo", "deployer": "Helm", "clusterRef": ref, "targetNamespace": "shop",
				"values":   map[string]any{"replicaCount": int64(2)},
				"stackRef": map[string]any{"name": name("stack")},
			}),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, res.Resources[tc.resource].Object); diff != "" {
				t.Errorf("\n%s\n%s: -want, +got:\n%s", tc.reason, tc.resource, diff)
			}
		})
	}
}

// TestNamespaceOfWorkload proves that a refused component is not asked for.
func TestNamespaceOfWorkload(t *testing.T) {
	there := settle(t, compose.Request{XR: toUnstructured(t, claim())}).Observed
	chart := &v1alpha1.Chart{Repository: "oci://charts.example.org", Name: "till", Version: "1.2.3"}
	no := false
	res := run(t, compose.Request{Observed: there, XR: toUnstructured(t, claim(components(
		v1alpha1.StackComponent{Name: "till", TargetNamespace: "shop", Chart: chart},
		v1alpha1.StackComponent{Name: "bank", TargetNamespace: "banks", Chart: chart},
		v1alpha1.StackComponent{Name: "bakery", TargetNamespace: "shop", Chart: chart, Enabled: &no},
	)))})
	st := v1alpha1.ObservabilityStack{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(res.Resources["stack"].Object, &st); err != nil {
		t.Fatal(err)
	}
	want := []v1alpha1.StackComponent{
		{Name: "bank", TargetNamespace: "banks", Chart: chart},
		{Name: "bakery", TargetNamespace: "shop", Chart: chart, Enabled: &no},
	}
	if diff := cmp.Diff(want, st.Spec.Components); diff != "" {
		t.Errorf("components of the stack: -want, +got:\n%s", diff)
	}
}

func TestIncludes(t *testing.T) {
	component := func(name string, replicas any) any {
		return map[string]any{"name": name, "values": map[string]any{"replicas": replicas}}
	}
	cases := map[string]struct {
		reason    string
		all, part any
		want      bool
	}{
		"Same":     {"A whole number of a team's values is the same.", []any{component("a", int64(2))}, []any{component("a", 2.0)}, true},
		"Order":    {"The API server keeps the order that it had.", []any{component("a", 1.0), component("b", 1.0)}, []any{component("b", 1.0), component("a", 1.0)}, true},
		"Others":   {"What others add does not matter.", map[string]any{"a": "b", "c": "d"}, map[string]any{"a": "b"}, true},
		"Nothing":  {"Nor does what nobody asks for.", "Standard", nil, true},
		"More":     {"It was not told yet.", []any{component("a", 1.0)}, []any{component("a", 1.0), component("b", 1.0)}, false},
		"New":      {"Not even that there are any.", nil, []any{component("a", int64(1))}, false},
		"Changed":  {"It was told something else.", []any{component("a", 1.0)}, []any{component("a", int64(2))}, false},
		"Scalar":   {"Nor is one word another.", "Minimal", "Standard", false},
		"Mismatch": {"Another type is something else.", map[string]any{}, "Standard", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := includes(tc.all, tc.part); got != tc.want {
				t.Errorf("\n%s\nincludes(%v, %v): want %v, got %v", tc.reason, tc.all, tc.part, tc.want, got)
			}
		})
	}
}

// TestMalformed children are what nobody of ours writes; they must not panic.
func TestMalformed(t *testing.T) {
	there := settle(t, compose.Request{XR: toUnstructured(t, claim())}).Observed
	for _, name := range []string{"cluster", "stack"} {
		w := compose.Request{XR: toUnstructured(t, claim()), Observed: with(there, name, map[string]any{"components": "all", "connection": "yes"})}
		if _, err := compose.Run(w, compose.For(Compose)); err == nil {
			t.Errorf("%s: want an error for a status that is none", name)
		}
	}
}
