// SPDX-License-Identifier: Apache-2.0

// Package cloud plays the clouds: it does to the managed resources of AWS, Azure
// and Google Cloud, of hosts and of container engines what their providers and the
// clouds behind them would do. The kinds.yaml of each provider says what that is.
// NOTHING of it is real. Things come and go with a delay, refer to each other,
// and are not given up while something is in them.
package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/cluster/kinds"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

const (
	finalizer              = "finalizer.managedresource.crossplane.io"
	annotationExternalName = "crossplane.io/external-name"
	annotationCreated      = "crossplane.io/external-create-succeeded"
	annotationPaused       = "crossplane.io/paused"
	labelComposite         = "crossplane.io/composite"

	tick = 250 * time.Millisecond
	// maxConcurrent is how many objects are written at the same time: providers are many.
	maxConcurrent = 16
	// cacheTimeout is how long a cache may take to show what was written.
	cacheTimeout = 3 * time.Second
)

// A Cluster is what every simulated Kubernetes cluster is.
type Cluster struct {
	// Kubeconfig to reach it.
	Kubeconfig []byte
	// Server is its URL.
	Server string
}

// A Simulator plays the clouds.
type Simulator struct {
	client  dynamic.Interface
	cluster Cluster
	kinds   kinds.Table
	// hurry divides how long things take.
	hurry time.Duration

	mu sync.Mutex
	// byName are all objects by namespace and name.
	byName map[string]object
	// pending are the objects that have a step to take.
	pending   map[types.UID]object
	inventory *inventory
	// since is when an object began to wait for its present step.
	since map[string]time.Time
	// written is the version that was written last, and when.
	written map[types.UID]write
	// refusals and violations so far, in order.
	refusals, violations []string
	// writes of this round.
	writes []func() error
	// wrote counts all writes.
	wrote int
}

type write struct {
	version string
	at      time.Time
}

// Start playing the clouds for kinds, until the context ends.
func Start(ctx context.Context, config *rest.Config, c Cluster, served []schema.GroupVersionResource) (*Simulator, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = -1, 0
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cannot create client: %w", err)
	}
	known, err := cluster.Kinds()
	if err != nil {
		return nil, err
	}
	s := newSimulator(client, c, known)
	if err := s.watch(ctx, served); err != nil {
		return nil, err
	}
	go s.run(ctx)
	return s, nil
}

func newSimulator(client dynamic.Interface, c Cluster, known kinds.Table) *Simulator {
	return &Simulator{
		client: client, cluster: c, kinds: known, hurry: 1,
		byName:    map[string]object{},
		pending:   map[types.UID]object{},
		inventory: newInventory(),
		since:     map[string]time.Time{},
		written:   map[types.UID]write{},
	}
}

// watch kinds until the context ends.
func (s *Simulator) watch(ctx context.Context, served []schema.GroupVersionResource) error {
	factory := dynamicinformer.NewDynamicSharedInformerFactory(s.client, 0)
	for _, k := range served {
		informer := factory.ForResource(k).Informer()
		if err := informer.SetTransform(slim); err != nil {
			return fmt.Errorf("cannot watch %s: %w", k.GroupResource(), err)
		}
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { s.onUpdate(k, o) },
			UpdateFunc: func(_, o any) { s.onUpdate(k, o) },
			DeleteFunc: s.forget,
		})
		if err != nil {
			return fmt.Errorf("cannot watch %s: %w", k.GroupResource(), err)
		}
	}
	factory.Start(ctx.Done())
	for gvr, ok := range factory.WaitForCacheSync(ctx.Done()) {
		if !ok {
			return fmt.Errorf("cannot watch %s", gvr.GroupResource())
		}
	}
	return nil
}

// slim takes off what nobody reads: there may be many thousands of objects.
func slim(o any) (any, error) {
	if u, ok := o.(*unstructured.Unstructured); ok {
		u.SetManagedFields(nil)
	}
	return o, nil
}

