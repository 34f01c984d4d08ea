// SPDX-License-Identifier: Apache-2.0

package schemas

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// TestLocalAccepted shows that an API server takes the CRDs of provider-local.
func TestLocalAccepted(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(local, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 5 {
		t.Errorf("want 5 CRDs, got %v", files)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		crd := &extv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(b, crd); err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if err := Accept(t.Context(), crd); err != nil {
			t.Error(err)
		}
	}
}

// TestLocalRefused shows what nobody can ask of provider-local.
func TestLocalRefused(t *testing.T) {
	set, err := validate.Load(local)
	if err != nil {
		t.Fatal(err)
	}
	cluster := func(kind, parameters string) map[string]any {
		return object(t, "{apiVersion: local.observe-k8s.io/v1alpha1, kind: "+kind+", metadata: {name: a, namespace: team-a}, spec: {forProvider: "+parameters+"}}")
	}

	cases := map[string]struct {
		reason string
		kind   string
		spec   string
		want   string
	}{
		"Nothing":          {reason: "Everything has a default.", kind: "KindCluster", spec: "{}"},
		"NothingK3d":       {reason: "Everything has a default.", kind: "K3dCluster", spec: "{}"},
		"Everything":       {reason: "All fields together.", kind: "KindCluster", spec: `{version: "1.34", controlPlanes: 3, workers: 2, ports: [{hostPort: 8080, containerPort: 30080, listenAddress: 0.0.0.0, protocol: UDP}, {hostPort: 8080, containerPort: 30080}], registryMirrors: [{registry: "*", endpoints: ["http://10.0.0.1:5000"]}, {registry: "docker.io", endpoints: ["https://mirror.example.org/v2"]}], labels: {a: b, example.org/c: "", topology.kubernetes.io/zone: a}, networking: {podSubnet: 10.1.0.0/16, serviceSubnet: 10.2.0.0/16, kubeProxyMode: nftables, disableDefaultCNI: true}}`},
		"EverythingK3d":    {reason: "What only k3d has.", kind: "K3dCluster", spec: `{image: "registry.example.org:5000/k3s@sha256:00", disable: [traefik, servicelb]}`},
		"UnknownVersion":   {reason: "There is no image for it.", kind: "KindCluster", spec: `{version: "1.12"}`, want: "version"},
		"VersionAndImage":  {reason: "One of them would be ignored.", kind: "KindCluster", spec: `{version: "1.34", image: a}`, want: "either a version or an image"},
		"TwoControlPlanes": {reason: "etcd needs a majority.", kind: "K3dCluster", spec: `{controlPlanes: 2}`, want: "controlPlanes"},
		"ImageOption":      {reason: "Something that begins with a dash is an option to the docker client.", kind: "KindCluster", spec: `{image: "--privileged"}`, want: "image"},
		"ImageSpace":       {reason: "Names of images have no spaces.", kind: "KindCluster", spec: `{image: "a b"}`, want: "image"},
		"MirrorQuote":      {reason: "The registry becomes a folder and a line of a file on each node.", kind: "KindCluster", spec: `{registryMirrors: [{registry: "../../etc", endpoints: ["http://a"]}]}`, want: "registry"},
		"MirrorInjection":  {reason: "The endpoint is written into a file on each node.", kind: "KindCluster", spec: `{registryMirrors: [{registry: "a", endpoints: ["http://a\"]\n[x]"]}]}`, want: "endpoints"},
		"LabelEquals":      {reason: "Labels go onto the kubelet's command line.", kind: "K3dCluster", spec: `{labels: {a: "b,c=d"}}`, want: "labels"},
		"LabelKey":         {reason: "Labels go onto the kubelet's command line.", kind: "K3dCluster", spec: `{labels: {"a=b": c}}`, want: "key of a label"},
		"LabelOfKubelet":   {reason: "The kubelet refuses to start with it.", kind: "KindCluster", spec: `{labels: {node-role.kubernetes.io/worker: ""}}`, want: "may not give itself"},
		"Subnet":           {reason: "Not a range of addresses.", kind: "KindCluster", spec: `{networking: {podSubnet: 10.0.0.0}}`, want: "range of addresses"},
		"Port":             {reason: "Ports end at 65535.", kind: "KindCluster", spec: `{ports: [{hostPort: 70000, containerPort: 80}]}`, want: "hostPort"},
		"PortTwice":        {reason: "Only one can listen.", kind: "KindCluster", spec: `{ports: [{hostPort: 80, containerPort: 80}, {hostPort: 80, containerPort: 81}]}`, want: "uplicate"},
		"UnknownFeature":   {reason: "k3s would refuse it.", kind: "K3dCluster", spec: `{disable: [everything]}`, want: "disable"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			check(t, tc.reason, tc.want, set.Validate(t.Context(), cluster(tc.kind, tc.spec)))
		})
	}

	t.Run("Change", func(t *testing.T) {
		reason := "kind cannot change a cluster."
		was, is := cluster("KindCluster", "{workers: 1}"), cluster("KindCluster", "{workers: 2}")
		check(t, reason, "kind cannot change a cluster", set.ValidateUpdate(t.Context(), was, is))
	})
}
