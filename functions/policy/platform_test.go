// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/platform"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestLifetimes shows which lifetime a claim gets, and what is refused.
func TestLifetimes(t *testing.T) {
	const limited = "limits: {maxLifetime: 8h}"
	cases := map[string]struct {
		reason string
		policy string
		// unknown says that the policy was not looked up yet.
		unknown bool
		asked   string
		// begun says that something of the platform is there, with this end.
		begun bool
		ends  string
		down  bool
		want  string
		says  string
	}{
		"NoPolicy":   {reason: "What is not limited is allowed.", asked: "100h", want: "100h"},
		"NoLifetime": {reason: "Nor is anything inherited.", want: ""},
		"Within":     {reason: "A lifetime within the limit is allowed.", policy: limited, asked: "8h", want: "8h"},
		"TooLong": {
			reason: "A new claim learns what would be right, and would end at the limit.",
			policy: limited, asked: "9h", want: "8h", says: "NotAllowed: The platform team does not allow it: lifetime 9h is not allowed here. Allowed: at most 8h",
		},
		"Extended":  {reason: "An extension past the limit changes nothing.", policy: limited, asked: "9h", begun: true, ends: "4h", want: "4h0m0s", says: "NotAllowed: The platform team does not allow it: lifetime 9h"},
		"Stricter":  {reason: "What was begun is not ended by a policy that became stricter.", policy: "limits: {maxLifetime: 2h}", asked: "4h", begun: true, ends: "4h", want: "4h0m0s", says: "NotAllowed"},
		"Inherited": {reason: "Without a default it is the longest there is.", policy: limited, want: "8h"},
		"Default":   {reason: "A default is inherited.", policy: "{limits: {maxLifetime: 8h}, defaults: {lifetime: 4h}}", want: "4h"},
		"Own":       {reason: "A default is none for who names one.", policy: "defaults: {lifetime: 4h}", asked: "20h", want: "20h"},
		"Kept":      {reason: "What was inherited stays when the policy changes.", policy: "{limits: {maxLifetime: 2h}, defaults: {lifetime: 1h}}", begun: true, ends: "4h", want: "4h0m0s"},
		"Older":     {reason: "A policy that comes later ends nothing.", policy: limited, begun: true, want: "", says: "a lifetime is required here: give lifetime, at most 8h"},
		"OlderFree": {reason: "Nor does a default.", policy: "defaults: {lifetime: 4h}", begun: true, want: ""},
		"Down":      {reason: "Nobody is kept from taking down what there is.", policy: limited, asked: "9h", begun: true, ends: "4h", down: true, want: "4h0m0s"},
		"Unknown":   {reason: "An extension waits until the policy was read.", unknown: true, asked: "100h", begun: true, ends: "4h", want: "4h0m0s"},
		"Invalid":   {reason: "So it does while the policy cannot be read.", policy: "limits: {maxLifetime: long}", asked: "100h", begun: true, ends: "4h", want: "4h0m0s", says: `InvalidPolicy: The platform team has to mend its policy: limits.maxLifetime "long" must be hours and minutes such as 8h or 90m, at least 1m`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := compose.TypedRequest[v1alpha1.ObservabilityPlatform]{Request: world(t, tc.policy, "")}
			if tc.unknown {
				in.Request = compose.Request{}
			}
			in.XR = &unstructured.Unstructured{Object: map[string]any{}}
			born := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
			in.Claim.CreationTimestamp, in.Claim.Spec.Lifetime, in.Claim.Status.ExpirationConfirmed = metav1.NewTime(born), tc.asked, tc.down
			if tc.begun {
				in.Observed = map[string]*unstructured.Unstructured{"cluster": {Object: map[string]any{}}}
			}
			if tc.ends != "" {
				in.Claim.Status.ExpirationTime = &metav1.Time{Time: born.Add(duration(tc.ends))}
			}
			got := ""
			p, err := Platform(func(in compose.TypedRequest[v1alpha1.ObservabilityPlatform]) (compose.Plan, error) {
				got = in.Claim.Spec.Lifetime
				return compose.Plan{Resources: []compose.Resource{{Name: "new", Object: map[string]any{}}}}, nil
			})(in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nlifetime: -want, +got:\n%s", tc.reason, diff)
			}
			says := ""
			for _, pr := range p.Problems {
				says += pr.Reason + ": " + pr.Message
			}
			if (says == "") != (tc.says == "") || !strings.Contains(says, tc.says) {
				t.Errorf("\n%s\nsays %q, want %q", tc.reason, says, tc.says)
			}
			if held := p.Resources[0].Gate.Waiting != ""; held != (tc.unknown || tc.says != "") {
				t.Errorf("\n%s\nheld back: %v", tc.reason, held)
			}
			if diff := cmp.Diff(Requirements(""), p.Requirements); diff != "" {
				t.Errorf("\n%s\nrequirements: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestDeployers shows which deployers deploy what names none.
func TestDeployers(t *testing.T) {
	const flux = "defaults: {stackDeployer: Flux, workloadDeployer: ArgoCD}"
	by := func(d string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"deployer": d}}}
	}
	cases := map[string]struct {
		reason          string
		policy          string
		stack, workload v1alpha1.Deployer
		observed        map[string]*unstructured.Unstructured
		want            []v1alpha1.Deployer
		says            string
	}{
		"None":      {"Profiles have deployers of their own.", "", "", "", nil, []v1alpha1.Deployer{"", ""}, ""},
		"Inherited": {"A new claim inherits what it does not name.", flux, "", "", nil, []v1alpha1.Deployer{"Flux", "ArgoCD"}, ""},
		"Named":     {"A claim may name others.", flux, "Helm", "Helm", nil, []v1alpha1.Deployer{"Helm", "Helm"}, ""},
		"Kept":      {"What is there keeps its deployer when the policy changes.", flux, "", "", map[string]*unstructured.Unstructured{"stack": by("Helm"), "workload-shop": by("Helm")}, []v1alpha1.Deployer{"Helm", ""}, ""},
		"Without":   {"And when the policy goes.", "", "", "", map[string]*unstructured.Unstructured{"stack": by("Flux")}, []v1alpha1.Deployer{"Flux", ""}, ""},
		"ByProfile": {"What the profile chose has no word of its own.", flux, "", "", map[string]*unstructured.Unstructured{"stack": by("")}, []v1alpha1.Deployer{"", "ArgoCD"}, ""},
		"Changed":   {"No deployer takes over what another brought.", flux, "Helm", "", map[string]*unstructured.Unstructured{"stack": by("Flux")}, []v1alpha1.Deployer{"Flux", "ArgoCD"}, "The stack was deployed by Flux, and Helm does not take it over"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := compose.TypedRequest[v1alpha1.ObservabilityPlatform]{Request: world(t, tc.policy, "")}
			in.XR, in.Observed = &unstructured.Unstructured{Object: map[string]any{}}, tc.observed
			in.Claim.Spec.Stack.Deployer = tc.stack
			in.Claim.Spec.Workloads = []v1alpha1.PlatformWorkload{{Name: "shop", WorkloadParameters: v1alpha1.WorkloadParameters{Deployer: tc.workload}}}
			var got []v1alpha1.Deployer
			p, err := Platform(func(in compose.TypedRequest[v1alpha1.ObservabilityPlatform]) (compose.Plan, error) {
				got = []v1alpha1.Deployer{in.Claim.Spec.Stack.Deployer, in.Claim.Spec.Workloads[0].Deployer}
				return compose.Plan{}, nil
			})(in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nstack and workload: -want, +got:\n%s", tc.reason, diff)
			}
			says := ""
			for _, pr := range p.Problems {
				says += pr.Message
				if pr.ConditionType != platform.ConditionStackReady {
					t.Errorf("part is %s, want %s", pr.ConditionType, platform.ConditionStackReady)
				}
			}
			if (says == "") != (tc.says == "") || !strings.Contains(says, tc.says) {
				t.Errorf("\n%s\nsays %q, want %q", tc.reason, says, tc.says)
			}
			if in.Claim.Spec.Workloads[0].Deployer != tc.workload {
				t.Error("what was given was changed")
			}
		})
	}
}

// TestEndless refuses clusters that nobody ends.
func TestEndless(t *testing.T) {
	owned := []any{map[string]any{"apiVersion": v1alpha1.APIVersion, "kind": v1alpha1.ObservabilityPlatformKind, "name": "demo", "uid": "1"}}
	cases := map[string]struct {
		reason   string
		policy   Policy
		provider v1alpha1.Provider
		owners   []any
		refused  bool
	}{
		"Alone":    {"It has no lifetime.", Policy{Limits: Limits{MaxLifetime: "8h"}}, v1alpha1.ProviderEKS, nil, true},
		"Platform": {"It ends with its platform.", Policy{Limits: Limits{MaxLifetime: "8h"}}, v1alpha1.ProviderEKS, owned, false},
		"Existing": {"Nothing is made.", Policy{Limits: Limits{MaxLifetime: "8h"}}, v1alpha1.ProviderExisting, nil, false},
		"NoLimit":  {"Lifetimes are not limited.", Policy{}, v1alpha1.ProviderEKS, nil, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := compose.TypedRequest[v1alpha1.KubernetesCluster]{}
			in.XR = &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"ownerReferences": tc.owners}}}
			in.Claim.Spec = cluster(func(c *v1alpha1.ClusterParameters) { c.Provider = tc.provider })
			if got := tc.policy.requireLifetime(in); (len(got) > 0) != tc.refused {
				t.Errorf("\n%s\nrefuseEndless(...): %v, want refused %v", tc.reason, got, tc.refused)
			}
		})
	}
}
