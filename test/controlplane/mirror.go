package controlplane

import (
	"fmt"
	"path"

	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/charts"
	"github.com/observe-k8s/observe-k8s/test/controlplane/internal/oci"
)

// chartsPrefix is where the registry has charts, below which come host and
// path of the real ones.
const chartsPrefix = "charts"

// pushCharts pushes stand-ins for the charts of our catalogs.
func (cp *ControlPlane) pushCharts() error {
	if cp.opts.UpstreamCharts {
		return nil
	}
	all, err := charts.FromCatalogs(cp.opts.Root)
	if err != nil {
		return err
	}
	for _, s := range all {
		tgz, err := s.Package()
		if err != nil {
			return err
		}
		img, err := oci.Chart(s.Metadata(), tgz)
		if err != nil {
			return err
		}
		if err := cp.registry.Push(path.Join(chartsPrefix, s.Path()), s.Version, img); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(cp.opts.Output, "  %d charts are STAND-INS that install simulated pods (CHARTS=upstream takes the real ones)\n", len(all))
	return nil
}
