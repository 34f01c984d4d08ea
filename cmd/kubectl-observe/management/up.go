// SPDX-License-Identifier: Apache-2.0

package management

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/charts"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
)

const (
	// crossplaneNamespace is where Crossplane runs.
	crossplaneNamespace = "crossplane-system"
	// crossplaneVersion is the release of Crossplane that this project is tested
	// with.
	crossplaneVersion = "v2.4.0"
	// crossplaneCharts is the repository of its released charts.
	crossplaneCharts = "https://charts.crossplane.io/stable"
)

// UpOptions say how to make a management cluster.
type UpOptions struct {
	Cluster

	// Checkout is the root of a checkout from which the packages are built. If it
	// is empty, released packages are installed.
	Checkout string
	// Packages is the registry and path of released packages; ours if empty.
	Packages string
	// Version of the packages.
	Version string
	// Namespace for the first claim.
	Namespace string
	// Socket of docker on this machine.
	Socket string
	// NodeImage is the image of the cluster's node, instead of kind's own.
	NodeImage string
	// Registry is the image of the registry from which the cluster takes packages
	// that were built here.
	Registry string
	// Mirror is HOST:PORT of a registry without TLS, as the cluster reaches it,
	// that has every image and package below its own name.
	Mirror string
	// Timeout is how long a step may take.
	Timeout time.Duration
}

// Up makes the management cluster. What is there already is kept.
func Up(ctx context.Context, c UpOptions) error {
	if err := findEngine(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(c.Output, "!!! The provider for clusters of containers gets docker's socket: everyone who may write a claim here is root on this machine.")
	if err := os.MkdirAll(filepath.Dir(c.Kubeconfig), 0o755); err != nil {
		return errors.Wrap(err, "cannot make the kubeconfig's folder")
	}
	if err := c.stage("make the kind cluster "+c.Name, c.makeCluster); err != nil {
		return err
	}
	var r registry
	if err := c.stage("prepare the registry", func() (err error) {
		if r, err = c.startRegistry(ctx); err != nil || r.pull == "" {
			return err
		}
		nodes, err := c.provider().ListInternalNodes(c.Name)
		if err != nil {
			return errors.Wrap(err, "cannot list the cluster's nodes")
		}
		names := make([]string, 0, len(nodes))
		for _, n := range nodes {
			names = append(names, n.String())
		}
		return r.trust(ctx, names)
	}); err != nil {
		return err
	}
	if c.Checkout != "" {
		if err := c.stage("build and push our packages", func() error { return c.buildPackages(ctx, r) }); err != nil {
			return err
		}
	}
	if err := c.stage("install Crossplane", func() error { return c.installCrossplane(ctx) }); err != nil {
		return err
	}
	if err := c.stage("install observe-k8s and its providers", func() error { return c.installPackages(ctx, r) }); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(c.Output, `
Ready for a claim:

  export KUBECONFIG=%s
  kubectl apply -f %s
  kubectl -n %s get observabilityplatforms -w

kubectl observe down ends it.
`, c.Kubeconfig, "examples/kind.yaml", c.Namespace)
	return nil
}

// makeCluster makes the cluster, with docker's socket on its node.
func (c UpOptions) makeCluster() error {
	p := c.provider()
	there, err := p.List()
	if err != nil {
		return errors.Wrap(err, "cannot list the kind clusters")
	}
	if slices.Contains(there, c.Name) {
		return errors.Wrap(p.ExportKubeConfig(c.Name, c.Kubeconfig, false), "cannot write its kubeconfig")
	}
	err = p.Create(c.Name,
		cluster.CreateWithV1Alpha4Config(&v1alpha4.Cluster{
			TypeMeta: v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
			Nodes: []v1alpha4.Node{{
				Role:        v1alpha4.ControlPlaneRole,
				Image:       c.NodeImage,
				ExtraMounts: []v1alpha4.Mount{{HostPath: c.Socket, ContainerPath: "/var/run/docker.sock"}},
			}},
		}),
		cluster.CreateWithKubeconfigPath(c.Kubeconfig),
		cluster.CreateWithWaitForReady(c.Timeout),
		cluster.CreateWithDisplayUsage(false),
		cluster.CreateWithDisplaySalutation(false),
	)
	return errors.Wrap(err, "cannot create it")
}

// crossplaneChart is Crossplane's chart: with a checkout the one of the module
// that the tests run, which takes Go and no repository of charts, otherwise the
// released one.
func (c UpOptions) crossplaneChart(ctx context.Context) (*chart.Chart, error) {
	if c.Checkout == "" {
		var mirror *compose.Mirror
		if c.Mirror != "" {
			mirror = &compose.Mirror{Prefix: c.Mirror, PlainHTTP: true}
		}
		repository, plain := mirror.Rewrite(crossplaneCharts)
		b, err := charts.Fetch(ctx, repository, "crossplane", strings.TrimPrefix(crossplaneVersion, "v"), plain)
		if err != nil {
			return nil, err
		}
		ch, err := loader.LoadArchive(bytes.NewReader(b))
		return ch, errors.Wrap(err, "cannot read the chart of Crossplane")
	}
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", "github.com/crossplane/crossplane/v2@"+crossplaneVersion)
	download.Dir = filepath.Join(c.Checkout, "controlplane", "programs", "crossplane")
	out, err := download.Output()
	if err != nil {
		return nil, errors.Wrap(err, "cannot download the module of Crossplane")
	}
	m := struct{ Dir string }{}
	if err := json.Unmarshal(out, &m); err != nil {
		return nil, errors.Wrap(err, "cannot read where the module of Crossplane is")
	}
	ch, err := loader.Load(filepath.Join(m.Dir, "cluster", "charts", "crossplane"))
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the chart of Crossplane's module")
	}
	// In the source they are placeholders. The chart puts a v before the second.
	ch.Metadata.Version, ch.Metadata.AppVersion = crossplaneVersion, strings.TrimPrefix(crossplaneVersion, "v")
	return ch, nil
}

// installCrossplane applies what its own chart renders with the values that
// package/install.yaml asks for, and waits for it.
func (c UpOptions) installCrossplane(ctx context.Context) error {
	ch, err := c.crossplaneChart(ctx)
	if err != nil {
		return errors.Wrap(err, "cannot load Crossplane's chart")
	}
	files, err := charts.Render(ch, "crossplane", crossplaneNamespace, map[string]any{
		"args":     []any{"--circuit-breaker-burst=10000"},
		"provider": map[string]any{"defaultActivations": []any{}},
	})
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	if err := client.Apply(ctx, object("v1", "Namespace", crossplaneNamespace, nil)); err != nil {
		return err
	}
	for _, text := range files {
		objs, err := kube.Parse([]byte(text))
		if err != nil {
			return errors.Wrap(err, "cannot read what Crossplane's chart renders")
		}
		if err := client.Apply(ctx, objs...); err != nil {
			return err
		}
	}
	for _, name := range []string{"crossplane", "crossplane-rbac-manager"} {
		if err := client.WaitCondition(ctx, c.Timeout, schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, crossplaneNamespace, name, "Available"); err != nil {
			return err
		}
	}
	return nil
}
