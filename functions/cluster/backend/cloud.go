// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// defaultCIDR is the network of a cluster that says nothing of it. The schema
// knows it too, since a network cannot change.
const defaultCIDR = "10.0.0.0/16"

// CloudParts are the parts of a cluster that is made in a cloud.
func CloudParts() []string { return []string{PartNetwork, PartControlPlane, PartNodes} }

// A Cloud knows what is the same for every managed resource of one cluster.
type Cloud struct {
	// In is what the composer sees.
	In compose.TypedRequest[v1alpha1.KubernetesCluster]
}

// A Managed resource in a cloud, without what every one has.
type Managed struct {
	// Name is the composition-resource-name.
	Name string

	// Part is the condition that sums it up.
	Part string

	// APIVersion and Kind of the managed resource.
	APIVersion, Kind string

	// Gate must be open before it is made.
	Gate compose.Gate

	// ForProvider is what is wanted. Nil when it cannot be built now.
	ForProvider map[string]any

	// InitProvider is what is wanted at the start only: what somebody else
	// changes from then on, such as an autoscaler.
	InitProvider map[string]any

	// ExternalName is the name in the cloud; the provider's choice when empty.
	ExternalName string

	// ConnectionSecret is the Secret that the provider writes, by the suffix
	// of its name; none when empty.
	ConnectionSecret string

	// DeletedWithParent says that the cloud removes it with what it belongs to. It
	// is not deleted on its own, so it is there for as long as it is needed.
	DeletedWithParent bool

	// IgnoreManagementPolicies is for what is nothing in the cloud, such as credentials:
	// the claim's management policies do not apply to it.
	IgnoreManagementPolicies bool

	// Config is the ProviderConfig to use, of this namespace; the claim's when
	// empty.
	Config string

	// Ready judges it; compose.Managed when nil.
	Ready func(*unstructured.Unstructured) compose.Health
}

// Resource makes a composed resource of a managed one.
func (c Cloud) Resource(m Managed) compose.Resource {
	r := compose.Resource{Name: m.Name, ConditionType: m.Part, Gate: m.Gate, Ready: m.Ready}
	if r.Ready == nil {
		r.Ready = compose.Managed
	}
	if m.ForProvider == nil {
		return r
	}
	pc := c.In.Claim.Spec.ProviderConfigRef
	if m.Config != "" {
		pc = v1alpha1.ProviderConfigReference{Kind: "ProviderConfig", Name: m.Config}
	}
	md := map[string]any{"name": c.Name(m.Name), "namespace": c.In.Claim.Namespace}
	if m.ExternalName != "" {
		md["annotations"] = map[string]any{compose.AnnotationExternalName: m.ExternalName}
	}
	spec := map[string]any{
		"forProvider":        m.ForProvider,
		"managementPolicies": c.policies(m),
		"providerConfigRef":  map[string]any{"kind": string(pc.Kind), "name": pc.Name},
	}
	if m.InitProvider != nil {
		spec["initProvider"] = m.InitProvider
	}
	if m.ConnectionSecret != "" {
		spec["writeConnectionSecretToRef"] = map[string]any{"name": c.Name(m.ConnectionSecret)}
	}
	r.Object = map[string]any{"apiVersion": m.APIVersion, "kind": m.Kind, "metadata": md, "spec": spec}
	return r
}

// policies of a managed resource: those of the claim, less what would spoil it.
func (c Cloud) policies(m Managed) []any {
	claimed := c.In.Claim.Spec.ManagementPolicies
	// Of an initial value nobody must note what became of it, or it would be
	// wanted from then on.
	all := m.InitProvider == nil && !m.DeletedWithParent
	if m.IgnoreManagementPolicies || len(claimed) == 0 || slices.Equal(claimed, []v1alpha1.ManagementPolicy{v1alpha1.ManageAll}) {
		if all {
			return []any{string(v1alpha1.ManageAll)}
		}
		claimed = []v1alpha1.ManagementPolicy{
			v1alpha1.ManageObserve, v1alpha1.ManageCreate, v1alpha1.ManageUpdate, v1alpha1.ManageDelete, v1alpha1.ManageLateInitialize,
		}
	}
	out := make([]any, 0, len(claimed))
	for _, p := range claimed {
		if p == v1alpha1.ManageLateInitialize && m.InitProvider != nil || p == v1alpha1.ManageDelete && m.DeletedWithParent {
			continue
		}
		out = append(out, string(p))
	}
	return out
}

// Name of the object that stands for a resource, unique over namespaces. Where
// a cloud takes its own names from it, those are too.
func (c Cloud) Name(resource string) string {
	return compose.Name(c.In.Claim.Namespace, c.In.Claim.Name, resource)
}

// Ref to another managed resource of this cluster.
func (c Cloud) Ref(resource string) map[string]any {
	return map[string]any{"name": c.Name(resource)}
}

// Reference to a managed resource of this cluster, for Usages.
func (c Cloud) Reference(apiVersion, kind, resource string) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{APIVersion: apiVersion, Kind: kind, Name: c.Name(resource)}
}

