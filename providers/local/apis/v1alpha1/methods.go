// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
)

// What crossplane-runtime asks of these kinds.
var (
	_ resource.ModernManaged            = &KindCluster{}
	_ resource.ModernManaged            = &K3dCluster{}
	_ resource.ManagedList              = &KindClusterList{}
	_ resource.ManagedList              = &K3dClusterList{}
	_ resource.ProviderConfig           = &ProviderConfig{}
	_ resource.ProviderConfig           = &ClusterProviderConfig{}
	_ resource.TypedProviderConfigUsage = &ProviderConfigUsage{}
	_ resource.ProviderConfigUsageList  = &ProviderConfigUsageList{}
)

// GetCondition of a type.
func (c *KindCluster) GetCondition(ct xpv2.ConditionType) xpv2.Condition {
	return c.Status.GetCondition(ct)
}

// SetConditions of the cluster.
func (c *KindCluster) SetConditions(cs ...xpv2.Condition) {
	c.Status.SetConditions(cs...)
}

// GetManagementPolicies of the cluster.
func (c *KindCluster) GetManagementPolicies() xpv2.ManagementPolicies {
	return c.Spec.ManagementPolicies
}

// SetManagementPolicies of the cluster.
func (c *KindCluster) SetManagementPolicies(p xpv2.ManagementPolicies) {
	c.Spec.ManagementPolicies = p
}

// GetProviderConfigReference of the cluster.
func (c *KindCluster) GetProviderConfigReference() *xpv2.ProviderConfigReference {
	return c.Spec.ProviderConfigReference
}

// SetProviderConfigReference of the cluster.
func (c *KindCluster) SetProviderConfigReference(r *xpv2.ProviderConfigReference) {
	c.Spec.ProviderConfigReference = r
}

// GetWriteConnectionSecretToReference of the cluster.
func (c *KindCluster) GetWriteConnectionSecretToReference() *xpv2.LocalSecretReference {
	return c.Spec.WriteConnectionSecretToReference
}

// SetWriteConnectionSecretToReference of the cluster.
func (c *KindCluster) SetWriteConnectionSecretToReference(r *xpv2.LocalSecretReference) {
	c.Spec.WriteConnectionSecretToReference = r
}

// GetItems of the list.
func (l *KindClusterList) GetItems() []resource.Managed {
	items := make([]resource.Managed, len(l.Items))
	for i := range l.Items {
		items[i] = &l.Items[i]
	}
	return items
}

// GetCondition of a type.
func (c *K3dCluster) GetCondition(ct xpv2.ConditionType) xpv2.Condition {
	return c.Status.GetCondition(ct)
}

// SetConditions of the cluster.
func (c *K3dCluster) SetConditions(cs ...xpv2.Condition) {
	c.Status.SetConditions(cs...)
}

// GetManagementPolicies of the cluster.
func (c *K3dCluster) GetManagementPolicies() xpv2.ManagementPolicies {
	return c.Spec.ManagementPolicies
}

// SetManagementPolicies of the cluster.
func (c *K3dCluster) SetManagementPolicies(p xpv2.ManagementPolicies) {
	c.Spec.ManagementPolicies = p
}

// GetProviderConfigReference of the cluster.
func (c *K3dCluster) GetProviderConfigReference() *xpv2.ProviderConfigReference {
	return c.Spec.ProviderConfigReference
}

// SetProviderConfigReference of the cluster.
func (c *K3dCluster) SetProviderConfigReference(r *xpv2.ProviderConfigReference) {
	c.Spec.ProviderConfigReference = r
}

// GetWriteConnectionSecretToReference of the cluster.
func (c *K3dCluster) GetWriteConnectionSecretToReference() *xpv2.LocalSecretReference {
	return c.Spec.WriteConnectionSecretToReference
}

// SetWriteConnectionSecretToReference of the cluster.
func (c *K3dCluster) SetWriteConnectionSecretToReference(r *xpv2.LocalSecretReference) {
	c.Spec.WriteConnectionSecretToReference = r
}

// GetItems of the list.
func (l *K3dClusterList) GetItems() []resource.Managed {
	items := make([]resource.Managed, len(l.Items))
	for i := range l.Items {
		items[i] = &l.Items[i]
	}
	return items
}

// GetCondition of a type.
func (c *ProviderConfig) GetCondition(ct xpv2.ConditionType) xpv2.Condition {
	return c.Status.GetCondition(ct)
}

// SetConditions of the config.
func (c *ProviderConfig) SetConditions(cs ...xpv2.Condition) {
	c.Status.SetConditions(cs...)
}

// GetUsers is how many clusters use the config.
func (c *ProviderConfig) GetUsers() int64 {
	return c.Status.Users
}

// SetUsers says how many clusters use the config.
func (c *ProviderConfig) SetUsers(n int64) {
	c.Status.Users = n
}

// GetProviderConfigReference is the config that is used.
func (u *ProviderConfigUsage) GetProviderConfigReference() xpv2.ProviderConfigReference {
	return u.ProviderConfigReference
}

// SetProviderConfigReference says which config is used.
func (u *ProviderConfigUsage) SetProviderConfigReference(r xpv2.ProviderConfigReference) {
	u.ProviderConfigReference = r
}

// GetResourceReference is the cluster that uses it.
func (u *ProviderConfigUsage) GetResourceReference() xpv2.TypedReference {
	return u.ResourceReference
}

// SetResourceReference says which cluster uses it.
func (u *ProviderConfigUsage) SetResourceReference(r xpv2.TypedReference) {
	u.ResourceReference = r
}

// GetItems of the list.
func (l *ProviderConfigUsageList) GetItems() []resource.ProviderConfigUsage {
	items := make([]resource.ProviderConfigUsage, len(l.Items))
	for i := range l.Items {
		items[i] = &l.Items[i]
	}
	return items
}

// GetCondition of a type.
func (c *ClusterProviderConfig) GetCondition(ct xpv2.ConditionType) xpv2.Condition {
	return c.Status.GetCondition(ct)
}

// SetConditions of the config.
func (c *ClusterProviderConfig) SetConditions(cs ...xpv2.Condition) {
	c.Status.SetConditions(cs...)
}

// GetUsers is how many clusters use the config.
func (c *ClusterProviderConfig) GetUsers() int64 {
	return c.Status.Users
}

// SetUsers says how many clusters use the config.
func (c *ClusterProviderConfig) SetUsers(n int64) {
	c.Status.Users = n
}
