// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// A source of CRDs: a folder in the module of a program that the embedded control
// plane runs.
type source struct{ program, module, folder string }

// sources are all programs whose kinds are composed or configured.
func sources() []source {
	return []source{
		{program: "crossplane", module: "github.com/crossplane/crossplane/v2", folder: "cluster/crds"},
		{program: "provider-helm", module: "github.com/crossplane-contrib/provider-helm", folder: "package/crds"},
		{program: "flux-helm-controller", module: "github.com/fluxcd/helm-controller", folder: "config/crd/bases"},
		{program: "flux-source-controller", module: "github.com/fluxcd/source-controller", folder: "config/crd/bases"},
		{program: "provider-kubernetes", module: "github.com/crossplane-contrib/provider-kubernetes", folder: "package/crds"},
	}
}

// Pinned returns the folders of the CRDs of exactly the versions that the
// embedded control plane runs. They come with the programs' Go modules, so they
// are there wherever the control plane can be built.
func Pinned(ctx context.Context, root string) ([]string, error) {
	var folders []string
	for _, s := range sources() {
		// Downloading is a no-op when the module is in the cache.
		cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", s.module)
		cmd.Dir = filepath.Join(root, "controlplane", "programs", s.program)
		out, err := cmd.Output()
		if err != nil {
			return nil, errors.Wrapf(err, "cannot download the module of %s", s.program)
		}
		m := struct{ Dir, Error string }{}
		if err := json.Unmarshal(out, &m); err != nil {
			return nil, errors.Wrapf(err, "cannot read where the module of %s is", s.program)
		}
		if m.Error != "" {
			return nil, errors.Errorf("cannot download the module of %s: %s", s.program, m.Error)
		}
		folders = append(folders, filepath.Join(m.Dir, filepath.FromSlash(s.folder)))
	}
	return folders, nil
}