// onUpdate an object that is new or was changed.
func (s *Simulator) onUpdate(gvr schema.GroupVersionResource, o any) {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[u.GetUID()] = object{u, gvr}
	s.byName[nameOf(u)] = object{u, gvr}
}

// forget an object that is gone.
func (s *Simulator) forget(o any) {
	if missed, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = missed.Obj
	}
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, u.GetUID())
	delete(s.written, u.GetUID())
	if s.byName[nameOf(u)].is(u.GetUID()) {
		delete(s.byName, nameOf(u))
	}
}

func nameOf(u *unstructured.Unstructured) string { return u.GetNamespace() + "/" + u.GetName() }

// Resources that exist in the simulated clouds, sorted.
func (s *Simulator) Resources() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.inventory.byUID))
	for _, t := range s.inventory.byUID {
		out = append(out, t.gk.Kind+" "+t.id)
	}
	slices.Sort(out)
	return out
}

// Writes is how often objects were written so far.
func (s *Simulator) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote
}

// Refusals are deletions that a cloud refused so far.
func (s *Simulator) Refusals() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refusals)
}

// Violations are deletions that a cloud carried out although something needed
// what was deleted.
func (s *Simulator) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

func (s *Simulator) run(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.round(ctx)
		}
	}
}

// An object and where it is served.
type object struct {
	*unstructured.Unstructured

	gvr schema.GroupVersionResource
}

func (o object) gk() schema.GroupKind { return o.GroupVersionKind().GroupKind() }

func (o object) is(uid types.UID) bool { return o.Unstructured != nil && o.GetUID() == uid }

// round takes every object one step further.
func (s *Simulator) round(ctx context.Context) {
	s.steps(ctx)
	var wg sync.WaitGroup
	slots := make(chan struct{}, maxConcurrent)
	for _, write := range s.writes {
		slots <- struct{}{}
		wg.Go(func() {
			s.failed(ctx, write())
			<-slots
		})
	}
	wg.Wait()
	s.writes = nil
}

// failed notes an error that no provider would have had.
func (s *Simulator) failed(ctx context.Context, err error) {
	if err == nil || errors.IsConflict(err) || errors.IsNotFound(err) || ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, "the simulator itself failed: "+err.Error())
}

// steps decides what is to be written.
func (s *Simulator) steps(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.SortedFunc(maps.Values(s.pending), func(a, b object) int { return strings.Compare(a.GetName(), b.GetName()) })
	for _, o := range all {
		// The cache may not show yet what was written.
		if w, ok := s.written[o.GetUID()]; ok && older(o.GetResourceVersion(), w.version) && time.Since(w.at) < cacheTimeout {
			continue
		}
		before := len(s.writes)
		err := s.step(ctx, o)
		if err != nil && !errors.IsConflict(err) && !errors.IsNotFound(err) && ctx.Err() == nil {
			s.violations = append(s.violations, "the simulator itself failed: "+err.Error())
		}
		if err == nil && len(s.writes) == before && s.settled(o) {
			delete(s.pending, o.GetUID())
		}
	}
}

// settled says whether an object for which there was nothing to do stays as it is
// until somebody changes it.
func (s *Simulator) settled(o object) bool {
	if o.GetDeletionTimestamp() != nil {
		return !slices.Contains(o.GetFinalizers(), finalizer)
	}
	return isReady(o) && !s.ruleFor(o.gk()).Awaits
}

