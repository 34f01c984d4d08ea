// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// defaultCIDR is the network of a cluster that says nothing of it. The schema
// knows it too, since a network cannot change.
const defaultCIDR = "10.0.0.0/16"

// cloudParts are the parts of a cluster that is made in a cloud.
func cloudParts() []string {
	return []string{ConditionNetworkReady, ConditionControlPlaneReady, ConditionNodesReady}
}

// A cloud knows what is the same for every managed resource of one cluster.
type cloud struct {
	in compose.TypedRequest[v1alpha1.KubernetesCluster]
}

// A managed resource in a cloud, without what every one has.
type managed struct {
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

	// DiesWithParent says that the cloud removes it with what it belongs to. It
	// is not deleted on its own, so it is there for as long as it is needed.
	DiesWithParent bool

	// ManagedAlways is for what is nothing in the cloud, such as credentials:
	// the claim's management policies do not apply to it.
	ManagedAlways bool

	// Config is the ProviderConfig to use, of this namespace; the claim's when
	// empty.
	Config string

	// Ready judges it; compose.Managed when nil.
	Ready func(*unstructured.Unstructured) compose.Health
}

// resource makes a composed resource of a managed one.
func (c cloud) resource(m managed) compose.Resource {
	r := compose.Resource{Name: m.Name, ConditionType: m.Part, Gate: m.Gate, Ready: m.Ready}
	if r.Ready == nil {
		r.Ready = compose.Managed
	}
	if m.ForProvider == nil {
		return r
	}
	pc := c.in.Claim.Spec.ProviderConfigRef
	if m.Config != "" {
		pc = v1alpha1.ProviderConfigReference{Kind: "ProviderConfig", Name: m.Config}
	}
	md := map[string]any{"name": c.name(m.Name), "namespace": c.in.Claim.Namespace}
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
		spec["writeConnectionSecretToRef"] = map[string]any{"name": c.name(m.ConnectionSecret)}
	}
	r.Object = map[string]any{"apiVersion": m.APIVersion, "kind": m.Kind, "metadata": md, "spec": spec}
	return r
}

// policies of a managed resource: those of the claim, less what would spoil it.
func (c cloud) policies(m managed) []any {
	claimed := c.in.Claim.Spec.ManagementPolicies
	// Of an initial value nobody must note what became of it, or it would be
	// wanted from then on.
	all := m.InitProvider == nil && !m.DiesWithParent
	if m.ManagedAlways || len(claimed) == 0 || slices.Equal(claimed, []v1alpha1.ManagementPolicy{v1alpha1.ManageAll}) {
		if all {
			return []any{string(v1alpha1.ManageAll)}
		}
		claimed = []v1alpha1.ManagementPolicy{
			v1alpha1.ManageObserve, v1alpha1.ManageCreate, v1alpha1.ManageUpdate, v1alpha1.ManageDelete, v1alpha1.ManageLateInitialize,
		}
	}
	out := make([]any, 0, len(claimed))
	for _, p := range claimed {
		if p == v1alpha1.ManageLateInitialize && m.InitProvider != nil || p == v1alpha1.ManageDelete && m.DiesWithParent {
			continue
		}
		out = append(out, string(p))
	}
	return out
}

// name of the object that stands for a resource, unique over namespaces. Where
// a cloud takes its own names from it, those are too.
func (c cloud) name(resource string) string {
	return compose.Name(c.in.Claim.Namespace, c.in.Claim.Name, resource)
}

// ref to another managed resource of this cluster.
func (c cloud) ref(resource string) map[string]any {
	return map[string]any{"name": c.name(resource)}
}

// reference to a managed resource of this cluster, for Usages.
func (c cloud) reference(apiVersion, kind, resource string) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{APIVersion: apiVersion, Kind: kind, Name: c.name(resource)}
}

// protect keeps of for as long as by exists.
func (c cloud) protect(name, part string, of, by managed) compose.Resource {
	return compose.UsageWithReplay(name, part, c.in.Claim.Namespace, c.in.Claim.Name,
		c.reference(of.APIVersion, of.Kind, of.Name), c.reference(by.APIVersion, by.Kind, by.Name), c.in.IsObserved(of.Name) && c.in.IsObserved(by.Name))
}

