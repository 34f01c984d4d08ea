// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend/backendtest"
	"github.com/observe-k8s/observe-k8s/functions/cluster/existing"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// claim is a KubernetesCluster with a kubeconfig, changed by fs.
func claim(fs ...func(*v1alpha1.KubernetesCluster)) *v1alpha1.KubernetesCluster {
	c := &v1alpha1.KubernetesCluster{}
	c.APIVersion, c.Kind = v1alpha1.APIVersion, v1alpha1.KubernetesClusterKind
	c.Namespace, c.Name = "team-a", "demo"
	c.Spec = v1alpha1.ClusterParameters{
		Provider: v1alpha1.ProviderExisting,
		Version:  "1.34",
		Nodes:    v1alpha1.Nodes{Architecture: v1alpha1.ArchitectureARM64},
		Existing: &v1alpha1.ExistingCluster{
			KubeconfigSecretRef:          &v1alpha1.SecretKeyReference{Name: "remote", Key: "kubeconfig"},
			StorageClassName:             "fast",
			ControlPlaneMetricsReachable: true,
			GatewayAPICRDs:               v1alpha1.GatewayAPICRDsPreinstalled,
		},
	}
	for _, f := range fs {
		f(c)
	}
	return c
}

// access that the claim leads to.
func access() *backend.Access {
	name := compose.Name("team-a", "demo", "access")
	return &backend.Access{
		Connection: v1alpha1.Connection{
			HelmProviderConfigRef:       v1alpha1.LocalReference{Name: name},
			KubernetesProviderConfigRef: v1alpha1.LocalReference{Name: name},
			KubeconfigSecretRef:         &v1alpha1.SecretKeyReference{Name: "remote", Key: "kubeconfig"},
			APIServerURL:                "https://one.example.org:6443",
		},
		Capabilities: v1alpha1.Capabilities{
			Architecture:                 v1alpha1.ArchitectureARM64,
			StorageClassName:             "fast",
			ControlPlaneMetricsReachable: true,
			GatewayAPICRDs:               v1alpha1.GatewayAPICRDsPreinstalled,
		},
	}
}

// converge runs until nothing is added any more, everything being ready at once.
func converge(t *testing.T, w compose.Request) (compose.Request, compose.Result) {
	t.Helper()
	worlds, results := backendtest.Rounds(t, existing.Backend{}, w)
	return backendtest.Last(worlds), backendtest.Last(results)
}

