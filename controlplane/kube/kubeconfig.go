// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"os"

	"github.com/observe-k8s/observe-k8s/controlplane/pki"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// Kubeconfig returns a kubeconfig with everything inline.
func Kubeconfig(name, server string, ca []byte, client pki.Pair) ([]byte, error) {
	b, err := yaml.Marshal(map[string]any{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": name,
		"clusters": []any{map[string]any{"name": name, "cluster": map[string]any{
			"server": server, "certificate-authority-data": ca,
		}}},
		"users": []any{map[string]any{"name": name, "user": map[string]any{
			"client-certificate-data": client.Cert, "client-key-data": client.Key,
		}}},
		"contexts": []any{map[string]any{"name": name, "context": map[string]any{"cluster": name, "user": name}}},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot encode kubeconfig: %w", err)
	}
	return b, nil
}

// WriteKubeconfig writes a kubeconfig that only its owner can read.
func WriteKubeconfig(path string, b []byte) error {
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return fmt.Errorf("cannot write kubeconfig: %w", err)
	}
	return nil
}

// RESTConfig returns the same access as a rest.Config.
func RESTConfig(server string, ca []byte, client pki.Pair) *rest.Config {
	return &rest.Config{
		Host:            server,
		TLSClientConfig: rest.TLSClientConfig{CAData: ca, CertData: client.Cert, KeyData: client.Key},
	}
}
