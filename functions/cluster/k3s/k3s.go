// SPDX-License-Identifier: Apache-2.0

// Package k3s makes clusters of k3s on hosts of your own.
package k3s

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const k3sAPIVersion = "k3s.m.crossplane.io/v1alpha1"

// Names of composed resources. They are API.
const (
	k3sControlPlane = "cluster"
	// What there is of each host is named after its address.
	k3sNode  = "node-"
	k3sLogin = "ssh-"
)

const requirementSSHKey = "ssh-key"

// StorageClass is the storage class that k3s brings: folders on the hosts.
// https://docs.k3s.io/storage, as of February 2026.
const StorageClass = "local-path"

// ContainerdSocket is where the container runtime of k3s listens.
// https://docs.k3s.io/advanced, as of August 2026.
const ContainerdSocket = "/run/k3s/containerd/containerd.sock"

// k3sSafe are characters that mean nothing to a shell. The provider puts what it
// is told into a command line of root, as it is.
const k3sSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+"

// A Backend makes a cluster of k3s on hosts that are reached over SSH.
type Backend struct{}

// Describe the place: every host is a node, of which nothing else is known.
func (Backend) Describe(p v1alpha1.ClusterParameters) backend.Facts {
	f := backend.Facts{Place: backend.PlaceHosts}
	if b := p.K3s; b != nil {
		n := int64(len(b.Hosts))
		f.Pools = []backend.Pool{{Field: "k3s.hosts", Count: "k3s.hosts", Min: n, Max: n}}
		f.HostPorts, f.PortConflict = !b.ServiceLB, PortConflict("k3s", b.Traefik, b.ServiceLB)
	}
	return f
}

// PortConflict says in which block k3s is told to keep an ingress on the ports 80
// and 443 of its nodes: Traefik takes them through its load balancer only.
func PortConflict(block string, traefik, serviceLB bool) string {
	if !traefik || !serviceLB {
		return ""
	}
	return fmt.Sprintf("%[1]s.traefik and %[1]s.serviceLB keep an ingress of k3s on the ports that component ingress needs, and k3s cannot change them", block)
}

// Plan the control plane and what joins it, one login each.
func (Backend) Plan(in compose.TypedRequest[v1alpha1.KubernetesCluster]) (backend.Cluster, error) {
	spec := in.Claim.Spec.K3s
	if spec == nil {
		return backend.Refuse("InvalidSpec", "Provider K3s needs the section k3s with its hosts"), nil
	}
	p := &k3sPlan{Cloud: backend.Cloud{In: in}, spec: spec}
	servers, agents := p.roles()
	out := backend.Cluster{Parts: []string{backend.PartControlPlane}}
	if len(spec.Hosts) > 1 {
		out.Parts = append(out.Parts, backend.PartNodes)
	}
	refuse := func(reason, message string) backend.Cluster {
		out.Waiting = message
		for _, part := range out.Parts {
			out.Problems = append(out.Problems, compose.Problem{ConditionType: part, Reason: reason, Message: message})
		}
		return out
	}
	out.Requirements = []compose.Requirement{p.secret(requirementSSHKey, spec.SSH.KeySecretRef.Name), p.secret(backend.RequirementKubeconfig, p.kubeconfig().Name)}
	if len(servers) == 0 {
		return refuse("InvalidSpec", "Provider K3s needs a host of role Server"), nil
	}
	if unsafe := p.validateHosts(); unsafe != "" {
		return refuse("InvalidSpec", unsafe+" has characters that a shell could take for commands. Letters, digits and -_./ are safe"), nil
	}
	if in.IsResolved(requirementSSHKey) {
		if reason, message := p.validateSSHKey(); reason != "" {
			return refuse(reason, message), nil
		}
	}

	first := servers[0]
	// What waits for a login says more than the login, which somebody else may have.
	out.Resources = append(out.Resources, p.Resource(p.controlPlane(first, len(servers) > 1)), p.hostProviderConfig(first, backend.PartControlPlane))
	out.ProtectedRefs = append(out.ProtectedRefs, p.Reference(k3sAPIVersion, "Cluster", k3sControlPlane))
	// One server after the other becomes a member of etcd.
	after := []string{k3sControlPlane}
	for _, h := range servers[1:] {
		p.join(&out, h, "server", p.After(after...))
		after = append(after, k3sNode+h.Address)
	}
	for _, h := range agents {
		p.join(&out, h, "agent", p.After(k3sControlPlane))
	}
	out.Resources = append(out.Resources, compose.Usage("usage-ssh-key", backend.PartControlPlane, in.Claim.Namespace, in.Claim.Name,
		v1alpha1.ObjectReference{APIVersion: "v1", Kind: "Secret", Name: spec.SSH.KeySecretRef.Name},
		p.Reference(k3sAPIVersion, "Cluster", k3sControlPlane), in.IsObserved(k3sControlPlane)))
	p.access(&out, after, first)
	return out, nil
}

