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

// A Component is an entry of the catalog of components.
type Component struct {
	catalog.Entry

	// Namespace on the cluster.
	Namespace string `json:"namespace"`

	// Profiles that contain the component; none for what is brought when needed.
	Profiles []v1alpha1.Profile `json:"profiles,omitempty"`

	// Delivers is the engine that the component is. It is brought by Helm as soon
	// as something is to be delivered by it.
	Delivers v1alpha1.Delivery `json:"delivers,omitempty"`
}

// Catalog is the catalog of components by name. It is read once.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var Catalog = sync.OnceValues(func() (map[string]Component, error) {
	return catalog.Read(files, "catalog", func(c *Component) *catalog.Entry { return &c.Entry })
})

// in says whether a profile contains the component.
func (c Component) in(p v1alpha1.Profile) bool { return slices.Contains(c.Profiles, p) }
