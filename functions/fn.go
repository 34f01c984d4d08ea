package main

import (
	"context"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/crossplane/function-sdk-go/errors"
	"github.com/crossplane/function-sdk-go/logging"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/crossplane/function-sdk-go/resource"
	"github.com/crossplane/function-sdk-go/resource/composed"
	xpcomposite "github.com/crossplane/function-sdk-go/resource/composite"
	"github.com/crossplane/function-sdk-go/response"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/composers"
	"google.golang.org/protobuf/types/known/durationpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Function is the thin edge between Crossplane's protocol and the composers:
// request → World → Result → response. It decides nothing itself.
type Function struct {
	fnv1.UnimplementedFunctionRunnerServiceServer

	log       logging.Logger
	settings  compose.Settings
	telemetry telemetry
	// now is the clock; time.Now when nil.
	now func() time.Time
}

// RunFunction composes one composite resource.
func (f *Function) RunFunction(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	rsp := response.To(req, response.DefaultTTL)
	w := world(req, f.settings)
	w.Now = f.clock()
	log := f.log.WithValues("xr-kind", w.XR.GetKind(), "xr-namespace", w.XR.GetNamespace(), "xr-name", w.XR.GetName())
	composer, ok := composers.For(w.XR.GetKind())
	if !ok || w.XR.GetAPIVersion() != v1alpha1.APIVersion {
		response.Fatal(rsp, errors.Errorf("this function composes kinds of %s, not %s of %s", v1alpha1.APIVersion, w.XR.GetKind(), w.XR.GetAPIVersion()))
		return rsp, nil
	}
	done := f.telemetry.start(ctx, w)
	res, err := f.compose(w, composer)
	if err == nil {
		err = respond(rsp, w.XR, res)
	}
	done(res, err)
	if err != nil {
		log.Info("Cannot compose", "error", err)
		response.Fatal(rsp, errors.Wrapf(err, "cannot compose %s %s", w.XR.GetKind(), w.XR.GetName()))
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
func (f *Function) compose(w compose.World, c compose.Composer) (res compose.Result, err error) {
	defer func() {
		if recover() != nil {
			f.log.Info("A composer panicked", "stack", string(debug.Stack()))
			err = errors.New("the composer panicked, which is a bug; the function's log says where")
		}
	}()
	return compose.Run(w, c)
}

// world reads a request.
func world(req *fnv1.RunFunctionRequest, s compose.Settings) compose.World {
	w := compose.World{
		XR:       composite(req.GetObserved().GetComposite().GetResource()),
		Observed: make(map[string]*unstructured.Unstructured, len(req.GetObserved().GetResources())),
		Required: make(map[string][]*unstructured.Unstructured, len(req.GetRequiredResources())),
		Settings: s,
	}
	for name, r := range req.GetObserved().GetResources() {
		w.Observed[name] = object(r.GetResource())
	}
	for name, rs := range req.GetRequiredResources() {
		w.Required[name] = make([]*unstructured.Unstructured, 0, len(rs.GetItems()))
		for _, r := range rs.GetItems() {
			w.Required[name] = append(w.Required[name], object(r.GetResource()))
		}
	}
	return w
}

// respond writes a Result.
func respond(rsp *fnv1.RunFunctionResponse, xr *unstructured.Unstructured, res compose.Result) error {
	rsp.Meta.Ttl = durationpb.New(res.RunAgainAfter)

	for _, c := range res.Conditions {
		add := response.ConditionFalse
		if c.Ready {
			add = response.ConditionTrue
		}
		add(rsp, c.Type, c.Reason).WithMessage(c.Message).TargetComposite()
	}
	for _, e := range res.Events {
		if e.Warning {
			response.Warning(rsp, errors.New(e.Message)).WithReason(e.Reason).TargetComposite()
			continue
		}
		response.Normal(rsp, e.Message).WithReason(e.Reason).TargetComposite()
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

	// What earlier steps of the pipeline say of the composite stays.
	earlier := rsp.GetDesired().GetComposite()
	dxr := &resource.Composite{Resource: xpcomposite.New(), ConnectionDetails: earlier.GetConnectionDetails(), Ready: readiness(res.Ready)}
	if err := resource.AsObject(earlier.GetResource(), dxr.Resource); err != nil {
		return errors.Wrap(err, "cannot get desired composite resource")
	}
	dxr.Resource.SetAPIVersion(xr.GetAPIVersion())
	dxr.Resource.SetKind(xr.GetKind())
	if res.Status != nil {
		status, ok := dxr.Resource.Object["status"].(map[string]any)
		if !ok {
			status = make(map[string]any, len(res.Status))
		}
		maps.Copy(status, res.Status)
		dxr.Resource.Object["status"] = status
	}
	if err := response.SetDesiredCompositeResource(rsp, dxr); err != nil {
		return errors.Wrap(err, "cannot set desired composite resource")
	}
	desired := make(map[resource.Name]*resource.DesiredComposed, len(res.Resources))
	for _, name := range slices.Sorted(maps.Keys(res.Resources)) {
		d := res.Resources[name]
		c := composed.New()
		c.Object = d.Object
		desired[resource.Name(name)] = &resource.DesiredComposed{Resource: c, Ready: readiness(d.Ready)}
	}
	return errors.Wrap(response.SetDesiredComposedResources(rsp, desired), "cannot set desired composed resources")
}

func readiness(ok bool) resource.Ready {
	if ok {
		return resource.ReadyTrue
	}
	return resource.ReadyFalse
}