// A k3sPlan is what is known while a cluster is planned.
type k3sPlan struct {
	backend.Cloud

	spec *v1alpha1.K3sCluster
}

// roles sorts the hosts into those with a control plane and the others.
func (p *k3sPlan) roles() (servers, agents []v1alpha1.K3sHost) {
	for _, h := range p.spec.Hosts {
		if h.Role == v1alpha1.K3sServer {
			servers = append(servers, h)
		} else {
			agents = append(agents, h)
		}
	}
	return servers, agents
}

// validateHosts names a field that must not come into a shell. The schema refuses all
// of them; this is for a claim that got past another schema.
func (p *k3sPlan) validateHosts() string {
	bad := func(s string) bool { return strings.Trim(s, k3sSafe) != "" || strings.HasPrefix(s, "-") }
	if bad(p.spec.Version) {
		return "k3s.version"
	}
	if bad(p.In.Claim.Spec.Version) {
		return "version"
	}
	for _, h := range p.spec.Hosts {
		if h.Address == "" || bad(h.Address) {
			return "An address in k3s.hosts"
		}
		for k, v := range h.Labels {
			if k == "" || bad(k) || bad(string(v)) {
				return "A label of host " + h.Address
			}
		}
	}
	return ""
}

// validateSSHKey says what is wrong with the Secret of the SSH key. What is no key the
// provider would send as a password, to any machine that answers.
func (p *k3sPlan) validateSSHKey() (reason, message string) {
	ref := p.spec.SSH.KeySecretRef
	secret := p.In.RequiredObject(requirementSSHKey)
	if secret == nil {
		return "SSHKeyNotFound", fmt.Sprintf("Secret %s does not exist in this namespace. Create it with a private SSH key in its key %s", ref.Name, ref.Key)
	}
	encoded, _, _ := unstructured.NestedString(secret.Object, "data", ref.Key)
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !strings.HasPrefix(string(raw), "-----BEGIN") {
		return "InvalidSSHKey", fmt.Sprintf("Key %s of Secret %s is not a private SSH key in PEM, which begins with -----BEGIN", ref.Key, ref.Name)
	}
	return "", ""
}

// hostProviderConfig to a host. It is named after the host, for all clusters of the
// namespace: who has it has the host, and it stays until k3s is off the host.
func (p *k3sPlan) hostProviderConfig(h v1alpha1.K3sHost, part string) compose.Resource {
	return compose.Resource{
		Name:          k3sLogin + h.Address,
		ConditionType: part,
		Gate:          p.keyCheckedGate(),
		Ready:         compose.Exists,
		Object: map[string]any{
			"apiVersion": k3sAPIVersion,
			"kind":       "ProviderConfig",
			"metadata":   map[string]any{"name": p.loginName(h), "namespace": p.In.Claim.Namespace},
			"spec": map[string]any{
				"username": p.spec.SSH.Username,
				"credentials": map[string]any{
					"source": "Secret",
					"secretRef": map[string]any{
						"name": p.spec.SSH.KeySecretRef.Name, "namespace": p.In.Claim.Namespace, "key": p.spec.SSH.KeySecretRef.Key,
					},
				},
			},
		},
	}
}

// keyCheckedGate is a gate that opens when the key has been looked at.
func (p *k3sPlan) keyCheckedGate() compose.Gate {
	return compose.WaitFor(p.In.IsResolved(requirementSSHKey), "Waiting for Secret "+p.spec.SSH.KeySecretRef.Name+" to be read")
}

func (p *k3sPlan) loginName(h v1alpha1.K3sHost) string {
	return compose.Name(p.In.Claim.Namespace, "k3s-host", h.Address)
}

// loggedIn is a gate that opens when the host is ours.
func (p *k3sPlan) loggedIn(h v1alpha1.K3sHost) compose.Gate {
	return compose.WaitFor(p.In.IsObserved(k3sLogin+h.Address),
		fmt.Sprintf("Waiting for host %s, unless another cluster of this namespace has it: see ProviderConfig %s of k3s.m.crossplane.io", h.Address, p.loginName(h)))
}

