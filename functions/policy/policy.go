// SPDX-License-Identifier: Apache-2.0

// Package policy is what a platform team allows and gives to all claims: it
// keeps it in EnvironmentConfigs, which teams cannot write.
package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"
)

// Name of the EnvironmentConfig that holds for every namespace. One with the
// name of a namespace behind it, such as observe-k8s.team-a, holds for that
// namespace: field by field it replaces what holds for all.
const Name = "observe-k8s"

// Requirements that hold the policy.
const (
	requirementAll       = "policy"
	requirementNamespace = "policy-namespace"
)

// A Policy is the data of an EnvironmentConfig.
type Policy struct {
	// Limits that claims cannot exceed.
	Limits Limits `json:"limits,omitzero"`

	// Defaults that claims inherit.
	Defaults Defaults `json:"defaults,omitzero"`
}

// Limits that claims cannot exceed. What is empty is not limited.
type Limits struct {
	// AllowedProviders that claims may name.
	AllowedProviders []v1alpha1.Provider `json:"allowedProviders,omitempty"`

	// AllowedRegions that claims may name: neutral names, and a cloud's own.
	AllowedRegions []string `json:"allowedRegions,omitempty"`

	// AllowedInstanceSizes that claims may name. A claim that names machines by a cloud's
	// own types is refused where this is given.
	AllowedInstanceSizes []v1alpha1.InstanceSize `json:"allowedInstanceSizes,omitempty"`

	// MaxNodes is the highest nodes.maxCount.
	MaxNodes int64 `json:"maxNodes,omitempty"`

	// AllowedProviderConfigs are the names of the credentials that claims may use.
	AllowedProviderConfigs []string `json:"allowedProviderConfigs,omitempty"`

	// AllowManagementCluster says whether claims may use the management cluster. It
	// has the last word over the function's flag.
	AllowManagementCluster *bool `json:"allowManagementCluster,omitempty"`

	// EnforcedTags are on everything that is made in a cloud. A claim cannot change
	// them.
	EnforcedTags map[string]v1alpha1.TagValue `json:"enforcedTags,omitempty"`

	// RequiredTags are keys that claims must give in cluster.tags.
	RequiredTags []string `json:"requiredTags,omitempty"`

	// MaxLifetime is the longest lifetime, such as 8h. A claim that names none
	// gets it where there is no default; a KubernetesCluster of its own, which
	// has none, is refused.
	MaxLifetime string `json:"maxLifetime,omitempty"`
}

// Defaults that claims inherit.
type Defaults struct {
	// ChartMirror is an OCI registry that serves all charts, as the function's
	// flag --chart-mirror: https://HOST[/PATH], or http:// for one without TLS.
	ChartMirror string `json:"chartMirror,omitempty"`

	// Lifetime of claims that name none.
	Lifetime string `json:"lifetime,omitempty"`

	// StackDeployer is the deployer of stacks of claims that name none: Helm or
	// Flux.
	StackDeployer v1alpha1.Deployer `json:"stackDeployer,omitempty"`

	// WorkloadDeployer is the deployer of workloads of claims that name none: Helm,
	// Flux or ArgoCD.
	WorkloadDeployer v1alpha1.Deployer `json:"workloadDeployer,omitempty"`
}

// Requirements to be looked up for claims of a namespace.
func Requirements(namespace string) []compose.Requirement {
	r := compose.Requirement{APIVersion: "apiextensions.crossplane.io/v1beta1", Kind: "EnvironmentConfig"}
	all, own := r, r
	all.Name, all.ObjectName = requirementAll, Name
	own.Name, own.ObjectName = requirementNamespace, Name+"."+namespace
	return []compose.Requirement{all, own}
}

// Read the policy. Until it was looked up the answer is false; what exists
// then stays, and nothing new is made. A policy that cannot be read is an
// error: it may be the one that forbids.
func Read(w compose.Request) (Policy, bool, error) {
	var p Policy
	if !w.IsResolved(requirementAll) || !w.IsResolved(requirementNamespace) {
		return p, false, nil
	}
	data := map[string]any{}
	for _, r := range []string{requirementAll, requirementNamespace} {
		o := w.RequiredObject(r)
		if o == nil {
			continue
		}
		if err := overlay(data, o); err != nil {
			return p, true, err
		}
	}
	b, err := json.Marshal(data)
	if err != nil {
		return p, true, fmt.Errorf("cannot encode the policy: %w", err)
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return Policy{}, true, fmt.Errorf("cannot decode the policy: %w", err)
	}
	if _, err := compose.ParseMirror(p.Defaults.ChartMirror); err != nil {
		return p, true, fmt.Errorf("defaults.chartMirror %w", err)
	}
	return p, true, p.check()
}

// check what the types do not say.
func (p Policy) check() error {
	most, least := p.Limits.MaxLifetime, p.Defaults.Lifetime
	for _, l := range []struct{ field, value string }{{"limits.maxLifetime", most}, {"defaults.lifetime", least}} {
		if d, err := time.ParseDuration(l.value); l.value != "" && (err != nil || d < time.Minute) {
			return fmt.Errorf("%s %q must be hours and minutes such as 8h or 90m, at least 1m", l.field, l.value)
		}
	}
	if most != "" && duration(least) > duration(most) {
		return fmt.Errorf("defaults.lifetime %s must be at most limits.maxLifetime, %s", least, most)
	}
	helm, flux, argo := v1alpha1.DeployerHelm, v1alpha1.DeployerFlux, v1alpha1.DeployerArgoCD
	if d := p.Defaults.StackDeployer; d != "" && d != helm && d != flux {
		return fmt.Errorf("defaults.stackDeployer %q must be %s or %s", d, helm, flux)
	}
	if d := p.Defaults.WorkloadDeployer; d != "" && d != helm && d != flux && d != argo {
		return fmt.Errorf("defaults.workloadDeployer %q must be %s, %s or %s", d, helm, flux, argo)
	}
	return nil
}