// older compares versions of one object.
func older(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// step takes one object one step further.
func (s *Simulator) step(ctx context.Context, o object) error {
	if o.GetAnnotations()[annotationPaused] == "true" {
		return nil
	}
	if o.GetDeletionTimestamp() != nil {
		return s.end(ctx, o)
	}
	if !slices.Contains(o.GetFinalizers(), finalizer) {
		return s.patch(ctx, o, map[string]any{"metadata": map[string]any{"finalizers": append(o.GetFinalizers(), finalizer), "resourceVersion": o.GetResourceVersion()}})
	}
	r := s.ruleFor(o.gk())
	if !r.Opaque {
		resolved, missing := resolve(o, s.byName)
		if missing != "" {
			return s.say(ctx, o, false, "ReconcileError", "cannot resolve references: "+missing+" (simulated)", false, nil)
		}
		if len(resolved) > 0 && !r.Awaits {
			return s.patch(ctx, o, map[string]any{"spec": map[string]any{"forProvider": resolved}})
		}
	}
	if o.GetAnnotations()[annotationCreated] == "" {
		if !s.waited(o, "create", r.Create.Duration) {
			return s.say(ctx, o, true, "ReconcileSuccess", "", false, nil)
		}
		name := kinds.ExternalName(o.Unstructured)
		if r.Named && o.GetAnnotations()[annotationExternalName] == "" {
			name = strings.ToLower(o.GetKind()) + "-" + digits(o.Unstructured)
		}
		return s.patch(ctx, o, map[string]any{"metadata": map[string]any{"annotations": map[string]any{
			annotationExternalName: name, annotationCreated: time.Now().UTC().Format(time.RFC3339),
		}}})
	}
	s.exist(o)
	if r.Kubeconfig {
		if err := s.kubeconfig(ctx, o); err != nil {
			return err
		}
	}
	return s.say(ctx, o, true, "ReconcileSuccess", "", true, s.report(o))
}

// waited says whether an object has been waiting for long enough.
func (s *Simulator) waited(o object, what string, d time.Duration) bool {
	k := string(o.GetUID()) + what
	if _, ok := s.since[k]; !ok {
		s.since[k] = time.Now()
	}
	return time.Since(s.since[k]) >= d/s.hurry
}

// may says whether the management policies of an object allow something.
func may(o object, policy string) bool {
	ps, ok, _ := unstructured.NestedStringSlice(o.Object, "spec", "managementPolicies")
	return !ok || slices.Contains(ps, "*") || slices.Contains(ps, policy)
}

// exist notes the thing behind an object, and what it needs.
func (s *Simulator) exist(o object) {
	r := s.ruleFor(o.gk())
	if r.NotExternal || !may(o, "Create") {
		return
	}
	t := &resource{uid: o.GetUID(), id: kinds.ExternalName(o.Unstructured), gk: o.gk(), claim: o.GetNamespace() + "/" + o.GetLabels()[labelComposite], needs: map[string]bool{}}
	t.names = []string{t.id}
	if at, ok, _ := unstructured.NestedMap(o.Object, "status", "atProvider"); ok {
		for _, k := range []string{"arn", "id", "mainRouteTableId", "email", "principalId", "name"} {
			if v, _ := at[k].(string); v != "" {
				t.names = append(t.names, v)
			}
		}
	}
	if !r.Opaque {
		forProvider, _, _ := unstructured.NestedMap(o.Object, "spec", "forProvider")
		t.need(forProvider)
	}
	s.inventory.add(t)
}

// end takes an object that is being deleted one step further.
func (s *Simulator) end(ctx context.Context, o object) error {
	if !slices.Contains(o.GetFinalizers(), finalizer) {
		return nil
	}
	t, r := s.inventory.byUID[o.GetUID()], s.ruleFor(o.gk())
	if t == nil || !may(o, "Delete") {
		// Nothing is there, or what is there is to stay.
		return s.release(ctx, o)
	}
	others := s.inventory.needing(t, r.NeededBy)
	for _, other := range others {
		or := s.ruleFor(other.gk)
		if r.Careless || len(or.DiesWith) > 0 && !slices.Contains(or.Blocks, kinds.Name(t.gk)) {
			continue
		}
		msg := fmt.Sprintf("cannot delete %s %s: DependencyViolation: %s %s needs it (simulated)", t.gk.Kind, t.id, other.gk.Kind, other.id)
		if len(s.refusals) == 0 || !slices.Contains(s.refusals, msg) {
			s.refusals = append(s.refusals, msg)
		}
		return s.say(ctx, o, false, "ReconcileError", msg, true, nil)
	}
	if !s.waited(o, "remove", r.Remove.Duration) {
		return nil
	}
	for _, other := range others {
		or := s.ruleFor(other.gk)
		if slices.Contains(or.DiesWith, kinds.Name(t.gk)) {
			s.inventory.remove(other.uid)
			continue
		}
		if len(or.DiesWith) == 0 {
			s.violations = append(s.violations, fmt.Sprintf("%s %s was deleted, and %s %s needs it", t.gk.Kind, t.id, other.gk.Kind, other.id))
		}
	}
	s.inventory.remove(o.GetUID())
	return s.release(ctx, o)
}

// release an object.
func (s *Simulator) release(ctx context.Context, o object) error {
	left := slices.DeleteFunc(slices.Clone(o.GetFinalizers()), func(f string) bool { return f == finalizer })
	return s.patch(ctx, o, map[string]any{"metadata": map[string]any{"finalizers": left, "resourceVersion": o.GetResourceVersion()}})
}

// resolve the references of an object, as its provider does: what they lead to
// is written beside them. The second result says what cannot be resolved.
func resolve(o object, byName map[string]object) (map[string]any, string) {
	r := resolver{namespace: o.GetNamespace(), byName: byName}
	forProvider, _, _ := unstructured.NestedMap(o.Object, "spec", "forProvider")
	return r.fields(forProvider), r.missing
}

type resolver struct {
	namespace string
	byName    map[string]object
	missing   string
}

// find what a reference leads to.
func (r *resolver) find(ref any) string {
	m, _ := ref.(map[string]any)
	name, _ := m["name"].(string)
	to, ok := r.byName[r.namespace+"/"+name]
	switch {
	case !ok:
		r.missing = "there is no " + name
		return ""
	case !isReady(to):
		r.missing = to.GetKind() + " " + name + " is not ready"
		return ""
	}
	for _, field := range []string{"arn", "id"} {
		if v, _, _ := unstructured.NestedString(to.Object, "status", "atProvider", field); v != "" {
			return v
		}
	}
	return kinds.ExternalName(to.Unstructured)
}

// fields that references lead to and that do not say so yet.
func (r *resolver) fields(m map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if field, ok := strings.CutSuffix(k, "Ref"); ok {
			// As providers do by default: what was resolved once stays.
			if was, _ := m[field].(string); was == "" {
				out[field] = r.find(v)
			}
			continue
		}
		if field, ok := strings.CutSuffix(k, "Refs"); ok {
			// subnetIdRefs lead to subnetIds, identityIdsRefs to identityIds.
			field = strings.TrimSuffix(field, "s") + "s"
			if len(asList(m[field])) == 0 {
				out[field] = r.list(v)
			}
			continue
		}
		sub, _ := v.(map[string]any)
		if resolved := r.fields(sub); len(resolved) > 0 {
			out[k] = resolved
		}
	}
	return out
}

