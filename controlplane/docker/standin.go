// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// standInHost is the registry of images that stand-in charts name. There is
	// none of that name.
	standInHost = "simulated.invalid"
	// standInRepository is where the mirror has the one image that there is for all
	// of them.
	standInRepository = "observe-k8s/stand-in"
)

// PushStandIn lets the pods of stand-in charts run: a process that waits.
func (m *Mirror) PushStandIn(ctx context.Context, e *Engine) error {
	binary, layer, archive := e.file("pause/bin/pause"), e.file("pause.layer"), e.file("pause.tar")
	if err := goBuild(ctx, e.opts.Root, "pause", binary); err != nil {
		return err
	}
	if _, err := run(ctx, nil, "tar", "-cf", layer, "-C", filepath.Dir(filepath.Dir(binary)), "."); err != nil {
		return err
	}
	image := standInHost + "/" + standInRepository + ":1"
	if err := saveImage(image, archive, v1.Config{Entrypoint: []string{"/bin/pause"}}, layer); err != nil {
		return err
	}
	return m.Push(image, archive)
}

// standIns sends whoever asks for an image of a stand-in chart to the one that
// there is. containerd says which registry it wants.
func standIns(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("ns") == standInHost {
			for _, kind := range []string{"/manifests/", "/blobs/"} {
				if _, id, ok := strings.Cut(r.URL.Path, kind); ok {
					if !strings.Contains(id, ":") {
						id = "1"
					}
					r.URL.Path = "/v2/" + standInRepository + kind + id
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}
