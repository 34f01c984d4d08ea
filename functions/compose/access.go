// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"errors"
	"fmt"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// ClusterConnection reads how a KubernetesCluster is reached. Nil when there is no
// cluster or it does not say yet.
func ClusterConnection(cluster *unstructured.Unstructured) (*v1alpha1.Connection, error) {
	c, err := statusField[v1alpha1.Connection](cluster, "connection")
	if c != nil && (c.HelmProviderConfigRef.Name == "" || c.KubernetesProviderConfigRef.Name == "") {
		return nil, errors.New("cannot use the connection of the cluster: it names no ProviderConfig")
	}
	return c, err
}

// ClusterCapabilities reads what a KubernetesCluster offers to charts. Nil when
// there is no cluster or it does not say yet.
func ClusterCapabilities(cluster *unstructured.Unstructured) (*v1alpha1.Capabilities, error) {
	return statusField[v1alpha1.Capabilities](cluster, "capabilities")
}

// statusField reads a field of a status. Nil when it is not there.
func statusField[T any](o *unstructured.Unstructured, field string) (*T, error) {
	if o == nil {
		return nil, nil
	}
	m, ok, err := unstructured.NestedMap(o.Object, "status", field)
	v := new(T)
	if err == nil && ok {
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(m, v)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read status.%s: %w", field, err)
	}
	if !ok {
		return nil, nil
	}
	return v, nil
}

// StackSummary reads what an ObservabilityStack tells workloads. Nil when there is no
// stack, or it does not say yet, or it was changed since.
func StackSummary(stack *unstructured.Unstructured) (*v1alpha1.StackSummary, error) {
	if stack == nil || GetCondition(stack, "Ready").Stale {
		return nil, nil
	}
	status, _ := stack.Object["status"].(map[string]any)
	if status["environment"] == nil {
		return nil, nil
	}
	s := &v1alpha1.StackSummary{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(status, s); err != nil {
		return nil, fmt.Errorf("cannot read what ObservabilityStack %s says of itself: %w", stack.GetName(), err)
	}
	return s, nil
}

// ManagedRefs reads what a Component says it consists of.
func ManagedRefs(component *unstructured.Unstructured) []v1alpha1.ObjectReference {
	if component == nil {
		return nil
	}
	raw, _, _ := unstructured.NestedSlice(component.Object, "status", "resourceRefs")
	leaves := make([]v1alpha1.ObjectReference, 0, len(raw))
	for _, r := range raw {
		m, ok := r.(map[string]any)
		if !ok {
			continue
		}
		ref := v1alpha1.ObjectReference{}
		ref.APIVersion, _ = m["apiVersion"].(string)
		ref.Kind, _ = m["kind"].(string)
		ref.Name, _ = m["name"].(string)
		leaves = append(leaves, ref)
	}
	return leaves
}
