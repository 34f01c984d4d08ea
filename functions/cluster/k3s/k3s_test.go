// SPDX-License-Identifier: Apache-2.0

package k3s

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend/backendtest"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// k3sClaim is a claim on hosts with what the schema fills in.
func k3sClaim(hosts []v1alpha1.K3sHost, fs ...func(*v1alpha1.KubernetesCluster)) *v1alpha1.KubernetesCluster {
	c := backendtest.Claim(v1alpha1.ProviderK3s, func(c *v1alpha1.KubernetesCluster) {
		c.Spec.K3s = &v1alpha1.K3sCluster{
			Hosts: hosts,
			SSH:   v1alpha1.K3sSSH{Username: "root", Port: 22, KeySecretRef: v1alpha1.K3sKeyReference{Name: "lab", Key: "ssh-privatekey"}},
		}
	})
	for _, f := range fs {
		f(c)
	}
	return c
}

func server(n int) v1alpha1.K3sHost {
	return v1alpha1.K3sHost{Address: fmt.Sprintf("192.0.2.%d", n), Role: v1alpha1.K3sServer, Architecture: v1alpha1.ArchitectureAMD64}
}

func agent(n int) v1alpha1.K3sHost {
	h := server(n)
	h.Role = v1alpha1.K3sAgent
	return h
}

// lab is one server with two agents.
func lab() []v1alpha1.K3sHost { return []v1alpha1.K3sHost{server(1), agent(2), agent(3)} }

// sshSecret holds something below the key of the SSH key.
func sshSecret(content string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"name": "lab", "namespace": "team-a"},
		"data":     map[string]any{"ssh-privatekey": base64.StdEncoding.EncodeToString([]byte(content))},
	}}
}

const sshKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nnone\n"

// answered are the answers in a world where the cluster, once it is there, has a
// kubeconfig.
func answered(t testing.TB, key string) map[string][]*unstructured.Unstructured {
	t.Helper()
	return map[string][]*unstructured.Unstructured{
		requirementSSHKey:             {sshSecret(key)},
		backend.RequirementKubeconfig: {backendtest.KubeconfigSecret(t, nil)},
	}
}

// rounds runs a claim until it is ready and returns the last result, with the
// names that each round added.
func rounds(t testing.TB, c *v1alpha1.KubernetesCluster, required map[string][]*unstructured.Unstructured) (added [][]string, last compose.Result) {
	t.Helper()
	w := backendtest.World(t, c)
	w.Required = required
	worlds, results := backendtest.Rounds(t, Backend{}, w)
	return backendtest.Added(worlds, results), backendtest.Last(results)
}

