// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/observe-k8s/observe-k8s/providers/local/apis/v1alpha1"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/log"
)

// kindImages are the node images that kind v0.33.0 was released with, by minor
// version of Kubernetes (release notes of kind v0.33.0, read 2026-11-22).
func kindImages() map[string]string {
	return map[string]string{
		"1.34": "kindest/node:v1.34.11@sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d",
		"1.35": "kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0",
		"1.36": "kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed",
		"1.37": "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5",
	}
}

// KindConfig is a request as kind's own configuration.
func KindConfig(r Request) (*v1alpha4.Cluster, error) {
	image, err := imageFor(r.Nodes, kindImages())
	if err != nil {
		return nil, err
	}
	c := &v1alpha4.Cluster{
		TypeMeta: v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"},
		Name:     r.Name,
	}
	if n := r.Networking; n != nil {
		c.Networking = v1alpha4.Networking{
			PodSubnet:         n.PodSubnet,
			ServiceSubnet:     n.ServiceSubnet,
			DisableDefaultCNI: n.DisableDefaultCNI,
			KubeProxyMode:     v1alpha4.ProxyMode(n.KubeProxyMode),
		}
	}
	add := func(role v1alpha4.NodeRole, count int32) {
		for range count {
			c.Nodes = append(c.Nodes, v1alpha4.Node{Role: role, Image: image, Labels: labels(r.Nodes)})
		}
	}
	add(v1alpha4.ControlPlaneRole, max(1, r.Nodes.ControlPlanes))
	add(v1alpha4.WorkerRole, r.Nodes.Workers)
	for _, p := range r.Nodes.Ports {
		c.Nodes[0].ExtraPortMappings = append(c.Nodes[0].ExtraPortMappings, v1alpha4.PortMapping{
			HostPort:      p.HostPort,
			ContainerPort: p.ContainerPort,
			ListenAddress: p.ListenAddress,
			Protocol:      v1alpha4.PortMappingProtocol(p.Protocol),
		})
	}
	return c, nil
}

// createKind makes a cluster. kind runs the docker client that it finds in the
// path, writes a kubeconfig, and has no way to be interrupted: this is for a
// process of its own, with an environment of its own.
func createKind(r Request, kubeconfig string, step func(string)) error {
	c, err := KindConfig(r)
	if err != nil {
		return err
	}
	p := cluster.NewProvider(cluster.ProviderWithDocker(), cluster.ProviderWithLogger(kindLogger{step: step}))
	err = p.Create(
		r.Name,
		cluster.CreateWithV1Alpha4Config(c),
		cluster.CreateWithKubeconfigPath(kubeconfig),
		cluster.CreateWithDisplayUsage(false),
		cluster.CreateWithDisplaySalutation(false),
	)
	return err //nolint:wrapcheck // Where it is explained it is looked through for the command that failed.
}

// imageFor the nodes.
func imageFor(n v1alpha1.NodeParameters, images map[string]string) (string, error) {
	if n.Image != nil {
		return *n.Image, nil
	}
	versions := make([]string, 0, len(images))
	for v := range images {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	version := versions[len(versions)-1]
	if n.Version != nil {
		version = *n.Version
	}
	image, ok := images[version]
	if !ok {
		return "", errors.Errorf("there is no node image of Kubernetes %q: give one of %v, or an image", version, versions)
	}
	return image, nil
}

// A kindLogger hears the steps of kind, which are the messages that begin with a
// bullet, and nothing else.
type kindLogger struct{ step func(string) }

// Warn is not heard.
func (l kindLogger) Warn(string) {}

// Warnf is not heard.
func (l kindLogger) Warnf(string, ...any) {}

// Error is not heard: the error itself is returned.
func (l kindLogger) Error(string) {}

// Errorf is not heard.
func (l kindLogger) Errorf(string, ...any) {}

// V is heard at the level that is for people.
func (l kindLogger) V(v log.Level) log.InfoLogger { return kindInfo{kindLogger: l, on: v == 0} }

type kindInfo struct {
	kindLogger

	on bool
}

// Enabled says whether anybody hears it.
func (i kindInfo) Enabled() bool { return i.on }

// Info hears a message of kind.
func (i kindInfo) Info(message string) {
	after, found := strings.CutPrefix(message, " • ")
	if !i.on || !found {
		return
	}
	i.step(plain(after))
}

// Infof hears a message of kind.
func (i kindInfo) Infof(format string, args ...any) { i.Info(fmt.Sprintf(format, args...)) }

// plain text of a message with pictures and dots.
func plain(s string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return strings.TrimRight(strings.TrimSpace(ascii), " .")
}
