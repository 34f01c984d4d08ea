// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"slices"
	"time"
)

// A Program is one upstream project whose binaries the control plane runs.
// Its versions are pinned by the small Go module in its folder.
type Program struct {
	// Name of the program, and of its module's folder.
	Name string
	// About says in a few words what the program is for.
	About string
	// Packages are the main packages to build.
	Packages []string
	// LDFlags for the linker, beyond stripping.
	LDFlags []string
	// Tags of the build.
	Tags []string `json:",omitempty"`
	// Patches are source lines to replace before building.
	Patches []Patch
	// Assets are files of the program's modules that it needs at run time.
	Assets []Asset
	// Cold is roughly how much CPU time a build takes that finds nothing in Go's
	// build cache but what the programs before it in the table left there.
	Cold time.Duration
}

// Binary returns the name of the program's binary, the first if it has several.
func (p Program) Binary() string { return binary(p.Packages[0]) }

// A Patch replaces one line of an upstream module. A build fails unless Old
// occurs exactly once, so that an upgrade cannot drop a patch unnoticed.
type Patch struct {
	Module string
	File   string
	Old    string
	New    string
	// Why the patch is needed, for the output.
	Why string
}

// An Asset is a file or folder of a module, copied into the cache under a name
// of ours, so that starting the control plane needs no Go toolchain.
type Asset struct {
	Module string
	Path   string
	As     string
}

// Names of the programs.
const (
	Etcd               = "etcd"
	Kubernetes         = "kubernetes"
	Crossplane         = "crossplane"
	ProviderHelm       = "provider-helm"
	ProviderKubernetes = "provider-kubernetes"
	KWOK               = "kwok"

	FluxSourceController = "flux-source-controller"
	FluxHelmController   = "flux-helm-controller"

	KubernetesNode = "kubernetes-node"
	CoreDNS        = "coredns"

	CrossplaneCLI = "crossplane-cli"

	PrometheusOperator = "prometheus-operator"
	Prometheus         = "prometheus"
	Collector          = "collector"
	Jaeger             = "jaeger"
)

// KubernetesVersion is the version of every Kubernetes that runs here.
const KubernetesVersion = "v1.36.3"

const (
	crossplaneModule         = "github.com/crossplane/crossplane/v2"
	providerHelmModule       = "github.com/crossplane-contrib/provider-helm"
	providerKubernetesModule = "github.com/crossplane-contrib/provider-kubernetes"
	kwokModule               = "sigs.k8s.io/kwok"
	fluxSourceModule         = "github.com/fluxcd/source-controller"
	fluxHelmModule           = "github.com/fluxcd/helm-controller"

	loopbackOnly = "listen on loopback instead of on every interface"
)

// Table returns every program of the control plane, in the order in which they
// are built.
func Table() []Program {
	return []Program{
		{
			Name:     Etcd,
			About:    "the store below both API servers",
			Packages: []string{"go.etcd.io/etcd/server/v3"},
			Cold:     80 * time.Second,
		},
		{
			Name:  Kubernetes,
			About: "API servers, controllers, scheduler and kubectl",
			Packages: []string{
				"k8s.io/kubernetes/cmd/kube-apiserver",
				"k8s.io/kubernetes/cmd/kube-controller-manager",
				"k8s.io/kubernetes/cmd/kube-scheduler",
				"k8s.io/kubernetes/cmd/kubectl",
			},
			LDFlags: kubernetesFlags(),
			Cold:    8 * time.Minute,
		},
		{
			Name:     Crossplane,
			About:    "composition, packages, Usages",
			Packages: []string{crossplaneModule + "/cmd/crossplane"},
			LDFlags: []string{
				"-X github.com/crossplane/crossplane-runtime/v2/pkg/version.version=v2.4.0",
				"-X github.com/crossplane/crossplane/v2/internal/version.version=v2.4.0",
				// The RBAC manager has no flag for its metrics server: off.
				"-X sigs.k8s.io/controller-runtime/pkg/metrics/server.DefaultBindAddress=0",
			},
			Patches: []Patch{
				{
					Module: crossplaneModule, File: "cmd/crossplane/core/core.go", Why: loopbackOnly,
					Old: `BindAddress: fmt.Sprintf(":%d", c.MetricsPort),`,
					New: `BindAddress: fmt.Sprintf("127.0.0.1:%d", c.MetricsPort),`,
				},
				{
					Module: crossplaneModule, File: "cmd/crossplane/core/core.go", Why: loopbackOnly,
					Old: `HealthProbeBindAddress: fmt.Sprintf(":%d", c.HealthProbePort),`,
					New: `HealthProbeBindAddress: fmt.Sprintf("127.0.0.1:%d", c.HealthProbePort),`,
				},
				{
					Module: crossplaneModule, File: "cmd/crossplane/core/core.go", Why: loopbackOnly,
					Old: `Port: c.WebhookPort,`,
					New: `Host: "127.0.0.1", Port: c.WebhookPort,`,
				},
			},
			Assets: []Asset{
				{Module: crossplaneModule, Path: "cluster/crds", As: "crds"},
				{Module: crossplaneModule, Path: "cluster/charts/crossplane/templates", As: "chart"},
				{Module: crossplaneModule, Path: "cluster/webhookconfigurations/usage.yaml", As: "webhookconfigurations/usage.yaml"},
			},
			Cold: 270 * time.Second,
		},
		{
			Name:     ProviderHelm,
			About:    "Helm releases on the remote cluster",
			Packages: []string{providerHelmModule + "/cmd/provider"},
			LDFlags: []string{
				// It has no flag for its metrics server: off.
				"-X sigs.k8s.io/controller-runtime/pkg/metrics/server.DefaultBindAddress=0",
				// Charts are cached below its working directory, not in one
				// folder that every run on this machine shares.
				"-X " + providerHelmModule + "/pkg/clients/helm.chartCache=charts",
			},
			Assets: []Asset{{Module: providerHelmModule, Path: "package", As: "package"}},
			Cold:   210 * time.Second,
		},
		{
			Name:     ProviderKubernetes,
			About:    "objects on the remote cluster",
			Packages: []string{providerKubernetesModule + "/cmd/provider"},
			LDFlags: []string{
				"-X " + providerKubernetesModule + "/internal/version.Version=v1.3.1",
			},
			Patches: []Patch{{
				Module: providerKubernetesModule, File: "cmd/provider/main.go", Why: loopbackOnly,
				Old: `Port:    *webhookPort,`,
				New: `Host: "127.0.0.1", Port: *webhookPort,`,
			}},
			Assets: []Asset{{Module: providerKubernetesModule, Path: "package", As: "package"}},
			Cold:   150 * time.Second,
		},
		{
			Name:     KWOK,
			About:    "simulated nodes and pods of the remote cluster",
			Packages: []string{kwokModule + "/cmd/kwok"},
			Assets:   []Asset{{Module: kwokModule, Path: "kustomize/stage", As: "stage"}},
			Cold:     2 * time.Minute,
		},
		{
			Name:     FluxSourceController,
			About:    "what Flux fetches",
			Packages: []string{fluxSourceModule},
			Assets:   []Asset{{Module: fluxSourceModule, Path: "config/crd/bases", As: "crds"}},
			Cold:     200 * time.Second,
		},
		{
			Name:     FluxHelmController,
			About:    "what Flux installs",
			Packages: []string{fluxHelmModule},
			Assets:   []Asset{{Module: fluxHelmModule, Path: "config/crd/bases", As: "crds"}},
			Cold:     240 * time.Second,
		},
	}
}