// TestK3sGrowth shows which resources appear in which round.
func TestK3sGrowth(t *testing.T) {
	keepers := func(n int) []string {
		return []string{fmt.Sprintf("usage-keeper-%d-helm", n), fmt.Sprintf("usage-keeper-%d-kubernetes", n)}
	}
	concat := func(ss ...[]string) []string { out := slices.Concat(ss...); slices.Sort(out); return out }
	configs := []string{"provider-config-helm", "provider-config-kubernetes"}
	cases := map[string]struct {
		reason string
		hosts  []v1alpha1.K3sHost
		want   [][]string
	}{
		"One": {
			reason: "The login first, since it takes the host for this cluster.",
			hosts:  []v1alpha1.K3sHost{server(1)},
			want: [][]string{
				{"ssh-192.0.2.1"},
				{"cluster"},
				concat(configs, []string{"usage-ssh-key"}),
				concat([]string{"api-server"}, keepers(0)),
				{"usage-provider-config-kubernetes"},
			},
		},
		"Agents": {
			reason: "Agents join together once there is something to join, and stay until everything is off the cluster.",
			hosts:  lab(),
			want: [][]string{
				{"ssh-192.0.2.1", "ssh-192.0.2.2", "ssh-192.0.2.3"},
				{"cluster"},
				concat(configs, []string{"node-192.0.2.2", "node-192.0.2.3", "usage-ssh-key"}),
				concat([]string{"api-server", "usage-cluster-192.0.2.2", "usage-cluster-192.0.2.3"}, keepers(0), keepers(1), keepers(2)),
				{"usage-provider-config-kubernetes"},
			},
		},
		"HighlyAvailable": {
			reason: "Servers join one after the other, and the cluster is reached when all are there.",
			hosts:  []v1alpha1.K3sHost{server(1), server(2), server(3)},
			want: [][]string{
				{"ssh-192.0.2.1", "ssh-192.0.2.2", "ssh-192.0.2.3"},
				{"cluster"},
				{"node-192.0.2.2", "usage-ssh-key"},
				{"node-192.0.2.3", "usage-cluster-192.0.2.2"},
				concat(configs, []string{"usage-cluster-192.0.2.3"}),
				concat([]string{"api-server"}, keepers(0), keepers(1), keepers(2)),
				{"usage-provider-config-kubernetes"},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, _ := rounds(t, k3sClaim(tc.hosts), answered(t, sshKey))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nnames by round: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestK3sForProvider looks at what hosts are told.
func TestK3sForProvider(t *testing.T) {
	cluster := map[string]any{"name": compose.Name("team-a", "demo", "cluster")}
	cases := map[string]struct {
		reason string
		hosts  []v1alpha1.K3sHost
		change func(*v1alpha1.KubernetesCluster)
		name   string
		want   map[string]any
	}{
		"Server": {
			reason: "The newest release of the minor version, with a certificate for the address, and without what the stack brings.",
			hosts:  lab(), name: "cluster",
			want: map[string]any{"host": "192.0.2.1", "port": int64(22), "k3sChannel": "v1.34", "tlsSAN": "192.0.2.1", "disableTraefik": true, "disableServiceLB": true},
		},
		"Agent": {
			reason: "An agent only joins.",
			hosts:  lab(), name: "node-192.0.2.2",
			want: map[string]any{"host": "192.0.2.2", "port": int64(22), "k3sChannel": "v1.34", "role": "agent", "clusterRef": cluster},
		},
		"Labels": {
			reason: "Labels are arguments, in one order.",
			hosts:  []v1alpha1.K3sHost{server(1), {Address: "a.example.org", Labels: map[string]v1alpha1.LocalLabel{"rack": "b", "floor": "2"}}}, name: "node-a.example.org",
			want: map[string]any{"host": "a.example.org", "port": int64(22), "k3sChannel": "v1.34", "role": "agent", "clusterRef": cluster, "extraArgs": "--node-label floor=2 --node-label rack=b"},
		},
		"First": {
			reason: "The first of three servers makes etcd's cluster, of the exact release.",
			hosts:  []v1alpha1.K3sHost{server(1), server(2), server(3)}, name: "cluster",
			change: func(c *v1alpha1.KubernetesCluster) { c.Spec.K3s.Version = "v1.34.2+k3s1" },
			want:   map[string]any{"host": "192.0.2.1", "port": int64(22), "k3sVersion": "v1.34.2+k3s1", "tlsSAN": "192.0.2.1", "disableTraefik": true, "disableServiceLB": true, "clusterInit": true},
		},
		"Second": {
			reason: "Servers must not differ in what they leave out.",
			hosts:  []v1alpha1.K3sHost{server(1), server(2), server(3)}, name: "node-192.0.2.2",
			want: map[string]any{"host": "192.0.2.2", "port": int64(22), "k3sChannel": "v1.34", "tlsSAN": "192.0.2.2", "role": "server", "clusterRef": cluster, "extraArgs": "--disable traefik --disable servicelb"},
		},
		"Bundled": {
			reason: "Who wants what k3s brings gets it.",
			hosts:  lab(), name: "cluster",
			change: func(c *v1alpha1.KubernetesCluster) {
				c.Spec.Version, c.Spec.K3s.Traefik, c.Spec.K3s.ServiceLB, c.Spec.K3s.SSH.Port = "", true, true, 2222
			},
			want: map[string]any{"host": "192.0.2.1", "port": int64(2222), "k3sChannel": "stable", "tlsSAN": "192.0.2.1", "disableTraefik": false, "disableServiceLB": false},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := k3sClaim(tc.hosts)
			if tc.change != nil {
				tc.change(c)
			}
			_, res := rounds(t, c, answered(t, sshKey))
			if diff := cmp.Diff(tc.want, backendtest.ForProvider(res, tc.name)); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestK3sHosts proves that a host has one login, whatever the claim is called: a
// second cluster of the namespace cannot get it.
func TestK3sHosts(t *testing.T) {
	login := func(namespace, name string) string {
		c := k3sClaim(lab())
		c.Namespace, c.Name = namespace, name
		_, res := rounds(t, c, answered(t, sshKey))
		return (&unstructured.Unstructured{Object: res.Resources["ssh-192.0.2.1"].Object}).GetName()
	}
	if a, b := login("team-a", "one"), login("team-a", "two"); a != b {
		t.Errorf("two claims have logins %s and %s for one host", a, b)
	}

	// Not seeing the login, as the other claim has it, nothing is installed.
	w := backendtest.World(t, k3sClaim(lab()))
	w.Required = answered(t, sshKey)
	res := backendtest.Run(t, Backend{}, w)
	w.Observed = backendtest.Observe(t, res, nil)
	delete(w.Observed, "ssh-192.0.2.1")
	res = backendtest.Run(t, Backend{}, w)
	if _, ok := res.Resources["cluster"]; ok {
		t.Error("k3s is installed on a host that another cluster may have")
	}
}

// TestK3sCannot shows what is said when hosts cannot be used, and that nothing
// is composed.
func TestK3sCannot(t *testing.T) {
	evil := func(f func(*v1alpha1.K3sCluster)) *v1alpha1.KubernetesCluster {
		c := k3sClaim(lab())
		f(c.Spec.K3s)
		return c
	}
	const shell = " has characters that a shell could take for commands. Letters, digits and -_./ are safe"
	cases := map[string]struct {
		reason   string
		claim    *v1alpha1.KubernetesCluster
		required map[string][]*unstructured.Unstructured
		want     compose.Condition
	}{
		"NotRead": {
			reason: "Nothing is done before the key is known.",
			claim:  k3sClaim(lab()),
			want:   compose.Condition{Reason: compose.ReasonWaiting, Message: "Waiting for Secret lab to be read"},
		},
		"NoSecret": {
			reason: "It says what is missing.", claim: k3sClaim(lab()), required: map[string][]*unstructured.Unstructured{requirementSSHKey: {}},
			want: compose.Condition{Reason: "SSHKeyNotFound", Message: "Secret lab does not exist in this namespace. Create it with a private SSH key in its key ssh-privatekey"},
		},
		"Password": {
			reason: "A password would be sent to whoever answers.", claim: k3sClaim(lab()), required: answered(t, "hunter2"),
			want: compose.Condition{Reason: "InvalidSSHKey", Message: "Key ssh-privatekey of Secret lab is not a private SSH key in PEM, which begins with -----BEGIN"},
		},
		"NoServer": {
			reason: "There is nothing to join.", claim: k3sClaim([]v1alpha1.K3sHost{agent(1)}), required: answered(t, sshKey),
			want: compose.Condition{Reason: "InvalidSpec", Message: "Provider K3s needs a host of role Server"},
		},
		"NoBlock": {
			reason: "The schema refuses it; it harms nobody.",
			claim:  k3sClaim(nil, func(c *v1alpha1.KubernetesCluster) { c.Spec.K3s = nil }),
			want:   compose.Condition{Type: backend.PartAccess, Reason: "InvalidSpec", Message: "Provider K3s needs the section k3s with its hosts"},
		},
		"Address": {
			reason: "It would end the command and begin another.", required: answered(t, sshKey),
			claim: evil(func(k *v1alpha1.K3sCluster) { k.Hosts[1].Address = "a';reboot;'" }),
			want:  compose.Condition{Reason: "InvalidSpec", Message: "An address in k3s.hosts" + shell},
		},
		"Label": {
			reason: "So would this.", required: answered(t, sshKey),
			claim: evil(func(k *v1alpha1.K3sCluster) { k.Hosts[1].Labels = map[string]v1alpha1.LocalLabel{"a": "$(reboot)"} }),
			want:  compose.Condition{Reason: "InvalidSpec", Message: "A label of host 192.0.2.2" + shell},
		},
		"Argument": {
			reason: "A key that begins like an option is one.", required: answered(t, sshKey),
			claim: evil(func(k *v1alpha1.K3sCluster) { k.Hosts[1].Labels = map[string]v1alpha1.LocalLabel{"--x": "y"} }),
			want:  compose.Condition{Reason: "InvalidSpec", Message: "A label of host 192.0.2.2" + shell},
		},
		"Version": {
			reason: "And this.", required: answered(t, sshKey),
			claim: evil(func(k *v1alpha1.K3sCluster) { k.Version = "v1.34.2+k3s1' sh" }),
			want:  compose.Condition{Reason: "InvalidSpec", Message: "k3s.version" + shell},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := backendtest.World(t, tc.claim)
			w.Required = tc.required
			res := backendtest.Run(t, Backend{}, w)
			if len(res.Resources) > 0 || res.Ready {
				t.Errorf("\n%s\ncomposed %v", tc.reason, slices.Sorted(maps.Keys(res.Resources)))
			}
			if tc.want.Type == "" {
				tc.want.Type = backend.PartControlPlane
			}
			if diff := cmp.Diff(tc.want, res.Conditions[0]); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestK3sRogueHost proves that a host cannot make the providers run a program: a
// kubeconfig that a host wrote is judged like any other.
func TestK3sRogueHost(t *testing.T) {
	_, res := rounds(t, k3sClaim(lab()), answered(t, sshKey))
	w := backendtest.World(t, k3sClaim(lab()))
	w.Observed = backendtest.Observe(t, res, nil)
	for n := range w.Observed {
		if strings.HasPrefix(n, "provider-config-") || n == "api-server" || strings.HasPrefix(n, "usage-") {
			delete(w.Observed, n)
		}
	}
	w.Required = answered(t, sshKey)
	w.Required[backend.RequirementKubeconfig] = []*unstructured.Unstructured{backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { c.User["exec"] = map[string]any{"command": backendtest.Canary} })}
	res = backendtest.Run(t, Backend{}, w)
	if _, ok := res.Resources["provider-config-helm"]; ok {
		t.Error("a kubeconfig that runs a program is used")
	}
	got := res.Conditions[len(res.Conditions)-1]
	if got.Type != backend.PartAccess || got.Reason != "InvalidKubeconfig" {
		t.Errorf("condition %+v, want AccessReady with reason InvalidKubeconfig", got)
	}
}

// TestK3sAccess looks at the facts that charts are told.
func TestK3sAccess(t *testing.T) {
	mixed := lab()
	mixed[2].Architecture = v1alpha1.ArchitectureARM64
	for name, tc := range map[string]struct {
		reason string
		hosts  []v1alpha1.K3sHost
		want   v1alpha1.Architecture
	}{
		"Same":  {"All hosts are of one kind.", lab(), v1alpha1.ArchitectureAMD64},
		"Mixed": {"Where they differ nobody may rely on one.", mixed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, res := rounds(t, k3sClaim(tc.hosts), answered(t, sshKey))
			status := backendtest.Status(t, res)
			access := compose.Name("team-a", "demo", "access")
			want := &backend.Access{
				Connection: v1alpha1.Connection{
					HelmProviderConfigRef: v1alpha1.LocalReference{Name: access}, KubernetesProviderConfigRef: v1alpha1.LocalReference{Name: access}, APIServerURL: "https://one.example.org:6443",
					KubeconfigSecretRef: &v1alpha1.SecretKeyReference{Name: compose.Name("team-a", "demo", "kubeconfig"), Key: "kubeconfig"},
				},
				Capabilities: v1alpha1.Capabilities{
					Architecture: tc.want, StorageClassName: "local-path", IngressExposure: v1alpha1.IngressExposureHostPort, CRISocket: "/run/k3s/containerd/containerd.sock",
				},
			}
			if diff := cmp.Diff(want, backend.AccessOf(status)); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// FuzzK3s proves that no text of a claim reaches a root shell with anything in it
// that a shell could take for more than a word.
func FuzzK3s(f *testing.F) {
	f.Add("192.0.2.1", "rack", "a", "v1.34.2+k3s1", "1.34")
	f.Add("a';reboot;'", "a b", "$(reboot)", "`id`", "1.34' sh")
	f.Add("a\nb", "--x", "&&", "v1|sh", "\x00")
	word := regexp.MustCompile(`^[-A-Za-z0-9_./+=]+$`)
	f.Fuzz(func(t *testing.T, address, key, value, version, kubernetes string) {
		hosts := []v1alpha1.K3sHost{server(1), server(2), server(3), {Address: address, Labels: map[string]v1alpha1.LocalLabel{key: v1alpha1.LocalLabel(value)}}}
		if address == "192.0.2.1" || address == "192.0.2.2" || address == "192.0.2.3" {
			// The schema wants every address once.
			return
		}
		w := backendtest.World(t, k3sClaim(hosts, func(c *v1alpha1.KubernetesCluster) { c.Spec.K3s.Version, c.Spec.Version = version, kubernetes }))
		w.Required = answered(t, sshKey)
		for range 6 {
			res := backendtest.Run(t, Backend{}, w)
			for name := range res.Resources {
				for field, v := range backendtest.ForProvider(res, name) {
					s, ok := v.(string)
					if !ok {
						continue
					}
					for w := range strings.SplitSeq(s, " ") {
						if !word.MatchString(w) {
							t.Fatalf("%s of %s is %q", field, name, s)
						}
					}
				}
			}
			w.Observed = backendtest.Observe(t, res, w.Observed)
		}
	})
}
