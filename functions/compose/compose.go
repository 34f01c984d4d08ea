// SPDX-License-Identifier: Apache-2.0

// Package compose is the machinery that every composer uses and none repeats:
// what a composer sees and says, in plain data, and how that becomes the
// desired state of a composite resource.
//
// A composer is a pure function from an Input to a Plan. The plan names
// everything that the composite will ever consist of; Resolve decides which of
// it is desired in this round. Two rules stand above all others:
//
//   - What has been observed is never dropped because a gate flapped.
//   - A composite is ready only when everything planned is there and works.
package compose

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// A Request is what one run of the function sees, before the composite is typed.
type Request struct {
	// XR is the composite resource, with its observed status.
	XR *unstructured.Unstructured

	// Observed holds the composed resources that exist, by
	// composition-resource-name.
	Observed map[string]*unstructured.Unstructured

	// Required holds the answers to requirements, by requirement name. A
	// requirement that was not answered yet has no entry; one for which nothing
	// was found has an entry without objects.
	Required map[string][]*unstructured.Unstructured

	// Settings of the platform team.
	Settings Settings

	// Now is what the function's clock says. It is the only way in which time
	// reaches a composer.
	Now time.Time
}

// Settings are what the platform team decides for all claims: by flags of the
// function, and over them by its policy.
type Settings struct {
	// ManagementClusterNamespaces may use the management cluster itself as
	// their cluster. "*" allows all. None by default: it lends the providers'
	// own identity to whoever can write a claim there.
	ManagementClusterNamespaces []string

	// ChartMirror serves every chart instead of its own repository.
	ChartMirror *Mirror
}

// TypedRequest is what a composer sees: a Request with a typed composite.
type TypedRequest[T any] struct {
	Request

	// Claim is the composite resource as its Go type.
	Claim T
}

// A Composer turns a Request into a Plan.
type Composer func(Request) (Plan, error)

// For makes a Composer of a function over a typed composite. A composite that
// does not fit its type is an error: the API server would have refused it.
func For[T any](f func(TypedRequest[T]) (Plan, error)) Composer {
	return func(w Request) (Plan, error) {
		in := TypedRequest[T]{Request: w}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(w.XR.Object, &in.Claim); err != nil {
			return Plan{}, fmt.Errorf("cannot read the composite: %w", err)
		}
		return f(in)
	}
}

// A Plan is everything that a composite consists of.
type Plan struct {
	// ConditionTypes are the conditions of the composite, in the order in which a person
	// reads them. Each sums up the resources that name it.
	ConditionTypes []string

	// Resources in the order in which they come up.
	Resources []Resource

	// Requirements are objects of the management cluster to be looked up. They
	// must not depend on the answers.
	Requirements []Requirement

	// Problems are what only the composer could find wrong.
	Problems []Problem

	// Partial says that the plan may lack resources, because something needed
	// to build them is unknown or invalid. Observed resources that it does not
	// name are then kept as they are.
	Partial bool

	// Conditions of the composite beside its parts, which say nothing about
	// readiness: Ready is their status.
	Conditions []Condition

	// NoRequeue says that nothing is awaited though the composite is not ready.
	NoRequeue bool

	// RequeueAfter is when something happens by itself, from now on; zero for never. The
	// function runs at that time.
	RequeueAfter time.Duration

	// Status of the composite, as a pointer to its Go type. Conditions in it
	// are ignored. It sees the outcome, which is why it is a function.
	Status func(Outcome) (any, error)
}

// Outcome is what Resolve found out, for use in a status.
type Outcome struct {
	// Ready says that everything planned is there and works.
	Ready bool

	// Progressing says that nothing is known to be wrong; it takes time.
	Progressing bool

	// Composed says that at least one resource is desired.
	Composed bool
}

// A Resource is one composed resource and all that is known about it.
type Resource struct {
	// Name is the composition-resource-name. It is API: another name is another
	// resource, and the old one is deleted.
	Name string

	// ConditionType is the condition that sums up this resource.
	ConditionType string

	// Object to compose. Nil when it cannot be built now: what is observed is
	// then kept as it is.
	Object map[string]any

	// Gate must be open before the resource is composed for the first time.
	Gate Gate

	// Ready judges the observed resource.
	Ready func(*unstructured.Unstructured) Health
}

// A Gate says whether a resource may be composed for the first time. The zero
// Gate is open.
type Gate struct {
	// Waiting says what is waited for, for a person; empty when open.
	Waiting string
}

