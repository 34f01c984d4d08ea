// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

func TestProtect(t *testing.T) {
	config := v1alpha1.ObjectReference{APIVersion: HelmAPIVersion, Kind: "ProviderConfig", Name: "config"}
	release := v1alpha1.ObjectReference{APIVersion: HelmAPIVersion, Kind: "Release", Name: "shop"}
	usage := map[string]any{
		"apiVersion": "protection.crossplane.io/v1beta1",
		"kind":       "Usage",
		"metadata":   map[string]any{"name": Name("team-a", "owner", "usage-access"), "namespace": "team-a"},
		"spec": map[string]any{
			"of":             map[string]any{"apiVersion": HelmAPIVersion, "kind": "ProviderConfig", "resourceRef": map[string]any{"name": "config"}},
			"by":             map[string]any{"apiVersion": HelmAPIVersion, "kind": "Release", "resourceRef": map[string]any{"name": "shop"}},
			"replayDeletion": true,
		},
	}
	waiting := Gate{Waiting: "Waiting for Release shop before what it needs is protected"}
	type args struct {
		of, by v1alpha1.ObjectReference
		seen   bool
	}
	cases := map[string]struct {
		reason string
		args   args
		want   Resource
	}{
		"Seen": {
			reason: "Once both are there, one protects the other.",
			args:   args{of: config, by: release, seen: true},
			want:   Resource{Name: "usage-access", ConditionType: "Deployed", Object: usage},
		},
		"NotSeen": {
			reason: "A Usage of what is not there would only log errors.",
			args:   args{of: config, by: release},
			want:   Resource{Name: "usage-access", ConditionType: "Deployed", Object: usage, Gate: waiting},
		},
		"OfUnknown": {
			reason: "A Usage that cannot be built now is kept as it is.",
			args:   args{by: release, seen: true},
			want:   Resource{Name: "usage-access", ConditionType: "Deployed"},
		},
		"ByUnknown": {
			reason: "A Usage that cannot be built now is kept as it is.",
			args:   args{of: config, by: v1alpha1.ObjectReference{Kind: "Release"}, seen: true},
			want:   Resource{Name: "usage-access", ConditionType: "Deployed"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := UsageWithReplay("usage-access", "Deployed", "team-a", "owner", tc.args.of, tc.args.by, tc.args.seen)
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(Resource{}, "Ready")); diff != "" {
				t.Errorf("\n%s\nProtect(...): -want, +got:\n%s", tc.reason, diff)
			}
			if got.Ready == nil {
				t.Error("a Usage that nobody judges is never ready")
			}
		})
	}
}
