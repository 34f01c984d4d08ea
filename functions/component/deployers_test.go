// SPDX-License-Identifier: Apache-2.0

package component

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func by(e v1alpha1.Deployer) func(*v1alpha1.Component) {
	return func(c *v1alpha1.Component) { c.Spec.Deployer = e }
}

func of(s v1alpha1.ComponentSource) func(*v1alpha1.Component) {
	return func(c *v1alpha1.Component) { c.Spec.Source = s }
}

func oci(version, digest string) v1alpha1.ComponentSource {
	return v1alpha1.ComponentSource{Chart: &v1alpha1.Chart{Repository: "oci://charts.example.org/team", Name: "shop", Version: version, Digest: digest}}
}

func git(ref v1alpha1.GitRef, k *v1alpha1.Kustomize) v1alpha1.ComponentSource {
	return v1alpha1.ComponentSource{Git: &v1alpha1.GitSource{URL: "https://git.example.org/shop.git", Ref: ref, Path: "deploy/demo", Kustomize: k}}
}

func valued(raw string, from ...v1alpha1.ValuesReference) func(*v1alpha1.Component) {
	return func(c *v1alpha1.Component) {
		c.Spec.Values, c.Spec.ValuesFrom = &runtime.RawExtension{Raw: []byte(raw)}, from
	}
}

// manifests are what is brought to the cluster, without the namespace, by name.
func manifests(res compose.Result) map[string]any {
	out := map[string]any{}
	for name, d := range res.Resources {
		if m, ok, _ := unstructured.NestedMap(d.Object, "spec", "forProvider", "manifest"); ok && name != resourceNamespace {
			out[name] = m
		}
	}
	return out
}

// fluxed is an object of Flux named after the component.
func fluxed(apiVersion, kind string, spec map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": apiVersion, "kind": kind,
		"metadata": map[string]any{"name": "shop-828f9afb", "namespace": "shops"},
		"spec":     spec,
	}
}

// helmRelease with what differs from one to the other.
func helmRelease(differs map[string]any) map[string]any {
	spec := map[string]any{
		"interval": "5m", "timeout": "5m", "releaseName": "shop-828f9afb", "maxHistory": int64(5),
		"driftDetection": map[string]any{"mode": "enabled"},
		"install":        map[string]any{"crds": "CreateReplace", "strategy": map[string]any{"name": "RetryOnFailure", "retryInterval": "30s"}},
		"upgrade":        map[string]any{"crds": "CreateReplace", "strategy": map[string]any{"name": "RetryOnFailure", "retryInterval": "30s"}},
	}
	maps.Copy(spec, differs)
	return fluxed("helm.toolkit.fluxcd.io/v2", "HelmRelease", spec)
}

func ociRepository(ref map[string]any) map[string]any {
	return fluxed("source.toolkit.fluxcd.io/v1", "OCIRepository", map[string]any{
		"interval": "5m", "url": "oci://charts.example.org/team/shop", "ref": ref,
		"layerSelector": map[string]any{"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "operation": "copy"},
	})
}

// applied is an Application with a source.
func applied(source map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": map[string]any{
			"name": "shop-828f9afb", "namespace": "argocd",
			"finalizers":  []any{"resources-finalizer.argocd.argoproj.io"},
			"annotations": map[string]any{"argocd.argoproj.io/compare-options": "ServerSideDiff=true"},
		},
		"spec": map[string]any{
			"project": "default", "source": source,
			"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": "shops"},
			"syncPolicy": map[string]any{
				"automated":   map[string]any{"prune": true, "selfHeal": true},
				"syncOptions": []any{"ServerSideApply=true"},
				"retry": map[string]any{
					"limit": int64(-1), "refresh": true,
					"backoff": map[string]any{"duration": "10s", "factor": int64(2), "maxDuration": "2m"},
				},
			},
		},
	}
}