func (r *resolver) list(refs any) []any {
	var to []any
	for _, ref := range asList(refs) {
		to = append(to, r.find(ref))
	}
	return to
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

func isReady(o object) bool {
	cs, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range cs {
		if m, _ := c.(map[string]any); m["type"] == "Ready" {
			return m["status"] == "True"
		}
	}
	return false
}

// kubeconfig writes the connection Secret, which lives as long as the object.
func (s *Simulator) kubeconfig(ctx context.Context, o object) error {
	name, ok, _ := unstructured.NestedString(o.Object, "spec", "writeConnectionSecretToRef", "name")
	if !ok || !s.once(o, "secret") {
		return nil
	}
	yes := true
	secret := map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata": map[string]any{
			"name": name, "namespace": o.GetNamespace(),
			"ownerReferences": []metav1.OwnerReference{{APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Name: o.GetName(), UID: o.GetUID(), Controller: &yes}},
		},
		"type": "connection.crossplane.io/v1alpha1",
		"data": map[string][]byte{"kubeconfig": s.cluster.Kubeconfig},
	}
	b, err := json.Marshal(secret)
	if err != nil {
		return fmt.Errorf("cannot encode Secret: %w", err)
	}
	force := true
	_, err = s.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(o.GetNamespace()).
		Patch(ctx, name, types.ApplyPatchType, b, metav1.PatchOptions{FieldManager: "simulated-cloud", Force: &force})
	if err != nil {
		return fmt.Errorf("cannot apply Secret %s: %w", name, err)
	}
	return nil
}

