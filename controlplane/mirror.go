// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"path"

	"github.com/observe-k8s/observe-k8s/controlplane/charts"
	"github.com/observe-k8s/observe-k8s/controlplane/oci"
)

// chartsPrefix is where the registry has charts, below which come host and
// path of the real ones.
const chartsPrefix = "charts"

// A chart that is pushed.
type chart interface {
	// Path below the mirror.
	Path() string
	// Tag is the version.
	Tag() string
	// Metadata is what Chart.yaml says.
	Metadata() map[string]any
	// Package is the chart as Helm packages it.
	Package() ([]byte, error)
}

// pushCharts pushes our own charts, and stand-ins for the others of our
// catalogs.
func (cp *ControlPlane) pushCharts() error {
	if cp.opts.UpstreamCharts {
		return nil
	}
	own, err := charts.OwnCharts(cp.opts.Root)
	if err != nil {
		return err
	}
	for _, c := range own {
		if err := cp.pushChart(c); err != nil {
			return err
		}
	}
	standIns, err := charts.FromCatalogs(cp.opts.Root)
	if err != nil {
		return err
	}
	for _, c := range standIns {
		if c.Name == fluxChart {
			if c.Manifests, err = cp.fluxCRDs(); err != nil {
				return err
			}
		}
		if cp.opts.StandIn != nil {
			if err := cp.opts.StandIn(&c); err != nil {
				return err
			}
		}
		if err := cp.pushChart(c); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(cp.opts.Output, "  %d charts are STAND-INS that install simulated pods (CHARTS=upstream takes the real ones); %d of our own are real\n", len(standIns), len(own))
	return nil
}

func (cp *ControlPlane) pushChart(c chart) error {
	tgz, err := c.Package()
	if err != nil {
		return err
	}
	img, err := oci.Chart(c.Metadata(), tgz)
	if err != nil {
		return err
	}
	return cp.registry.Push(path.Join(chartsPrefix, c.Path()), c.Tag(), img)
}
