// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"
	"runtime/debug"
	"time"

	"github.com/crossplane/function-sdk-go/errors"
	"github.com/crossplane/function-sdk-go/logging"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/composers"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// whenFatal is when to run again after an error.
const whenFatal = time.Minute

// A Function is the thin edge between Crossplane's protocol and the composers:
// message → Request → Result → response. It decides nothing itself.
type Function struct {
	log       logging.Logger
	settings  compose.Settings
	telemetry telemetry
	// now is the clock; time.Now when nil.
	now func() time.Time
}

// run composes one composite resource.
func (f *Function) run(ctx context.Context, req *request) (*fnv1.RunFunctionResponse, error) {
	rsp := &fnv1.RunFunctionResponse{
		Meta:    &fnv1.ResponseMeta{Tag: req.tag, Ttl: durationpb.New(whenFatal)},
		Desired: req.desired,
		Context: req.context,
	}
	w := req.world
	w.Now, w.Settings = f.clock(), f.settings
	log := f.log.WithValues("xr-kind", w.XR.GetKind(), "xr-namespace", w.XR.GetNamespace(), "xr-name", w.XR.GetName())
	composer, ok := composers.For(w.XR.GetKind())
	if !ok || w.XR.GetAPIVersion() != v1alpha1.APIVersion {
		fatal(rsp, errors.Errorf("this function composes kinds of %s, not %s of %s", v1alpha1.APIVersion, w.XR.GetKind(), w.XR.GetAPIVersion()))
		return rsp, nil
	}
	done := f.telemetry.start(ctx, w)
	res, err := f.compose(w, composer)
	if err == nil {
		err = respond(rsp, w, res)
	}
	done(res, err)
	if err != nil {
		log.Info("Cannot compose", "error", err)
		fatal(rsp, errors.Wrapf(err, "cannot compose %s %s", w.XR.GetKind(), w.XR.GetName()))
		return rsp, nil
	}
	log.Debug("Composed", "resources", len(res.Resources), "ready", res.Ready)
	return rsp, nil
}

func (f *Function) clock() time.Time {
	if f.now == nil {
		return time.Now()
	}
	return f.now()
}

// compose runs a composer. One that panics fails this one composite, not the
// function of everybody's. What it panicked with may quote the claim, so only
// the place is told, and only to the log.
func (f *Function) compose(w compose.Request, c compose.Composer) (res compose.Result, err error) {
	defer func() {
		if recover() != nil {
			f.log.Info("A composer panicked", "stack", string(debug.Stack()))
			err = errors.New("the composer panicked, which is a bug; the function's log says where")
		}
	}()
	return compose.Run(w, c)
}

// fatal says that a run failed.
func fatal(rsp *fnv1.RunFunctionResponse, err error) {
	rsp.Results = append(rsp.Results, &fnv1.Result{Severity: fnv1.Severity_SEVERITY_FATAL, Message: err.Error(), Target: fnv1.Target_TARGET_COMPOSITE.Enum()})
}

