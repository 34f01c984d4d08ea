// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// object with a generation and conditions.
func object(generation any, conditions ...any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": HelmAPIVersion,
		"kind":       "Release",
		"metadata":   map[string]any{"name": "shop", "generation": generation},
		"status":     map[string]any{"conditions": conditions},
	}}
}

// cond is a condition as an object carries it; more are further keys and values.
func cond(typ, status, reason, message string, more ...any) map[string]any {
	c := map[string]any{"type": typ, "status": status, "reason": reason, "message": message}
	for i := 0; i < len(more); i += 2 {
		c[more[i].(string)] = more[i+1]
	}
	return c
}

func TestGetCondition(t *testing.T) {
	cases := map[string]struct {
		reason string
		o      *unstructured.Unstructured
		want   ObservedCondition
	}{
		"NoObject": {
			reason: "No object has no condition.",
		},
		"NoStatus": {
			reason: "An object that nobody looked at yet has no condition.",
			o:      &unstructured.Unstructured{Object: map[string]any{}},
		},
		"MalformedStatus": {
			reason: "What is not a status is no reason to panic.",
			o:      &unstructured.Unstructured{Object: map[string]any{"status": "fine"}},
		},
		"MalformedConditions": {
			reason: "What is not a condition is skipped.",
			o:      object(int64(1), "Ready", nil, cond("Ready", "True", "Available", "")),
			want:   ObservedCondition{Status: "True", Reason: "Available"},
		},
		"Other": {
			reason: "Conditions are found by type, not by place.",
			o:      object(int64(1), cond("Synced", "True", "", "")),
		},
		"Found": {
			reason: "Everything about a condition is passed on.",
			o:      object(int64(1), cond("Synced", "True", "", ""), cond("Ready", "False", "Broken", "It broke")),
			want:   ObservedCondition{Status: "False", Reason: "Broken", Message: "It broke"},
		},
		"Current": {
			reason: "A condition of this generation is not stale.",
			o:      object(int64(2), cond("Ready", "True", "", "", "observedGeneration", int64(2))),
			want:   ObservedCondition{Status: "True"},
		},
		"Stale": {
			reason: "A condition of an older generation says nothing about this one.",
			o:      object(int64(2), cond("Ready", "True", "", "", "observedGeneration", int64(1))),
			want:   ObservedCondition{Status: "True", Stale: true},
		},
		"NoGeneration": {
			reason: "Without an observed generation nobody can say that it is stale.",
			o:      object(int64(2), cond("Ready", "True", "", "")),
			want:   ObservedCondition{Status: "True"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := GetCondition(tc.o, "Ready")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nGetCondition(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestIsReady(t *testing.T) {
	cases := map[string]struct {
		reason string
		o      *unstructured.Unstructured
		want   bool
	}{
		"NoObject": {reason: "What is not there is not ready."},
		"True":     {reason: "Ready is ready.", o: object(int64(1), cond("Ready", "True", "", "")), want: true},
		"False":    {reason: "Not ready is not.", o: object(int64(1), cond("Ready", "False", "", ""))},
		"Unknown":  {reason: "Unknown is not ready.", o: object(int64(1), cond("Ready", "Unknown", "", ""))},
		"Stale": {
			reason: "What an older generation was is not what this one is.",
			o:      object(int64(2), cond("Ready", "True", "", "", "observedGeneration", int64(1))),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, IsReady(tc.o)); diff != "" {
				t.Errorf("\n%s\nIsReady(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
