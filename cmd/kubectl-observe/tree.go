// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/tree"
	"github.com/observe-k8s/observe-k8s/functions/simulate"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
)

// refresh is how often a tree that is watched is looked at.
const refresh = time.Second

// newTreeCommand returns the command that prints the tree of a claim.
func newTreeCommand() *cobra.Command {
	p, live := preview{}, clusterTree{}
	cmd := &cobra.Command{
		Use:   "tree FILE | [[KIND/]NAMESPACE/]NAME",
		Short: "Show what a claim becomes, or how each part of a claim on the cluster is doing",
		Long: `Show what the claims of a file become, or how each part of a claim on the cluster
is doing.

FILE is a file, a folder, or - for standard input. It is validated first, and the
exit status is 1 if anything is refused. A NAME is a claim on the cluster that
kubectl uses.`,
		Example: `  kubectl observe tree claim.yaml
  kubectl observe tree team-a/demo --watch
  kubectl observe tree Workload/team-a/podinfo`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !isFile(args[0]) {
				return live.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0])
			}
			if live.watch {
				return fmt.Errorf("cannot watch %s: it is a file; name a claim on the cluster as NAMESPACE/NAME", args[0])
			}
			return p.run(cmd, args[0], func(s *simulate.Simulation) error {
				return printTrees(cmd.OutOrStdout(), s.Trees())
			})
		},
	}
	p.addFlags(cmd)
	cmd.Flags().StringVar(&live.kubeconfig, "kubeconfig", "", "kubeconfig of the management cluster (default: what kubectl uses)")
	cmd.Flags().BoolVarP(&live.watch, "watch", "w", false, "follow a claim on the cluster until it is Ready, or until it is gone if it is being deleted")
	cmd.Flags().DurationVar(&live.timeout, "timeout", 30*time.Minute, "how long to follow")
	return cmd
}

// isFile returns whether an argument means a file, not an object on a cluster.
func isFile(arg string) bool {
	if arg == "-" || strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml") || strings.HasSuffix(arg, ".json") {
		return true
	}
	_, err := os.Stat(arg)
	return err == nil
}

// printTrees prints claims and what is below them, one object a line.
func printTrees(w io.Writer, nodes []simulate.Node) error {
	for _, n := range nodes {
		if _, err := fmt.Fprintf(w, "%s/%s\n", n.Object.GetKind(), n.Object.GetName()); err != nil {
			return fmt.Errorf("cannot print the tree of %s: %w", n.Object.GetName(), err)
		}
		if err := branches(w, n.Children, ""); err != nil {
			return err
		}
		for _, c := range n.Conditions {
			if c.Ready {
				continue
			}
			if _, err := fmt.Fprintf(w, "%s: %s: %s\n", c.Type, c.Reason, c.Message); err != nil {
				return fmt.Errorf("cannot print the conditions of %s: %w", n.Object.GetName(), err)
			}
		}
	}
	return nil
}

func branches(w io.Writer, nodes []simulate.Node, indent string) error {
	for i, n := range nodes {
		branch, below := "├─ ", "│  "
		if i == len(nodes)-1 {
			branch, below = "└─ ", "   "
		}
		if _, err := fmt.Fprintf(w, "%s%s%s/%s\n", indent, branch, n.Object.GetKind(), n.Object.GetName()); err != nil {
			return fmt.Errorf("cannot print %s %s: %w", n.Object.GetKind(), n.Object.GetName(), err)
		}
		if err := branches(w, n.Children, indent+below); err != nil {
			return err
		}
	}
	return nil
}

// A clusterTree shows the tree of a claim on a cluster.
type clusterTree struct {
	kubeconfig string
	watch      bool
	timeout    time.Duration
}

// run prints the tree of a claim on the cluster that kubectl would use.
func (c *clusterTree) run(ctx context.Context, out, errOut io.Writer, claim string) error {
	gvk, namespace, name, err := which(claim)
	if err != nil {
		return err
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil)
	config, err := loader.ClientConfig()
	if err != nil {
		return fmt.Errorf("cannot load the kubeconfig: %w; pass --kubeconfig FILE, or set KUBECONFIG", err)
	}
	if namespace == "" {
		if namespace, _, err = loader.Namespace(); err != nil {
			return fmt.Errorf("cannot load the kubeconfig: %w", err)
		}
	}
	client, err := kube.New(config)
	if err != nil {
		return fmt.Errorf("cannot connect to the cluster: %w", err)
	}
	walk := func(ctx context.Context) (tree.Node, error) { return tree.Walk(ctx, client, gvk, namespace, name) }
	n, err := walk(ctx)
	if errors.Is(err, tree.ErrNotFound) {
		return fmt.Errorf("cannot show %s %q: there is none in namespace %q; kubectl get %s -A lists those that exist", gvk.Kind, name, namespace, strings.ToLower(gvk.Kind))
	}
	if err != nil {
		return fmt.Errorf("cannot show %s %q: %w", gvk.Kind, name, err)
	}
	if c.watch {
		return c.follow(ctx, out, errOut, walk)
	}
	if _, err := fmt.Fprintln(out, strings.Join(n.Ages(time.Now()).Lines(), "\n")); err != nil {
		return fmt.Errorf("cannot print the tree of %s: %w", name, err)
	}
	return nil
}

// follow a tree until there is nothing more to wait for.
func (c *clusterTree) follow(ctx context.Context, out, errOut io.Writer, walk func(context.Context) (tree.Node, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("not Ready after %s", c.timeout))
	defer cancel()
	view := tree.NewView(out, isTerminal(), terminalSize)
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for start := time.Now(); ; {
		n, err := walk(ctx)
		switch {
		case errors.Is(err, tree.ErrNotFound):
			if _, err := fmt.Fprintln(out, "gone"); err != nil {
				return fmt.Errorf("cannot print that the claim is gone: %w", err)
			}
			return nil
		case err == nil:
			view.Show(n, time.Since(start))
			if n.Done() {
				return nil
			}
		case ctx.Err() == nil:
			// The API server may be away for a moment.
			_, _ = fmt.Fprintln(errOut, "cannot look:", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot follow the claim to its end: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// isTerminal returns whether standard output is a terminal on which lines may be
// rewritten.
func isTerminal() bool {
	if os.Getenv("CI") != "" || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return term.IsTerminal(int(os.Stdout.Fd()))
}

// terminalSize returns the size of the terminal.
func terminalSize() (width, height int) {
	w, h, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0, 0
	}
	return w, h
}

// which resource is meant: its kind, its namespace if one is given, and its name.
func which(claim string) (gvk schema.GroupVersionKind, ns, name string, err error) {
	gvk = schema.GroupVersionKind{Group: "observe-k8s.io", Version: "v1alpha1", Kind: "ObservabilityPlatform"}
	parts := strings.Split(claim, "/")
	if slices.Contains(parts, "") {
		return gvk, "", "", fmt.Errorf("%q is not NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME", claim)
	}
	switch len(parts) {
	case 1:
		return gvk, "", parts[0], nil
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