// Protect keeps of for as long as by exists.
func (c Cloud) Protect(name, part string, of, by Managed) compose.Resource {
	return compose.UsageWithReplay(name, part, c.In.Claim.Namespace, c.In.Claim.Name,
		c.Reference(of.APIVersion, of.Kind, of.Name), c.Reference(by.APIVersion, by.Kind, by.Name), c.In.IsObserved(of.Name) && c.In.IsObserved(by.Name))
}

// After is a gate that opens when resources are ready.
func (c Cloud) After(resources ...string) compose.Gate {
	for _, r := range resources {
		if o := c.In.Observed[r]; !compose.IsReady(o) {
			return compose.Gate{Waiting: "Waiting for " + r}
		}
	}
	return compose.Gate{}
}

// Observed is a text that a provider reports of a resource; empty when it does
// not, or when nothing is there.
func (c Cloud) Observed(resource string, path ...string) string {
	o := c.In.Observed[resource]
	if o == nil {
		return ""
	}
	s, _, _ := unstructured.NestedString(o.Object, path...)
	return s
}

// Tags of a resource: those of the claim, and what tells a person where the
// resource comes from. Those in over win.
func (c Cloud) Tags(over map[string]any) map[string]any {
	out := make(map[string]any, len(c.In.Claim.Spec.Tags)+len(over)+1)
	for k, v := range c.In.Claim.Spec.Tags {
		out[k] = string(v)
	}
	out["observe-k8s"] = c.ClusterName()
	maps.Copy(out, over)
	return out
}

// ClusterName is the cluster's name in the cloud.
func (c Cloud) ClusterName() string {
	if n := c.In.Claim.Spec.ExternalName; n != "" {
		return n
	}
	return c.Name("cluster")
}

// Adopted says that the cluster is there already and only looked at.
func (c Cloud) Adopted() bool { return c.In.Claim.Spec.ExternalName != "" }

// CIDR of the network.
func (c Cloud) CIDR() string {
	if n := c.In.Claim.Spec.Network; n != nil && n.CIDR != "" {
		return string(n.CIDR)
	}
	return defaultCIDR
}

// Allowed are the ranges that may reach the API server from outside; none means
// everybody.
func (c Cloud) Allowed() []any {
	n := c.In.Claim.Spec.Network
	if n == nil {
		return nil
	}
	out := make([]any, 0, len(n.APIServerAllowedCIDRs))
	for _, r := range n.APIServerAllowedCIDRs {
		out = append(out, string(r))
	}
	return out
}

// Reach says how to reach a cluster by the kubeconfig that its provider wrote,
// once the gate is open.
func (c Cloud) Reach(out *Cluster, gate compose.Gate, ref v1alpha1.SecretKeyReference) {
	out.Config = SecretConfig(c.In.Claim.Namespace, ref)
	out.Waiting = gate.Waiting
	if out.Waiting != "" {
		return
	}
	secret := c.In.RequiredObject(RequirementKubeconfig)
	if secret == nil {
		out.Waiting = "Waiting for the cluster's kubeconfig"
		return
	}
	server, err := KubeconfigServer(secret, ref)
	if err != nil {
		out.Problems = append(out.Problems, compose.Problem{ConditionType: PartAccess, Reason: err.Reason, Message: err.Message})
		out.Waiting = err.Message
		return
	}
	out.Access = &Access{Connection: v1alpha1.Connection{KubeconfigSecretRef: &ref, APIServerURL: server}}
}

// SecretConfig is the spec of ProviderConfigs that read a kubeconfig.
func SecretConfig(namespace string, ref v1alpha1.SecretKeyReference) map[string]any {
	return map[string]any{"credentials": map[string]any{
		"source":    "Secret",
		"secretRef": map[string]any{"name": ref.Name, "namespace": namespace, "key": ref.Key},
	}}
}

// Lookup finds what a cloud has for a neutral name. If there is nothing, the
// problem says what there is. A key that is missing is never guessed.
func Lookup[K ~string, V any](what string, table map[K]V, key K, provider v1alpha1.Provider) (V, *compose.Problem) {
	v, ok := table[key]
	if ok {
		return v, nil
	}
	valid := make([]string, 0, len(table))
	for k := range table {
		valid = append(valid, string(k))
	}
	slices.Sort(valid)
	return v, &compose.Problem{ConditionType: PartNetwork, Reason: "UnsupportedValue", Message: fmt.Sprintf(
		"Provider %s has nothing for %s %q. Valid: %s", provider, what, string(key), strings.Join(valid, ", "))}
}

// Tables are a cloud's counterparts of neutral names, as its file has them.
func Tables[T any](file string) (T, error) {
	var t T
	if err := yaml.UnmarshalStrict([]byte(file), &t); err != nil {
		return t, fmt.Errorf("cannot read the tables of the provider: %w", err)
	}
	return t, nil
}

// Refused is a cluster that cannot be planned. What exists of it is kept.
func (c Cloud) Refused(problems ...compose.Problem) Cluster {
	first := problems[0]
	for _, part := range CloudParts() {
		if part != first.ConditionType {
			problems = append(problems, compose.Problem{ConditionType: part, Reason: compose.ReasonWaiting, Message: first.Message})
		}
	}
	return Cluster{Parts: CloudParts(), Problems: problems, Waiting: first.Message}
}
