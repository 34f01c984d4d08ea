// SPDX-License-Identifier: Apache-2.0

// Package backend is what the backends of all providers share: what a Backend
// is, what every cluster has besides, and helpers for managed resources. Each
// provider has a package of its own beside this one.
package backend

import (
	"fmt"
	"slices"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Condition types of a KubernetesCluster, in the order in which they come up. A cluster
// that nobody makes has access only.
const (
	// PartNetwork says whether the network works, identities included.
	PartNetwork = "NetworkReady"
	// PartControlPlane says whether the control plane works.
	PartControlPlane = "ControlPlaneReady"
	// PartNodes says whether the nodes and what belongs to them work.
	PartNodes = "NodesReady"
	// PartAccess says whether the cluster can be reached.
	PartAccess = "AccessReady"
)

// Names of composed resources. They are API.
const (
	ResourceHelm       = "provider-config-helm"
	ResourceKubernetes = "provider-config-kubernetes"
	resourceProbe      = "api-server"
)

// A Backend is one way to get a cluster. It plans what makes the cluster and
// says how to reach it; everything else is common to all.
type Backend interface {
	// Describe the place that parameters ask for.
	Describe(p v1alpha1.ClusterParameters) Facts

	// Plan the cluster.
	Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (Cluster, error)
}

// A Cluster is what a Backend knows of its cluster.
type Cluster struct {
	// Parts that the cluster has besides PartAccess. The same in every round.
	Parts []string

	// Resources that make the cluster.
	Resources []compose.Resource

	// Requirements to be looked up.
	Requirements []compose.Requirement

	// Problems found. They stop nothing that runs.
	Problems []compose.Problem

	// Waiting says what is missing before the cluster can be reached; empty
	// when Access is known.
	Waiting string

	// Access to the cluster, without the names of the ProviderConfigs. Nil
	// until known; what was known before is then used.
	Access *Access

	// Config is the spec of both ProviderConfigs, which have the same: the
	// credentials, and an identity where the kubeconfig holds none.
	Config map[string]any

	// ProtectedRefs must outlive the ProviderConfigs, for example what holds the
	// credentials. What the keepers need is the backend's to protect.
	ProtectedRefs []v1alpha1.ObjectReference

	// TeamOwnedRefs are keepers that belong to the team, such as a Secret of its own.
	TeamOwnedRefs []v1alpha1.ObjectReference
}

// Access is what others know of a cluster: how to reach it, and what it offers.
type Access struct {
	v1alpha1.Connection
	v1alpha1.Capabilities
}

// AccessOf is what the status of a cluster says; nil when it says nothing.
func AccessOf(s v1alpha1.KubernetesClusterStatus) *Access {
	if s.Connection == nil {
		return nil
	}
	a := &Access{Connection: *s.Connection}
	if s.Capabilities != nil {
		a.Capabilities = *s.Capabilities
	}
	return a
}

// Compose makes a composer of KubernetesClusters of a Backend.
func Compose(b Backend) func(compose.TypedRequest[v1alpha1.KubernetesCluster]) (compose.Plan, error) {
	return func(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (compose.Plan, error) { return plan(b, in) }
}

func plan(b Backend, in compose.TypedRequest[v1alpha1.KubernetesCluster]) (compose.Plan, error) {
	xr := in.Claim
	c, err := b.Plan(in)
	if err != nil {
		return compose.Plan{}, err
	}
	access := c.Access
	if access == nil {
		access = AccessOf(xr.Status)
	}
	if c.Access != nil && b.Describe(xr.Spec).HostPorts {
		access.IngressExposure = v1alpha1.IngressExposureHostPort
	}
	name := compose.Name(xr.Namespace, xr.Name, "access")
	status := v1alpha1.KubernetesClusterStatus{Version: xr.Spec.Version}
	if access != nil {
		access.HelmProviderConfigRef, access.KubernetesProviderConfigRef = v1alpha1.LocalReference{Name: name}, v1alpha1.LocalReference{Name: name}
		access.ChartMirror = in.Settings.ChartMirror.String()
		status.Connection, status.Capabilities = &access.Connection, &access.Capabilities
	}

	p := compose.Plan{
		ConditionTypes: append(slices.Clone(c.Parts), PartAccess),
		Resources:      c.Resources,
		Requirements:   c.Requirements,
		Problems:       c.Problems,
		Partial:        len(c.Problems) > 0,
		Status: func(o compose.Outcome) (any, error) {
			status.Phase = compose.Phase(xr.Status.Phase, o)
			return &status, nil
		},
	}
	gate := compose.Gate{Waiting: c.Waiting}
	helm := v1alpha1.ObjectReference{APIVersion: compose.HelmAPIVersion, Kind: "ProviderConfig", Name: name}
	kube := v1alpha1.ObjectReference{APIVersion: compose.KubernetesAPIVersion, Kind: "ProviderConfig", Name: name}
	probe := v1alpha1.ObjectReference{APIVersion: compose.KubernetesAPIVersion, Kind: "Object", Name: compose.Name(xr.Namespace, xr.Name, resourceProbe)}

	p.Resources = append(p.Resources,
		providerConfig(ResourceHelm, xr.Namespace, helm, c.Config, gate),
		providerConfig(ResourceKubernetes, xr.Namespace, kube, c.Config, gate),
		apiServer(xr.Namespace, probe, name, gate.And(compose.WaitFor(in.IsObserved(ResourceKubernetes), "Waiting for ProviderConfig "+name))),
		compose.UsageWithReplay("usage-"+ResourceKubernetes, PartAccess, xr.Namespace, xr.Name, kube, probe, in.IsObserved(resourceProbe)),
	)
	for i, k := range c.TeamOwnedRefs {
		p.Resources = append(p.Resources,
			compose.Usage(fmt.Sprintf("usage-guarded-%d-helm", i), PartAccess, xr.Namespace, xr.Name, k, helm, in.IsObserved(ResourceHelm)),
			compose.Usage(fmt.Sprintf("usage-guarded-%d-kubernetes", i), PartAccess, xr.Namespace, xr.Name, k, kube, in.IsObserved(ResourceKubernetes)),
		)
	}
	for i, k := range c.ProtectedRefs {
		p.Resources = append(p.Resources,
			compose.UsageWithReplay(fmt.Sprintf("usage-keeper-%d-helm", i), PartAccess, xr.Namespace, xr.Name, k, helm, in.IsObserved(ResourceHelm)),
			compose.UsageWithReplay(fmt.Sprintf("usage-keeper-%d-kubernetes", i), PartAccess, xr.Namespace, xr.Name, k, kube, in.IsObserved(ResourceKubernetes)),
		)
	}
	return p, nil
}

// Refuse is a cluster of which nothing is composed, with the reason why.
func Refuse(reason, message string) Cluster {
	return Cluster{
		Waiting:  message,
		Problems: []compose.Problem{{ConditionType: PartAccess, Reason: reason, Message: message}},
	}
}

// providerConfig composes a ProviderConfig. Without a spec it cannot be built,
// and one that exists is kept.
func providerConfig(resource, namespace string, ref v1alpha1.ObjectReference, spec map[string]any, gate compose.Gate) compose.Resource {
	r := compose.Resource{Name: resource, ConditionType: PartAccess, Gate: gate, Ready: compose.Exists}
	if spec == nil {
		return r
	}
	r.Object = map[string]any{
		"apiVersion": ref.APIVersion,
		"kind":       ref.Kind,
		"metadata":   map[string]any{"name": ref.Name, "namespace": namespace},
		"spec":       spec,
	}
	return r
}

// apiServer composes an Object that only looks at the namespace every cluster
// has. It works exactly as long as the API server answers to the credentials.
func apiServer(namespace string, ref v1alpha1.ObjectReference, config string, gate compose.Gate) compose.Resource {
	return compose.Resource{
		Name:          resourceProbe,
		ConditionType: PartAccess,
		Gate:          gate,
		Object: map[string]any{
			"apiVersion": ref.APIVersion,
			"kind":       ref.Kind,
			"metadata": map[string]any{
				"name":        ref.Name,
				"namespace":   namespace,
				"annotations": map[string]any{compose.AnnotationPollInterval: compose.PollInterval},
			},
			"spec": map[string]any{
				"managementPolicies": []any{"Observe"},
				"providerConfigRef":  map[string]any{"kind": "ProviderConfig", "name": config},
				"readiness":          map[string]any{"policy": "DeriveFromCelQuery", "celQuery": `object.status.phase == "Active"`},
				"forProvider": map[string]any{
					"manifest": map[string]any{
						"apiVersion": "v1",
						"kind":       "Namespace",
						"metadata":   map[string]any{"name": "kube-system"},
					},
				},
			},
		},
		Ready: probeHealth,
	}
}

// probeHealth judges the probe and says what a person should look at.
func probeHealth(o *unstructured.Unstructured) compose.Health {
	v := compose.Managed(o)
	if v.Ready || v.Progressing {
		return v
	}
	return compose.Health{Reason: "Unreachable", Message: "The API server does not answer. Check that the cluster runs and that its kubeconfig is valid. " + v.Message}
}
