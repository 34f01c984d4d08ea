// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/tree"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"sigs.k8s.io/yaml"
)

type demoCommand struct {
	runFlags `embed:""`

	Claim        string        `help:"The claim; by default examples/existing.yaml." type:"existingfile"`
	RenderBinary string        `help:"Shows beforehand, called with --tree, what the claim will become." placeholder:"FILE" type:"existingfile"`
	Timeout      time.Duration `default:"5m" help:"How long the claim may take to become Ready."`
	Exit         bool          `env:"DEMO_EXIT" help:"End, and tear everything down, once the claim is Ready."`
}

// Run the demonstration.
func (c *demoCommand) Run(ctx context.Context) error {
	began := time.Now()
	if c.Claim == "" {
		root, err := controlplane.FindRoot(c.Root)
		if err != nil {
			return err
		}
		c.Claim = filepath.Join(root, "examples", "existing.yaml")
	}
	if err := c.render(ctx); err != nil {
		return err
	}
	o := c.options()
	var err error
	if o.Clouds, err = inCloud(c.Claim); err != nil {
		return err
	}
	if o.Flux, err = byFlux(c.Claim); err != nil {
		return err
	}
	if err := controlplane.Build(ctx, o); err != nil {
		return err
	}

	fmt.Println("Starting the control plane: real programs, on loopback only. Nodes and pods of the remote cluster are SIMULATED.")
	if o.Clouds {
		fmt.Println("The cloud, the hosts or the container engine are SIMULATED too: nothing is made anywhere, and every cluster of theirs is the remote cluster.")
	}
	warm := time.Now()
	cp, err := controlplane.Start(ctx, o)
	if errors.Is(err, controlplane.ErrRunning) {
		return fmt.Errorf("%w: end it with `make demo-down`", err)
	}
	if err != nil {
		return err
	}
	defer cp.Stop()

	fmt.Printf("\nkubectl apply -f %s\n\n", c.Claim)
	applied := time.Now()
	objs, err := cp.ApplyFile(ctx, c.Claim)
	if err != nil {
		return err
	}
	claim := objs[len(objs)-1]
	if err := cp.Follow(ctx, claim, tree.NewView(os.Stdout, live(), size), c.Timeout); err != nil {
		return err
	}
	fmt.Printf("\n%s %s is Ready: %.1fs after it was applied, %.1fs after the programs were built, %.1fs in all\n",
		claim.GetKind(), claim.GetName(), time.Since(applied).Seconds(), time.Since(warm).Seconds(), time.Since(began).Seconds())
	if c.Exit {
		return nil
	}
	if err := lookAround(cp); err != nil {
		return err
	}
	return cp.Wait(ctx)
}

// inCloud says whether a claim is for a cluster that would have to be made: in a
// cloud, on hosts or by a container engine.
func inCloud(claim string) (bool, error) {
	b, err := os.ReadFile(claim)
	if err != nil {
		return false, fmt.Errorf("cannot read the claim: %w", err)
	}
	c := struct {
		Spec struct {
			Provider v1alpha1.Provider
			Cluster  struct{ Provider v1alpha1.Provider }
		}
	}{}
	if err := yaml.Unmarshal(b, &c); err != nil {
		return false, fmt.Errorf("cannot read the claim: %w", err)
	}
	facts := cluster.Describe(v1alpha1.ClusterParameters{Provider: v1alpha1.Provider(cmp.Or(c.Spec.Cluster.Provider, c.Spec.Provider))})
	return facts.Place != "" && facts.Place != backend.PlaceExisting, nil
}

// byFlux says whether a claim has something delivered by Flux, whose controllers
// take a while to build.
func byFlux(claim string) (bool, error) {
	b, err := os.ReadFile(claim)
	if err != nil {
		return false, fmt.Errorf("cannot read the claim: %w", err)
	}
	for doc := range strings.SplitSeq("\n"+string(b), "\n---\n") {
		type delivery struct{ Delivery, Engine, Profile string }
		c := struct {
			Spec struct {
				delivery `json:",inline"`

				Components, Workloads []delivery
				Stack                 struct {
					delivery `json:",inline"`

					Components []delivery
				}
			}
		}{}
		if err := yaml.Unmarshal([]byte(doc), &c); err != nil {
			return false, fmt.Errorf("cannot read the claim: %w", err)
		}
		all := slices.Concat([]delivery{c.Spec.delivery, c.Spec.Stack.delivery}, c.Spec.Components, c.Spec.Workloads, c.Spec.Stack.Components)
		if slices.ContainsFunc(all, func(d delivery) bool {
			return d.Delivery == "Flux" || d.Engine == "Flux" || (d.Delivery == "" && d.Profile != "" && d.Profile != "Minimal")
		}) {
			return true, nil
		}
	}
	return false, nil
}

// render shows what the claim will become, before anything else.
func (c *demoCommand) render(ctx context.Context) error {
	if c.RenderBinary == "" {
		return nil
	}
	fmt.Printf("What %s will become:\n\n", c.Claim)
	cmd := exec.CommandContext(ctx, c.RenderBinary, "--tree", c.Claim)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot render the claim: %w", err)
	}
	fmt.Println()
	return nil
}

// lookAround prints how to look around.
func lookAround(cp *controlplane.ControlPlane) error {
	s, err := cp.State()
	if err != nil {
		return err
	}
	fmt.Printf(`
Look around, in another terminal:

  export KUBECONFIG=%s
  alias kubectl=%s
  kubectl get observabilityplatforms,kubernetesclusters.observe-k8s.io,observabilitystacks,components,workloads -A
  kubectl get managed -A
  kubectl --kubeconfig %s get deployments,pods -A

  management API server  %s
  remote API server      %s   (its nodes and pods are simulated)
  Crossplane's metrics   %s
  logs                   %s

It runs until Ctrl-C here, or %s elsewhere.
`, s.Kubeconfig, s.Kubectl, s.RemoteKubeconfig, s.Server, s.RemoteServer, s.Metrics, s.Logs, "`make demo-down`")
	return nil
}
