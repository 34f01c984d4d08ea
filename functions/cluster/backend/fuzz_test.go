// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend"
	"github.com/observe-k8s/observe-k8s/functions/cluster/backend/backendtest"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// FuzzKubeconfig proves that what is accepted is harmless in the eyes of those
// who use it: the providers read it with client-go, and would neither run a
// program nor read a file.
func FuzzKubeconfig(f *testing.F) {
	for _, change := range []func(*backendtest.Kubeconfig){
		nil,
		func(c *backendtest.Kubeconfig) {
			c.User["exec"] = map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "command": "evil"}
		},
		func(c *backendtest.Kubeconfig) { c.User["auth-provider"] = map[string]any{"name": "evil"} },
		func(c *backendtest.Kubeconfig) { c.User["tokenFile"] = "/evil"; c.User["tokenfile"] = "" },
		func(c *backendtest.Kubeconfig) {
			c.User["client-key"] = "/evil"
			c.User["client-certificate"] = "/evil"
		},
		func(c *backendtest.Kubeconfig) { c.Cluster["certificate-authority"] = "/evil" },
		func(c *backendtest.Kubeconfig) { c.Cluster["proxy-url"] = "http://evil.example.org" },
	} {
		encoded, _, _ := unstructured.NestedString(backendtest.KubeconfigSecret(f, change).Object, "data", "kubeconfig")
		content, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			f.Fatal(err)
		}
		raw := string(content)
		f.Add(raw)
		asJSON, err := yaml.YAMLToJSON([]byte(raw))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(asJSON))
	}
	f.Fuzz(func(t *testing.T, content string) {
		server, refusal := backend.KubeconfigServer(backendtest.SecretWith(content), v1alpha1.SecretKeyReference{Name: "remote", Key: "kubeconfig"})
		if refusal != nil {
			if refusal.Reason == "" || refusal.Message == "" || server != "" {
				t.Errorf("a refusal without a word: %q %+v", server, refusal)
			}
			return
		}
		if !strings.HasPrefix(strings.ToLower(server), "https://") {
			t.Errorf("the server is %q", server)
		}
		cfg, err := clientcmd.RESTConfigFromKubeConfig([]byte(content))
		if err != nil {
			// The providers will say what is wrong with it.
			return
		}
		if cfg.Host != server {
			t.Errorf("the providers would talk to %q, not to %q", cfg.Host, server)
		}
		files := cfg.BearerTokenFile + cfg.CertFile + cfg.KeyFile + cfg.CAFile
		if cfg.ExecProvider != nil || cfg.AuthProvider != nil || files != "" {
			t.Errorf("the providers would run a program or read files %q: %q", files, content)
		}
	})
}
