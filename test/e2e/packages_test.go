// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/controlplane"
	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"github.com/observe-k8s/observe-k8s/controlplane/oci"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// next is the version that TestPackages upgrades to.
const next = "v0.1.1"

func pkg(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "pkg.crossplane.io", Version: "v1", Kind: kind}
}

// TestPackages lives with the packages as a platform team does: Crossplane's
// package manager has installed them from a registry with what they depend on;
// they are upgraded while a claim is Ready, of which nothing is deleted or made
// again; and they are uninstalled, which leaves nothing. All that the claim needs comes from a mirror
// that make mirror has filled. The commands are those of docs/install.md.
func TestPackages(t *testing.T) {
	// What follows needs the packages again, however this ends.
	w.spent = true
	onFailure(t)
	dependencies(t)

	o := example(t, "existing.yaml")
	from := mirrored(t, "existing.yaml")
	apply(t, o)
	ready(t, o.GroupVersionKind(), o.GetName())
	comeFrom(t, from)
	upgrade(t, o)

	// The new function composes, also without the old one.
	if err := w.cp.StopProcess(controlplane.ProcessFunction); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "-n", namespace, "patch", "observabilityplatform", o.GetName(), "--type=merge", "-p",
		`{"spec":{"workloads":[{"name":"podinfo","app":"podinfo"},{"name":"second","app":"podinfo"}]}}`)
	eventually(t, hang, "a workload that was asked for after the upgrade", func() (bool, string) {
		return strings.Contains(kubectl(t, "-n", namespace, "get", "workloads"), "second"), ""
	})
	works(t, o.GetName())

	remove(t, background, 0, o)
	uninstall(t)
}

// dependencies sees that Crossplane has resolved what the Configuration depends
// on, and installed what nobody named.
func dependencies(t *testing.T) {
	t.Helper()
	lock := find(t, schema.GroupVersionKind{Group: "pkg.crossplane.io", Version: "v1beta1", Kind: "Lock"}, "", "lock")
	if s, _, msg := kube.Condition(lock, "Resolved"); s != "True" {
		t.Errorf("Crossplane has not resolved the dependencies: %s", msg)
	}
	locked := map[string][]string{}
	packages, _, _ := unstructured.NestedSlice(lock.Object, "packages")
	for _, p := range packages {
		m, _ := p.(map[string]any)
		source, _ := m["source"].(string)
		deps, _ := m["dependencies"].([]any)
		for _, d := range deps {
			dm, _ := d.(map[string]any)
			name, _ := dm["package"].(string)
			locked[source] = append(locked[source], name)
		}
		if len(deps) == 0 {
			locked[source] = nil
		}
	}
	needs := 0
	for _, deps := range locked {
		for _, d := range deps {
			needs++
			if _, ok := locked[d]; !ok {
				t.Errorf("the dependency %s is not installed; installed are %v", d, slices.Sorted(maps.Keys(locked)))
			}
		}
	}
	if needs == 0 {
		t.Errorf("no package has a dependency: %v", locked)
	}
	t.Logf("Crossplane resolved %d dependencies", needs)
}

// mirrored copies the charts that a claim needs to a registry of its own, and
// tells claims of it by the policy that a platform team has for it. It returns
// where the charts are.
func mirrored(t *testing.T, claim string) string {
	t.Helper()
	r, err := oci.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	to := "http://" + r.Addr() + "/mirror"
	cmd := exec.CommandContext(t.Context(), w.command, "mirror", filepath.Join("..", "..", "examples", claim), "--no-images", "--from="+w.cp.ChartMirror(), "--to="+to)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("cannot mirror: %v\n%s", err, out)
	}
	apply(t, parse(t, `{apiVersion: apiextensions.crossplane.io/v1beta1, kind: EnvironmentConfig, metadata: {name: observe-k8s}, data: {defaults: {chartMirror: "`+to+`"}}}`))
	return "oci://" + r.Addr() + "/mirror/"
}

// comeFrom sees that all releases have their charts from there.
func comeFrom(t *testing.T, mirror string) {
	t.Helper()
	releases, err := w.management.List(t.Context(), release, namespace)
	if err != nil || len(releases) == 0 {
		t.Fatalf("%d releases, %v", len(releases), err)
	}
	for _, r := range releases {
		from, _, _ := unstructured.NestedString(r.Object, "spec", "forProvider", "chart", "repository")
		if !strings.HasPrefix(from, mirror) {
			t.Errorf("release %s comes from %s, want it from the mirror %s", r.GetName(), from, mirror)
		}
	}
}

