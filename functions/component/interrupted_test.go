// SPDX-License-Identifier: Apache-2.0

package component

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestInterrupted takes Helm's record of what was interrupted away, and only that
// one.
func TestInterrupted(t *testing.T) {
	now := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	release := func(state, synced string, revision int64) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"kind": "Release", "metadata": map[string]any{"finalizers": []any{"a"}},
			"status": map[string]any{
				"atProvider": map[string]any{"state": state, "revision": revision},
				"conditions": []any{ready("False"), map[string]any{"type": "Synced", "status": synced, "reason": "Because"}},
			},
		}}
	}
	stuck := release("pending-rollback", "False", 3)
	record := func(age time.Duration, synced string, policies ...any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"creationTimestamp": now.Add(-time.Hour).Format(time.RFC3339)},
			"spec":     map[string]any{"managementPolicies": policies},
			"status": map[string]any{
				"conditions": []any{map[string]any{"type": "Synced", "status": synced}},
				"atProvider": map[string]any{"manifest": map[string]any{"metadata": map[string]any{"creationTimestamp": now.Add(-age).Format(time.RFC3339)}}},
			},
		}}
	}
	going := record(time.Second, "True", "Observe", "Delete")
	going.SetDeletionTimestamp(&metav1.Time{Time: now})
	unseen := record(time.Hour, "True", "Observe", "Delete")
	unstructured.RemoveNestedField(unseen.Object, "status", "atProvider")
	leaving := release("uninstalling", "True", 3)
	leaving.SetDeletionTimestamp(&metav1.Time{Time: now})
	cases := map[string]struct {
		reason  string
		release *unstructured.Unstructured
		record  *unstructured.Unstructured
		// want are the policies of the record's Object; none when it is to go.
		want []any
	}{
		"Deployed":    {reason: "What works has no such record.", release: release("deployed", "True", 3)},
		"Upgrading":   {reason: "What provider-helm takes back by itself is left to it.", release: release("pending-upgrade", "False", 3)},
		"RollingBack": {reason: "A rollback that goes on is left alone.", release: release("pending-rollback", "True", 3)},
		"Leaving":     {reason: "A release that is being deleted is left alone.", release: leaving},
		"Stuck":       {reason: "A rollback that stopped is to be forgotten.", release: stuck, want: []any{"Observe", "Delete"}},
		"HalfGone":    {reason: "So is an uninstallation that stopped, of which provider-helm says nothing.", release: release("uninstalling", "True", 3), want: []any{"Observe", "Delete"}},
		"Young":       {reason: "Somebody may still be at it.", release: stuck, record: record(5*time.Minute+59*time.Second, "True", "Observe", "Delete"), want: []any{"Observe", "Delete"}},
		"Unseen":      {reason: "What is not seen has no age.", release: stuck, record: unseen, want: []any{"Observe", "Delete"}},
		"Blind":       {reason: "What cannot be reached cannot be deleted.", release: stuck, record: record(time.Hour, "False", "Observe", "Delete"), want: []any{"Observe", "Delete"}},
		"Goes":        {reason: "Its Object goes, and the record with it.", release: stuck, record: record(6*time.Minute, "True", "Observe", "Delete")},
		"Going":       {reason: "It is not made again while it goes.", release: stuck, record: going},
		"Recovered":   {reason: "A release that moves on keeps all of its records.", release: release("deployed", "True", 3), record: record(time.Hour, "True", "Observe", "Delete"), want: []any{"Observe"}},
		"Left":        {reason: "What may not delete anything can go.", release: release("deployed", "True", 3), record: record(time.Hour, "True", "Observe")},
		"NextOne":     {reason: "Another rollback has another record.", release: release("pending-rollback", "False", 4), record: record(time.Hour, "True", "Observe", "Delete"), want: []any{"Observe"}},
		"NoRelease":   {reason: "Nothing is deleted when nothing is seen.", record: record(time.Hour, "True", "Observe", "Delete"), want: []any{"Observe"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := compose.Request{XR: toUnstructured(t, claim()), Required: answers("cluster", reachable("True")), Now: now, Observed: map[string]*unstructured.Unstructured{}}
			if tc.release != nil {
				w.Observed["release"] = tc.release
			}
			if tc.record != nil {
				w.Observed["interrupted-3"] = tc.record
			}
			w.Observed = withNamespace(w.Observed)
			res := run(t, w)
			got := (&unstructured.Unstructured{Object: res.Resources["interrupted-3"].Object})
			policies, _, _ := unstructured.NestedSlice(got.Object, "spec", "managementPolicies")
			if diff := cmp.Diff(tc.want, policies); diff != "" {
				t.Errorf("%s: policies of the record: -want, +got:\n%s", tc.reason, diff)
			}
			if tc.want == nil {
				return
			}
			manifest, _, _ := unstructured.NestedMap(got.Object, "spec", "forProvider", "manifest")
			want := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{
				"name": "sh.helm.release.v1." + compose.Name("team-a", "shop") + ".v3", "namespace": "shops",
			}}
			if diff := cmp.Diff(want, manifest); diff != "" {
				t.Errorf("%s: the record: -want, +got:\n%s", tc.reason, diff)
			}
			if watch, _, _ := unstructured.NestedBool(got.Object, "spec", "watch"); watch {
				t.Error("the Object watches all Secrets of the cluster")
			}
		})
	}

	// It runs at the time at which the record goes.
	w := compose.Request{XR: toUnstructured(t, claim()), Required: answers("cluster", reachable("True")), Now: now, Observed: withNamespace(map[string]*unstructured.Unstructured{
		"release": stuck, "interrupted-3": record(6*time.Minute-1100*time.Millisecond, "True", "Observe", "Delete"),
	})}
	if got := run(t, w).RequeueAfter.Round(time.Millisecond); got != time.Second {
		t.Errorf("runs again after %s, want 1s", got)
	}

	// A person is told.
	w = compose.Request{XR: toUnstructured(t, claim()), Required: answers("cluster", reachable("True")), Now: now, Observed: withNamespace(map[string]*unstructured.Unstructured{
		"release": stuck, "interrupted-3": record(time.Second, "True", "Observe"),
	})}
	for _, c := range run(t, w).Conditions {
		if c.Type == ConditionDeployed && (c.Reason != "ReleaseInterrupted" || !strings.Contains(c.Message, ".v3 on the cluster, goes a minute after the time that an attempt may take, 5m")) {
			t.Errorf("%s is %s: %s", c.Type, c.Reason, c.Message)
		}
	}
}

// withNamespace adds the namespace, so that what follows may begin.
func withNamespace(observed map[string]*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	observed["namespace"] = &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": []any{ready("True")}}}}
	return observed
}