// controlPlane installs k3s on the first host.
func (p *k3sPlan) controlPlane(h v1alpha1.K3sHost, more bool) backend.Managed {
	f := p.install(h)
	f["tlsSAN"] = h.Address
	f["disableTraefik"] = !p.spec.Traefik
	f["disableServiceLB"] = !p.spec.ServiceLB
	if more {
		f["clusterInit"] = true
	}
	if args := labelArgs(h); len(args) > 0 {
		f["extraArgs"] = strings.Join(args, " ")
	}
	return backend.Managed{
		Name: k3sControlPlane, Part: backend.PartControlPlane, APIVersion: k3sAPIVersion, Kind: "Cluster",
		Gate: p.keyCheckedGate().And(p.loggedIn(h)), ForProvider: f, ConnectionSecret: "kubeconfig", Config: p.loginName(h),
	}
}

// join lets a host join the first one. It stays until everything is off the
// cluster: what is deleted on a node needs that node to say that it is gone.
func (p *k3sPlan) join(out *backend.Cluster, h v1alpha1.K3sHost, role string, gate compose.Gate) {
	f := p.install(h)
	f["clusterRef"] = p.Ref(k3sControlPlane)
	f["role"] = role
	args := labelArgs(h)
	if role == "server" {
		f["tlsSAN"] = h.Address
		// Servers of one cluster must all have these.
		if !p.spec.Traefik {
			args = append(args, "--disable traefik")
		}
		if !p.spec.ServiceLB {
			args = append(args, "--disable servicelb")
		}
	}
	if len(args) > 0 {
		f["extraArgs"] = strings.Join(args, " ")
	}
	node := backend.Managed{
		Name: k3sNode + h.Address, Part: backend.PartNodes, APIVersion: k3sAPIVersion, Kind: "Node",
		Gate: gate.And(p.loggedIn(h)), ForProvider: f, Config: p.loginName(h),
	}
	out.Resources = append(out.Resources, p.Resource(node), p.hostProviderConfig(h, backend.PartNodes),
		// Without the cluster's object the provider cannot take a node off.
		p.Protect("usage-"+k3sControlPlane+"-"+h.Address, backend.PartNodes, backend.Managed{APIVersion: k3sAPIVersion, Kind: "Cluster", Name: k3sControlPlane}, node))
	out.ProtectedRefs = append(out.ProtectedRefs, p.Reference(k3sAPIVersion, "Node", node.Name))
}

// install says what to install on a host.
func (p *k3sPlan) install(h v1alpha1.K3sHost) map[string]any {
	f := map[string]any{"host": h.Address, "port": p.spec.SSH.Port}
	switch v := p.In.Claim.Spec.Version; {
	case p.spec.Version != "":
		f["k3sVersion"] = p.spec.Version
	case v != "":
		f["k3sChannel"] = "v" + v
	default:
		f["k3sChannel"] = "stable"
	}
	return f
}

// labelArgs are the arguments that give a node its labels.
func labelArgs(h v1alpha1.K3sHost) []string {
	args := make([]string, 0, len(h.Labels)+2)
	for _, k := range slices.Sorted(maps.Keys(h.Labels)) {
		args = append(args, "--node-label "+k+"="+string(h.Labels[k]))
	}
	return args
}

func (p *k3sPlan) kubeconfig() v1alpha1.SecretKeyReference {
	return v1alpha1.SecretKeyReference{Name: p.Name("kubeconfig"), Key: "kubeconfig"}
}

func (p *k3sPlan) secret(requirement, name string) compose.Requirement {
	return compose.Requirement{Name: requirement, APIVersion: "v1", Kind: "Secret", Namespace: p.In.Claim.Namespace, ObjectName: name}
}

// access is by the kubeconfig that the first server wrote, which is only as good
// as that host.
func (p *k3sPlan) access(out *backend.Cluster, servers []string, first v1alpha1.K3sHost) {
	p.Reach(out, p.After(servers...), p.kubeconfig())
	if out.Access == nil {
		return
	}
	out.Access.StorageClassName, out.Access.CRISocket = StorageClass, ContainerdSocket
	out.Access.Architecture = first.Architecture
	for _, h := range p.spec.Hosts {
		if h.Architecture != first.Architecture {
			// Charts that ask have to cope with both.
			out.Access.Architecture = ""
		}
	}
}
