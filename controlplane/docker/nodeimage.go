// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/observe-k8s/observe-k8s/controlplane/flock"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
)

// recipe of the node image. Another number is another image.
const recipe = "2"

// kindModule brings the scripts and units of kind's own base image.
const kindModule = "sigs.k8s.io/kind"

// debianPackages of the nodes.
func debianPackages() []string {
	return []string{
		"systemd", "systemd-sysv", "dbus", "libseccomp2", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux", "mount",
		"kmod", "procps", "socat", "jq", "bash", "ca-certificates", "containerd", "runc", "containernetworking-plugins", "hostname", "tar",
		"pigz", "netbase", "findutils",
	}
}

// NodeImage loads an image for the nodes of kind clusters into the engine, made
// on this machine if it is not in the cache, and returns its name. Its images of
// the control plane are inside. Pods of different nodes do not reach each other:
// it is for clusters of one node.
func (e *Engine) NodeImage(ctx context.Context) (string, error) {
	built, err := e.programs(ctx)
	if err != nil {
		return "", err
	}
	key, err := e.imageKey(ctx, built)
	if err != nil {
		return "", err
	}
	image := "observe-k8s.local/node:" + strings.TrimPrefix(programs.KubernetesVersion, "v") + "-" + key
	archive := e.file("node-" + key + ".tar")

	unlock, err := flock.Lock(ctx, e.file("node.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(archive); err != nil {
		start := time.Now()
		_, _ = fmt.Fprintln(e.opts.Output, "making a node image of Debian's packages and our programs, once")
		if err := e.makeNodeImage(ctx, image, archive, built); err != nil {
			return "", fmt.Errorf("cannot make the node image: %w", err)
		}
		_, _ = fmt.Fprintf(e.opts.Output, "made the node image in %s\n", time.Since(start).Round(time.Second))
	}
	return image, e.Load(ctx, image, archive)
}

// programs of a node.
func (e *Engine) programs(ctx context.Context) (map[string]programs.Built, error) {
	return e.build(ctx, programs.NodeTable())
}

func (e *Engine) build(ctx context.Context, table []programs.Program) (map[string]programs.Built, error) {
	return programs.Builder{
		Modules:  filepath.Join(e.opts.Root, "controlplane", "programs"),
		Cache:    filepath.Join(e.opts.Cache, "programs"),
		Progress: programs.NewPrinter(e.opts.Output, false),
	}.Build(ctx, table)
}

// imageKey changes with whatever is in the image.
func (e *Engine) imageKey(ctx context.Context, built map[string]programs.Built) (string, error) {
	kind, err := e.kindFiles(ctx)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, _ = fmt.Fprintln(h, recipe, runtime.GOARCH, kind, debianPackages())
	for _, p := range programs.NodeTable() {
		_, _ = fmt.Fprintln(h, p.Name, built[p.Name].Key())
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

// A module is where Go has a module, in the version that provider-local uses.
type module struct{ Dir, Version string }

func (e *Engine) module(ctx context.Context, path string) (module, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", path)
	cmd.Dir = filepath.Join(e.opts.Root, "providers", "local")
	out, err := cmd.Output()
	if err != nil {
		return module{}, fmt.Errorf("cannot find module %s: %w", path, err)
	}
	m := module{}
	if err := json.Unmarshal(out, &m); err != nil {
		return module{}, fmt.Errorf("cannot read where module %s is: %w", path, err)
	}
	return m, nil
}

// kindFiles is the folder with the files of kind's base image.
func (e *Engine) kindFiles(ctx context.Context) (string, error) {
	m, err := e.module(ctx, kindModule)
	return filepath.Join(m.Dir, "images", "base", "files"), err
}

// makeNodeImage in a folder that is thrown away.
func (e *Engine) makeNodeImage(ctx context.Context, image, archive string, built map[string]programs.Built) error {
	debian, err := e.debian(ctx)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(e.dir, "node-")
	if err != nil {
		return fmt.Errorf("cannot make a folder to work in: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	n := nodeRoot{dir: filepath.Join(work, "root"), work: work, built: built}
	if err := os.Mkdir(n.dir, 0o755); err != nil {
		return fmt.Errorf("cannot make the node's root: %w", err)
	}
	if _, err := run(ctx, nil, "tar", "-xf", debian, "-C", n.dir); err != nil {
		return err
	}
	if n.kind, err = e.kindFiles(ctx); err != nil {
		return err
	}
	if err := goBuild(ctx, e.opts.Root, "pause", filepath.Join(work, "pause")); err != nil {
		return err
	}
	n.runcw = e.runcw()
	if err := n.fill(ctx); err != nil {
		return err
	}
	layer := filepath.Join(work, "layer.tar")
	if _, err := run(ctx, nil, "tar", "-cf", layer, "-C", n.dir, "."); err != nil {
		return err
	}
	if err := os.RemoveAll(n.dir); err != nil {
		return fmt.Errorf("cannot remove the node's root: %w", err)
	}
	return saveImage(image, archive, v1.Config{
		Entrypoint: []string{"/usr/local/bin/entrypoint", "/sbin/init"},
		Env:        []string{"container=docker", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		StopSignal: "SIGRTMIN+3",
	}, layer)
}

// debian is an archive of the nodes' packages, made once.
func (e *Engine) debian(ctx context.Context) (string, error) {
	sum := sha256.Sum256([]byte(strings.Join(debianPackages(), ",") + runtime.GOARCH))
	archive := e.file("debian-" + hex.EncodeToString(sum[:])[:12] + ".tar")
	if _, err := os.Stat(archive); err == nil {
		return archive, nil
	}
	work, err := os.MkdirTemp(e.dir, "debian-")
	if err != nil {
		return "", fmt.Errorf("cannot make a folder to work in: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	root := filepath.Join(work, "root")
	_, _ = fmt.Fprintln(e.opts.Output, "installing Debian's packages for the nodes, once")
	if _, err := run(ctx, nil, "debootstrap", "--variant=minbase", "--include="+strings.Join(debianPackages(), ","), debianSuite, root, debianMirror()); err != nil {
		return "", err
	}
	for _, p := range []string{"var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"} {
		if err := os.RemoveAll(filepath.Join(root, p)); err != nil {
			return "", fmt.Errorf("cannot remove %s of Debian: %w", p, err)
		}
	}
	if _, err := run(ctx, nil, "tar", "-cf", archive+".partial", "-C", root, "."); err != nil {
		return "", err
	}
	if err := os.Rename(archive+".partial", archive); err != nil {
		return "", fmt.Errorf("cannot move Debian's archive into place: %w", err)
	}
	return archive, nil
}

// debianSuite of the nodes.
const debianSuite = "bookworm"

// debianMirror is the one that this machine uses, or Debian's own.
func debianMirror() string {
	b, err := os.ReadFile("/etc/apt/sources.list.d/debian.sources")
	if err == nil {
		if m := regexp.MustCompile(`(?m)^URIs: (\S+)`).FindSubmatch(b); m != nil {
			return string(m[1])
		}
	}
	return "http://deb.debian.org/debian"
}

// saveImage of layers to an archive that an engine or containerd loads.
func saveImage(image, archive string, config v1.Config, layers ...string) error {
	img := empty.Image
	for _, layer := range layers {
		l, err := tarball.LayerFromFile(layer)
		if err != nil {
			return fmt.Errorf("cannot read a layer of %s: %w", image, err)
		}
		if img, err = mutate.AppendLayers(img, l); err != nil {
			return fmt.Errorf("cannot make %s: %w", image, err)
		}
	}
	file, err := img.ConfigFile()
	if err != nil {
		return fmt.Errorf("cannot configure %s: %w", image, err)
	}
	file = file.DeepCopy()
	file.Architecture, file.OS, file.Config = runtime.GOARCH, "linux", config
	img, err = mutate.ConfigFile(img, file)
	if err != nil {
		return fmt.Errorf("cannot configure %s: %w", image, err)
	}
	ref, err := name.NewTag(image)
	if err != nil {
		return fmt.Errorf("cannot name %s: %w", image, err)
	}
	if err := tarball.WriteToFile(archive+".partial", ref, img); err != nil {
		return fmt.Errorf("cannot save %s: %w", image, err)
	}
	if err := os.Rename(archive+".partial", archive); err != nil {
		return fmt.Errorf("cannot move %s into place: %w", image, err)
	}
	return nil
}

// controlPlaneImages are the names of the control plane's images, as kubeadm asks for them.
func controlPlaneImages(ctx context.Context, kubeadm string) ([]string, error) {
	out, err := run(ctx, nil, kubeadm, "config", "images", "list", "--kubernetes-version", programs.KubernetesVersion)
	if err != nil {
		return nil, err
	}
	images := strings.Fields(out)
	slices.Sort(images)
	return images, nil
}