// kubernetesFlags stamp the version into programs of Kubernetes.
func kubernetesFlags() []string {
	return []string{
		"-X k8s.io/component-base/version.gitVersion=" + KubernetesVersion,
		"-X k8s.io/component-base/version.gitMajor=1",
		"-X k8s.io/component-base/version.gitMinor=36",
		"-X k8s.io/client-go/pkg/version.gitVersion=" + KubernetesVersion,
	}
}

// NodeTable returns the programs of a node of a real cluster, in the order in
// which they are built.
func NodeTable() []Program {
	out := slices.DeleteFunc(Table(), func(p Program) bool { return p.Name != Etcd && p.Name != Kubernetes })
	return append(
		out,
		Program{
			Name:  KubernetesNode,
			About: "kubelet, kubeadm and kube-proxy of real nodes",
			Packages: []string{
				"k8s.io/kubernetes/cmd/kubelet",
				"k8s.io/kubernetes/cmd/kubeadm",
				"k8s.io/kubernetes/cmd/kube-proxy",
			},
			LDFlags: kubernetesFlags(),
			Cold:    2 * time.Minute,
		},
		Program{
			Name:     CoreDNS,
			About:    "names in real clusters",
			Packages: []string{"github.com/observe-k8s/observe-k8s/controlplane/programs/coredns"},
			Cold:     time.Minute,
		},
	)
}

// Tools returns programs for people, which nothing here runs but tests.
func Tools() []Program {
	return []Program{{
		Name:     CrossplaneCLI,
		About:    "Crossplane's tool for people",
		Packages: []string{"github.com/crossplane/cli/v2/cmd/crossplane"},
		Cold:     270 * time.Second,
	}}
}

// StackTable returns programs of the stack, which a test runs on a real cluster,
// in the order in which they are built.
func StackTable() []Program {
	const operator = "github.com/prometheus-operator/prometheus-operator"
	return []Program{
		{
			Name:     PrometheusOperator,
			About:    "makes Prometheus of what charts say",
			Packages: []string{operator + "/cmd/operator", operator + "/cmd/prometheus-config-reloader"},
			LDFlags:  []string{"-X github.com/prometheus/common/version.Version=0.85.0"},
			Assets:   []Asset{{Module: operator, Path: "example/prometheus-operator-crd", As: "crds"}},
			Cold:     2 * time.Minute,
		},
		{
			Name:     Prometheus,
			About:    "keeps metrics",
			Packages: []string{"github.com/prometheus/prometheus/cmd/prometheus"},
			// Discovery of targets in clouds brings the SDKs of all of them.
			Tags: []string{"remove_all_sd", "enable_kubernetes_sd"},
			Cold: 3 * time.Minute,
		},
		{
			Name:     Collector,
			About:    "OpenTelemetry collector with what the stack configures",
			Packages: []string{"github.com/observe-k8s/observe-k8s/controlplane/programs/collector"},
			Cold:     2 * time.Minute,
		},
		{
			Name:     Jaeger,
			About:    "keeps traces",
			Packages: []string{"github.com/jaegertracing/jaeger/cmd/jaeger"},
			Cold:     6 * time.Minute,
		},
	}
}
