// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"embed"
	"slices"
	"sync"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/catalog"
)

//go:embed catalog/*.yaml
var files embed.FS

// A Persona is somebody whom a component serves, as the founding document of
// the working group names them.
type Persona string

// Personas.
const (
	Practitioner  Persona = "Practitioner"
	Developer     Persona = "Developer"
	Analyst       Persona = "Analyst"
	BusinessOwner Persona = "BusinessOwner"
)

// A Component is an entry of the catalog of components.
type Component struct {
	catalog.Entry

	// Namespace on the cluster.
	Namespace string `json:"namespace"`

	// Profiles that contain the component; none for what is brought when needed.
	Profiles []v1alpha1.Profile `json:"profiles,omitempty"`

	// ProvidesDeployer is the deployer that the component is. It is brought by Helm as soon
	// as something is to be deployed by it.
	ProvidesDeployer v1alpha1.Deployer `json:"providesDeployer,omitempty"`

	// StartAfter are components that must be Ready first where they are part of the
	// stack; it does without where they are not.
	StartAfter []string `json:"startAfter,omitempty"`

	// Consumes and Gives are the signals that go in and come out.
	Consumes []v1alpha1.Signal `json:"consumes,omitempty"`
	Produces []v1alpha1.Signal `json:"produces,omitempty"`

	// Personas that want it.
	Personas []Persona `json:"personas"`

	// Exposes are views that people open.
	Exposes []WebUI `json:"exposes,omitempty"`

	// Scrape is where its metrics are.
	Scrape []Target `json:"scrape,omitempty"`

	// Tolerations are the paths of the values that hold tolerations, so that it
	// runs where all nodes are tainted for their architecture.
	Tolerations []string `json:"tolerations,omitempty"`
}

// A WebUI is a web page that a component serves.
type WebUI struct {
	// Name of the view: the first label of its host.
	Name string `json:"name"`

	// Service in the component's namespace.
	Service string `json:"service"`

	// Port of the Service.
	Port int64 `json:"port"`
}

// A Target is where metrics are: Services, or pods, of a component.
type Target struct {
	// Pods says that the labels are those of pods, not of Services.
	Pods bool `json:"pods,omitempty"`

	// Anywhere says that they are in every namespace.
	Anywhere bool `json:"anywhere,omitempty"`

	// Namespace that they are in; the component's when empty.
	Namespace string `json:"namespace,omitempty"`

	// Labels that they have.
	Labels map[string]string `json:"labels"`

	// Ports to ask, by name.
	Ports []string `json:"ports"`

	// Path of the metrics; /metrics when empty.
	Path string `json:"path,omitempty"`

	// HonorLabels keeps what the metrics themselves say of namespaces and pods:
	// they are about others, not about the component.
	HonorLabels bool `json:"honorLabels,omitempty"`

	// Scheme to ask by; http when empty. Certificates of the cluster's own are not
	// checked.
	Scheme string `json:"scheme,omitempty"`
}

// Catalog is the catalog of components by name. It is read once.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var Catalog = sync.OnceValues(func() (map[string]Component, error) {
	return catalog.Read(files, "catalog", func(c *Component) *catalog.Entry { return &c.Entry })
})

// in says whether a profile contains the component.
func (c Component) in(p v1alpha1.Profile) bool { return slices.Contains(c.Profiles, p) }

// ingressProject is what the founding document names as the door to the
// cluster: the one project outside the CNCF that profiles may contain.
const ingressProject = "NGINX"

// nonCNCF says that the component is no project of the CNCF: it is installed only
// when nonCNCFComponents names it.
func (c Component) nonCNCF() bool {
	return c.Project.Maturity == catalog.NotCNCF && (c.Project.Name != ingressProject || len(c.Profiles) == 0)
}
