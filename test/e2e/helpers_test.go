// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/observe-k8s/observe-k8s/controlplane/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// hang is how long anything may take before a test gives up on it. It is no
// promise: those are noted with measured.
const hang = 5 * time.Minute

// clusters is the resource of our clusters for kubectl. Azure's provider has
// kubernetesclusters too, and its group comes first.
const clusters = "kubernetesclusters.observe-k8s.io"

func ours(kind string) schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "observe-k8s.io", Version: "v1alpha1", Kind: kind}
}

// Constants, if Go had them of this type.
var (
	release = schema.GroupVersionKind{Group: "helm.m.crossplane.io", Version: "v1beta1", Kind: "Release"}
	secret  = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
)

// get gets an object of the management cluster; nil when there is none.
func get(t *testing.T, gvk schema.GroupVersionKind, name string) *unstructured.Unstructured {
	t.Helper()
	return find(t, gvk, namespace, name)
}

// current is an object as it is now; an empty one when it does not exist.
func current(t *testing.T, o *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	if now := find(t, o.GroupVersionKind(), o.GetNamespace(), o.GetName()); now != nil {
		return now
	}
	return &unstructured.Unstructured{Object: map[string]any{}}
}

func find(t *testing.T, gvk schema.GroupVersionKind, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	o, err := w.management.Get(context.WithoutCancel(t.Context()), gvk, namespace, name)
	if err != nil {
		t.Logf("cannot get %s %s: %v", gvk.Kind, name, err)
	}
	return o
}

// eventually waits until f says that it is so, and fails with what f saw last.
// It returns how long it took.
func eventually(t *testing.T, limit time.Duration, what string, f func() (bool, string)) time.Duration {
	t.Helper()
	start, saw := time.Now(), ""
	for time.Since(start) < limit {
		ok, now := f()
		if ok {
			return time.Since(start)
		}
		saw = now
		time.Sleep(200 * time.Millisecond)
	}
	failedf(t, "%s: not after %s; last seen: %s", what, limit, saw)
	return 0
}

// ready waits until an object is Ready.
func ready(t *testing.T, gvk schema.GroupVersionKind, name string) time.Duration {
	t.Helper()
	return readyWithin(t, hang, gvk, name)
}

// readyWithin waits until an object is Ready, but not longer than a limit.
func readyWithin(t *testing.T, limit time.Duration, gvk schema.GroupVersionKind, name string) time.Duration {
	t.Helper()
	return eventually(t, limit, gvk.Kind+" "+name+" Ready", func() (bool, string) {
		o := get(t, gvk, name)
		if o == nil {
			return false, "it does not exist"
		}
		s, _, _ := kube.Condition(o, "Ready")
		return s == "True", conditions(o)
	})
}

// works waits until a platform is Ready for what its spec says now.
func works(t *testing.T, name string) time.Duration {
	t.Helper()
	return eventually(t, hang, "ObservabilityPlatform "+name+" Ready again", func() (bool, string) {
		o := get(t, ours("ObservabilityPlatform"), name)
		cs, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
		for _, c := range cs {
			m, _ := c.(map[string]any)
			seen, _ := m["observedGeneration"].(int64)
			if m["status"] != "True" || (seen > 0 && seen < o.GetGeneration()) {
				return false, conditions(o)
			}
		}
		return true, ""
	})
}

// says waits until a condition has a status and its message contains words.
func says(t *testing.T, gvk schema.GroupVersionKind, name, typ, status string, words ...string) time.Duration {
	t.Helper()
	return eventually(t, hang, fmt.Sprintf("%s %s says %s=%s with %q", gvk.Kind, name, typ, status, words), func() (bool, string) {
		o := get(t, gvk, name)
		if o == nil {
			return false, "it does not exist"
		}
		s, _, msg := kube.Condition(o, typ)
		for _, word := range words {
			if !strings.Contains(msg, word) {
				return false, conditions(o)
			}
		}
		return s == status, conditions(o)
	})
}

// conditions of an object, one a line.
func conditions(o *unstructured.Unstructured) string {
	var b strings.Builder
	cs, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range cs {
		m, _ := c.(map[string]any)
		fmt.Fprintf(&b, "\n    %v=%v %v %v", m["type"], m["status"], m["reason"], m["message"])
	}
	return b.String()
}

// kubectl runs the real kubectl against the management cluster.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := tryKubectl(t, "", args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// tryKubectl runs kubectl with standard input, and returns all that it prints.
func tryKubectl(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), w.cp.Kubectl(), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.cp.Kubeconfig())
	cmd.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}
