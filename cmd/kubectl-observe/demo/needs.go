// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package demo

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"sigs.k8s.io/yaml"
)

// inCloud says whether a claim is for a cluster that would have to be made: in a
// cloud, on hosts or by a container engine.
func inCloud(claim string) (bool, error) {
	b, err := os.ReadFile(claim)
	if err != nil {
		return false, fmt.Errorf("cannot read the claim: %w", err)
	}
	c := struct {
		Spec struct {
			Provider string
			Cluster  struct{ Provider string }
		}
	}{}
	if err := yaml.Unmarshal(b, &c); err != nil {
		return false, fmt.Errorf("cannot read the claim: %w", err)
	}
	facts := cluster.Describe(v1alpha1.ClusterParameters{Provider: v1alpha1.Provider(cmp.Or(c.Spec.Cluster.Provider, c.Spec.Provider))})
	return facts.Place != "" && facts.Place != backend.PlaceExisting, nil
}

// byFlux says whether a claim has something deployed by Flux, whose controllers
// take a while to build.
func byFlux(claim string) (bool, error) {
	b, err := os.ReadFile(claim)
	if err != nil {
		return false, fmt.Errorf("cannot read the claim: %w", err)
	}
	for doc := range strings.SplitSeq("\n"+string(b), "\n---\n") {
		type deployment struct{ Deployer, Profile string }
		c := struct {
			Spec struct {
				deployment `json:",inline"`

				Components, Workloads []deployment
				Stack                 struct {
					deployment `json:",inline"`

					Components []deployment
				}
			}
		}{}
		if err := yaml.Unmarshal([]byte(doc), &c); err != nil {
			return false, fmt.Errorf("cannot read the claim: %w", err)
		}
		all := slices.Concat([]deployment{c.Spec.deployment, c.Spec.Stack.deployment}, c.Spec.Components, c.Spec.Workloads, c.Spec.Stack.Components)
		if slices.ContainsFunc(all, func(d deployment) bool {
			return d.Deployer == "Flux" || (d.Deployer == "" && d.Profile != "" && d.Profile != "Minimal")
		}) {
			return true, nil
		}
	}
	return false, nil
}
