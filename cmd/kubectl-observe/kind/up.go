// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cmd"
)

// crossplaneNamespace is where Crossplane runs.
const crossplaneNamespace = "crossplane-system"

// Run makes the management cluster. What is there already is kept.
func (c *UpCmd) Run(ctx context.Context) error {
	if err := findEngine(ctx); err != nil {
		return err
	}
	fmt.Println("!!! The provider for clusters of containers gets docker's socket: whoever may write a claim here is root on this machine.")
	if err := os.MkdirAll(filepath.Dir(c.kubeconfig()), 0o755); err != nil {
		return errors.Wrap(err, "cannot make the output folder")
	}
	if err := stage("make the kind cluster "+c.Name, c.makeCluster); err != nil {
		return err
	}
	var r registry
	if err := stage("start the registry", func() (err error) {
		if r, err = c.startRegistry(ctx); err != nil {
			return err
		}
		nodes, err := c.provider().ListInternalNodes(c.Name)
		if err != nil {
			return err
		}
		names := make([]string, 0, len(nodes))
		for _, n := range nodes {
			names = append(names, n.String())
		}
		return r.trust(ctx, names)
	}); err != nil {
		return err
	}
	if err := stage("push our packages", func() error { return c.pushPackages(ctx, r) }); err != nil {
		return err
	}
	if err := stage("install Crossplane", func() error { return c.installCrossplane(ctx) }); err != nil {
		return err
	}
	if err := stage("install observe-k8s and its providers", func() error { return c.installPackages(ctx, r) }); err != nil {
		return err
	}
	fmt.Printf(`
Ready for a claim:

  export KUBECONFIG=%s
  kubectl apply -f %s
  kubectl -n %s get observabilityplatforms -w

make kind-down ends it.
`, c.kubeconfig(), filepath.Join("examples", "kind.yaml"), c.Namespace)
	return nil
}

func (c Common) provider() *cluster.Provider {
	return cluster.NewProvider(cluster.ProviderWithDocker(), cluster.ProviderWithLogger(cmd.NewLogger()))
}

// makeCluster makes the cluster, with docker's socket on its node.
func (c *UpCmd) makeCluster() error {
	p := c.provider()
	there, err := p.List()
	if err != nil {
		return err
	}
	if slices.Contains(there, c.Name) {
		return p.ExportKubeConfig(c.Name, c.kubeconfig(), false)
	}
	return p.Create(c.Name,
		cluster.CreateWithV1Alpha4Config(&v1alpha4.Cluster{
			TypeMeta: v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
			Nodes: []v1alpha4.Node{{
				Role:        v1alpha4.ControlPlaneRole,
				Image:       c.NodeImage,
				ExtraMounts: []v1alpha4.Mount{{HostPath: c.Socket, ContainerPath: "/var/run/docker.sock"}},
			}},
		}),
		cluster.CreateWithKubeconfigPath(c.kubeconfig()),
		cluster.CreateWithWaitForReady(c.Timeout),
		cluster.CreateWithDisplayUsage(false),
		cluster.CreateWithDisplaySalutation(false),
	)
}

// crossplaneModule is the release of Crossplane whose chart is installed: the one
// that the project is tested with.
func (c *UpCmd) crossplaneModule(ctx context.Context) (dir, version string, err error) {
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", "github.com/crossplane/crossplane/v2")
	download.Dir = filepath.Join(c.Root, "controlplane", "programs", "crossplane")
	out, err := download.Output()
	if err != nil {
		return "", "", errors.Wrap(err, "cannot download the module of Crossplane")
	}
	m := struct{ Dir, Version string }{}
	if err := json.Unmarshal(out, &m); err != nil {
		return "", "", errors.Wrap(err, "cannot read where the module of Crossplane is")
	}
	return m.Dir, m.Version, nil
}

// installCrossplane by its own chart, with the values that package/install.yaml
// asks for.
func (c *UpCmd) installCrossplane(ctx context.Context) error {
	dir, version, err := c.crossplaneModule(ctx)
	if err != nil {
		return err
	}
	ch, err := loader.Load(filepath.Join(dir, "cluster", "charts", "crossplane"))
	if err != nil {
		return errors.Wrap(err, "cannot read Crossplane's chart")
	}
	// In the source they are placeholders. The chart puts a v before the second.
	ch.Metadata.Version, ch.Metadata.AppVersion = version, strings.TrimPrefix(version, "v")
	values := map[string]any{
		"args":     []any{"--circuit-breaker-burst=10000"},
		"provider": map[string]any{"defaultActivations": []any{}},
	}

	flags := genericclioptions.NewConfigFlags(false)
	file, ns := c.kubeconfig(), crossplaneNamespace
	flags.KubeConfig, flags.Namespace = &file, &ns
	cfg := &action.Configuration{}
	if err := cfg.Init(flags, crossplaneNamespace, "secret", func(string, ...any) {}); err != nil {
		return errors.Wrap(err, "cannot start Helm")
	}
	there, err := deployed(cfg)
	if err != nil {
		return err
	}
	if !there {
		install := action.NewInstall(cfg)
		install.ReleaseName, install.Namespace, install.CreateNamespace, install.Wait, install.Timeout = "crossplane", crossplaneNamespace, true, true, c.Timeout
		_, err := install.RunWithContext(ctx, ch, values)
		return err
	}
	upgrade := action.NewUpgrade(cfg)
	upgrade.Namespace, upgrade.Wait, upgrade.Timeout = crossplaneNamespace, true, c.Timeout
	_, err = upgrade.RunWithContext(ctx, "crossplane", ch, values)
	return err
}

// deployed says whether Crossplane is installed. What an installation that was
// interrupted has left is removed: Helm would wait for its end.
func deployed(cfg *action.Configuration) (bool, error) {
	history, err := action.NewHistory(cfg).Run("crossplane")
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return false, nil
	}
	if err != nil {
		return false, errors.Wrap(err, "cannot read Crossplane's releases")
	}
	for _, r := range history {
		if r.Info != nil && r.Info.Status == release.StatusDeployed {
			return true, nil
		}
	}
	_, err = action.NewUninstall(cfg).Run("crossplane")
	return false, errors.Wrap(err, "cannot remove a Crossplane that is half installed")
}