// once is true the first time.
func (s *Simulator) once(o object, what string) bool {
	k := string(o.GetUID()) + what
	_, ok := s.since[k]
	s.since[k] = time.Now()
	return !ok
}

// say how an object stands.
func (s *Simulator) say(ctx context.Context, o object, synced bool, reason, message string, ready bool, at map[string]any) error {
	readyReason := "Creating"
	if ready {
		readyReason = "Available"
	}
	if o.GetDeletionTimestamp() != nil {
		ready, readyReason = false, "Deleting"
	}
	want := []map[string]any{
		{"type": "Synced", "status": status(synced), "reason": reason, "message": message},
		{"type": "Ready", "status": status(ready), "reason": readyReason, "message": ""},
	}
	was, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	same := len(was) == len(want)
	conditions := make([]any, 0, len(want))
	for i, c := range want {
		c["observedGeneration"] = o.GetGeneration()
		c["lastTransitionTime"] = time.Now().UTC().Format(time.RFC3339)
		if i < len(was) {
			old, _ := was[i].(map[string]any)
			if old["status"] == c["status"] && old["reason"] == c["reason"] {
				c["lastTransitionTime"] = old["lastTransitionTime"]
			}
			msg, _ := old["message"].(string)
			same = same && old["status"] == c["status"] && old["reason"] == c["reason"] && msg == c["message"] && old["observedGeneration"] == c["observedGeneration"]
		}
		conditions = append(conditions, c)
	}
	patch := map[string]any{"conditions": conditions}
	if at != nil {
		reported, _, _ := unstructured.NestedMap(o.Object, "status", "atProvider")
		for k, v := range at {
			same = same && fmt.Sprint(reported[k]) == fmt.Sprint(v)
		}
		patch["atProvider"] = at
	}
	if same || s.sameAsWritten(o, patch) {
		return nil
	}
	return s.patch(ctx, o, map[string]any{"status": patch}, "status")
}

// sameAsWritten says whether just that was written for just this version: fields
// that a schema does not know are dropped, and must not be written forever.
func (s *Simulator) sameAsWritten(o object, patch map[string]any) bool {
	b, err := json.Marshal(patch["atProvider"])
	if err != nil || patch["atProvider"] == nil {
		return false
	}
	k := string(o.GetUID()) + "status" + fmt.Sprint(o.GetGeneration()) + string(b)
	_, ok := s.since[k]
	s.since[k] = time.Now()
	return ok && isReady(o)
}

func status(ok bool) string {
	if ok {
		return "True"
	}
	return "False"
}

// patch an object, when all steps of the round are decided.
func (s *Simulator) patch(ctx context.Context, o object, patch map[string]any, subresources ...string) error {
	b, err := json.Marshal(patch)
	if err != nil {
		return fmt.Errorf("cannot encode patch: %w", err)
	}
	s.writes = append(s.writes, func() error {
		got, err := s.client.Resource(o.gvr).Namespace(o.GetNamespace()).
			Patch(ctx, o.GetName(), types.MergePatchType, b, metav1.PatchOptions{FieldManager: "simulated-cloud"}, subresources...)
		if err != nil {
			return fmt.Errorf("cannot patch %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wrote++
		s.written[o.GetUID()] = write{got.GetResourceVersion(), time.Now()}
		return nil
	})
	return nil
}
