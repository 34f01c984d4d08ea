// SPDX-License-Identifier: Apache-2.0

package component

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// resourceInterrupted, with a revision behind it, is Helm's record of something
// that was interrupted.
const resourceInterrupted = "interrupted-"

// interruptedFor is how much older than the time that an attempt may take a record
// must be. Until then provider-helm may be at it: what it says of a release is from
// before its attempt.
const interruptedFor = time.Minute

// interrupted takes away Helm's record of a rollback or an uninstallation in whose
// middle provider-helm was killed, or lost the cluster. An installation or an
// upgrade that was interrupted provider-helm takes back. In the middle of that, it
// would stay for ever: of a rollback it says that an operation is in progress, and of
// an uninstallation nothing (release.go, v1.3.0: shouldRollBack and isUpToDate).
// Without the record it goes on from the revision before, or installs anew.
//
// An Object that may delete the record is there until the record is old enough, and
// then goes. If the release moves meanwhile, the Object may not delete anything any
// more, and goes without.
func interrupted(o RenderInput) []compose.Resource {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(o.Observed)), func(n string) bool { return !strings.HasPrefix(n, resourceInterrupted) })
	stuck := ""
	if rev, ok := interruptedRevision(o.Observed[resourceRelease]); ok {
		stuck = resourceInterrupted + rev
		if !slices.Contains(names, stuck) {
			names = append(names, stuck)
		}
	}
	var out []compose.Resource
	for _, name := range names {
		if r, ok := releaseSecret(o, name, name == stuck); ok {
			out = append(out, r)
		}
	}
	return out
}

// interruptedRevision is the revision of a release that provider-helm leaves as it
// is.
func interruptedRevision(release *unstructured.Unstructured) (string, bool) {
	if release == nil || release.GetDeletionTimestamp() != nil {
		return "", false
	}
	rev := revision(release, "status", "atProvider", "revision")
	switch stringField(release, "status", "atProvider", "state") {
	case "uninstalling":
		return rev, true
	case "pending-rollback":
		return rev, compose.GetCondition(release, "Synced").Status == "False"
	}
	return "", false
}

// releaseSecret is one of Helm's records, unless its Object has to go.
func releaseSecret(o RenderInput, name string, stuck bool) (compose.Resource, bool) {
	if seen := o.Observed[name]; seen != nil {
		policies, _, _ := unstructured.NestedStringSlice(seen.Object, "spec", "managementPolicies")
		harmless := !slices.Contains(policies, "Delete")
		left, known := timeUntilStale(o, seen)
		if stuck && known && left <= 0 || !stuck && harmless || seen.GetDeletionTimestamp() != nil {
			return compose.Resource{}, false
		}
	}
	secret := "sh.helm.release.v1." + o.ReleaseName + ".v" + strings.TrimPrefix(name, resourceInterrupted)
	r := compose.Resource{Name: name, ConditionType: ConditionDeployed, Gate: o.Gate, Ready: func(*unstructured.Unstructured) compose.Health {
		return compose.Health{
			Ready: !stuck, Reason: "ReleaseInterrupted",
			Message: fmt.Sprintf("Helm was interrupted in the middle of taking a release back. Its record of that, Secret %s/%s on the cluster, goes a minute after the time that an attempt may take, %s, and it tries again", o.Claim.Spec.TargetNamespace, secret, o.Claim.Spec.Timeout),
		}
	}}
	if o.Connection == nil {
		return r, true
	}
	r.Object = onCluster(o.Claim, o.Connection, name, "true", map[string]any{
		"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"name": secret, "namespace": o.Claim.Spec.TargetNamespace},
	})
	policies := []any{"Observe"}
	if stuck {
		policies = append(policies, "Delete")
	}
	spec := r.Object["spec"].(map[string]any) //nolint:forcetypeassert // onCluster has just made it.
	spec["managementPolicies"] = policies
	// To watch one Secret is to watch all of them.
	spec["watch"] = false
	return r, true
}

// timeUntilStale is how long somebody may still be at a record that an Object sees; not
// known if the Object does not see it.
func timeUntilStale(o RenderInput, seen *unstructured.Unstructured) (time.Duration, bool) {
	m := manifestOf(seen)
	if m == nil || compose.GetCondition(seen, "Synced").Status != "True" {
		return 0, false
	}
	begun := m.GetCreationTimestamp()
	attempt, err := time.ParseDuration(o.Claim.Spec.Timeout)
	if err != nil || begun.IsZero() {
		return 0, false
	}
	return begun.Add(attempt + interruptedFor).Sub(o.Now), true
}

// interruptedDue is when the record of what is stuck goes; zero if there is none.
func interruptedDue(o RenderInput) time.Duration {
	rev, stuck := interruptedRevision(o.Observed[resourceRelease])
	if seen := o.Observed[resourceInterrupted+rev]; stuck && seen != nil {
		left, _ := timeUntilStale(o, seen)
		return max(0, left)
	}
	return 0
}