// upgrade to the next version. What the claim consists of stays what it is.
func upgrade(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "function")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.version="+next, "-o", binary, "./functions")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the next function: %v\n%s", err, out)
	}
	if err := w.cp.Publish(next, binary); err != nil {
		t.Fatal(err)
	}
	quiet(t)
	before, readySince := identities(t), readyAt(get(t, o.GroupVersionKind(), o.GetName()))

	install, err := w.cp.Install(next)
	if err != nil {
		t.Fatal(err)
	}
	applied := time.Now()
	for _, i := range install {
		apply(t, i)
	}
	for _, k := range []string{"Configuration", "Function"} {
		for _, i := range install {
			if i.GetKind() != k {
				continue
			}
			took := eventually(t, hang, k+" upgraded", func() (bool, string) {
				now := find(t, pkg(k), "", i.GetName())
				healthy, _, _ := kube.Condition(now, "Healthy")
				version, _, _ := unstructured.NestedString(find(t, pkg(k+"Revision"), "", currentRevision(now)).Object, "spec", "image")
				return healthy == "True" && strings.HasSuffix(version, ":"+next), version + conditions(now)
			})
			t.Logf("%s upgraded after %s", k, took)
		}
	}
	eventually(t, hang, "definitions and compositions of the next version", func() (bool, string) {
		out := kubectl(t, "get", "compositeresourcedefinitions,compositions", "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.labels}{"\n"}{end}`)
		return strings.Count(out, `"`+next+`"`) == 2*len(allOurs()), out
	})
	// Each composite follows the newest revision of its Composition.
	eventually(t, hang, "composites of the next version", func() (bool, string) {
		behind := followers(t)
		return len(behind) == 0, strings.Join(behind, ", ")
	})
	works(t, o.GetName())
	quiet(t)

	if diff := cmp.Diff(before, identities(t)); diff != "" {
		t.Errorf("the upgrade deleted or made something: -before, +after:\n%s", diff)
	}
	// A composite that follows another revision has a new generation, and says that
	// it is Ready when it has looked.
	if now := readyAt(get(t, o.GroupVersionKind(), o.GetName())); !now.Equal(readySince) {
		measured(t, "claim Ready again after the upgrade was applied", now.Sub(applied), 0)
	}
}

func currentRevision(o *unstructured.Unstructured) string {
	name, _, _ := unstructured.NestedString(o.Object, "status", "currentRevision")
	return name
}

// followers are the composites that do not follow a revision of a Composition of
// the next version yet.
func followers(t *testing.T) []string {
	t.Helper()
	var behind []string
	revision := schema.GroupVersionKind{Group: "apiextensions.crossplane.io", Version: "v1", Kind: "CompositionRevision"}
	for _, xr := range composites(t) {
		name, _, _ := unstructured.NestedString(xr.Object, "spec", "crossplane", "compositionRevisionRef", "name")
		r := find(t, revision, "", name)
		if r == nil || r.GetLabels()[controlplane.VersionLabel] != next {
			behind = append(behind, xr.GetKind()+" "+xr.GetName()+" follows "+name)
		}
	}
	return behind
}

// identities of all that a claim consists of, here and on its cluster: what is
// deleted and made again has another one. A release that was upgraded has another
// Secret.
func identities(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	list := func(c *kube.Client, where string, kinds []schema.GroupVersionKind, namespace string) {
		for _, k := range kinds {
			objs, err := c.List(t.Context(), k, namespace)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range objs {
				out[where+k.Kind+" "+o.GetNamespace()+"/"+o.GetName()] = string(o.GetUID())
			}
		}
	}
	list(w.management, "", kinds(), namespace)
	list(w.remote, "remote ", append(remoteKinds(), schema.GroupVersionKind{Version: "v1", Kind: "Pod"}), "")
	return out
}

// uninstall as docs/install.md says. Nothing is left of the packages, and of the
// team everything. The configuration goes first, and wholly: as long as there is
// one, Crossplane brings back what it depends on.
func uninstall(t *testing.T) {
	t.Helper()
	kubectl(t, "delete", "configurations.pkg.crossplane.io", "observe-k8s", "--cascade=foreground")
	kubectl(t, "delete", "-f", filepath.Join("..", "..", "package", "install.yaml"), "--ignore-not-found")
	kubectl(t, "delete", "providers.pkg.crossplane.io", "--all")
	eventually(t, hang, "nothing left of the packages", func() (bool, string) {
		out := kubectl(t, "get", "configurations.pkg,configurationrevisions.pkg,functions.pkg,functionrevisions.pkg,providers.pkg,providerrevisions.pkg,compositeresourcedefinitions,compositions,compositionrevisions,managedresourcedefinitions", "-o", "name")
		for crd := range strings.SplitSeq(kubectl(t, "get", "crds", "-o", "name"), "\n") {
			if strings.HasSuffix(crd, "observe-k8s.io") || strings.Contains(crd, ".m.") {
				out += crd + "\n"
			}
		}
		return out == "", out
	})
	if get(t, secret, "remote-kubeconfig") == nil {
		t.Error("the team's Secret went with the packages")
	}
}