// TestGrowth shows which resources appear in which round.
func TestGrowth(t *testing.T) {
	withKubeconfig := []string{"provider-config-helm", "provider-config-kubernetes"}
	cases := map[string]struct {
		reason string
		claim  *v1alpha1.KubernetesCluster
		// want are the names that each round adds.
		want [][]string
	}{
		"Kubeconfig": {
			reason: "First the way to the cluster and what keeps its Secret, then the proof, then what keeps the way.",
			claim:  claim(),
			want: [][]string{
				withKubeconfig,
				{"api-server", "usage-guarded-0-helm", "usage-guarded-0-kubernetes"},
				{"usage-provider-config-kubernetes"},
			},
		},
		"ManagementCluster": {
			reason: "The providers' own identity has no Secret that something would have to keep.",
			claim: claim(func(c *v1alpha1.KubernetesCluster) {
				c.Spec.Existing = &v1alpha1.ExistingCluster{ManagementCluster: true}
			}),
			want: [][]string{withKubeconfig, {"api-server"}, {"usage-provider-config-kubernetes"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := compose.Request{
				XR:       backendtest.ToUnstructured(t, tc.claim),
				Required: map[string][]*unstructured.Unstructured{"kubeconfig": {backendtest.KubeconfigSecret(t, nil)}},
				Settings: compose.Settings{ManagementClusterNamespaces: []string{"team-a"}},
			}
			got := backendtest.Added(backendtest.Rounds(t, existing.Backend{}, w))
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nnames by round: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestCompose looks at what a claim comes to, from nothing and once it is there.
func TestCompose(t *testing.T) {
	type want struct {
		conditions []compose.Condition
		phase      v1alpha1.Phase
		access     *backend.Access
		composed   []string
	}
	everything := []string{
		"api-server", "provider-config-helm", "provider-config-kubernetes",
		"usage-guarded-0-helm", "usage-guarded-0-kubernetes", "usage-provider-config-kubernetes",
	}
	configs := []string{"provider-config-helm", "provider-config-kubernetes"}
	provider := func(p v1alpha1.Provider) func(*v1alpha1.KubernetesCluster) {
		return func(c *v1alpha1.KubernetesCluster) { c.Spec.Provider = p }
	}
	existingCluster := func(e *v1alpha1.ExistingCluster) func(*v1alpha1.KubernetesCluster) {
		return func(c *v1alpha1.KubernetesCluster) { c.Spec.Existing = e }
	}
	was := func(c *v1alpha1.KubernetesCluster) {
		c.Status = v1alpha1.KubernetesClusterStatus{Phase: v1alpha1.PhaseReady, Connection: &access().Connection, Capabilities: &access().Capabilities}
	}
	secret := []*unstructured.Unstructured{backendtest.KubeconfigSecret(t, nil)}
	none := []*unstructured.Unstructured{}
	exec := []*unstructured.Unstructured{backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { c.User["exec"] = map[string]any{"command": backendtest.Canary} })}

	w, _ := converge(t, compose.Request{XR: backendtest.ToUnstructured(t, claim()), Required: map[string][]*unstructured.Unstructured{"kubeconfig": secret}})
	there := w.Observed
	unreachable := maps.Clone(there)
	unreachable["api-server"] = unreachable["api-server"].DeepCopy()
	unreachable["api-server"].Object["status"] = map[string]any{"conditions": []any{
		map[string]any{"type": "Synced", "status": "False", "reason": "ReconcileError", "message": "no route to host"},
		map[string]any{"type": "Ready", "status": "True"},
	}}

	const (
		notAllowed = "The platform team has not allowed namespace team-a to use the management cluster. Give a kubeconfig in existing.kubeconfigSecretRef, or ask for the namespace to be added to the function's --management-cluster-namespaces"
		notFound   = "Secret remote does not exist in this namespace. Create it with a kubeconfig in its key kubeconfig"
		program    = "Key kubeconfig of Secret remote gets its credentials from a program (exec or auth-provider), which would run inside the providers' pods. Put a token or a client certificate into it, for example of a ServiceAccount"
	)
	failed := func(reason, message string) []compose.Condition {
		return []compose.Condition{{Type: "AccessReady", Reason: reason, Message: message}}
	}
	working := []compose.Condition{{Type: "AccessReady", Ready: true, Reason: "Available"}}
	management := &v1alpha1.ExistingCluster{ManagementCluster: true}

	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.KubernetesCluster
		observed map[string]*unstructured.Unstructured
		// secret is the answer to the requirement; nil when there is none yet.
		secret   []*unstructured.Unstructured
		settings compose.Settings
		want     want
	}{
		"NotAnswered": {
			reason: "Until the Secret was read, nothing is composed, and nothing is wrong.",
			claim:  claim(),
			want: want{
				conditions: failed("Waiting", "Waiting for Secret remote to be read"),
				phase:      v1alpha1.PhasePending,
			},
		},
		"NoSecret": {
			reason: "Without its Secret nothing is composed, and one knows what to do.",
			claim:  claim(),
			secret: none,
			want: want{
				conditions: failed("KubeconfigSecretNotFound", notFound),
				phase:      v1alpha1.PhasePending,
			},
		},
		"Refused": {
			reason: "No provider gets to see a kubeconfig that would run a program.",
			claim:  claim(),
			secret: exec,
			want: want{
				conditions: failed("InvalidKubeconfig", program),
				phase:      v1alpha1.PhasePending,
			},
		},
		"Begin": {
			reason: "With its Secret the way to the cluster is composed, and known at once.",
			claim:  claim(),
			secret: secret,
			want: want{
				conditions: failed("Creating", "ProviderConfig "+access().HelmProviderConfigRef.Name+" is being created"),
				phase:      v1alpha1.PhaseProvisioning,
				access:     access(),
				composed:   configs,
			},
		},
		"Ready": {
			reason:   "A cluster is ready when its API server answers and everything is protected.",
			claim:    claim(),
			observed: there,
			secret:   secret,
			want:     want{conditions: working, phase: v1alpha1.PhaseReady, access: access(), composed: everything},
		},
		"SecretUnanswered": {
			reason:   "A requirement that is not answered at the moment changes nothing.",
			claim:    claim(was),
			observed: there,
			want:     want{conditions: working, phase: v1alpha1.PhaseReady, access: access(), composed: everything},
		},
		"SecretVanished": {
			reason:   "A Secret that vanished takes nothing with it, and one knows what to do.",
			claim:    claim(was),
			observed: there,
			secret:   none,
			want: want{
				conditions: failed("KubeconfigSecretNotFound", notFound),
				phase:      v1alpha1.PhaseDegraded,
				access:     access(),
				composed:   everything,
			},
		},
		"SecretChangedForTheWorse": {
			reason:   "A kubeconfig that is refused takes nothing with it.",
			claim:    claim(was),
			observed: there,
			secret:   exec,
			want: want{
				conditions: failed("InvalidKubeconfig", program),
				phase:      v1alpha1.PhaseDegraded,
				access:     access(),
				composed:   everything,
			},
		},
		"StatusLost": {
			reason:   "A cluster restored without its status and its Secret keeps everything.",
			claim:    claim(),
			observed: there,
			secret:   none,
			want: want{
				conditions: failed("KubeconfigSecretNotFound", notFound),
				phase:      v1alpha1.PhaseProvisioning,
				composed:   everything,
			},
		},
		"Unreachable": {
			reason:   "A cluster that does not answer keeps everything, and one knows where to look.",
			claim:    claim(was),
			observed: unreachable,
			secret:   secret,
			want: want{
				conditions: failed("Unreachable", "The API server does not answer. Check that the cluster runs and that its kubeconfig is valid. Object "+
					compose.Name("team-a", "demo", "api-server")+": no route to host"),
				phase:    v1alpha1.PhaseDegraded,
				access:   access(),
				composed: everything,
			},
		},
		"ManagementClusterByDefault": {
			reason: "By default nobody gets the providers' own identity.",
			claim:  claim(existingCluster(management)),
			want: want{
				conditions: failed("ManagementClusterNotAllowed", notAllowed),
				phase:      v1alpha1.PhasePending,
			},
		},
		"ManagementClusterOfOthers": {
			reason:   "What others may do says nothing about this namespace.",
			claim:    claim(existingCluster(management)),
			settings: compose.Settings{ManagementClusterNamespaces: []string{"team-b", "team", "team-a*"}},
			want: want{
				conditions: failed("ManagementClusterNotAllowed", notAllowed),
				phase:      v1alpha1.PhasePending,
			},
		},
		"ManagementClusterAllowed": {
			reason:   "The platform team allows it by namespace.",
			claim:    claim(existingCluster(management)),
			settings: compose.Settings{ManagementClusterNamespaces: []string{"team-b", "team-a"}},
			want: want{
				conditions: failed("Creating", "ProviderConfig "+access().HelmProviderConfigRef.Name+" is being created"),
				phase:      v1alpha1.PhaseProvisioning,
				access: &backend.Access{
					Connection:   v1alpha1.Connection{HelmProviderConfigRef: access().HelmProviderConfigRef, KubernetesProviderConfigRef: access().KubernetesProviderConfigRef},
					Capabilities: v1alpha1.Capabilities{Architecture: v1alpha1.ArchitectureARM64},
				},
				composed: configs,
			},
		},
		"ManagementClusterAllowedForAll": {
			reason:   "The platform team allows it for all.",
			claim:    claim(existingCluster(management)),
			settings: compose.Settings{ManagementClusterNamespaces: []string{"*"}},
			want: want{
				conditions: failed("Creating", "ProviderConfig "+access().HelmProviderConfigRef.Name+" is being created"),
				phase:      v1alpha1.PhaseProvisioning,
				access: &backend.Access{
					Connection:   v1alpha1.Connection{HelmProviderConfigRef: access().HelmProviderConfigRef, KubernetesProviderConfigRef: access().KubernetesProviderConfigRef},
					Capabilities: v1alpha1.Capabilities{Architecture: v1alpha1.ArchitectureARM64},
				},
				composed: configs,
			},
		},
		"ManagementClusterNoLongerAllowed": {
			reason:   "What runs is not torn down because a flag changed.",
			claim:    claim(existingCluster(management), was),
			observed: there,
			want: want{
				conditions: failed("ManagementClusterNotAllowed", notAllowed),
				phase:      v1alpha1.PhaseDegraded,
				access:     access(),
				composed:   everything,
			},
		},
		"NoBlock": {
			reason: "A claim that got past an older schema is told what is missing.",
			claim:  claim(existingCluster(nil)),
			want: want{
				conditions: failed("InvalidSpec", "Provider Existing needs the section existing"),
				phase:      v1alpha1.PhasePending,
			},
		},
		"EmptyBlock": {
			reason: "A claim that got past an older schema is told what is missing.",
			claim:  claim(existingCluster(&v1alpha1.ExistingCluster{})),
			want: want{
				conditions: failed("InvalidSpec", "Provider Existing needs existing.kubeconfigSecretRef or existing.managementCluster"),
				phase:      v1alpha1.PhasePending,
			},
		},
		"UnknownProvider": {
			reason:   "A provider that this version does not know takes nothing with it.",
			claim:    claim(provider("Nomad"), was),
			observed: there,
			want: want{
				conditions: failed("Unsupported", "Provider Nomad is not available yet. The schema lists those that are"),
				phase:      v1alpha1.PhaseDegraded,
				access:     access(),
				composed:   everything,
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := compose.Request{XR: backendtest.ToUnstructured(t, tc.claim), Observed: tc.observed, Required: map[string][]*unstructured.Unstructured{}, Settings: tc.settings}
			if tc.secret != nil {
				w.Required["kubeconfig"] = tc.secret
			}
			res, err := compose.Run(w, compose.For(Compose))
			if err != nil {
				t.Fatal(err)
			}
			status := backendtest.Status(t, res)
			if diff := cmp.Diff("1.34", status.Version); diff != "" {
				t.Errorf("\n%s\nversion: -want, +got:\n%s", tc.reason, diff)
			}
			got := want{conditions: res.Conditions, phase: status.Phase, access: backend.AccessOf(status), composed: slices.Sorted(maps.Keys(res.Resources))}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nCompose(...): -want, +got:\n%s", tc.reason, diff)
			}
			for _, e := range res.Events {
				if strings.Contains(e.Message, backendtest.Canary) {
					t.Errorf("an event quotes the kubeconfig: %s", e.Message)
				}
			}
		})
	}
}

// TestRequirements are the same in every run: Crossplane asks again as long as
// they change.
func TestRequirements(t *testing.T) {
	want := []compose.Requirement{{Name: "kubeconfig", APIVersion: "v1", Kind: "Secret", Namespace: "team-a", ObjectName: "remote"}}
	for name, answer := range map[string]map[string][]*unstructured.Unstructured{
		"NotAnswered": nil,
		"NotFound":    {"kubeconfig": {}},
		"Found":       {"kubeconfig": {backendtest.KubeconfigSecret(t, nil)}},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := compose.Run(compose.Request{XR: backendtest.ToUnstructured(t, claim()), Required: answer}, compose.For(Compose))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, res.Requirements); diff != "" {
				t.Errorf("requirements: -want, +got:\n%s", diff)
			}
		})
	}
}