// after is a gate that opens when resources are ready.
func (c cloud) after(resources ...string) compose.Gate {
	for _, r := range resources {
		if o := c.in.Observed[r]; !compose.IsReady(o) {
			return compose.Gate{Waiting: "Waiting for " + r}
		}
	}
	return compose.Gate{}
}

// observed is a text that a provider reports of a resource; empty when it does
// not, or when nothing is there.
func (c cloud) observed(resource string, path ...string) string {
	o := c.in.Observed[resource]
	if o == nil {
		return ""
	}
	s, _, _ := unstructured.NestedString(o.Object, path...)
	return s
}

// tags of a resource: those of the claim, and what tells a person where the
// resource comes from. Those in over win.
func (c cloud) tags(over map[string]any) map[string]any {
	out := make(map[string]any, len(c.in.Claim.Spec.Tags)+len(over)+1)
	for k, v := range c.in.Claim.Spec.Tags {
		out[k] = string(v)
	}
	out["observe-k8s"] = c.clusterName()
	maps.Copy(out, over)
	return out
}

// clusterName is the cluster's name in the cloud.
func (c cloud) clusterName() string {
	if n := c.in.Claim.Spec.ExternalName; n != "" {
		return n
	}
	return c.name("cluster")
}

// adopted says that the cluster is there already and only looked at.
func (c cloud) adopted() bool { return c.in.Claim.Spec.ExternalName != "" }

// cidr of the network.
func (c cloud) cidr() string {
	if n := c.in.Claim.Spec.Network; n != nil && n.CIDR != "" {
		return string(n.CIDR)
	}
	return defaultCIDR
}

// allowed are the ranges that may reach the API server from outside; none means
// everybody.
func (c cloud) allowed() []any {
	n := c.in.Claim.Spec.Network
	if n == nil {
		return nil
	}
	out := make([]any, 0, len(n.APIServerAllowedCIDRs))
	for _, r := range n.APIServerAllowedCIDRs {
		out = append(out, string(r))
	}
	return out
}

// reach says how to reach a cluster by the kubeconfig that its provider wrote,
// once the gate is open.
func (c cloud) reach(out *Cluster, gate compose.Gate, ref v1alpha1.SecretKeyReference) {
	out.Config = secretConfig(c.in.Claim.Namespace, ref)
	out.Waiting = gate.Waiting
	if out.Waiting != "" {
		return
	}
	secret := c.in.RequiredObject(requirementKubeconfig)
	if secret == nil {
		out.Waiting = "Waiting for the cluster's kubeconfig"
		return
	}
	server, err := kubeconfigServer(secret, ref)
	if err != nil {
		out.Problems = append(out.Problems, compose.Problem{ConditionType: ConditionAccessReady, Reason: err.reason, Message: err.message})
		out.Waiting = err.message
		return
	}
	out.Access = &v1alpha1.Access{KubeconfigSecretRef: &ref, APIServerURL: server}
}

// secretConfig is the spec of ProviderConfigs that read a kubeconfig.
func secretConfig(namespace string, ref v1alpha1.SecretKeyReference) map[string]any {
	return map[string]any{"credentials": map[string]any{
		"source":    "Secret",
		"secretRef": map[string]any{"name": ref.Name, "namespace": namespace, "key": ref.Key},
	}}
}

// lookup finds what a cloud has for a neutral name. If there is nothing, the
// problem says what there is. A key that is missing is never guessed.
func lookup[K ~string, V any](what string, table map[K]V, key K, provider v1alpha1.Provider) (V, *compose.Problem) {
	v, ok := table[key]
	if ok {
		return v, nil
	}
	valid := make([]string, 0, len(table))
	for k := range table {
		valid = append(valid, string(k))
	}
	slices.Sort(valid)
	return v, &compose.Problem{ConditionType: ConditionNetworkReady, Reason: "UnsupportedValue", Message: fmt.Sprintf(
		"Provider %s has nothing for %s %q. Valid: %s", provider, what, string(key), strings.Join(valid, ", "))}
}

// refused is a cluster that cannot be planned. What exists of it is kept.
func (c cloud) refused(problems ...compose.Problem) Cluster {
	first := problems[0]
	for _, part := range cloudParts() {
		if part != first.ConditionType {
			problems = append(problems, compose.Problem{ConditionType: part, Reason: compose.ReasonWaiting, Message: first.Message})
		}
	}
	return Cluster{Parts: cloudParts(), Problems: problems, Waiting: first.Message}
}
