// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/tree"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
)

// refresh is how often a tree that is watched is looked at.
const refresh = time.Second

type treeCommand struct {
	Claim      string        `arg:"" help:"The claim: NAME, NAMESPACE/NAME, or KIND/NAMESPACE/NAME for another kind of ours."`
	Kubeconfig string        `help:"The management cluster; by default what kubectl uses." placeholder:"FILE" type:"existingfile"`
	Watch      bool          `short:"w" help:"Follow the tree until the claim is Ready, or gone when it is being deleted."`
	Timeout    time.Duration `default:"30m" help:"How long to follow."`
}

// Run shows the tree of a claim on the cluster that kubectl would use.
func (c *treeCommand) Run(ctx context.Context) error {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil)
	config, err := loader.ClientConfig()
	if err != nil {
		return fmt.Errorf("cannot load the kubeconfig: %w", err)
	}
	client, err := kube.New(config)
	if err != nil {
		return err
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return fmt.Errorf("cannot tell the namespace: %w", err)
	}
	gvk, namespace, name, err := which(c.Claim, namespace)
	if err != nil {
		return err
	}
	n, err := tree.Walk(ctx, client, gvk, namespace, name)
	if errors.Is(err, tree.ErrNotFound) {
		return fmt.Errorf("there is no %s %s in namespace %s", gvk.Kind, name, namespace)
	}
	if err != nil {
		return err
	}
	if !c.Watch {
		fmt.Println(strings.Join(n.Ages(time.Now()).Lines(), "\n"))
		return nil
	}
	return c.follow(ctx, func(ctx context.Context) (tree.Node, error) { return tree.Walk(ctx, client, gvk, namespace, name) })
}

// follow a tree until there is nothing more to wait for.
func (c *treeCommand) follow(ctx context.Context, walk func(context.Context) (tree.Node, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("not Ready after %s", c.Timeout))
	defer cancel()
	view := tree.NewView(os.Stdout, live(), size)
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for start := time.Now(); ; {
		n, err := walk(ctx)
		switch {
		case errors.Is(err, tree.ErrNotFound):
			fmt.Println("gone")
			return nil
		case err == nil:
			view.Show(n, time.Since(start))
			if n.Done() {
				return nil
			}
		case ctx.Err() == nil:
			// The API server may be away for a moment.
			fmt.Fprintln(os.Stderr, "cannot look:", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// which resource is meant: its kind, namespace and name.
func which(claim, namespace string) (gvk schema.GroupVersionKind, ns, name string, err error) {
	gvk = schema.GroupVersionKind{Group: "observe-k8s.io", Version: "v1alpha1", Kind: "ObservabilityPlatform"}
	parts := strings.Split(claim, "/")
	if slices.Contains(parts, "") {
		return gvk, "", "", fmt.Errorf("%q is not NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME", claim)
	}
	switch len(parts) {
	case 1:
		return gvk, cmp.Or(namespace, "default"), parts[0], nil
	case 2:
		return gvk, parts[0], parts[1], nil
	case 3:
		for _, kind := range []string{"ObservabilityPlatform", "KubernetesCluster", "ObservabilityStack", "Component", "Workload"} {
			if strings.EqualFold(kind, parts[0]) {
				gvk.Kind = kind
				return gvk, parts[1], parts[2], nil
			}
		}
	}
	return gvk, "", "", fmt.Errorf("%q is not NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME of a kind of ours", claim)
}
