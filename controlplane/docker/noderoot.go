// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/observe-k8s/observe-k8s/controlplane/programs"
)

// A nodeRoot is the root file system of a node that is being made.
type nodeRoot struct {
	// dir is the root, with Debian's packages in it.
	dir string
	// work is a folder for what is thrown away.
	work string
	// kind is the folder of the files of kind's base image.
	kind  string
	runcw string
	built map[string]programs.Built
}

func (n nodeRoot) path(p string) string { return filepath.Join(n.dir, filepath.FromSlash(p)) }

// fill the root with what makes a node of it.
func (n nodeRoot) fill(ctx context.Context) error {
	if err := os.CopyFS(n.path("tmp-kind"), os.DirFS(n.kind)); err != nil {
		return fmt.Errorf("cannot copy kind's files: %w", err)
	}
	// Debian's own links below /etc and /usr stay what they are.
	if _, err := run(ctx, nil, "cp", "-a", n.path("tmp-kind")+"/.", n.dir+"/"); err != nil {
		return err
	}
	if err := os.RemoveAll(n.path("tmp-kind")); err != nil {
		return fmt.Errorf("cannot remove the copy of kind's files: %w", err)
	}
	images, err := controlPlaneImages(ctx, n.built[programs.KubernetesNode].Bin("kubeadm"))
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		n.systemd,
		func() error { return n.install(ctx) },
		func() error { return n.containerd(images) },
		n.kubelet,
		n.manifests,
		func() error { return n.preload(ctx, images) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// systemd of a node starts what a node needs, and nothing else.
func (n nodeRoot) systemd() error {
	for _, pattern := range []string{
		"lib/systemd/system/multi-user.target.wants/*", "etc/systemd/system/*.wants/*", "lib/systemd/system/local-fs.target.wants/*",
		"lib/systemd/system/sockets.target.wants/*udev*", "lib/systemd/system/sockets.target.wants/*initctl*",
		"lib/systemd/system/basic.target.wants/*", "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
	} {
		found, err := filepath.Glob(n.path(pattern))
		if err != nil {
			return fmt.Errorf("cannot find %s: %w", pattern, err)
		}
		for _, f := range found {
			if err := os.Remove(f); err != nil {
				return fmt.Errorf("cannot remove unit %s: %w", f, err)
			}
		}
	}
	const wants = "etc/systemd/system/multi-user.target.wants"
	if err := n.folder(wants); err != nil {
		return err
	}
	for _, unit := range []string{"kubelet.service", "containerd.service", "undo-mount-hacks.service"} {
		if err := os.Symlink("/etc/systemd/system/"+unit, n.path(wants+"/"+unit)); err != nil {
			return fmt.Errorf("cannot enable %s: %w", unit, err)
		}
	}
	if err := os.Symlink("/dev/null", n.path("etc/systemd/system/systemd-binfmt.service")); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot mask systemd-binfmt.service: %w", err)
	}
	return n.edit("etc/systemd/journald.conf", func(s string) string { return s + "ReadKMsg=no\n" })
}

// install programs where kind looks for them.
func (n nodeRoot) install(ctx context.Context) error {
	for _, dir := range []string{"usr/local/bin", "kind/bin"} {
		entries, err := os.ReadDir(n.path(dir))
		if err != nil {
			return fmt.Errorf("cannot list %s: %w", dir, err)
		}
		for _, e := range entries {
			if err := os.Chmod(n.path(dir+"/"+e.Name()), 0o755); err != nil {
				return fmt.Errorf("cannot make %s executable: %w", e.Name(), err)
			}
		}
	}
	for from, to := range map[string]string{
		n.runcw: "usr/local/sbin/runcw",
		n.built[programs.KubernetesNode].Bin("kubelet"): "usr/bin/kubelet",
		n.built[programs.KubernetesNode].Bin("kubeadm"): "usr/bin/kubeadm",
		n.built[programs.Kubernetes].Bin("kubectl"):     "usr/bin/kubectl",
	} {
		if _, err := run(ctx, nil, "install", "-D", "-m", "755", from, n.path(to)); err != nil {
			return err
		}
	}
	if err := n.folder("opt/cni/bin"); err != nil {
		return err
	}
	_, err := run(ctx, nil, "cp", "-a", n.path("usr/lib/cni")+"/.", n.path("opt/cni/bin/"))
	return err
}

// containerd is Debian's, which is older than kind's own.
func (n nodeRoot) containerd(images []string) error {
	pause := ""
	for _, i := range images {
		if strings.Contains(i, "/pause:") {
			pause = i
		}
	}
	err := n.edit("etc/containerd/config.toml", func(s string) string {
		lines := []string{}
		for line := range strings.Lines(s) {
			switch {
			case strings.Contains(line, "base_runtime_spec"):
				continue
			case strings.Contains(line, "SystemdCgroup = true"):
				line = "    SystemdCgroup = false\n    BinaryName = \"/usr/local/sbin/runcw\"\n"
			case strings.Contains(line, "sandbox_image"):
				line = fmt.Sprintf("  sandbox_image = %q\n", pause)
			case strings.Contains(line, "restrict_oom_score_adj ="):
				line = "  restrict_oom_score_adj = true\n"
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "") + "\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  config_path = \"/etc/containerd/certs.d\"\n"
	})
	if err != nil {
		return err
	}
	if err := n.folder("etc/containerd/certs.d"); err != nil {
		return err
	}
	return n.edit("etc/systemd/system/containerd.service", func(s string) string {
		return strings.ReplaceAll(s, "/usr/local/bin/containerd", "/usr/bin/containerd")
	})
}

// kubelet learns beside kubeadm's file what this kernel and containerd need:
// with version 1 of cgroups it would not start, and kubeadm asks for systemd's
// cgroups.
func (n nodeRoot) kubelet() error {
	if err := n.write("etc/kubernetes/kubelet.conf.d/10-machine.conf", `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
`); err != nil {
		return err
	}
	return n.edit("etc/default/kubelet", func(s string) string {
		return strings.TrimSpace(s) + " --config-dir=/etc/kubernetes/kubelet.conf.d\n"
	})
}

// manifests that kind applies: a pod network that is there already, and a
// storage class.
func (n nodeRoot) manifests() error {
	for path, content := range map[string]string{
		"kind/version": programs.KubernetesVersion,
		"kind/manifests/default-cni.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: pod-network, namespace: kube-system}
data: {about: "a bridge on each node, from the node image"}
`,
		"kind/manifests/default-storage.yaml": `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
`,
		"etc/cni/net.d/10-bridge.conflist": `{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
     "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`,
	} {
		if err := n.write(path, content); err != nil {
			return err
		}
	}
	return n.folder("etc/kubernetes/manifests")
}

// preload the control plane's images into the node's containerd.
func (n nodeRoot) preload(ctx context.Context, images []string) error {
	config := filepath.Join(n.work, "containerd.toml")
	socket := filepath.Join(n.work, "containerd.sock")
	if err := os.WriteFile(config, fmt.Appendf(nil, `version = 2
root = %q
state = %q
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = %q
`, n.path("var/lib/containerd"), filepath.Join(n.work, "containerd"), socket), 0o600); err != nil {
		return fmt.Errorf("cannot configure containerd: %w", err)
	}
	cmd := exec.CommandContext(ctx, "containerd", "--config", config)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot start containerd: %w", err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	ctr := func(args ...string) error {
		_, err := run(ctx, nil, "ctr", append([]string{"--address", socket, "--namespace", "k8s.io"}, args...)...)
		return err
	}
	var err error
	for range 100 {
		if err = ctr("version"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("containerd does not answer: %w", err)
	}
	for _, image := range images {
		archive := filepath.Join(n.work, "image.tar")
		if err := n.controlPlaneImage(ctx, image, archive); err != nil {
			return err
		}
		if err := ctr("images", "import", "--no-unpack", archive); err != nil {
			return err
		}
	}
	return nil
}

// controlPlaneImage makes one of the control plane's images.
func (n nodeRoot) controlPlaneImage(ctx context.Context, image, archive string) error {
	base := filepath.Join(n.work, "image")
	if err := os.RemoveAll(base); err != nil {
		return fmt.Errorf("cannot remove the image before %s: %w", image, err)
	}
	program, _, _ := strings.Cut(filepath.Base(image), ":")
	var from string
	to := "usr/local/bin/" + program
	switch program {
	case "kube-proxy":
		from = n.built[programs.KubernetesNode].Bin(program)
	case "etcd":
		from = n.built[programs.Etcd].Bin(program)
	case "coredns":
		from, to = n.built[programs.CoreDNS].Bin(program), program
	case "pause":
		from, to = filepath.Join(n.work, program), program
	default:
		from = n.built[programs.Kubernetes].Bin(program)
	}
	if _, err := run(ctx, nil, "install", "-D", "-m", "755", from, filepath.Join(base, to)); err != nil {
		return err
	}
	for dir, mode := range map[string]os.FileMode{"tmp": 0o1777, "etc": 0o755, "run": 0o755} {
		if err := os.Mkdir(filepath.Join(base, dir), mode); err != nil {
			return fmt.Errorf("cannot make folder %s of %s: %w", dir, image, err)
		}
	}
	if err := os.WriteFile(filepath.Join(base, "etc", "passwd"), []byte("root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"), 0o644); err != nil {
		return fmt.Errorf("cannot write the users of %s: %w", image, err)
	}
	if program == "kube-proxy" {
		if err := n.firewall(ctx, base); err != nil {
			return err
		}
	}
	layer := archive + ".layer"
	if _, err := run(ctx, nil, "tar", "-cf", layer, "-C", base, "."); err != nil {
		return err
	}
	return saveImage(image, archive, v1.Config{Entrypoint: []string{"/" + to}, Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}}, layer)
}

// firewall programs and their libraries, which kube-proxy needs.
func (n nodeRoot) firewall(ctx context.Context, base string) error {
	script := `set -e
cd /
files="usr/sbin/nft usr/sbin/conntrack usr/sbin/xtables-nft-multi usr/sbin/xtables-legacy-multi bin/kmod"
libs=$(for f in $files usr/lib/*-linux-gnu/xtables/*.so; do ldd /$f | grep -o '/[^ ]*' || true; done | sort -u)
tar -chf - $files $libs usr/lib/*-linux-gnu/xtables 2>/dev/null`
	out := filepath.Join(n.work, "firewall.tar")
	f, err := os.Create(out)
	if err != nil {
		return fmt.Errorf("cannot make the archive of the firewall's programs: %w", err)
	}
	defer func() { _ = f.Close() }()
	cmd := exec.CommandContext(ctx, "chroot", n.dir, "/bin/sh", "-c", script)
	problems := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = f, problems
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("cannot collect the firewall's programs: %w: %s", err, problems)
	}
	if _, err := run(ctx, nil, "tar", "-xf", out, "-C", base); err != nil {
		return err
	}
	for _, name := range []string{"iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"} {
		if err := os.Symlink("xtables-nft-multi", filepath.Join(base, "usr", "sbin", name)); err != nil {
			return fmt.Errorf("cannot link %s: %w", name, err)
		}
	}
	return nil
}

// edit a file of the root.
func (n nodeRoot) edit(path string, change func(string) string) error {
	b, err := os.ReadFile(n.path(path))
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}
	return n.replace(path, change(string(b)))
}

// write a file of the root.
func (n nodeRoot) write(path, content string) error {
	if err := n.folder(filepath.Dir(path)); err != nil {
		return err
	}
	return n.replace(path, content)
}

// replace the content of a file of the root, whose folder is there.
func (n nodeRoot) replace(path, content string) error {
	if err := os.WriteFile(n.path(path), []byte(content), 0o644); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// folder makes a folder of the root, and those above it.
func (n nodeRoot) folder(path string) error {
	if err := os.MkdirAll(n.path(path), 0o755); err != nil {
		return fmt.Errorf("cannot make folder %s: %w", path, err)
	}
	return nil
}
