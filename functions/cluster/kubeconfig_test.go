// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// canary is in every kubeconfig of these tests and must not be in any message.
const canary = "c4n4ry"

// A kubeconfig as a person has it, for tests to change.
type kubeconfig struct {
	config  map[string]any
	context map[string]any
	cluster map[string]any
	user    map[string]any
}

// kubeconfigSecret is a Secret with a kubeconfig, changed by f.
func kubeconfigSecret(tb testing.TB, f func(c *kubeconfig)) *unstructured.Unstructured {
	tb.Helper()
	c := &kubeconfig{
		context: map[string]any{"cluster": "one", "user": "two"},
		cluster: map[string]any{"server": "https://one.example.org:6443"},
		user:    map[string]any{"token": canary},
	}
	c.config = map[string]any{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": "three",
		"contexts":        []any{map[string]any{"name": "three", "context": c.context}},
		"clusters":        []any{map[string]any{"name": "one", "cluster": c.cluster}},
		"users":           []any{map[string]any{"name": "two", "user": c.user}},
	}
	if f != nil {
		f(c)
	}
	raw, err := yaml.Marshal(c.config)
	if err != nil {
		tb.Fatal(err)
	}
	return secretWith(string(raw))
}

// secretWith holds content below the key kubeconfig.
func secretWith(content string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata":   map[string]any{"name": "remote", "namespace": "team-a"},
		"data":       map[string]any{"kubeconfig": base64.StdEncoding.EncodeToString([]byte(content))},
	}}
}

