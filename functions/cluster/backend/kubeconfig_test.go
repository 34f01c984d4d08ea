// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend/backendtest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestKubeconfigServer(t *testing.T) {
	ref := v1alpha1.SecretKeyReference{Name: "remote", Key: "kubeconfig"}
	const (
		notFound   = "Secret remote does not exist in this namespace. Create it with a kubeconfig in its key kubeconfig"
		noKey      = "Secret remote has no key kubeconfig. Put the kubeconfig there, or name the right key in kubeconfigSecretRef.key"
		notBase64  = "Key kubeconfig of Secret remote is not base64, as Secrets are"
		notConfig  = "Key kubeconfig of Secret remote is not a kubeconfig"
		noContext  = "Key kubeconfig of Secret remote has no current-context that names one of its contexts"
		incomplete = "Key kubeconfig of Secret remote has a current context whose cluster or user is missing"
		badServer  = "Key kubeconfig of Secret remote has a server that is not https://HOST[:PORT]"
		program    = "Key kubeconfig of Secret remote gets its credentials from a program (exec or auth-provider), which would run inside the providers' pods. Put a token or a client certificate into it, for example of a ServiceAccount"
		files      = "Key kubeconfig of Secret remote points at files, which only exist on the machine that wrote it. Write it with kubectl config view --raw --flatten --minify"
	)
	server := func(s string) func(*backendtest.Kubeconfig) {
		return func(c *backendtest.Kubeconfig) { c.Cluster["server"] = s }
	}
	user := func(k string, v any) func(*backendtest.Kubeconfig) {
		return func(c *backendtest.Kubeconfig) { c.User[k] = v }
	}
	evil := map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "command": backendtest.Canary}
	type want struct {
		server, reason, message string
	}
	cases := map[string]struct {
		reason string
		secret *unstructured.Unstructured
		want   want
	}{
		"Token": {
			reason: "A token needs nothing but itself.",
			secret: backendtest.KubeconfigSecret(t, nil),
			want:   want{server: "https://one.example.org:6443"},
		},
		"Certificates": {
			reason: "Certificates in place need nothing but themselves.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) {
				c.Cluster["certificate-authority-data"] = base64.StdEncoding.EncodeToString([]byte(backendtest.Canary))
				c.User["client-certificate-data"] = base64.StdEncoding.EncodeToString([]byte(backendtest.Canary))
				c.User["client-key-data"] = base64.StdEncoding.EncodeToString([]byte(backendtest.Canary))
			}),
			want: want{server: "https://one.example.org:6443"},
		},
		"Path": {
			reason: "Some API servers are behind a path.",
			secret: backendtest.KubeconfigSecret(t, server("https://one.example.org/k8s/clusters/c-1")),
			want:   want{server: "https://one.example.org/k8s/clusters/c-1"},
		},
		"WithoutKind": {
			reason: "The providers take a kubeconfig that does not say that it is one.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { delete(c.Config, "kind"); delete(c.Config, "apiVersion") }),
			want:   want{server: "https://one.example.org:6443"},
		},
		"OtherUserExec": {
			reason: "A user of another context is not used.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) {
				c.Config["users"] = append(c.Config["users"].([]any), map[string]any{"name": "other", "user": map[string]any{"exec": evil}})
			}),
			want: want{server: "https://one.example.org:6443"},
		},
		"NoSecret": {
			reason: "The Secret may come later.",
			want:   want{reason: "KubeconfigSecretNotFound", message: notFound},
		},
		"NoData": {
			reason: "An empty Secret has no key.",
			secret: &unstructured.Unstructured{Object: map[string]any{}},
			want:   want{reason: "KubeconfigKeyNotFound", message: noKey},
		},
		"OtherKey": {
			reason: "The kubeconfig may be under another key.",
			secret: &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{"value": backendtest.Canary}}},
			want:   want{reason: "KubeconfigKeyNotFound", message: noKey},
		},
		"NotBase64": {
			reason: "What is not base64 is not quoted.",
			secret: &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{"kubeconfig": "!" + backendtest.Canary}}},
			want:   want{reason: "InvalidKubeconfig", message: notBase64},
		},
		"NotYAML": {
			reason: "What is not YAML is not quoted.",
			secret: backendtest.SecretWith("\t" + backendtest.Canary),
			want:   want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"NotAnObject": {
			reason: "What is not a kubeconfig is not quoted.",
			secret: backendtest.SecretWith(backendtest.Canary),
			want:   want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"OtherKind": {
			reason: "Another kind is not a kubeconfig, and not quoted.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { c.Config["kind"] = backendtest.Canary }),
			want:   want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"Mistyped": {
			reason: "What cannot be read is not quoted.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { c.Config["users"] = backendtest.Canary }),
			want:   want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"SameUserTwice": {
			reason: "Of two users with one name nobody can say which the providers take.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) {
				c.Config["users"] = append(c.Config["users"].([]any), map[string]any{"name": "two", "user": map[string]any{"exec": evil}})
			}),
			want: want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"Empty": {
			reason: "An empty value says nothing.",
			secret: backendtest.SecretWith(""),
			want:   want{reason: "InvalidKubeconfig", message: noContext},
		},
		"NoCurrentContext": {
			reason: "Several contexts need a choice.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { delete(c.Config, "current-context") }),
			want:   want{reason: "InvalidKubeconfig", message: noContext},
		},
		"UnknownContext": {
			reason: "The choice has to be one of the contexts.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { c.Config["current-context"] = backendtest.Canary }),
			want:   want{reason: "InvalidKubeconfig", message: noContext},
		},
		"NoCluster": {
			reason: "A context without its cluster leads nowhere.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { c.Context["cluster"] = backendtest.Canary }),
			want:   want{reason: "InvalidKubeconfig", message: incomplete},
		},
		"NoUser": {
			reason: "A context without its user is nobody.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { c.Context["user"] = backendtest.Canary }),
			want:   want{reason: "InvalidKubeconfig", message: incomplete},
		},
		"HTTP": {
			reason: "Credentials do not go over a line that anybody can read.",
			secret: backendtest.KubeconfigSecret(t, server("http://"+backendtest.Canary+".example.org")),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"NoServer": {
			reason: "A cluster needs a server.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { delete(c.Cluster, "server") }),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"NoHost": {
			reason: "A server needs a host.",
			secret: backendtest.KubeconfigSecret(t, server("https:///"+backendtest.Canary)),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"PasswordInServer": {
			reason: "The server is shown in a status, where a password would be read.",
			secret: backendtest.KubeconfigSecret(t, server("https://me:"+backendtest.Canary+"@one.example.org")),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"TokenInServer": {
			reason: "The server is shown in a status, where a token would be read.",
			secret: backendtest.KubeconfigSecret(t, server("https://one.example.org?token="+backendtest.Canary)),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"ServerNoURL": {
			reason: "What is not a URL is not quoted.",
			secret: backendtest.KubeconfigSecret(t, server("https://"+backendtest.Canary+"%zz")),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"LongServer": {
			reason: "What does not fit into a status would stop the claim from saying anything.",
			secret: backendtest.KubeconfigSecret(t, server("https://one.example.org/"+strings.Repeat("a", 2048))),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"Exec": {
			reason: "Nobody's program runs inside the providers' pods.",
			secret: backendtest.KubeconfigSecret(t, user("exec", evil)),
			want:   want{reason: "InvalidKubeconfig", message: program},
		},
		"AuthProvider": {
			reason: "Nobody's program runs inside the providers' pods.",
			secret: backendtest.KubeconfigSecret(t, user("auth-provider", map[string]any{"name": backendtest.Canary})),
			want:   want{reason: "InvalidKubeconfig", message: program},
		},
		"TokenFile": {
			reason: "A file of the providers' pods would be sent to a server that the team names.",
			secret: backendtest.KubeconfigSecret(t, user("tokenFile", "/"+backendtest.Canary)),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},
		"ClientCertificateFile": {
			reason: "Files are on another machine.",
			secret: backendtest.KubeconfigSecret(t, user("client-certificate", "/"+backendtest.Canary)),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},
		"ClientKeyFile": {
			reason: "Files are on another machine.",
			secret: backendtest.KubeconfigSecret(t, user("client-key", "/"+backendtest.Canary)),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},
		"CertificateAuthorityFile": {
			reason: "Files are on another machine.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) { c.Cluster["certificate-authority"] = "/" + backendtest.Canary }),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},

		// The providers' codec tells these keys apart from the real ones, where
		// Go's own JSON would take the later for the earlier.
		"TokenFileBehindOtherCase": {
			reason: "A key in another case hides nothing.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) {
				c.User["tokenFile"] = "/" + backendtest.Canary
				c.User["tokenfile"] = ""
			}),
			want: want{reason: "InvalidKubeconfig", message: files},
		},
		"ClientKeyBehindKelvinSign": {
			reason: "A key with a letter that folds to another hides nothing.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) {
				c.User["client-key"] = "/" + backendtest.Canary
				c.User["client-\u212aey"] = ""
			}),
			want: want{reason: "InvalidKubeconfig", message: files},
		},
		"UsersBehindLongS": {
			reason: "A second list of users hides nothing.",
			secret: backendtest.KubeconfigSecret(t, func(c *backendtest.Kubeconfig) {
				c.Config["u\u017fers"] = []any{map[string]any{"name": "other"}, map[string]any{"name": "two", "user": map[string]any{"token": backendtest.Canary}}}
				c.User["exec"] = evil
			}),
			want: want{reason: "InvalidKubeconfig", message: program},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := want{}
			var err *backend.KubeconfigError
			if got.server, err = backend.KubeconfigServer(tc.secret, ref); err != nil {
				got.reason, got.message = err.Reason, err.Message
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nkubeconfigServer(...): -want, +got:\n%s", tc.reason, diff)
			}
			if strings.Contains(got.message+got.server, backendtest.Canary) {
				t.Errorf("\n%s\nthe answer quotes the kubeconfig: %+v", tc.reason, got)
			}
		})
	}
}
