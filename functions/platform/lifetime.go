// SPDX-License-Identifier: Apache-2.0

package platform

import (
	"fmt"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Conditions of a platform that is taken down, beside its parts.
const (
	ConditionExpired  = "Expired"
	ConditionTornDown = "TornDown"
)

// Reasons of these conditions.
const (
	// ReasonTearingDown means that something is on its way out.
	ReasonTearingDown = "TearingDown"
	// ReasonDeleted means that nothing is left.
	ReasonDeleted = "Deleted"
	// ReasonNotExpired means that the lifetime is not over.
	ReasonNotExpired = "NotExpired"
	// ReasonClocksDiffer means that the lifetime is over by the function's clock
	// and not by that of the API server.
	ReasonClocksDiffer = "ClockSkew"
	// ReasonNoLifetime means that there is no lifetime any more.
	ReasonNoLifetime = "NoLifetime"
	// ReasonRunning means that the platform is to be there again.
	ReasonRunning = "Running"
)

// clockRecheckInterval is how soon the clocks are compared again at the latest.
const clockRecheckInterval = 30 * time.Second

// An expiry is what the claim's lifetime and suspension come to.
type expiry struct {
	// expirationTime is when the lifetime is over; nil when it never is.
	expirationTime *metav1.Time

	// clockCheckTime is when the API server was last asked for the time; nil when it
	// need not be.
	clockCheckTime *metav1.Time

	// expired says that the lifetime is over, by both clocks.
	expired bool

	// tornDown says that the spec asks for it.
	tornDown bool

	// due is when to look again; zero when there is nothing to look for.
	due time.Duration
}

// down says whether the platform has to go.
func (e expiry) down() bool { return e.expired || e.tornDown }

// computeExpiry a platform. The lifetime counts from the claim's creation, which the
// API server noted by its clock. The function's own clock may be wrong, so what
// it believes is not enough: it asks the API server for the time by writing
// clockCheckTime, and what the API server notes of that write has to agree. Once
// they agree, neither clock can bring the platform back; a longer lifetime can.
func computeExpiry(in compose.TypedRequest[v1alpha1.ObservabilityPlatform]) (expiry, error) {
	xr := in.Claim
	e := expiry{tornDown: xr.Spec.State == v1alpha1.StateTornDown}
	if xr.Spec.Lifetime == "" {
		return e, nil
	}
	lifetime, err := time.ParseDuration(xr.Spec.Lifetime)
	if err != nil || lifetime <= 0 {
		return e, fmt.Errorf("lifetime %q is not a duration", xr.Spec.Lifetime)
	}
	if xr.CreationTimestamp.IsZero() {
		// Nobody has created it yet: it is only rendered.
		return e, nil
	}
	at := xr.CreationTimestamp.Add(lifetime)
	e.expirationTime = &metav1.Time{Time: at}

	// Both are fields of the status, which is written at once. Conditions are
	// written apart: a run may see them beside a status of another time.
	was := xr.Status.ExpirationTime
	if was != nil && was.Time.Equal(at) && xr.Status.ExpirationConfirmed {
		e.expired = true
		return e, nil
	}
	if left := at.Sub(in.Now); left > 0 {
		e.due = left
		return e, nil
	}
	written := compose.LastWriteTime(in.XR)
	missing := at.Sub(written)
	if written.IsZero() || missing <= 0 {
		e.expired = true
		return e, nil
	}
	// Time passes as fast on both clocks, so asking before what is missing has
	// passed would be in vain.
	e.clockCheckTime, e.due = &metav1.Time{Time: in.Now.Truncate(time.Second).UTC()}, clockRecheckInterval
	if last := xr.Status.ClockCheckTime; last != nil {
		if since := in.Now.Sub(last.Time); since >= 0 && since < missing {
			e.clockCheckTime, e.due = last, min(missing-since, clockRecheckInterval)
		}
	}
	return e, nil
}

// conditions of an ending. Progress says how far a teardown is.
func (e expiry) conditions(in compose.TypedRequest[v1alpha1.ObservabilityPlatform], reason, progress string) []compose.Condition {
	var cs []compose.Condition
	// What was said once is taken back, not left to grow old.
	said := func(typ string) bool { return compose.GetCondition(in.XR, typ).Status != "" }
	switch {
	case e.expired:
		cs = append(cs, compose.Condition{Type: ConditionExpired, Ready: true, Reason: reason, Message: progress})
	case e.clockCheckTime != nil && in.Claim.Status.ClockCheckTime != nil:
		cs = append(cs, compose.Condition{Type: ConditionExpired, Reason: ReasonClocksDiffer, Message: "The lifetime is over by the function's clock, and not by that of the API server. Nothing is taken down before both agree"})
	case e.expirationTime != nil:
		cs = append(cs, compose.Condition{Type: ConditionExpired, Reason: ReasonNotExpired})
	case said(ConditionExpired):
		cs = append(cs, compose.Condition{Type: ConditionExpired, Reason: ReasonNoLifetime})
	}
	switch {
	case e.tornDown:
		cs = append(cs, compose.Condition{Type: ConditionTornDown, Ready: true, Reason: reason, Message: progress})
	case said(ConditionTornDown):
		cs = append(cs, compose.Condition{Type: ConditionTornDown, Reason: ReasonRunning})
	}
	return cs
}