// contentOf is what a Secret holds below the key kubeconfig.
func contentOf(tb testing.TB, secret *unstructured.Unstructured) string {
	tb.Helper()
	encoded, _, _ := unstructured.NestedString(secret.Object, "data", "kubeconfig")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

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
	server := func(s string) func(*kubeconfig) {
		return func(c *kubeconfig) { c.cluster["server"] = s }
	}
	user := func(k string, v any) func(*kubeconfig) {
		return func(c *kubeconfig) { c.user[k] = v }
	}
	evil := map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "command": canary}
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
			secret: kubeconfigSecret(t, nil),
			want:   want{server: "https://one.example.org:6443"},
		},
		"Certificates": {
			reason: "Certificates in place need nothing but themselves.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) {
				c.cluster["certificate-authority-data"] = base64.StdEncoding.EncodeToString([]byte(canary))
				c.user["client-certificate-data"] = base64.StdEncoding.EncodeToString([]byte(canary))
				c.user["client-key-data"] = base64.StdEncoding.EncodeToString([]byte(canary))
			}),
			want: want{server: "https://one.example.org:6443"},
		},
		"Path": {
			reason: "Some API servers are behind a path.",
			secret: kubeconfigSecret(t, server("https://one.example.org/k8s/clusters/c-1")),
			want:   want{server: "https://one.example.org/k8s/clusters/c-1"},
		},
		"WithoutKind": {
			reason: "The providers take a kubeconfig that does not say that it is one.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { delete(c.config, "kind"); delete(c.config, "apiVersion") }),
			want:   want{server: "https://one.example.org:6443"},
		},
		"OtherUserExec": {
			reason: "A user of another context is not used.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) {
				c.config["users"] = append(c.config["users"].([]any), map[string]any{"name": "other", "user": map[string]any{"exec": evil}})
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
			secret: &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{"value": canary}}},
			want:   want{reason: "KubeconfigKeyNotFound", message: noKey},
		},
		"NotBase64": {
			reason: "What is not base64 is not quoted.",
			secret: &unstructured.Unstructured{Object: map[string]any{"data": map[string]any{"kubeconfig": "!" + canary}}},
			want:   want{reason: "InvalidKubeconfig", message: notBase64},
		},
		"NotYAML": {
			reason: "What is not YAML is not quoted.",
			secret: secretWith("\t" + canary),
			want:   want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"NotAnObject": {
			reason: "What is not a kubeconfig is not quoted.",
			secret: secretWith(canary),
			want:   want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"OtherKind": {
			reason: "Another kind is not a kubeconfig, and not quoted.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { c.config["kind"] = canary }),
			want:   want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"Mistyped": {
			reason: "What cannot be read is not quoted.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { c.config["users"] = canary }),
			want:   want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"SameUserTwice": {
			reason: "Of two users with one name nobody can say which the providers take.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) {
				c.config["users"] = append(c.config["users"].([]any), map[string]any{"name": "two", "user": map[string]any{"exec": evil}})
			}),
			want: want{reason: "InvalidKubeconfig", message: notConfig},
		},
		"Empty": {
			reason: "An empty value says nothing.",
			secret: secretWith(""),
			want:   want{reason: "InvalidKubeconfig", message: noContext},
		},
		"NoCurrentContext": {
			reason: "Several contexts need a choice.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { delete(c.config, "current-context") }),
			want:   want{reason: "InvalidKubeconfig", message: noContext},
		},
		"UnknownContext": {
			reason: "The choice has to be one of the contexts.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { c.config["current-context"] = canary }),
			want:   want{reason: "InvalidKubeconfig", message: noContext},
		},
		"NoCluster": {
			reason: "A context without its cluster leads nowhere.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { c.context["cluster"] = canary }),
			want:   want{reason: "InvalidKubeconfig", message: incomplete},
		},
		"NoUser": {
			reason: "A context without its user is nobody.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { c.context["user"] = canary }),
			want:   want{reason: "InvalidKubeconfig", message: incomplete},
		},
		"HTTP": {
			reason: "Credentials do not go over a line that anybody can read.",
			secret: kubeconfigSecret(t, server("http://"+canary+".example.org")),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"NoServer": {
			reason: "A cluster needs a server.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { delete(c.cluster, "server") }),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"NoHost": {
			reason: "A server needs a host.",
			secret: kubeconfigSecret(t, server("https:///"+canary)),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"PasswordInServer": {
			reason: "The server is shown in a status, where a password would be read.",
			secret: kubeconfigSecret(t, server("https://me:"+canary+"@one.example.org")),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"TokenInServer": {
			reason: "The server is shown in a status, where a token would be read.",
			secret: kubeconfigSecret(t, server("https://one.example.org?token="+canary)),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"ServerNoURL": {
			reason: "What is not a URL is not quoted.",
			secret: kubeconfigSecret(t, server("https://"+canary+"%zz")),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"LongServer": {
			reason: "What does not fit into a status would stop the claim from saying anything.",
			secret: kubeconfigSecret(t, server("https://one.example.org/"+strings.Repeat("a", 2048))),
			want:   want{reason: "InvalidKubeconfig", message: badServer},
		},
		"Exec": {
			reason: "Nobody's program runs inside the providers' pods.",
			secret: kubeconfigSecret(t, user("exec", evil)),
			want:   want{reason: "InvalidKubeconfig", message: program},
		},
		"AuthProvider": {
			reason: "Nobody's program runs inside the providers' pods.",
			secret: kubeconfigSecret(t, user("auth-provider", map[string]any{"name": canary})),
			want:   want{reason: "InvalidKubeconfig", message: program},
		},
		"TokenFile": {
			reason: "A file of the providers' pods would be sent to a server that the team names.",
			secret: kubeconfigSecret(t, user("tokenFile", "/"+canary)),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},
		"ClientCertificateFile": {
			reason: "Files are on another machine.",
			secret: kubeconfigSecret(t, user("client-certificate", "/"+canary)),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},
		"ClientKeyFile": {
			reason: "Files are on another machine.",
			secret: kubeconfigSecret(t, user("client-key", "/"+canary)),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},
		"CertificateAuthorityFile": {
			reason: "Files are on another machine.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { c.cluster["certificate-authority"] = "/" + canary }),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},

		// The providers' codec tells these keys apart from the real ones, where
		// Go's own JSON would take the later for the earlier.
		"TokenFileBehindOtherCase": {
			reason: "A key in another case hides nothing.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { c.user["tokenFile"] = "/" + canary; c.user["tokenfile"] = "" }),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},
		"ClientKeyBehindKelvinSign": {
			reason: "A key with a letter that folds to another hides nothing.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) { c.user["client-key"] = "/" + canary; c.user["client-\u212aey"] = "" }),
			want:   want{reason: "InvalidKubeconfig", message: files},
		},
		"UsersBehindLongS": {
			reason: "A second list of users hides nothing.",
			secret: kubeconfigSecret(t, func(c *kubeconfig) {
				c.config["u\u017fers"] = []any{map[string]any{"name": "other"}, map[string]any{"name": "two", "user": map[string]any{"token": canary}}}
				c.user["exec"] = evil
			}),
			want: want{reason: "InvalidKubeconfig", message: program},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := want{}
			var err *kubeconfigError
			if got.server, err = kubeconfigServer(tc.secret, ref); err != nil {
				got.reason, got.message = err.reason, err.message
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nkubeconfigServer(...): -want, +got:\n%s", tc.reason, diff)
			}
			if strings.Contains(got.message+got.server, canary) {
				t.Errorf("\n%s\nthe answer quotes the kubeconfig: %+v", tc.reason, got)
			}
		})
	}
}
