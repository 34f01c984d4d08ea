// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// FuzzKubeconfig proves that what is accepted is harmless in the eyes of those
// who use it: the providers read it with client-go, and would neither run a
// program nor read a file.
func FuzzKubeconfig(f *testing.F) {
	for _, change := range []func(*kubeconfig){
		nil,
		func(c *kubeconfig) {
			c.user["exec"] = map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "command": "evil"}
		},
		func(c *kubeconfig) { c.user["auth-provider"] = map[string]any{"name": "evil"} },
		func(c *kubeconfig) { c.user["tokenFile"] = "/evil"; c.user["tokenfile"] = "" },
		func(c *kubeconfig) { c.user["client-key"] = "/evil"; c.user["client-certificate"] = "/evil" },
		func(c *kubeconfig) { c.cluster["certificate-authority"] = "/evil" },
		func(c *kubeconfig) { c.cluster["proxy-url"] = "http://evil.example.org" },
	} {
		raw := contentOf(f, kubeconfigSecret(f, change))
		f.Add(raw)
		asJSON, err := yaml.YAMLToJSON([]byte(raw))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(asJSON))
	}
	f.Fuzz(func(t *testing.T, content string) {
		server, refusal := kubeconfigServer(secretWith(content), v1alpha1.SecretKeyReference{Name: "remote", Key: "kubeconfig"})
		if refusal != nil {
			if refusal.reason == "" || refusal.message == "" || server != "" {
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
