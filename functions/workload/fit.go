// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"

	"github.com/observe-k8s/observe-k8s/apis/game/language"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Resources are CPU and memory, of nodes or of what runs on them.
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
		return Resources{}, fmt.Errorf("cannot read the CPU of app %s: %w", app.Name, err)
	}
	if r.Memory, err = resource.ParseQuantity(app.Requests.Memory); err != nil {
		return Resources{}, fmt.Errorf("cannot read the memory of app %s: %w", app.Name, err)
	}
	return r, nil
}