// TestObjects looks at the composed objects in full.
func TestObjects(t *testing.T) {
	_, kubeconfig := converge(t, compose.Request{
		XR:       backendtest.ToUnstructured(t, claim()),
		Required: map[string][]*unstructured.Unstructured{"kubeconfig": {backendtest.KubeconfigSecret(t, nil)}},
	})
	_, management := converge(t, compose.Request{
		XR: backendtest.ToUnstructured(t, claim(func(c *v1alpha1.KubernetesCluster) {
			c.Spec.Existing = &v1alpha1.ExistingCluster{ManagementCluster: true}
		})),
		Settings: compose.Settings{ManagementClusterNamespaces: []string{"*"}},
	})
	name := access().HelmProviderConfigRef.Name
	probe := compose.Name("team-a", "demo", "api-server")
	secret := map[string]any{"source": "Secret", "secretRef": map[string]any{"name": "remote", "namespace": "team-a", "key": "kubeconfig"}}
	identity := map[string]any{"source": "InjectedIdentity"}
	config := func(apiVersion string, credentials map[string]any) map[string]any {
		return map[string]any{
			"apiVersion": apiVersion,
			"kind":       "ProviderConfig",
			"metadata":   map[string]any{"name": name, "namespace": "team-a"},
			"spec":       map[string]any{"credentials": credentials},
		}
	}
	reference := func(apiVersion, kind, name string) map[string]any {
		return map[string]any{"apiVersion": apiVersion, "kind": kind, "resourceRef": map[string]any{"name": name}}
	}
	usage := func(resource string, of, by map[string]any) map[string]any {
		return map[string]any{
			"apiVersion": "protection.crossplane.io/v1beta1",
			"kind":       "Usage",
			"metadata":   map[string]any{"name": compose.Name("team-a", "demo", resource), "namespace": "team-a"},
			"spec":       map[string]any{"of": of, "by": by, "replayDeletion": true},
		}
	}
	// What belongs to the team is kept, and not deleted later on.
	guard := func(resource string, of, by map[string]any) map[string]any {
		u := usage(resource, of, by)
		u["spec"] = map[string]any{"of": of, "by": by}
		return u
	}
	helm := reference("helm.m.crossplane.io/v1beta1", "ProviderConfig", name)
	kubernetes := reference("kubernetes.m.crossplane.io/v1alpha1", "ProviderConfig", name)
	cases := map[string]struct {
		reason   string
		res      compose.Result
		resource string
		want     map[string]any
	}{
		"Helm": {
			reason:   "The Secret is the one of the claim's own namespace.",
			res:      kubeconfig,
			resource: "provider-config-helm",
			want:     config("helm.m.crossplane.io/v1beta1", secret),
		},
		"Kubernetes": {
			reason:   "Both providers are told the same.",
			res:      kubeconfig,
			resource: "provider-config-kubernetes",
			want:     config("kubernetes.m.crossplane.io/v1alpha1", secret),
		},
		"ManagementHelm": {
			reason:   "The management cluster is reached with the providers' own identity.",
			res:      management,
			resource: "provider-config-helm",
			want:     config("helm.m.crossplane.io/v1beta1", identity),
		},
		"ManagementKubernetes": {
			reason:   "The management cluster is reached with the providers' own identity.",
			res:      management,
			resource: "provider-config-kubernetes",
			want:     config("kubernetes.m.crossplane.io/v1alpha1", identity),
		},
		"Probe": {
			reason:   "The probe only looks, and is told by what it sees.",
			res:      kubeconfig,
			resource: "api-server",
			want: map[string]any{
				"apiVersion": "kubernetes.m.crossplane.io/v1alpha1",
				"kind":       "Object",
				"metadata": map[string]any{
					"name": probe, "namespace": "team-a",
					"annotations": map[string]any{"crossplane.io/poll-interval": "30s"},
				},
				"spec": map[string]any{
					"managementPolicies": []any{"Observe"},
					"providerConfigRef":  map[string]any{"kind": "ProviderConfig", "name": name},
					"readiness":          map[string]any{"policy": "DeriveFromCelQuery", "celQuery": `object.status.phase == "Active"`},
					"forProvider": map[string]any{"manifest": map[string]any{
						"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "kube-system"},
					}},
				},
			},
		},
		"ConfigOutlivesProbe": {
			reason:   "What looks at the cluster goes before the way to it.",
			res:      kubeconfig,
			resource: "usage-provider-config-kubernetes",
			want:     usage("usage-provider-config-kubernetes", kubernetes, reference("kubernetes.m.crossplane.io/v1alpha1", "Object", probe)),
		},
		"SecretOutlivesHelm": {
			reason:   "The way to the cluster goes before its credentials.",
			res:      kubeconfig,
			resource: "usage-guarded-0-helm",
			want:     guard("usage-guarded-0-helm", reference("v1", "Secret", "remote"), helm),
		},
		"SecretOutlivesKubernetes": {
			reason:   "The way to the cluster goes before its credentials.",
			res:      kubeconfig,
			resource: "usage-guarded-0-kubernetes",
			want:     guard("usage-guarded-0-kubernetes", reference("v1", "Secret", "remote"), kubernetes),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.res.Resources[tc.resource].Object); diff != "" {
				t.Errorf("\n%s\n%s: -want, +got:\n%s", tc.reason, tc.resource, diff)
			}
		})
	}
}
