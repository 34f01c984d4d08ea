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

	"github.com/observe-k8s/observe-k8s/apis"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/composers"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
// keys kubeconfig and value.
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
	Disturb func(w *compose.World)

	// Watch, when set, is told of every run of a composer.
	Watch func(r Run)

	settings compose.Settings
	schemas  map[string]map[string]any
	objects  map[key]*unstructured.Unstructured
	roots    []key
	// children of a composite by composition-resource-name, and the order in
	// which they first appeared.
	children map[key]map[string]key
	order    map[key][]string
	conds    map[key][]compose.Condition
	// changes counts those of each object. What a composer sees changed if one of
	// these counts did; if none did, it need not run, as in Crossplane.
	changes  map[key]int
	required map[key][]key
	seen     map[key]string
}

// A Run is one run of a composer and what came of it.
type Run struct {
	// World is what the composer saw.
	World compose.World

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
	s := &Simulation{
		settings: settings,
		schemas:  schemas,
		objects:  map[key]*unstructured.Unstructured{},
		children: map[key]map[string]key{},
		order:    map[key][]string{},
		conds:    map[key][]compose.Condition{},
		changes:  map[key]int{},
		required: map[key][]key{},
		seen:     map[key]string{},
	}
	for _, c := range claims {
		if _, ok := composers.For(c.GetKind()); !ok || c.GetAPIVersion() != v1alpha1.APIVersion {
			return nil, fmt.Errorf("%s %s is not a kind of %s", c.GetAPIVersion(), c.GetKind(), v1alpha1.APIVersion)
		}
		if c.GetNamespace() == "" {
			c.SetNamespace("default")
		}
		s.Apply(c)
		s.roots = append(s.roots, keyOf(c))
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
	}
	if s.objects[k] == nil || !equal(s.objects[k].Object, n.Object) {
		s.changes[k]++
		s.objects[k] = n
	}
}

// Round runs every composite's composer once and says whether anything changed.
func (s *Simulation) Round() (bool, error) {
	changed := s.settle()
	for _, k := range s.composites() {
		// It may have gone with its parent in this round.
		if s.objects[k] == nil {
			continue
		}
		c, err := s.reconcile(k)
		if err != nil {
			return false, fmt.Errorf("cannot compose %s %s: %w", k.kind, k.name, err)
		}
		changed = changed || c
	}
	return changed, nil
}

