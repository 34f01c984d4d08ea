// SPDX-License-Identifier: Apache-2.0

// Package simulate plays Crossplane and its providers over the composers, in
// memory: it shows what a claim becomes, and it drives golden and property
// tests. Nothing in it talks to anything.
//
// A round runs the composer of every composite once. What existed before the
// round has become ready by then, so each layer is ready one round after it was
// composed.
package simulate

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/apis"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/cluster"
	"github.com/observe-k8s/observe-k8s/functions/cluster/kinds"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/composers"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Annotations and labels that Crossplane puts on composed resources.
const (
	AnnotationResourceName = "crossplane.io/composition-resource-name"
	LabelComposite         = "crossplane.io/composite"

	annotationCreated = "crossplane.io/external-create-succeeded"
)

// MaxRounds is more than any claim needs.
const MaxRounds = 100

// Kubeconfig is what every Secret that a composer asks for holds, below the
// keys kubeconfig and value, besides something like an SSH key.
const Kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: simulated, cluster: {server: "https://simulated.example.org"}}]
users: [{name: simulated, user: {token: simulated}}]
contexts: [{name: simulated, context: {cluster: simulated, user: simulated}}]
current-context: simulated
`

// A key identifies an object.
type key struct{ apiVersion, kind, namespace, name string }

func keyOf(o *unstructured.Unstructured) key {
	return key{o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName()}
}

// A Simulation is a control plane in memory.
type Simulation struct {
	// Disturb, when set, changes what a composer is about to see, so that a test
	// can play a world that is not to be relied on. It is called once without
	// answers to requirements and once with them.
	Disturb func(w *compose.Request)

	// Watch, when set, is told of every run of a composer.
	Watch func(r Run)

	// Now is what the function's clock says. Time stands still unless a test
	// moves it.
	Now time.Time

	// ServerNow is what the API server's clock says, when set: the claims' times
	// of creation and of writing come from it.
	ServerNow time.Time

	// Linger, when set, says whether an object that was deleted is still there.
	// Without it what is deleted goes at once.
	Linger func(o *unstructured.Unstructured) bool

	// Torn, when set, says that the conditions of a run are not written: Crossplane
	// writes them apart from the rest of a status, and that may fail.
	Torn func() bool

	settings compose.Settings
	kinds    kinds.Table
	schemas  map[string]map[string]any
	objects  map[key]*unstructured.Unstructured
	roots    []key
	// children of a composite by composition-resource-name, and the order in
	// which they first appeared.
	children map[key]map[string]key
	order    map[key][]string
	results  map[key]compose.Result
	// changes counts those of each object. What a composer sees changed if one of
	// these counts did; if none did, it need not run, as in Crossplane.
	changes  map[key]int
	required map[key][]key
	seen     map[key]string
	// dying objects are deleted and not gone.
	dying map[key]bool
}

// A Run is one run of a composer and what came of it.
type Run struct {
	// Request is what the composer saw.
	Request compose.Request

	// Result is what it answered.
	Result compose.Result

	// Composed are the objects that are applied, by composition-resource-name.
	Composed map[string]*unstructured.Unstructured

	// Status of the composite after the run.
	Status map[string]any
}

// New starts a simulation with claims.
func New(settings compose.Settings, claims ...*unstructured.Unstructured) (*Simulation, error) {
	schemas, err := apis.Schemas()
	if err != nil {
		return nil, err
	}
	known, err := cluster.Kinds()
	if err != nil {
		return nil, err
	}
	s := &Simulation{
		settings: settings,
		kinds:    known,
		schemas:  schemas,
		objects:  map[key]*unstructured.Unstructured{},
		children: map[key]map[string]key{},
		order:    map[key][]string{},
		results:  map[key]compose.Result{},
		changes:  map[key]int{},
		required: map[key][]key{},
		seen:     map[key]string{},
		dying:    map[key]bool{},
	}
	for _, c := range claims {
		if _, ok := composers.For(c.GetKind()); !ok || c.GetAPIVersion() != v1alpha1.APIVersion {
			return nil, fmt.Errorf("%s %s is not a kind of %s", c.GetAPIVersion(), c.GetKind(), v1alpha1.APIVersion)
		}
		if c.GetNamespace() == "" {
			c.SetNamespace("default")
		}
		s.roots = append(s.roots, keyOf(c))
		s.Apply(c)
	}
	return s, nil
}

// Apply creates an object or replaces its spec, as a person would with kubectl.
func (s *Simulation) Apply(o *unstructured.Unstructured) {
	k := keyOf(o)
	n := o.DeepCopy()
	// Others have kinds of the same names.
	if k.apiVersion == v1alpha1.APIVersion {
		setDefaults(n.Object, s.schemas[k.kind])
	}
	if was := s.objects[k]; was != nil {
		if st, ok := was.Object["status"]; ok {
			n.Object["status"] = st
		}
		// What others own stays. Everything else that is not asked for any more
		// goes, as with a server-side apply.
		if created, ok := was.GetAnnotations()[annotationCreated]; ok {
			an := n.GetAnnotations()
			if an == nil {
				an = map[string]string{}
			}
			an[annotationCreated] = created
			n.SetAnnotations(an)
		}
		if refs, ok, _ := unstructured.NestedSlice(was.Object, "spec", "crossplane", "resourceRefs"); ok {
			_ = unstructured.SetNestedSlice(n.Object, refs, "spec", "crossplane", "resourceRefs")
		}
		n.SetCreationTimestamp(was.GetCreationTimestamp())
		n.SetDeletionTimestamp(was.GetDeletionTimestamp())
		n.SetManagedFields(was.GetManagedFields())
	}
	if s.objects[k] == nil || !equal(s.objects[k].Object, n.Object) {
		s.changes[k]++
		s.objects[k] = n
		s.written(k)
	}
}

// written notes when a claim was written, as the API server does.
func (s *Simulation) written(k key) {
	if s.ServerNow.IsZero() || !slices.Contains(s.roots, k) {
		return
	}
	o, now := s.objects[k], metav1.NewTime(s.ServerNow.UTC().Truncate(time.Second))
	if at := o.GetCreationTimestamp(); at.IsZero() {
		o.SetCreationTimestamp(now)
	}
	o.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: "simulated", Operation: metav1.ManagedFieldsOperationApply, Time: &now}})
}

// Reconcile runs every composite's composer once and says whether anything changed,
// or is about to go.
func (s *Simulation) Reconcile() (bool, error) {
	changed := s.finalize()
	changed = s.markReady() || changed
	for _, k := range s.composites() {
		// It may have gone with its parent in this round. No function runs for what
		// is being deleted.
		if s.objects[k] == nil || s.dying[k] {
			continue
		}
		c, err := s.reconcile(k)
		if err != nil {
			return false, fmt.Errorf("cannot compose %s %s: %w", k.kind, k.name, err)
		}
		changed = changed || c
	}
	return changed || len(s.dying) > 0, nil
}

// Converge runs rounds until nothing changes, and says how many it took.
func (s *Simulation) Converge() (int, error) {
	for n := range MaxRounds {
		changed, err := s.Reconcile()
		if err != nil || !changed {
			return n, err
		}
	}
	return MaxRounds, fmt.Errorf("still changing after %d rounds", MaxRounds)
}

// composites are all composites, parents before children.
func (s *Simulation) composites() []key {
	var out []key
	var walk func(k key)
	walk = func(k key) {
		if _, ok := composers.For(k.kind); !ok || k.apiVersion != v1alpha1.APIVersion {
			return
		}
		out = append(out, k)
		for _, name := range s.order[k] {
			walk(s.children[k][name])
		}
	}
	for _, r := range s.roots {
		walk(r)
	}
	return out
}

// reconcile runs one composer and applies what it desires.
func (s *Simulation) reconcile(k key) (bool, error) {
	seen := s.inputHash(k)
	if s.Disturb != nil {
		seen = ""
	} else if seen == s.seen[k] {
		return false, nil
	}
	xr := s.objects[k]
	composer, _ := composers.For(k.kind)
	w, err := s.world(k)
	if err != nil {
		return false, err
	}
	res, err := compose.Run(w, composer)
	if err != nil {
		return false, err
	}

	// What it requires is known only now; it runs again if that was new.
	if s.requires(k, res.Requirements) {
		seen = ""
	}
	s.seen[k] = seen
	composed := s.composed(k, res)
	changed := s.compose(k, composed)
	before := runtime.DeepCopyJSONValue(xr.Object["status"])
	st := map[string]any{}
	if res.Status != nil {
		st = runtime.DeepCopyJSON(res.Status)
	}
	ready := "Creating"
	if res.Ready {
		ready = "Available"
	}
	conds := []any{condition("Synced", true, "ReconcileSuccess", ""), condition("Ready", res.Ready, ready, "")}
	for _, c := range res.Conditions {
		conds = append(conds, condition(c.Type, c.Ready, c.Reason, c.Message))
	}
	st["conditions"] = conds
	if s.Torn != nil && s.Torn() {
		was, _ := before.(map[string]any)
		st["conditions"] = was["conditions"]
		delete(s.seen, k)
		changed = true
	}
	xr.Object["status"] = st
	s.results[k] = res
	if s.Watch != nil {
		s.Watch(Run{Request: w, Result: res, Composed: composed, Status: runtime.DeepCopyJSON(st)})
	}
	if !equal(before, st) {
		s.changes[k]++
		s.written(k)
		changed = true
	}
	return changed, nil
}

// inputHash is different whenever a composer sees something else.
func (s *Simulation) inputHash(k key) string {
	var b strings.Builder
	fmt.Fprint(&b, s.changes[k], s.Now.UnixNano())
	for _, name := range s.order[k] {
		fmt.Fprint(&b, " ", name, s.changes[s.children[k][name]])
	}
	for _, r := range s.required[k] {
		fmt.Fprint(&b, " ", s.changes[r])
	}
	return b.String()
}

// requires notes what a composer requires, and says whether that is new.
func (s *Simulation) requires(k key, rs []compose.Requirement) bool {
	ks := make([]key, 0, len(rs))
	for _, r := range rs {
		ks = append(ks, key{r.APIVersion, r.Kind, r.Namespace, r.ObjectName})
	}
	was, known := s.required[k]
	s.required[k] = ks
	return !known || !slices.Equal(was, ks)
}

// Requests are what the composers of all composites see now, parents before
// children.
func (s *Simulation) Requests() ([]compose.Request, error) {
	ks := s.composites()
	out := make([]compose.Request, 0, len(ks))
	for _, k := range ks {
		w, err := s.world(k)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// world is what the composer of a composite sees. As in Crossplane, what it
// requires is asked of itself, and answered within the run.
func (s *Simulation) world(k key) (compose.Request, error) {
	w := compose.Request{XR: s.objects[k].DeepCopy(), Observed: map[string]*unstructured.Unstructured{}, Settings: s.settings, Now: s.Now}
	for name, child := range s.children[k] {
		w.Observed[name] = s.objects[child].DeepCopy()
	}
	if k.kind == v1alpha1.KubernetesClusterKind {
		w.XR.SetOwnerReferences(s.owners(k))
	}
	s.injectFault(&w)
	composer, _ := composers.For(k.kind)
	res, err := compose.Run(w, composer)
	if err != nil {
		return compose.Request{}, err
	}
	w.Required = s.answer(res.Requirements)
	s.injectFault(&w)
	return w, nil
}

func (s *Simulation) injectFault(w *compose.Request) {
	if s.Disturb != nil {
		s.Disturb(w)
	}
}

// owners of a cluster: the platform that composes it, if one does.
func (s *Simulation) owners(k key) []metav1.OwnerReference {
	for parent, children := range s.children {
		for _, c := range children {
			if c == k && parent.kind == v1alpha1.ObservabilityPlatformKind {
				return []metav1.OwnerReference{{APIVersion: parent.apiVersion, Kind: parent.kind, Name: parent.name}}
			}
		}
	}
	return nil
}

// composed are the desired resources with what Crossplane adds to them.
func (s *Simulation) composed(k key, res compose.Result) map[string]*unstructured.Unstructured {
	root := s.objects[k].GetLabels()[LabelComposite]
	if root == "" {
		root = k.name
	}
	out := make(map[string]*unstructured.Unstructured, len(res.Resources))
	for name, d := range res.Resources {
		o := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(d.Object)}
		o.SetNamespace(k.namespace)
		an := o.GetAnnotations()
		if an == nil {
			an = map[string]string{}
		}
		an[AnnotationResourceName] = name
		o.SetAnnotations(an)
		labels := o.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[LabelComposite] = root
		o.SetLabels(labels)
		out[name] = o
	}
	return out
}

// compose makes the composed resources exist, and those not composed any more
// go.
func (s *Simulation) compose(k key, composed map[string]*unstructured.Unstructured) bool {
	changed := false
	if s.children[k] == nil {
		s.children[k] = map[string]key{}
	}
	for _, name := range slices.Sorted(maps.Keys(s.children[k])) {
		if _, ok := composed[name]; !ok {
			s.remove(s.children[k][name])
			delete(s.children[k], name)
			s.order[k] = slices.DeleteFunc(s.order[k], func(n string) bool { return n == name })
			changed = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(composed)) {
		ck := keyOf(composed[name])
		was := s.objects[ck].DeepCopy()
		s.Apply(composed[name])
		if _, ok := s.children[k][name]; !ok {
			s.children[k][name] = ck
			s.order[k] = append(s.order[k], name)
		}
		changed = changed || was == nil || !equal(was.Object, s.objects[ck].Object)
	}
	return s.recordRefs(k) || changed
}

// recordRefs notes in a composite what it composes, as Crossplane does.
func (s *Simulation) recordRefs(k key) bool {
	refs := make([]any, 0, len(s.children[k]))
	for _, c := range slices.SortedFunc(maps.Values(s.children[k]), compareKeys) {
		refs = append(refs, map[string]any{"apiVersion": c.apiVersion, "kind": c.kind, "name": c.name})
	}
	o := s.objects[k]
	was, _, _ := unstructured.NestedSlice(o.Object, "spec", "crossplane", "resourceRefs")
	if len(was) == len(refs) && (len(refs) == 0 || equal(was, refs)) {
		return false
	}
	_ = unstructured.SetNestedSlice(o.Object, refs, "spec", "crossplane", "resourceRefs")
	s.changes[k]++
	return true
}

// remove deletes an object and everything below it.
func (s *Simulation) remove(k key) {
	if s.Linger != nil {
		s.markDeleted(k)
		return
	}
	for _, c := range s.children[k] {
		s.remove(c)
	}
	delete(s.children, k)
	delete(s.order, k)
	delete(s.results, k)
	delete(s.required, k)
	delete(s.seen, k)
	delete(s.objects, k)
	s.changes[k]++
}

// markDeleted marks an object and everything below it as deleted.
func (s *Simulation) markDeleted(k key) {
	if s.objects[k] == nil || s.dying[k] {
		return
	}
	for _, c := range s.children[k] {
		s.markDeleted(c)
	}
	at := metav1.NewTime(s.ServerNow.UTC().Truncate(time.Second))
	s.dying[k] = true
	s.objects[k].SetDeletionTimestamp(&at)
	s.changes[k]++
}

// finalize lets go what was deleted and does not linger. A Usage stays for as long
// as what it protects others for is there.
func (s *Simulation) finalize() bool {
	changed := false
	for _, k := range slices.SortedFunc(maps.Keys(s.dying), compareKeys) {
		if (s.Linger != nil && s.Linger(s.objects[k])) || s.used(k) {
			continue
		}
		s.forget(k)
		changed = true
	}
	return changed
}

// used says whether an object is a Usage by something that is there.
func (s *Simulation) used(k key) bool {
	if k.kind != "Usage" {
		return false
	}
	by, _, _ := unstructured.NestedMap(s.objects[k].Object, "spec", "by")
	ref, _ := by["resourceRef"].(map[string]any)
	apiVersion, _ := by["apiVersion"].(string)
	kind, _ := by["kind"].(string)
	name, _ := ref["name"].(string)
	return s.objects[key{apiVersion, kind, k.namespace, name}] != nil
}

// forget forgets an object that is gone.
func (s *Simulation) forget(k key) {
	for parent, children := range s.children {
		for name, c := range children {
			if c == k {
				delete(children, name)
				s.order[parent] = slices.DeleteFunc(s.order[parent], func(n string) bool { return n == name })
				s.changes[parent]++
			}
		}
	}
	delete(s.children, k)
	delete(s.order, k)
	delete(s.results, k)
	delete(s.required, k)
	delete(s.seen, k)
	delete(s.objects, k)
	delete(s.dying, k)
	s.changes[k]++
}

func compareKeys(a, b key) int {
	return cmp.Or(strings.Compare(a.apiVersion, b.apiVersion), strings.Compare(a.kind, b.kind), strings.Compare(a.namespace, b.namespace), strings.Compare(a.name, b.name))
}

// answer looks required objects up. Secrets and ConfigMaps of teams are not part
// of a simulation: every one that is asked for exists, unless it was composed and
// is gone.
func (s *Simulation) answer(rs []compose.Requirement) map[string][]*unstructured.Unstructured {
	out := make(map[string][]*unstructured.Unstructured, len(rs))
	for _, r := range rs {
		k := key{r.APIVersion, r.Kind, r.Namespace, r.ObjectName}
		out[r.Name] = []*unstructured.Unstructured{}
		if o := s.objects[k]; o != nil {
			out[r.Name] = append(out[r.Name], o.DeepCopy())
		} else if r.Kind == "Secret" {
			out[r.Name] = append(out[r.Name], secret(k))
		} else if r.Kind == "ConfigMap" && s.changes[k] == 0 {
			out[r.Name] = append(out[r.Name], configMap(k))
		}
	}
	return out
}

func configMap(k key) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "ConfigMap",
		"metadata":   map[string]any{"name": k.name, "namespace": k.namespace},
		"data":       map[string]any{"values.yaml": "simulated: true"},
	}}
}

func secret(k key) *unstructured.Unstructured {
	v := base64.StdEncoding.EncodeToString([]byte(Kubeconfig))
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata":   map[string]any{"name": k.name, "namespace": k.namespace},
		"data":       map[string]any{"kubeconfig": v, "value": v, "ssh-privatekey": base64.StdEncoding.EncodeToString([]byte("-----BEGIN SIMULATED KEY-----"))},
	}}
}

// markReady makes every leaf ready, as its provider would in the end.
func (s *Simulation) markReady() bool {
	changed := false
	for k, o := range s.objects {
		if _, ours := composers.For(k.kind); ours && k.apiVersion == v1alpha1.APIVersion {
			continue
		}
		if _, managed, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "forProvider"); managed {
			an := o.GetAnnotations()
			if an[compose.AnnotationPaused] == "true" {
				continue
			}
			if an[annotationCreated] == "" {
				s.changes[k]++
				changed = true
			}
			an[annotationCreated] = "simulated"
			o.SetAnnotations(an)
		}
		st := map[string]any{"conditions": []any{condition("Synced", true, "ReconcileSuccess", ""), condition("Ready", true, "Available", "")}}
		if reported := s.report(o); reported != nil {
			st["atProvider"] = reported
		}
		if !equal(o.Object["status"], st) {
			s.changes[k]++
			changed = true
		}
		o.Object["status"] = st
	}
	return changed
}

// report is what a provider says of the external resource, as far as composers
// look at it; nil for what they do not.
func (s *Simulation) report(o *unstructured.Unstructured) map[string]any {
	if o.GetKind() == "Object" && strings.HasPrefix(o.GetAPIVersion(), "kubernetes.m.crossplane.io/") {
		return map[string]any{"manifest": s.onCluster(o)}
	}
	return s.kinds.Of(o).Reported(o, kinds.Scene{
		Server: "https://simulated.example.org",
		ID:     "0123456789abcdef0",
		Find: func(name string) *unstructured.Unstructured {
			for k, found := range s.objects {
				if k.name == name && k.namespace == o.GetNamespace() && k.apiVersion == o.GetAPIVersion() {
					return found
				}
			}
			return nil
		},
	})
}

func condition(typ string, ok bool, reason, message string) map[string]any {
	c := map[string]any{"type": typ, "status": compose.StatusOf(ok), "reason": reason}
	if message != "" {
		c["message"] = message
	}
	return c
}
