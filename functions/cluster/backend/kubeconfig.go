// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"encoding/base64"
	"fmt"
	"net/url"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientcmd "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/tools/clientcmd/api/latest"
)

// RequirementKubeconfig is the requirement for the Secret with the kubeconfig.
const RequirementKubeconfig = "kubeconfig"

// longestServer is the longest URL of an API server that a status may have.
const longestServer = 2048

// A KubeconfigError says what is wrong with a kubeconfig. It never quotes it.
type KubeconfigError struct {
	// Reason and Message of the problem.
	Reason, Message string
}

// KubeconfigServer finds the API server of a kubeconfig, and refuses one that
// would make a provider run a program or read a file: the person who writes the
// Secret does not own the provider's pod.
func KubeconfigServer(secret *unstructured.Unstructured, ref v1alpha1.SecretKeyReference) (string, *KubeconfigError) {
	if secret == nil {
		return "", &KubeconfigError{"KubeconfigSecretNotFound", fmt.Sprintf("Secret %s does not exist in this namespace. Create it with a kubeconfig in its key %s", ref.Name, ref.Key)}
	}
	encoded, found, _ := unstructured.NestedString(secret.Object, "data", ref.Key)
	if !found {
		return "", &KubeconfigError{"KubeconfigKeyNotFound", fmt.Sprintf("Secret %s has no key %s. Put the kubeconfig there, or name the right key in kubeconfigSecretRef.key", ref.Name, ref.Key)}
	}
	invalid := func(what string) *KubeconfigError {
		return &KubeconfigError{"InvalidKubeconfig", fmt.Sprintf("Key %s of Secret %s %s", ref.Key, ref.Name, what)}
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", invalid("is not base64, as Secrets are")
	}
	// The providers read it with this codec. Another one could see another user
	// than they do, since JSON libraries differ in which keys are the same.
	decoded, _, err := latest.Codec.Decode(raw, &schema.GroupVersionKind{Version: latest.Version, Kind: "Config"}, clientcmd.NewConfig())
	cfg, ok := decoded.(*clientcmd.Config)
	if err != nil || !ok {
		// The error may quote what it could not read.
		return "", invalid("is not a kubeconfig")
	}

	ctx := cfg.Contexts[cfg.CurrentContext]
	if ctx == nil {
		return "", invalid("has no current-context that names one of its contexts")
	}
	cluster, user := cfg.Clusters[ctx.Cluster], cfg.AuthInfos[ctx.AuthInfo]
	if cluster == nil || user == nil {
		return "", invalid("has a current context whose cluster or user is missing")
	}
	server, err := url.Parse(cluster.Server)
	switch {
	case err != nil || server.Scheme != "https" || server.Host == "" || server.User != nil || server.RawQuery != "" || len(cluster.Server) > longestServer:
		return "", invalid("has a server that is not https://HOST[:PORT]")
	case user.Exec != nil || user.AuthProvider != nil:
		return "", invalid("gets its credentials from a program (exec or auth-provider), which would run inside the providers' pods. Put a token or a client certificate into it, for example of a ServiceAccount")
	case cluster.CertificateAuthority != "" || user.ClientCertificate != "" || user.ClientKey != "" || user.TokenFile != "":
		return "", invalid("points at files, which only exist on the machine that wrote it. Write it with kubectl config view --raw --flatten --minify")
	}
	return cluster.Server, nil
}
