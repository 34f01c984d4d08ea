package workload

import (
	"embed"
	"sync"

	"github.com/observe-k8s/observe-k8s/functions/catalog"
)

//go:embed catalog/*.yaml
var files embed.FS

// An App is an entry of the catalog of workloads.
type App struct {
	catalog.Entry
}

// Catalog is the catalog of workloads by name. It is read once.
//
//nolint:gochecknoglobals // A function in all but name: nothing can change what it returns.
var Catalog = sync.OnceValues(func() (map[string]App, error) {
	return catalog.Read(files, "catalog", func(a *App) *catalog.Entry { return &a.Entry })
})
