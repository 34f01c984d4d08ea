// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/observe-k8s/observe-k8s/controlplane/flock"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
)

// k3sRecipe of the stand-in for k3s' image. Another number is another image.
const k3sRecipe = "1"

// k3dModule brings the version of k3d's helpers.
const k3dModule = "github.com/k3d-io/k3d/v5"

// K3sImage loads an image for the nodes of k3d clusters into the engine, made on
// this machine if it is not in the cache, and returns its name. It stands in for
// k3s' own image: its API server is real, and there is no kubelet. It is loaded
// under the name of k3d's helper as well.
func (e *Engine) K3sImage(ctx context.Context) (string, error) {
	built, err := e.programs(ctx)
	if err != nil {
		return "", err
	}
	unlock, err := flock.Lock(ctx, e.file("k3s.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()

	standIn := e.file("k3s")
	if err := goBuild(ctx, e.opts.Root, "k3s", standIn); err != nil {
		return "", err
	}
	files := map[string]string{
		"k3s":            standIn,
		"etcd":           built[programs.Etcd].Bin("etcd"),
		"kube-apiserver": built[programs.Kubernetes].Bin("kube-apiserver"),
		"kubectl":        built[programs.Kubernetes].Bin("kubectl"),
	}
	key, err := k3sKey(standIn, built)
	if err != nil {
		return "", err
	}
	image := "observe-k8s.local/k3s-stand-in:" + strings.TrimPrefix(programs.KubernetesVersion, "v") + "-" + key
	archive := e.file("k3s-" + key + ".tar")
	if _, err := os.Stat(archive); err != nil {
		start := time.Now()
		_, _ = fmt.Fprintln(e.opts.Output, "making a stand-in for k3s' image, once")
		if err := e.makeK3sImage(ctx, image, archive, files); err != nil {
			return "", fmt.Errorf("cannot make the stand-in for k3s' image: %w", err)
		}
		_, _ = fmt.Fprintf(e.opts.Output, "made the stand-in for k3s' image in %s\n", time.Since(start).Round(time.Second))
	}
	if err := e.Load(ctx, image, archive); err != nil {
		return "", err
	}
	k3d, err := e.module(ctx, k3dModule)
	if err != nil {
		return "", err
	}
	_, err = e.Docker(ctx, "tag", image, "ghcr.io/k3d-io/k3d-tools:"+strings.TrimPrefix(k3d.Version, "v"))
	return image, err
}

// k3sKey changes with whatever is in the image.
func k3sKey(standIn string, built map[string]programs.Built) (string, error) {
	b, err := os.ReadFile(standIn)
	if err != nil {
		return "", fmt.Errorf("cannot read the stand-in for k3s: %w", err)
	}
	h := sha256.New()
	_, _ = fmt.Fprintln(h, k3sRecipe, runtime.GOARCH, debianPackages(), sha256.Sum256(b))
	for _, p := range []string{programs.Etcd, programs.Kubernetes} {
		_, _ = fmt.Fprintln(h, p, built[p].Key())
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

// makeK3sImage of Debian's packages and programs, which come by name.
func (e *Engine) makeK3sImage(ctx context.Context, image, archive string, files map[string]string) error {
	debian, err := e.debian(ctx)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(e.dir, "k3s-")
	if err != nil {
		return fmt.Errorf("cannot make a folder to work in: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	bin := filepath.Join(work, "root", "usr", "bin")
	for name, from := range files {
		if _, err := run(ctx, nil, "install", "-D", "-m", "755", from, filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	// k3d's scripts know the shell of k3s' image, which names signals with SIG.
	if err := os.Symlink("bash", filepath.Join(bin, "sh")); err != nil {
		return fmt.Errorf("cannot link sh to bash: %w", err)
	}
	layer := filepath.Join(work, "layer.tar")
	if _, err := run(ctx, nil, "tar", "-cf", layer, "-C", filepath.Join(work, "root"), "usr"); err != nil {
		return err
	}
	return saveImage(image, archive, v1.Config{
		Entrypoint: []string{"/bin/k3s"},
		Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "KUBECONFIG=/etc/rancher/k3s/k3s.yaml"},
	}, debian, layer)
}