// respond writes a Result. It makes messages itself rather than with the SDK's
// helpers, which bring all of Kubernetes' clients along: half of the program.
func respond(rsp *fnv1.RunFunctionResponse, w compose.Request, res compose.Result) error {
	rsp.Meta.Ttl = durationpb.New(res.RequeueAfter)
	for _, c := range res.Conditions {
		status := fnv1.Status_STATUS_CONDITION_FALSE
		if c.Ready {
			status = fnv1.Status_STATUS_CONDITION_TRUE
		}
		rsp.Conditions = append(rsp.Conditions, &fnv1.Condition{
			Type: c.Type, Status: status, Reason: c.Reason, Message: &c.Message, Target: fnv1.Target_TARGET_COMPOSITE.Enum(),
		})
	}
	for _, e := range res.Events {
		severity := fnv1.Severity_SEVERITY_NORMAL
		if e.Warning {
			severity = fnv1.Severity_SEVERITY_WARNING
		}
		rsp.Results = append(rsp.Results, &fnv1.Result{
			Severity: severity, Message: e.Message, Reason: &e.Reason, Target: fnv1.Target_TARGET_COMPOSITE.Enum(),
		})
	}
	if len(res.Requirements) > 0 {
		rsp.Requirements = &fnv1.Requirements{Resources: make(map[string]*fnv1.ResourceSelector, len(res.Requirements))}
	}
	for _, r := range res.Requirements {
		s := &fnv1.ResourceSelector{ApiVersion: r.APIVersion, Kind: r.Kind, Match: &fnv1.ResourceSelector_MatchName{MatchName: r.ObjectName}}
		if r.Namespace != "" {
			s.Namespace = &r.Namespace
		}
		rsp.Requirements.Resources[r.Name] = s
	}

	if rsp.GetDesired() == nil {
		rsp.Desired = &fnv1.State{}
	}
	composite, err := desiredComposite(rsp.GetDesired().GetComposite().GetResource(), w.XR, res.Status)
	if err != nil {
		return errors.Wrap(err, "cannot set desired composite resource")
	}
	rsp.Desired.Composite = &fnv1.Resource{
		Resource: composite, ConnectionDetails: rsp.GetDesired().GetComposite().GetConnectionDetails(), Ready: readiness(res.Ready),
	}
	if rsp.GetDesired().GetResources() == nil {
		rsp.Desired.Resources = make(map[string]*fnv1.Resource, len(res.Resources))
	}
	for name, d := range res.Resources {
		s, err := structpb.NewStruct(d.Object)
		if err != nil {
			return errors.Wrapf(err, "cannot set desired composed resource %s", name)
		}
		rsp.Desired.Resources[name] = &fnv1.Resource{Resource: s, Ready: readiness(d.Ready)}
	}
	withOptimisticLock(rsp, w)
	return nil
}

// withOptimisticLock makes the control plane refuse a status that was concluded from a composite
// resource as it is no more, and run again with what is. Crossplane 2.4 reads a
// composite from its cache and puts the conditions that it read there back with the
// new status. Under load that undoes its own last write, of which it is told, and
// so on: a composite ran many times for each change.
//
// When what it is composed of changes, Crossplane itself writes the composite
// before its status.
func withOptimisticLock(rsp *fnv1.RunFunctionResponse, w compose.Request) {
	version := w.XR.GetResourceVersion()
	if version == "" || len(rsp.GetDesired().GetResources()) != len(w.Observed) {
		return
	}
	for name := range rsp.GetDesired().GetResources() {
		if w.Observed[name] == nil {
			return
		}
	}
	fields := rsp.GetDesired().GetComposite().GetResource().GetFields()
	metadata := &structpb.Struct{Fields: maps.Clone(fields["metadata"].GetStructValue().GetFields())}
	if metadata.Fields == nil {
		metadata.Fields = make(map[string]*structpb.Value)
	}
	metadata.Fields["resourceVersion"] = structpb.NewStringValue(version)
	fields["metadata"] = structpb.NewStructValue(metadata)
}

// desiredComposite is the composite resource with a status. What earlier steps of
// the pipeline say of it stays.
func desiredComposite(earlier *structpb.Struct, xr *unstructured.Unstructured, status map[string]any) (*structpb.Struct, error) {
	out := &structpb.Struct{Fields: maps.Clone(earlier.GetFields())}
	if out.Fields == nil {
		out.Fields = make(map[string]*structpb.Value)
	}
	out.Fields["apiVersion"] = structpb.NewStringValue(xr.GetAPIVersion())
	out.Fields["kind"] = structpb.NewStringValue(xr.GetKind())
	if status == nil {
		return out, nil
	}
	s, err := structpb.NewStruct(status)
	if err != nil {
		return nil, errors.Wrap(err, "cannot write the status")
	}
	for name, v := range earlier.GetFields()["status"].GetStructValue().GetFields() {
		if _, ok := s.GetFields()[name]; !ok {
			s.Fields[name] = v
		}
	}
	out.Fields["status"] = structpb.NewStructValue(s)
	return out, nil
}

func readiness(ok bool) fnv1.Ready {
	if ok {
		return fnv1.Ready_READY_TRUE
	}
	return fnv1.Ready_READY_FALSE
}
