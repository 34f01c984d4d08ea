// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"path/filepath"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
)

// account writes the kubeconfig of a service account of Crossplane's
// namespace and returns its path. A certificate in the account's name serves
// instead of a token: nothing has to renew it.
func (c *cluster) account(name string) (string, error) {
	pair, err := c.ca.Client("system:serviceaccount:"+crossplaneNamespace+":"+name,
		"system:serviceaccounts", "system:serviceaccounts:"+crossplaneNamespace)
	if err != nil {
		return "", err
	}
	b, err := kube.Kubeconfig(name, c.url(), c.ca.Cert, pair)
	if err != nil {
		return "", err
	}
	path := filepath.Join(c.dir, name+".kubeconfig")
	return path, kube.WriteKubeconfig(path, b)
}
