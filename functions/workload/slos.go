// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"cmp"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// maxSLOName is the longest name of an SLO that the schema allows.
const maxSLOName = 40

// SLOs of a workload, each named after it: those of its row in the catalog, and for
// a game that its first service answers. One that nobody uses makes no promise: there
// would be nothing to count.
func SLOs(p v1alpha1.WorkloadParameters, name, namespace string) ([]v1alpha1.SLO, error) {
	app, known, err := app(p)
	if err != nil || !known {
		return nil, err
	}
	slos := app.SLOs
	switch {
	case p.Game != nil && len(p.Game.Services) > 0 && len(p.Game.LoadGenerators) > 0:
		first := string(p.Game.Services[0].Name)
		slos = []v1alpha1.SLO{{
			Name: first, Objective: "99", ServiceName: first, ServiceNamespace: "${namespace}",
			Indicator: v1alpha1.SLOIndicator{Type: v1alpha1.SLOAvailability, MetricSource: v1alpha1.SLOMetricSourceHTTPServer},
		}}
	case users(app, p) == 0:
		return nil, nil
	}
	out := make([]v1alpha1.SLO, 0, len(slos))
	for _, s := range slos {
		full := name + "-" + s.Name
		// No other workload's SLO gets the same name: a dash could be of either part.
		if len(full) > maxSLOName || strings.Contains(name, ".") || strings.Contains(s.Name, "-") {
			full = compose.NameMax(maxSLOName, "", name, s.Name)
		}
		s.Name = full
		s.ServiceNamespace = strings.ReplaceAll(s.ServiceNamespace, "${namespace}", namespace)
		// Demonstrations are not there for a month.
		s.Window = cmp.Or(s.Window, v1alpha1.SLOWindow7d)
		out = append(out, s)
	}
	return out, nil
}
