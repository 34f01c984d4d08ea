// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"embed"
	"sync"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/catalog"
)

//go:embed catalog/*.yaml
var files embed.FS

// An App is an entry of the catalog of workloads.
//
// In values, ${collector} stands for the host that takes OTLP, and ${users} for the users of
// the load: a number where nothing else is in the text.
type App struct {
	catalog.Entry

	// Licence of the application, by its SPDX identifier.
	Licence string `json:"licence"`

	// Unavailable says why the application cannot be deployed, and what can be
	// instead. Such an entry has no chart.
	Unavailable string `json:"unavailable,omitempty"`

	// Signals that it gives by itself.
	Signals []v1alpha1.Signal `json:"signals"`

	// Architectures that all its images are there for; both when empty.
	Architectures []v1alpha1.Architecture `json:"architectures,omitempty"`

	// Tolerations are the paths of the values that hold tolerations.
	Tolerations []string `json:"tolerations,omitempty"`

	// Requests is what its pods take of the nodes.
	Requests ResourceList `json:"requests,omitzero"`

	// Summary is what one learns from it, in a sentence or two.
	Summary string `json:"summary"`

	// Dashboards that show it, by name.
	Dashboards []string `json:"dashboards,omitempty"`

	// SLOs that make sense for it, of what it tells the collectors. Namespace
	// ${namespace} stands for that of the workload, where its telemetry has it.
	SLOs []v1alpha1.SLO `json:"slos,omitempty"`

	// Exposes is the page that a person opens.
	Exposes *WebUI `json:"exposes,omitempty"`

	// Targets of chaos.
	Targets Targets `json:"targets,omitzero"`

	// Flags by which the application breaks itself: on or off.
	Flags []string `json:"flags,omitempty"`

	// Load is its dial; nil when it has none of this kind.
	Load *LoadSetting `json:"load,omitempty"`

	// ConditionalValues are values for what is found on the cluster.
	ConditionalValues EnvironmentValues `json:"conditionalValues,omitzero"`
}

// ResourceList are quantities as Kubernetes writes them.
type ResourceList struct {
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
}

// A WebUI is served by a Service of the application.
type WebUI struct {
	Service string `json:"service"`
	Port    int64  `json:"port"`
}

// Targets are parts of an application, told apart by a label of their pods.
type Targets struct {
	// Label of the pods that has a part's name as value.
	Label string `json:"label"`

	// Names of the parts; those of the services for a game.
	Names []string `json:"names,omitempty"`
}

// A LoadSetting sets how much an application has to do: by values of its own generator,
// by a flag that its generator obeys, or by requests of ours.
type LoadSetting struct {
	// Users by default.
	Users int64 `json:"users"`

	// Values with users.
	Values map[string]any `json:"values,omitempty"`

	// Flag that holds the number of users.
	Flag string `json:"flag,omitempty"`

	// None are the values without any users.
	None map[string]any `json:"none,omitempty"`

	// Requests that users make, where the application brings no generator.
	Requests *HTTPRequests `json:"requests,omitempty"`
}

// HTTPRequests are paths of one Service, asked for one after the other.
type HTTPRequests struct {
	Service string   `json:"service"`
	Port    int64    `json:"port"`
	Paths   []string `json:"paths"`
}

// EnvironmentValues are values for what may be found on a cluster.
type EnvironmentValues struct {
	// Collector takes OTLP.
	Collector map[string]any `json:"collector,omitempty"`

	// Prometheus has its operator.
	Prometheus map[string]any `json:"prometheus,omitempty"`

	// Mesh is there, and the workload is in it.
	Mesh map[string]any `json:"mesh,omitempty"`
}

// Catalog is the catalog of workloads by name. It is read once.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var Catalog = sync.OnceValues(func() (map[string]App, error) {
	return catalog.Read(files, "catalog", func(a *App) *catalog.Entry { return &a.Entry })
})