// WaitFor is a gate that opens with ok.
func WaitFor(ok bool, waiting string) Gate {
	if ok {
		return Gate{}
	}
	return Gate{Waiting: waiting}
}

// And is open when both gates are.
func (g Gate) And(o Gate) Gate {
	if g.Waiting != "" {
		return g
	}
	return o
}

// BlockNew lets nothing new be composed; what exists goes on.
func (p *Plan) BlockNew(waiting string) {
	for i := range p.Resources {
		p.Resources[i].Gate = p.Resources[i].Gate.And(Gate{Waiting: waiting})
	}
}

// Freeze keeps everything as it is because of a problem: nothing new is
// composed, and nothing that exists is touched.
func (p *Plan) Freeze(pr Problem) {
	p.BlockNew(pr.Message)
	for i := range p.Resources {
		p.Resources[i].Object = nil
	}
	p.Problems = append(p.Problems, pr)
	p.Partial = true
}

// A Health is a judgement of an observed resource.
type Health struct {
	// Ready says that the real thing works.
	Ready bool

	// Progressing says that it is on its way; nothing is known to be wrong.
	Progressing bool

	// Reason is one CamelCase word.
	Reason string

	// Message is for a person. It must be stable: no counters, no times.
	Message string
}

// A Requirement is an object of the management cluster that a composer needs
// to see. It is watched: a change runs the function again.
type Requirement struct {
	// Name of the requirement, unique in the plan.
	Name string

	// APIVersion and Kind of the object.
	APIVersion, Kind string

	// Namespace and ObjectName of the object; a cluster-scoped one has no namespace.
	Namespace, ObjectName string
}

// A Problem is something wrong that only the composer can know. It makes its
// part False and touches nothing that runs.
type Problem struct {
	// ConditionType is the condition that turns False.
	ConditionType string

	// Reason is one CamelCase word.
	Reason string

	// Message says what is wrong and what would be right.
	Message string

	// Progressing says that nothing is wrong: it is meant to be so.
	Progressing bool
}

// A Condition of the composite.
type Condition struct {
	Type    string
	Ready   bool
	Reason  string
	Message string
}

// An Event is a transition that a person wants to know of.
type Event struct {
	Warning bool
	Reason  string
	Message string
}

// A Desired resource of this round.
type Desired struct {
	Object map[string]any
	Ready  bool
}

// A Result is what the function answers.
type Result struct {
	// Resources to exist, by composition-resource-name.
	Resources map[string]Desired

	// Ready says that the composite is ready.
	Ready bool

	// Status of the composite.
	Status map[string]any

	// Conditions of the composite in the plan's order.
	Conditions []Condition

	// Failed is everything that is refused or broken, which time alone does not
	// help. A condition shows the first of its part.
	Failed []Condition

	// Events are transitions since the last run.
	Events []Event

	// Requirements of the plan.
	Requirements []Requirement

	// RequeueAfter is when to run again if nothing happens.
	RequeueAfter time.Duration
}

// Reasons of conditions that the machinery itself gives.
const (
	// ReasonAvailable means that everything in the part works.
	ReasonAvailable = "Available"
	// ReasonWaiting means that something else has to be ready first.
	ReasonWaiting = "Waiting"
	// ReasonCreating means that a resource was asked for and is not there yet.
	ReasonCreating = "Creating"
	// ReasonUpdating means that a resource changed and nobody has looked at the
	// change yet.
	ReasonUpdating = "Updating"
	// ReasonNotReady means that a resource is there and does not work.
	ReasonNotReady = "NotReady"
	// ReasonDeleting means that a resource is on its way out.
	ReasonDeleting = "Deleting"
)

const (
	// Until a composite is ready it runs again soon, since the control plane's
	// circuit breaker may have dropped the event that would have told it.
	notReadyRequeue = 8 * time.Second
	// What has not been ready for long runs again after this part of that time:
	// hundreds of clusters that take ten minutes each would else keep the control
	// plane busy with being looked at.
	backoffDivisor = 8
	// A ready composite is told of changes by watches.
	readyRequeue = 10 * time.Minute
	// Crossplane runs up to a tenth later or earlier than it is asked to. So it
	// is asked for early, and again, until what is left is a moment.
	requeueJitter = 1.1
	// A minRequeue is short enough for a tenth of it not to matter.
	minRequeue = time.Second
)
