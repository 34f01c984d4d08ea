// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// unavailable stands for providers that nothing composes. The schema refuses
// them; this answers a claim that got past another one.
type unavailable struct{}

// Describe knows nothing of the place.
func (unavailable) Describe(v1alpha1.ClusterParameters) backend.Facts { return backend.Facts{} }

// Plan says that there is no such provider yet, and keeps what exists.
func (unavailable) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (backend.Cluster, error) {
	return backend.Refuse("Unsupported", fmt.Sprintf("Provider %s is not available yet. The schema lists those that are", in.Claim.Spec.Provider)), nil
}
