// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/workload"
	"k8s.io/apimachinery/pkg/api/resource"
)

// capacity on the nodes that a claim asks for, as workloads take it one after the
// other.
type capacity struct {
	pools []backend.Pool
	taken workload.Resources
	words []string
}

// reserve the room that a workload needs, or say why it does not fit.
func (r *capacity) reserve(w v1alpha1.PlatformWorkload) ([]compose.Problem, error) {
	takes, err := workload.Requests(w.WorkloadParameters)
	if err != nil {
		return nil, err
	}
	there, words, known := Allocatable(r.pools)
	all := r.taken.Add(takes)
	sum := append(slices.Clone(r.words), fmt.Sprintf("%s takes %s", w.Name, takes))
	if known && !all.FitsIn(there) {
		return []compose.Problem{{Reason: "InsufficientCapacity", Message: fmt.Sprintf(
			"%s, in all %s; %s. Ask for more or larger nodes in cluster.nodes, or for fewer workloads. The stack needs room besides", strings.Join(sum, ", "), all, words)}}, nil
	}
	r.taken, r.words = all, sum
	return nil, nil
}

// Allocatable is the room on the most nodes that pools may have for workloads, and the
// same in words. It is unknown where one of the nodes' capacities is. Of every node
// a quarter of the memory and a tenth of the CPU are Kubernetes' own: about the most
// that a cloud reserves on nodes of 8 GiB.
// https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes, 2026-08.
func Allocatable(pools []backend.Pool) (room workload.Resources, words string, known bool) {
	var each []string
	for _, p := range pools {
		if p.Reserved {
			continue
		}
		count := p.Min
		if p.Scales {
			count = p.Max
		}
		if p.Node == nil || count == 0 {
			return workload.Resources{}, "", false
		}
		one := workload.Resources{CPU: *resource.NewMilliQuantity(p.Node.CPUs*900, resource.DecimalSI), Memory: *resource.NewQuantity(p.Node.GiB*3/4<<30, resource.BinarySI)}
		for range count {
			room = room.Add(one)
		}
		each = append(each, fmt.Sprintf("%d nodes of %s with %s each for pods", count, p.Node.Name, one))
	}
	return room, fmt.Sprintf("%s have %s", strings.Join(each, ", "), room), len(each) > 0
}
