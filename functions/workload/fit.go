// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// A Room is CPU and memory, of nodes or of what runs on them.
type Room struct {
	CPU, Memory resource.Quantity
}

// Plus is the sum of both.
func (r Room) Plus(more Room) Room {
	sum := Room{CPU: r.CPU.DeepCopy(), Memory: r.Memory.DeepCopy()}
	sum.CPU.Add(more.CPU)
	sum.Memory.Add(more.Memory)
	return sum
}

// Fits says whether it is not more than other.
func (r Room) Fits(other Room) bool {
	return r.CPU.Cmp(other.CPU) <= 0 && r.Memory.Cmp(other.Memory) <= 0
}

// String is for a person.
func (r Room) String() string {
	return fmt.Sprintf("%s CPU and %s of memory", r.CPU.String(), r.Memory.String())
}

// What one container of a game asks for, as the values of its chart say.
const (
	gameCPU    = "10m"
	gameMemory = "32Mi"
)

// Takes is the room that a workload takes; nothing for a chart of the team's own,
// of which nobody knows.
func Takes(p v1alpha1.WorkloadParameters) (Room, error) {
	app, known, err := app(p)
	if err != nil || !known {
		return Room{}, err
	}
	if p.Game != nil {
		containers := len(p.Game.Loaders)
		for i := range p.Game.Services {
			containers += int(language.Default(p.Game.Services[i].Replicas, 1))
		}
		one, all := Room{CPU: resource.MustParse(gameCPU), Memory: resource.MustParse(gameMemory)}, Room{}
		for range containers {
			all = all.Plus(one)
		}
		return all, nil
	}
	if app.Takes == (Resources{}) {
		return Room{}, nil
	}
	r := Room{}
	if r.CPU, err = resource.ParseQuantity(app.Takes.CPU); err != nil {
		return Room{}, err
	}
	r.Memory, err = resource.ParseQuantity(app.Takes.Memory)
	return r, err
}

// Offers is the room on the most nodes that a cluster may have, and the same in
// words. It is unknown where the nodes are somebody else's. Of every node a
// quarter of the memory and a tenth of the CPU are Kubernetes' own: about what
// GKE, which takes the most, reserves on nodes of 8 GiB.
// https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes, 2026-08.
func Offers(c v1alpha1.ClusterParameters) (room Room, words string, known bool) {
	cpus, ok := map[v1alpha1.NodeSize]int64{
		v1alpha1.NodeSizeSmall: 2, v1alpha1.NodeSizeMedium: 4, v1alpha1.NodeSizeLarge: 8, v1alpha1.NodeSizeXLarge: 16,
	}[c.Nodes.Size]
	cloud := c.Provider == v1alpha1.ProviderEKS || c.Provider == v1alpha1.ProviderAKS || c.Provider == v1alpha1.ProviderGKE
	if !ok || !cloud || c.Nodes.Max == 0 {
		return Room{}, "", false
	}
	one := Room{CPU: *resource.NewMilliQuantity(cpus*900, resource.DecimalSI), Memory: *resource.NewQuantity(cpus*3<<30, resource.BinarySI)}
	for range c.Nodes.Max {
		room = room.Plus(one)
	}
	return room, fmt.Sprintf("%d nodes of size %s with %s each for pods have %s", c.Nodes.Max, c.Nodes.Size, one, room), true
}