// TestDeployers shows what each deployer makes of each source.
func TestDeployers(t *testing.T) {
	const flux, argo = v1alpha1.DeployerFlux, v1alpha1.DeployerArgoCD
	k := &v1alpha1.Kustomize{
		Images:  []v1alpha1.KustomizeImage{{Name: "shop", NewName: "mirror/shop", NewTag: "v2"}, {Name: "till", NewTag: "v3"}},
		Patches: []v1alpha1.KustomizePatch{{Patch: "- op: remove", Target: &v1alpha1.KustomizeTarget{Kind: "Deployment"}}},
	}
	patched := []any{map[string]any{"patch": "- op: remove", "target": map[string]any{"kind": "Deployment"}}}
	object := runtime.RawExtension{Raw: []byte(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}`)}
	carried := map[string]any{"manifests": []any{map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}}}}
	peer := dependencyOf("True", tillLeaf)
	peer.Object["spec"] = map[string]any{"deployer": "Flux", "targetNamespace": "tills", "source": map[string]any{"chart": map[string]any{}}}
	mirrored := compose.Settings{ChartMirror: &compose.Mirror{Prefix: "mirror.example.org/charts", PlainHTTP: true}}
	byOCI := map[string]any{"kind": "OCIRepository", "name": "shop-828f9afb"}

	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.Component
		settings compose.Settings
		required map[string][]*unstructured.Unstructured
		want     map[string]any
	}{
		"FluxHTTP": {
			reason: "A repository over HTTP is looked into by Flux itself.",
			claim:  claim(by(flux), valued(`{"a":1}`)),
			want: map[string]any{
				"helm-repository": fluxed("source.toolkit.fluxcd.io/v1", "HelmRepository", map[string]any{"interval": "5m", "url": "https://charts.example.org"}),
				"helm-release": helmRelease(map[string]any{
					"values": map[string]any{"a": float64(1)},
					"chart": map[string]any{"spec": map[string]any{
						"chart": "shop", "version": "1.2.3", "interval": "5m",
						"sourceRef": map[string]any{"kind": "HelmRepository", "name": "shop-828f9afb"},
					}},
				}),
			},
		},
		"FluxOCI": {
			reason: "Tags have no plus.",
			claim:  claim(by(flux), of(oci("1.2.3+a", ""))),
			want: map[string]any{
				"oci-repository": ociRepository(map[string]any{"tag": "1.2.3_a"}),
				"helm-release":   helmRelease(map[string]any{"chartRef": byOCI}),
			},
		},
		"FluxDigest": {
			reason: "A digest says more than a tag.",
			claim:  claim(by(flux), of(oci("1.2.3", "sha256:abc"))),
			want: map[string]any{
				"oci-repository": ociRepository(map[string]any{"digest": "sha256:abc"}),
				"helm-release":   helmRelease(map[string]any{"chartRef": byOCI}),
			},
		},
		"FluxMirror": {
			reason:   "A mirror is an OCI registry, whatever the repository was.",
			claim:    claim(by(flux)),
			settings: mirrored,
			want: map[string]any{
				"oci-repository": fluxed("source.toolkit.fluxcd.io/v1", "OCIRepository", map[string]any{
					"interval": "5m", "url": "oci://mirror.example.org/charts/charts.example.org/shop", "ref": map[string]any{"tag": "1.2.3"}, "insecure": true,
					"layerSelector": map[string]any{"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "operation": "copy"},
				}),
				"helm-release": helmRelease(map[string]any{"chartRef": byOCI}),
			},
		},
		"FluxDependsOn": {
			reason:   "Flux too waits for what it deploys itself.",
			claim:    claim(by(flux), of(oci("1.2.3", "")), needsTill),
			required: answers("cluster", reachable("True"), "component-till", peer),
			want: map[string]any{
				"oci-repository": ociRepository(map[string]any{"tag": "1.2.3"}),
				"helm-release": helmRelease(map[string]any{
					"chartRef":  byOCI,
					"dependsOn": []any{map[string]any{"name": compose.NameMax(53, "team-a", "till"), "namespace": "tills"}},
				}),
			},
		},
		"FluxDependsOnHelm": {
			reason:   "Flux knows nothing of what others deploy.",
			claim:    claim(by(flux), of(oci("1.2.3", "")), needsTill),
			required: answers("cluster", reachable("True"), "component-till", dependencyOf("True", tillLeaf)),
			want: map[string]any{
				"oci-repository": ociRepository(map[string]any{"tag": "1.2.3"}),
				"helm-release":   helmRelease(map[string]any{"chartRef": byOCI}),
			},
		},
		"FluxPrivateGit": {
			reason: "What not everybody may read is read with a Secret of the cluster.",
			claim: claim(by(flux), of(git(v1alpha1.GitRef{Branch: "main"}, nil)), func(c *v1alpha1.Component) {
				c.Spec.Source.Git.SecretRef = &v1alpha1.GitSecretReference{Name: "git"}
			}),
			want: map[string]any{
				"git-repository": fluxed("source.toolkit.fluxcd.io/v1", "GitRepository", map[string]any{
					"interval": "5m", "url": "https://git.example.org/shop.git", "ref": map[string]any{"branch": "main"},
					"secretRef": map[string]any{"name": "git"},
				}),
				"kustomization": fluxed("kustomize.toolkit.fluxcd.io/v1", "Kustomization", map[string]any{
					"interval": "5m", "retryInterval": "30s", "timeout": "5m", "path": "./deploy/demo", "prune": true, "wait": true,
					"targetNamespace": "shops", "sourceRef": map[string]any{"kind": "GitRepository", "name": "shop-828f9afb"},
				}),
			},
		},
		"FluxGit": {
			reason: "What is in Git is built by kustomize.",
			claim:  claim(by(flux), of(git(v1alpha1.GitRef{Tag: "v1"}, k))),
			want: map[string]any{
				"git-repository": fluxed("source.toolkit.fluxcd.io/v1", "GitRepository", map[string]any{
					"interval": "5m", "url": "https://git.example.org/shop.git", "ref": map[string]any{"tag": "v1"},
				}),
				"kustomization": fluxed("kustomize.toolkit.fluxcd.io/v1", "Kustomization", map[string]any{
					"interval": "5m", "retryInterval": "30s", "timeout": "5m", "path": "./deploy/demo", "prune": true, "wait": true,
					"targetNamespace": "shops", "sourceRef": map[string]any{"kind": "GitRepository", "name": "shop-828f9afb"},
					"images":  []any{map[string]any{"name": "shop", "newName": "mirror/shop", "newTag": "v2"}, map[string]any{"name": "till", "newTag": "v3"}},
					"patches": patched,
				}),
			},
		},
		"FluxManifests": {
			reason: "Manifests are values of a chart of ours.",
			claim:  claim(by(flux), of(v1alpha1.ComponentSource{Manifests: []runtime.RawExtension{object}})),
			want: map[string]any{
				"oci-repository": fluxed("source.toolkit.fluxcd.io/v1", "OCIRepository", map[string]any{
					"interval": "5m", "url": "oci://ghcr.io/observe-k8s/charts/manifests", "ref": map[string]any{"tag": ManifestsChart().Version},
					"layerSelector": map[string]any{"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "operation": "copy"},
				}),
				"helm-release": helmRelease(map[string]any{"chartRef": byOCI, "values": carried}),
			},
		},
		"ArgoCDHTTP": {
			reason: "A repository over HTTP is given by its URL.",
			claim:  claim(by(argo), valued(`{"a":1}`)),
			want: map[string]any{"application": applied(map[string]any{
				"repoURL": "https://charts.example.org", "chart": "shop", "targetRevision": "1.2.3",
				"helm": map[string]any{"releaseName": "shop-828f9afb", "valuesObject": map[string]any{"a": float64(1)}},
			})},
		},
		"ArgoCDOCI": {
			reason: "An OCI registry is given without a scheme.",
			claim:  claim(by(argo), of(oci("1.2.3", ""))),
			want: map[string]any{"application": applied(map[string]any{
				"repoURL": "charts.example.org/team", "chart": "shop", "targetRevision": "1.2.3",
				"helm": map[string]any{"releaseName": "shop-828f9afb"},
			})},
		},
		"ArgoCDGit": {
			reason: "The same as Flux makes of it.",
			claim:  claim(by(argo), of(git(v1alpha1.GitRef{Semver: ">=1.0.0"}, k))),
			want: map[string]any{"application": applied(map[string]any{
				"repoURL": "https://git.example.org/shop.git", "targetRevision": ">=1.0.0", "path": "deploy/demo",
				"kustomize": map[string]any{"namespace": "shops", "images": []any{"shop=mirror/shop:v2", "till=till:v3"}, "patches": patched},
			})},
		},
		"ArgoCDManifests": {
			reason: "Manifests are values of a chart of ours.",
			claim:  claim(by(argo), of(v1alpha1.ComponentSource{Manifests: []runtime.RawExtension{object}})),
			want: map[string]any{"application": applied(map[string]any{
				"repoURL": "ghcr.io/observe-k8s/charts", "chart": "manifests", "targetRevision": ManifestsChart().Version,
				"helm": map[string]any{"releaseName": "shop-828f9afb", "valuesObject": carried},
			})},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if tc.required == nil {
				tc.required = answers("cluster", reachable("True"))
			}
			w := compose.Request{XR: toUnstructured(t, tc.claim), Required: tc.required, Settings: tc.settings}
			w.Observed = observe(run(t, w))
			if diff := cmp.Diff(tc.want, manifests(run(t, w))); diff != "" {
				t.Errorf("\n%s\nmanifests: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestLaterDependency shows that what becomes a dependency later does not hold up
// what Flux has brought already, and stays one once it worked.
func TestLaterDependency(t *testing.T) {
	peer := func(status string) *unstructured.Unstructured {
		o := dependencyOf(status, tillLeaf)
		o.Object["spec"] = map[string]any{"deployer": "Flux", "targetNamespace": "tills", "source": map[string]any{"chart": map[string]any{}}}
		return o
	}
	dependsOn := func(w compose.Request) any {
		v, _, _ := unstructured.NestedSlice(run(t, w).Resources["helm-release"].Object, "spec", "forProvider", "manifest", "spec", "dependsOn")
		return v
	}
	w := converge(t, compose.Request{XR: toUnstructured(t, claim(by(v1alpha1.DeployerFlux))), Required: answers("cluster", reachable("True"))})
	w.XR = toUnstructured(t, claim(by(v1alpha1.DeployerFlux), needsTill))

	till := []any{map[string]any{"name": compose.NameMax(53, "team-a", "till"), "namespace": "tills"}}
	for _, step := range []struct {
		reason, status string
		want           any
	}{
		{"It does not work yet.", "False", []any(nil)},
		{"Now it does.", "True", till},
		{"It did once.", "False", till},
	} {
		w.Required = answers("cluster", reachable("True"), "component-till", peer(step.status))
		if diff := cmp.Diff(step.want, dependsOn(w)); diff != "" {
			t.Errorf("%s dependsOn: -want, +got:\n%s", step.reason, diff)
		}
		w.Observed = observe(run(t, w))
	}
}

// TestDeployerGrowth shows which resources appear in which round, and what goes
// before what.
func TestDeployerGrowth(t *testing.T) {
	cases := map[string]struct {
		deployer v1alpha1.Deployer
		want     [][]string
		leaves   []string
	}{
		"Flux": {
			deployer: v1alpha1.DeployerFlux,
			want: [][]string{
				{"namespace"},
				{"helm-release", "oci-repository", "usage-namespace-access"},
				{"usage-access", "usage-component-till", "usage-namespace", "usage-oci-repository"},
				{},
			},
			leaves: []string{"shop-helm-release-f9bb186b", "shop-oci-repository-2ce7b3e1"},
		},
		"ArgoCD": {
			deployer: v1alpha1.DeployerArgoCD,
			want: [][]string{
				{"namespace"},
				{"application", "usage-namespace-access"},
				{"usage-access", "usage-component-till", "usage-namespace"},
				{},
			},
			leaves: []string{"shop-application-666bf025"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := compose.Request{
				XR:       toUnstructured(t, claim(by(tc.deployer), of(oci("1.2.3", "")), needsTill)),
				Required: answers("cluster", reachable("True"), "component-till", dependencyOf("True", tillLeaf)),
			}
			var got [][]string
			var res compose.Result
			for range tc.want {
				res = run(t, w)
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
				t.Errorf("names by round: -want, +got:\n%s", diff)
			}
			var leaves []string
			for _, l := range compose.ManagedRefs(&unstructured.Unstructured{Object: map[string]any{"status": res.Status}}) {
				leaves = append(leaves, l.Name)
			}
			if diff := cmp.Diff(tc.leaves, leaves); diff != "" {
				t.Errorf("leaves: -want, +got:\n%s", diff)
			}
		})
	}
}

// TestSourceGoesFirst proves that nothing that needs Flux outlives it: the
// source goes before the HelmRelease, and that before the dependencies.
func TestSourceGoesFirst(t *testing.T) {
	w := converge(t, compose.Request{
		XR:       toUnstructured(t, claim(by(v1alpha1.DeployerFlux), of(oci("1.2.3", "")), needsTill)),
		Required: answers("cluster", reachable("True"), "component-till", dependencyOf("True", tillLeaf)),
	})
	got := map[string][2]string{}
	for name, o := range w.Observed {
		if o.GetKind() == "Usage" {
			got[name] = [2]string{stringField(o, "spec", "of", "resourceRef", "name"), stringField(o, "spec", "by", "resourceRef", "name")}
		}
	}
	release, source, ns := "shop-helm-release-f9bb186b", "shop-oci-repository-2ce7b3e1", w.Observed["namespace"].GetName()
	want := map[string][2]string{
		"usage-access":           {"kubernetes-config", release},
		"usage-component-till":   {"till-release", release},
		"usage-namespace":        {ns, release},
		"usage-namespace-access": {"kubernetes-config", ns},
		"usage-oci-repository":   {release, source},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is protected, and by what: -want, +got:\n%s", diff)
	}
}

// TestValuesOfDeployers shows how values from elsewhere reach deployers that cannot
// look into the claim's namespace.
func TestValuesOfDeployers(t *testing.T) {
	from := func(name string, optional bool) v1alpha1.ValuesReference {
		return v1alpha1.ValuesReference{Kind: v1alpha1.ValuesFromConfigMap, Name: name, Key: "values.yaml", Optional: optional}
	}
	configMap := func(text string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"values.yaml": text}}}
	}
	up := func(kv ...any) map[string][]*unstructured.Unstructured {
		return answers(append([]any{"cluster", reachable("True")}, kv...)...)
	}
	own := valued(`{"own":1,"both":{"own":true}}`, from("one", false), from("two", true))
	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.Component
		required map[string][]*unstructured.Unstructured
		values   map[string]any
		says     compose.Condition
	}{
		"Layered": {
			reason:   "Later ones win, and values in place over all.",
			claim:    claim(by(v1alpha1.DeployerFlux), own),
			required: up("values-one", configMap("{a: 1, own: 0, both: {one: true}}"), "values-two", configMap("{a: 2, both: {own: false}}")),
			values:   map[string]any{"a": float64(2), "own": float64(1), "both": map[string]any{"one": true, "own": true}},
			says:     compose.Condition{Reason: "Creating"},
		},
		"OptionalIsMissing": {
			reason:   "What is optional may be missing.",
			claim:    claim(by(v1alpha1.DeployerFlux), own),
			required: up("values-one", configMap("{a: 1}"), "values-two", nothing),
			values:   map[string]any{"a": float64(1), "own": float64(1), "both": map[string]any{"own": true}},
			says:     compose.Condition{Reason: "Creating"},
		},
		"Missing": {
			reason:   "What is not optional is waited for, by name.",
			claim:    claim(by(v1alpha1.DeployerFlux), own),
			required: up("values-one", nothing, "values-two", nothing),
			says:     compose.Condition{Reason: "ValuesNotFound", Message: "ConfigMap one with key values.yaml does not exist in this namespace"},
		},
		"NotAMap": {
			reason:   "The message does not quote what is there.",
			claim:    claim(by(v1alpha1.DeployerFlux), own),
			required: up("values-one", configMap("[a]"), "values-two", nothing),
			says:     compose.Condition{Reason: "InvalidValues", Message: "Key values.yaml of ConfigMap one is not a map of values in YAML"},
		},
		"Secret": {
			reason:   "A Secret does not become readable on the way. The schema refuses it too.",
			claim:    claim(by(v1alpha1.DeployerArgoCD), valued(`{}`, v1alpha1.ValuesReference{Kind: v1alpha1.ValuesFromSecret, Name: "s", Key: "k"})),
			required: up(),
			says:     compose.Condition{Reason: "InvalidSpec", Message: "Deployer ArgoCD cannot take values from Secret s without showing them on the way: choose deployer Helm"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := compose.Request{XR: toUnstructured(t, tc.claim), Required: tc.required}
			w.Observed = observe(run(t, w))
			res := run(t, w)
			got, _, _ := unstructured.NestedMap(res.Resources["helm-release"].Object, "spec", "forProvider", "manifest", "spec", "values")
			if diff := cmp.Diff(tc.values, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nvalues: -want, +got:\n%s", tc.reason, diff)
			}
			said := res.Conditions[0]
			if said.Reason != tc.says.Reason || tc.says.Message != "" && said.Message != tc.says.Message {
				t.Errorf("\n%s\nwant it to say %+v, got %+v", tc.reason, tc.says, said)
			}
		})
	}
	t.Run("Unanswered", func(t *testing.T) {
		w := compose.Request{XR: toUnstructured(t, claim(by(v1alpha1.DeployerFlux), own)), Required: up("values-one", configMap("{a: 1}"), "values-two", nothing)}
		w = converge(t, w)
		before := w.Observed["helm-release"].Object["spec"]
		w.Required = up()
		if diff := cmp.Diff(before, run(t, w).Resources["helm-release"].Object["spec"]); diff != "" {
			t.Errorf("While values are not known, what is there stays: -before, +after:\n%s", diff)
		}
	})
}

// TestDeployerHealth shows what a person reads of what a deployer says.
func TestDeployerHealth(t *testing.T) {
	// seen is an Object with conditions of its own, around what is on the cluster.
	seen := func(ready, synced string, remote map[string]any) *unstructured.Unstructured {
		st := map[string]any{"conditions": []any{
			map[string]any{"type": "Ready", "status": ready}, map[string]any{"type": "Synced", "status": synced, "reason": "ReconcileError", "message": "no matches for kind"},
		}}
		if remote != nil {
			st["atProvider"] = map[string]any{"manifest": remote}
		}
		return &unstructured.Unstructured{Object: map[string]any{"kind": "Object", "metadata": map[string]any{"name": "o"}, "status": st}}
	}
	helmRelease := func(version string, conditions ...any) map[string]any {
		return map[string]any{
			"kind": "HelmRelease", "metadata": map[string]any{"name": "shop", "namespace": "shops", "generation": int64(2)},
			"status": map[string]any{"conditions": conditions, "history": []any{map[string]any{"chartVersion": version, "ociDigest": "sha256:abc"}}},
		}
	}
	cond := func(typ, status, reason, message string, generation int64) map[string]any {
		return map[string]any{"type": typ, "status": status, "reason": reason, "message": message, "observedGeneration": generation}
	}
	app := func(status map[string]any) map[string]any {
		return map[string]any{"kind": "Application", "metadata": map[string]any{"name": "shop", "namespace": "argocd"}, "status": status}
	}
	works := cond("Ready", "True", "InstallSucceeded", "", 2)
	chart := &v1alpha1.Chart{Version: "v1.2.3"}
	flux := fluxVerdict(func(o *unstructured.Unstructured) bool { return installs(o, chart) })
	pinned := fluxVerdict(func(o *unstructured.Unstructured) bool { return installs(o, &v1alpha1.Chart{Digest: "sha256:abc"}) })
	cases := map[string]struct {
		reason string
		judge  func(*unstructured.Unstructured) compose.Health
		o      *unstructured.Unstructured
		want   compose.Health
	}{
		"Works":        {"A suffix and a v make no other version.", flux, seen("True", "True", helmRelease("1.2.3+0123456789ab", works)), compose.Health{Ready: true}},
		"Pinned":       {"A digest is compared, not a version.", pinned, seen("True", "True", helmRelease("9.9.9", works)), compose.Health{Ready: true}},
		"OtherVersion": {"The release still works, but is not the one that is asked for.", flux, seen("True", "True", helmRelease("1.2.30", works)), compose.Health{Progressing: true, Reason: "Updating", Message: "HelmRelease shops/shop is being updated"}},
		"NoCRD":        {"Without the deployer there is nothing to see.", flux, seen("", "False", nil), compose.Health{Reason: "ReconcileError", Message: "Object o: no matches for kind"}},
		"Unseen":       {"Nobody has looked yet.", flux, seen("False", "True", nil), compose.Health{Progressing: true, Reason: "Creating", Message: "Object o is not ready yet"}},
		"New":          {"Flux has not looked yet.", flux, seen("False", "True", helmRelease("")), compose.Health{Progressing: true, Reason: "Updating", Message: "HelmRelease shops/shop is being updated"}},
		"Stale":        {"What failed was another spec.", flux, seen("False", "True", helmRelease("", cond("Ready", "False", "InstallFailed", "boom", 1))), compose.Health{Progressing: true, Reason: "Updating", Message: "HelmRelease shops/shop is being updated"}},
		"Failed":       {"The cause, in Flux's own words.", flux, seen("False", "True", helmRelease("", cond("Ready", "False", "InstallFailed", "boom", 2))), compose.Health{Reason: "InstallFailed", Message: "HelmRelease shops/shop: boom"}},
		"Installing":   {"It takes time.", flux, seen("False", "True", helmRelease("", cond("Ready", "Unknown", "Progressing", "Running 'install'", 2))), compose.Health{Progressing: true, Reason: "Creating", Message: "HelmRelease shops/shop: Running 'install'"}},
		"Retrying": {
			"A new attempt does not hide how the last one ended.", flux,
			seen("False", "True", helmRelease("", cond("Ready", "Unknown", "Progressing", "Running 'upgrade'", 2), cond("Released", "False", "InstallFailed", "boom", 2))),
			compose.Health{Reason: "InstallFailed", Message: "HelmRelease shops/shop: boom"},
		},
		"Holds": {
			"What runs goes on while a dependency does not work.", flux,
			seen("False", "True", helmRelease("1.2.3", cond("Ready", "False", "DependencyNotReady", "till is not ready", 2), cond("Released", "True", "InstallSucceeded", "", 2))),
			compose.Health{Ready: true},
		},
		"HoldsTheOld": {
			"A change that waits is not there yet.", flux,
			seen("False", "True", helmRelease("1.2.3", cond("Ready", "False", "DependencyNotReady", "till is not ready", 2), cond("Released", "True", "InstallSucceeded", "", 1))),
			compose.Health{Progressing: true, Reason: "DependencyNotReady", Message: "HelmRelease shops/shop: till is not ready"},
		},
		"Waits": {"What is wrong elsewhere is not wrong here.", flux, seen("False", "True", helmRelease("", cond("Ready", "False", "DependencyNotReady", "till is not ready", 2))), compose.Health{Progressing: true, Reason: "DependencyNotReady", Message: "HelmRelease shops/shop: till is not ready"}},

		"ArgoWorks": {"The query has said so.", argocdVerdict, seen("True", "True", app(nil)), compose.Health{Ready: true}},
		"ArgoNew":   {"Argo CD has not looked yet.", argocdVerdict, seen("False", "True", app(nil)), compose.Health{Progressing: true, Reason: "Creating", Message: "Application argocd/shop: Argo CD has not looked at it yet"}},
		"ArgoChart": {
			"A chart that does not exist.", argocdVerdict,
			seen("False", "True", app(map[string]any{"sync": map[string]any{"status": "Unknown"}, "conditions": []any{map[string]any{"type": "ComparisonError", "message": "chart not found"}}})),
			compose.Health{Reason: "ComparisonError", Message: "Application argocd/shop: chart not found"},
		},
		"ArgoRetries": {
			"Neither the number of attempts nor the time of the next is part of it.", argocdVerdict,
			seen("False", "True", app(map[string]any{"sync": map[string]any{"status": "OutOfSync"}, "operationState": map[string]any{"phase": "Running", "message": "one or more objects failed to apply, reason: boom. Retrying attempt #3 at 2:15PM."}})),
			compose.Health{Reason: "SyncFailed", Message: "Application argocd/shop: one or more objects failed to apply, reason: boom"},
		},
		"ArgoFailed": {
			"Here the number is in brackets.", argocdVerdict,
			seen("False", "True", app(map[string]any{"sync": map[string]any{"status": "OutOfSync"}, "operationState": map[string]any{"phase": "Failed", "message": "boom (retried 5 times)."}})),
			compose.Health{Reason: "SyncFailed", Message: "Application argocd/shop: boom"},
		},
		"ArgoDegraded": {
			"Which object, and what it says.", argocdVerdict,
			seen("False", "True", app(map[string]any{
				"sync": map[string]any{"status": "Synced"}, "health": map[string]any{"status": "Degraded"},
				"resources": []any{map[string]any{"kind": "Deployment", "name": "web", "health": map[string]any{"status": "Degraded", "message": "exceeded its progress deadline"}}},
			})),
			compose.Health{Reason: "Degraded", Message: "Application argocd/shop: Deployment web: exceeded its progress deadline"},
		},
		"ArgoOutOfSync": {"It takes time.", argocdVerdict, seen("False", "True", app(map[string]any{"sync": map[string]any{"status": "OutOfSync"}})), compose.Health{Progressing: true, Reason: "Updating", Message: "Application argocd/shop: is being brought to the cluster"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.judge(tc.o)); diff != "" {
				t.Errorf("\n%s\nverdict: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