// Converge runs rounds until nothing changes, and says how many it took.
func (s *Simulation) Converge() (int, error) {
	for n := range MaxRounds {
		changed, err := s.Round()
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
	seen := s.sees(k)
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
	xr.Object["status"] = st
	s.conds[k] = res.Conditions
	if s.Watch != nil {
		s.Watch(Run{World: w, Result: res, Composed: composed, Status: runtime.DeepCopyJSON(st)})
	}
	if !equal(before, st) {
		s.changes[k]++
		changed = true
	}
	return changed, nil
}

// sees is different whenever a composer sees something else.
func (s *Simulation) sees(k key) string {
	var b strings.Builder
	fmt.Fprint(&b, s.changes[k])
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

// Worlds are what the composers of all composites see now, parents before
// children.
func (s *Simulation) Worlds() ([]compose.World, error) {
	ks := s.composites()
	out := make([]compose.World, 0, len(ks))
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
func (s *Simulation) world(k key) (compose.World, error) {
	w := compose.World{XR: s.objects[k].DeepCopy(), Observed: map[string]*unstructured.Unstructured{}, Settings: s.settings}
	for name, child := range s.children[k] {
		w.Observed[name] = s.objects[child].DeepCopy()
	}
	s.disturb(&w)
	composer, _ := composers.For(k.kind)
	res, err := compose.Run(w, composer)
	if err != nil {
		return compose.World{}, err
	}
	w.Required = s.answer(res.Requirements)
	s.disturb(&w)
	return w, nil
}

func (s *Simulation) disturb(w *compose.World) {
	if s.Disturb != nil {
		s.Disturb(w)
	}
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
	return changed
}

// remove deletes an object and everything below it.
func (s *Simulation) remove(k key) {
	for _, c := range s.children[k] {
		s.remove(c)
	}
	delete(s.children, k)
	delete(s.order, k)
	delete(s.conds, k)
	delete(s.required, k)
	delete(s.seen, k)
	delete(s.objects, k)
	s.changes[k]++
}

// answer looks required objects up. Secrets are not part of a simulation: every
// one that is asked for exists.
func (s *Simulation) answer(rs []compose.Requirement) map[string][]*unstructured.Unstructured {
	out := make(map[string][]*unstructured.Unstructured, len(rs))
	for _, r := range rs {
		k := key{r.APIVersion, r.Kind, r.Namespace, r.ObjectName}
		out[r.Name] = []*unstructured.Unstructured{}
		if o := s.objects[k]; o != nil {
			out[r.Name] = append(out[r.Name], o.DeepCopy())
		} else if r.Kind == "Secret" {
			out[r.Name] = append(out[r.Name], secret(k))
		}
	}
	return out
}

func secret(k key) *unstructured.Unstructured {
	v := base64.StdEncoding.EncodeToString([]byte(Kubeconfig))
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"metadata":   map[string]any{"name": k.name, "namespace": k.namespace},
		"data":       map[string]any{"kubeconfig": v, "value": v},
	}}
}

// settle makes every leaf ready, as its provider would in the end.
func (s *Simulation) settle() bool {
	changed := false
	for k, o := range s.objects {
		if _, ours := composers.For(k.kind); ours && k.apiVersion == v1alpha1.APIVersion {
			continue
		}
		if _, managed, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "forProvider"); managed {
			an := o.GetAnnotations()
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

// report is what a provider says of the real thing, as far as composers look at
// it; nil for what they do not.
func (s *Simulation) report(o *unstructured.Unstructured) map[string]any {
	text := func(path ...string) string {
		s, _, _ := unstructured.NestedString(o.Object, append([]string{"spec", "forProvider"}, path...)...)
		return s
	}
	switch o.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: "helm.m.crossplane.io", Kind: "Release"}:
		return map[string]any{"version": text("chart", "version"), "revision": int64(1), "state": "deployed"}
	case schema.GroupKind{Group: "network.azure.m.upbound.io", Kind: "Subnet"}:
		return map[string]any{"id": "/subscriptions/simulated/resourceGroups/simulated/providers/Microsoft.Network/virtualNetworks/simulated/subnets/" + o.GetName()}
	case schema.GroupKind{Group: "managedidentity.azure.m.upbound.io", Kind: "UserAssignedIdentity"}:
		return map[string]any{"principalId": "01234567-89ab-cdef-0123-456789abcdef"}
	case schema.GroupKind{Group: "containerservice.azure.m.upbound.io", Kind: "KubernetesCluster"}:
		return map[string]any{"fqdn": "simulated.example.org", "currentKubernetesVersion": text("kubernetesVersion") + ".9"}
	case schema.GroupKind{Group: "ec2.aws.m.upbound.io", Kind: "VPC"}:
		return map[string]any{"mainRouteTableId": "rtb-0123456789abcdef0"}
	case schema.GroupKind{Group: "ec2.aws.m.upbound.io", Kind: "LaunchTemplate"}:
		return map[string]any{"latestVersion": int64(1)}
	case schema.GroupKind{Group: "kms.aws.m.upbound.io", Kind: "Key"}:
		return map[string]any{"arn": "arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"}
	case schema.GroupKind{Group: "eks.aws.m.upbound.io", Kind: "Cluster"}:
		return map[string]any{"endpoint": "https://simulated.example.org", "version": text("version")}
	case schema.GroupKind{Group: "cloudplatform.gcp.m.upbound.io", Kind: "ServiceAccount"}:
		return map[string]any{"project": "simulated"}
	case schema.GroupKind{Group: "container.gcp.m.upbound.io", Kind: "Cluster"}:
		return map[string]any{"masterVersion": text("minMasterVersion") + ".9-gke.1"}
	case schema.GroupKind{Group: "container.gcp.m.upbound.io", Kind: "NodePool"}:
		// Nodes begin with the version of their cluster, and stay with what they have.
		v, _, _ := unstructured.NestedString(o.Object, "status", "atProvider", "version")
		if v == "" {
			master := s.objects[key{o.GetAPIVersion(), "Cluster", o.GetNamespace(), text("clusterRef", "name")}]
			if master != nil {
				v, _, _ = unstructured.NestedString(master.Object, "status", "atProvider", "masterVersion")
			}
		}
		return map[string]any{"version": cmp.Or(text("version"), v)}
	}
	return nil
}

func condition(typ string, ok bool, reason, message string) map[string]any {
	c := map[string]any{"type": typ, "status": compose.StatusOf(ok), "reason": reason}
	if message != "" {
		c["message"] = message
	}
	return c
}