// overlay puts an EnvironmentConfig over what was read before, field by field.
func overlay(data map[string]any, o *unstructured.Unstructured) error {
	m, _, err := unstructured.NestedMap(o.Object, "data")
	if err != nil {
		return fmt.Errorf("EnvironmentConfig %s: %w", o.GetName(), err)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("EnvironmentConfig %s: %w", o.GetName(), err)
	}
	// A limit that is misspelt would not limit.
	strict, err := kjson.UnmarshalStrict(b, &Policy{})
	if err != nil {
		return fmt.Errorf("EnvironmentConfig %s: %w", o.GetName(), err)
	}
	if len(strict) > 0 {
		return fmt.Errorf("EnvironmentConfig %s: %w", o.GetName(), strict[0])
	}
	for section, v := range m {
		fields, _ := v.(map[string]any)
		over, ok := data[section].(map[string]any)
		if !ok {
			over = map[string]any{}
		}
		maps.Copy(over, fields)
		data[section] = over
	}
	return nil
}

// Violations of a cluster that a claim asks for, by the facts of its place: what is
// not allowed and what would be.
func (p Policy) Violations(c v1alpha1.ClusterParameters, f backend.Facts) []string {
	l, out := p.Limits, []string(nil)
	refuse := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if len(l.AllowedProviders) > 0 && !slices.Contains(l.AllowedProviders, c.Provider) {
		refuse("provider %s is not allowed here. Allowed: %s", c.Provider, list(l.AllowedProviders))
	}
	if f.Place == "" && len(l.AllowedRegions)+len(l.AllowedInstanceSizes)+len(l.AllowedProviderConfigs)+len(l.RequiredTags)+int(l.MaxNodes) > 0 {
		refuse("provider %s is not known here, so that it cannot be told what is within the limits", c.Provider)
	}
	if f.Place == backend.PlaceCloud {
		if len(l.AllowedRegions) > 0 && !slices.Contains(l.AllowedRegions, f.Region) {
			refuse("region %s is not allowed here. Allowed: %s", f.Region, list(l.AllowedRegions))
		}
		if len(l.AllowedProviderConfigs) > 0 && !slices.Contains(l.AllowedProviderConfigs, f.Account) {
			refuse("providerConfigRef %s is not allowed here. Allowed: %s", f.Account, list(l.AllowedProviderConfigs))
		}
		for _, key := range l.RequiredTags {
			if _, ok := c.Tags[key]; !ok && p.Limits.EnforcedTags[key] == "" {
				refuse("tag %s is required here: give it in cluster.tags", key)
			}
		}
	}
	out = append(out, l.pools(f.Pools)...)
	for _, key := range slices.Sorted(maps.Keys(p.Limits.EnforcedTags)) {
		if v, ok := c.Tags[key]; ok && v != p.Limits.EnforcedTags[key] {
			refuse("tag %s is %s here and cannot be %s", key, p.Limits.EnforcedTags[key], v)
		}
	}
	return out
}

// pools of nodes that are not allowed, and what would be.
func (l Limits) pools(pools []backend.Pool) []string {
	var out []string
	refuse := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, pool := range pools {
		if len(l.AllowedInstanceSizes) > 0 && pool.Machines != "" {
			refuse("%s is not allowed here. Give %s.instanceSize instead: %s", pool.Machines, pool.Field, list(l.AllowedInstanceSizes))
		}
		if len(l.AllowedInstanceSizes) > 0 && pool.Size != "" && !slices.Contains(l.AllowedInstanceSizes, pool.Size) {
			refuse("%s.instanceSize %s is not allowed here. Allowed: %s", pool.Field, pool.Size, list(l.AllowedInstanceSizes))
		}
		if l.MaxNodes > 0 && pool.Count != "" && pool.Max > l.MaxNodes {
			refuse("%s %d is not allowed here. Allowed: at most %d", pool.Count, pool.Max, l.MaxNodes)
		}
	}
	return out
}

// ApplyDefaults gives a cluster, and the settings for it, what the platform team says.
func (p Policy) ApplyDefaults(c *v1alpha1.ClusterParameters, s *compose.Settings) {
	if len(p.Limits.EnforcedTags) > 0 {
		tags := map[string]v1alpha1.TagValue{}
		maps.Copy(tags, c.Tags)
		maps.Copy(tags, p.Limits.EnforcedTags)
		c.Tags = tags
	}
	if p.Limits.AllowManagementCluster != nil {
		s.ManagementClusterNamespaces = nil
		if *p.Limits.AllowManagementCluster {
			s.ManagementClusterNamespaces = []string{"*"}
		}
	}
	if m, err := compose.ParseMirror(p.Defaults.ChartMirror); err == nil && m != nil {
		s.ChartMirror = m
	}
}

// list for a person.
func list[T ~string](values []T) string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, string(v))
	}
	return strings.Join(out, ", ")
}
