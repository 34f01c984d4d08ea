// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"k8s.io/apimachinery/pkg/api/resource"
)

// A Resources is CPU and memory, of nodes or of what runs on them.
type Resources struct {
	CPU, Memory resource.Quantity
}

// Add is the sum of both.
func (r Resources) Add(more Resources) Resources {
	sum := Resources{CPU: r.CPU.DeepCopy(), Memory: r.Memory.DeepCopy()}
	sum.CPU.Add(more.CPU)
	sum.Memory.Add(more.Memory)
	return sum
}

// FitsIn says whether it is not more than other.
func (r Resources) FitsIn(other Resources) bool {
	return r.CPU.Cmp(other.CPU) <= 0 && r.Memory.Cmp(other.Memory) <= 0
}

// String is for a person.
func (r Resources) String() string {
	return fmt.Sprintf("%s CPU and %s of memory", r.CPU.String(), r.Memory.String())
}

// What one container of a game asks for, as the values of its chart say.
const (
	gameCPU    = "10m"
	gameMemory = "32Mi"
)

// Requests is the room that a workload takes; nothing for a chart of the team's own,
// of which nobody knows.
func Requests(p v1alpha1.WorkloadParameters) (Resources, error) {
	app, known, err := app(p)
	if err != nil || !known {
		return Resources{}, err
	}
	if p.Game != nil {
		containers := len(p.Game.LoadGenerators)
		for i := range p.Game.Services {
			containers += int(language.Default(p.Game.Services[i].Replicas, 1))
		}
		one, all := Resources{CPU: resource.MustParse(gameCPU), Memory: resource.MustParse(gameMemory)}, Resources{}
		for range containers {
			all = all.Add(one)
		}
		return all, nil
	}
	if app.Requests == (ResourceList{}) {
		return Resources{}, nil
	}
	r := Resources{}
	if r.CPU, err = resource.ParseQuantity(app.Requests.CPU); err != nil {
		return Resources{}, err
	}
	r.Memory, err = resource.ParseQuantity(app.Requests.Memory)
	return r, err
}

// Allocatable is the room on the most nodes that pools may have for workloads, and the
// same in words. It is unknown where one of the nodes' capacities is. Of every node
// a quarter of the memory and a tenth of the CPU are Kubernetes' own: about the most
// that a cloud reserves on nodes of 8 GiB.
// https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes, 2026-08.
func Allocatable(pools []backend.Pool) (room Resources, words string, known bool) {
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
			return Resources{}, "", false
		}
		one := Resources{CPU: *resource.NewMilliQuantity(p.Node.CPUs*900, resource.DecimalSI), Memory: *resource.NewQuantity(p.Node.GiB*3/4<<30, resource.BinarySI)}
		for range count {
			room = room.Add(one)
		}
		each = append(each, fmt.Sprintf("%d nodes of %s with %s each for pods", count, p.Node.Name, one))
	}
	return room, fmt.Sprintf("%s have %s", strings.Join(each, ", "), room), len(each) > 0
}
