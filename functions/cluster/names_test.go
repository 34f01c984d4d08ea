// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNames proves that nobody knows a provider by its name but its own folder, its
// section of the API and its row here: everybody else asks for facts. Examples, docs,
// tests and the provider for containers may name them.
func TestNames(t *testing.T) {
	root := os.DirFS(filepath.Join("..", ".."))
	named := map[string]*regexp.Regexp{
		"eks": regexp.MustCompile(`(\b|[a-z])EKS(\b|[A-Z])|\beks(\b|[A-Z])`),
		"aks": regexp.MustCompile(`(\b|[a-z])AKS(\b|[A-Z])|\baks(\b|[A-Z])`),
		"gke": regexp.MustCompile(`(\b|[a-z])GKE(\b|[A-Z])|\bgke(\b|[A-Z])`),
		"k3s": regexp.MustCompile(`(\b|[a-z])K3s(\b|[A-Z])|\bk3s(\b|[A-Z])`),
		// kind is a word and the field of every object, too.
		"local": regexp.MustCompile(`(\b|[a-z])K3d(\b|[A-Z])|\bk3d(\b|[A-Z])|ProviderKind|KindCluster|"Kind"`),
	}
	allowed := func(file, provider string) bool {
		return strings.HasPrefix(file, "functions/cluster/"+provider+"/") || slices.Contains([]string{
			"functions/cluster/cluster.go",
			"apis/v1alpha1/kubernetescluster_types.go",
			"apis/v1alpha1/" + provider + "_types.go",
		}, file) || provider == "local" && (file == "apis/v1alpha1/kind_types.go" || file == "apis/v1alpha1/k3d_types.go") ||
			// k3d is k3s in containers.
			provider == "k3s" && (strings.HasPrefix(file, "functions/cluster/local/") || file == "apis/v1alpha1/k3d_types.go")
	}
	files := 0
	err := fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{
			"node_modules", "testdata",
			// Our own provider, and what stands in for the images of nodes.
			"providers/local", "controlplane/docker",
		}, file)):
			return fs.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || strings.HasPrefix(d.Name(), "zz_generated."):
			return nil
		}
		raw, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		names := false
		for provider, re := range named {
			found := re.FindString(string(raw))
			names = names || found != ""
			if found != "" && !allowed(file, provider) {
				t.Errorf("%s names %q: what it asks belongs into the Facts of functions/cluster/%s", file, found, provider)
			}
		}
		if names {
			files++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d Go files name a provider, tests and generated ones left out", files)
}
