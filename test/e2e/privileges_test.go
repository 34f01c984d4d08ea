// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A request that Crossplane made, as the API server noted it.
type request struct {
	Stage string `json:"stage"`
	Verb  string `json:"verb"`
	User  struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Group     string `json:"apiGroup"`
		Resource  string `json:"resource"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"objectRef"`
	Status struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Annotations map[string]string `json:"annotations"`
}

func (r request) what() string { return r.ObjectRef.Resource + "." + r.ObjectRef.Group }

// TestPrivileges runs claims that need every right that package/install.yaml gives
// to Crossplane beyond its own, and reads from the API server's log that nothing was
// forbidden and which right nobody used.
func TestPrivileges(t *testing.T) {
	if w.cp.AuditLog() == "" {
		t.Fatal("there is no log of requests without -audit, with which make test-reliability runs this")
	}
	apply(t, parse(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: team-values}, data: {values.yaml: \"podLabels: {team: a}\"}}"))
	sshKey(t)
	claims := []*unstructured.Unstructured{wider(t, "6.9.1", map[string]any{"replicaCount": int64(1)}), cloudCluster(t, "k3s"), cloudCluster(t, "gke")}
	claim(t, claims...)
	for _, o := range claims {
		ready(t, o.GroupVersionKind(), o.GetName())
	}
	// Without the team's values their ConfigMap goes, without a component its Usages.
	changed := example(t, "existing.yaml")
	off := []any{map[string]any{"name": "perses", "enabled": false}}
	if err := unstructured.SetNestedSlice(changed.Object, off, "spec", "stack", "components"); err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedSlice(changed.Object, []any{map[string]any{"name": "podinfo", "app": "podinfo"}}, "spec", "workloads"); err != nil {
		t.Fatal(err)
	}
	apply(t, changed)
	eventually(t, hang, "what is not wanted any more is gone", func() (bool, string) {
		left := slices.DeleteFunc(listed(t.Context(), []schema.GroupVersionKind{{Version: "v1", Kind: "ConfigMap"}, ours("Component")}, namespace), func(name string) bool {
			return !strings.Contains(name, "values-cert-manager") && (!strings.Contains(name, "stack-perses-") || strings.Contains(name, "operator"))
		})
		return len(left) == 0, strings.Join(left, ", ")
	})
	works(t, "demo")
	remove(t, background, 0, claims...)

	requests := audit(t)
	users := map[string]int{}
	for _, r := range requests {
		users[r.User.Username]++
		if r.Annotations["authorization.k8s.io/decision"] == "forbid" {
			t.Errorf("%s may not %s %s %s/%s", r.User.Username, r.Verb, r.what(), r.ObjectRef.Namespace, r.ObjectRef.Name)
		}
	}
	t.Logf("requests by user: %v", users)
	used := map[string]bool{}
	for _, r := range requests {
		if !strings.HasSuffix(r.User.Username, ":crossplane") || r.Status.Code >= 300 && r.Status.Code != 404 && r.Status.Code != 409 {
			continue
		}
		used[r.what()+" "+r.Verb] = true
		// Whoever watches has to list where the API server does not begin a watch with
		// what there is.
		if r.Verb == "watch" {
			used[r.what()+" list"] = true
		}
		// To apply what does not exist yet, one needs the right to create it, too.
		if r.Verb == "patch" && r.Status.Code == 201 {
			used[r.what()+" create"] = true
		}
	}
	for _, right := range rights(t) {
		if !used[right] {
			t.Errorf("package/install.yaml lets Crossplane %s, and nothing did", right)
		}
	}
	table := ""
	for _, u := range slices.Sorted(maps.Keys(used)) {
		if slices.ContainsFunc(rights(t), func(r string) bool { return strings.Fields(r)[0] == strings.Fields(u)[0] }) {
			table += fmt.Sprintf("%-55s %s\n", u, map[bool]string{true: "granted by package/install.yaml", false: "granted by Crossplane's own roles only"}[slices.Contains(rights(t), u)])
		}
	}
	t.Log("used:\n" + table)
}

// rights that package/install.yaml gives to Crossplane: resources, each with a verb.
func rights(t *testing.T) []string {
	t.Helper()
	objs, err := kube.ReadFiles(filepath.Join("..", "..", "package", "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range objs {
		if o.GetKind() != "ClusterRole" || o.GetLabels()["rbac.crossplane.io/aggregate-to-crossplane"] != "true" {
			continue
		}
		rules, _, _ := unstructured.NestedSlice(o.Object, "rules")
		for _, r := range rules {
			m, _ := r.(map[string]any)
			groups, _, _ := unstructured.NestedStringSlice(m, "apiGroups")
			resources, _, _ := unstructured.NestedStringSlice(m, "resources")
			verbs, _, _ := unstructured.NestedStringSlice(m, "verbs")
			for _, g := range groups {
				for _, resource := range resources {
					for _, v := range verbs {
						out = append(out, resource+"."+g+" "+v)
					}
				}
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("package/install.yaml gives Crossplane no rights: the test tests nothing")
	}
	return out
}

// audit reads the API server's log.
func audit(t *testing.T) []request {
	t.Helper()
	f, err := os.Open(w.cp.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []request
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		r := request{}
		// The last line may not be whole yet.
		if json.Unmarshal(s.Bytes(), &r) == nil {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		t.Fatal("the API server noted no requests: the test tests nothing")
	}
	return out
}
