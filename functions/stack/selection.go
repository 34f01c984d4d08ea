// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/nearest"
	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// A selected component is one that the stack consists of.
type selected struct {
	Component

	// team is what the team said of it.
	team v1alpha1.StackComponent

	// deployer that deploys the component, which comes after the component that is
	// the deployer, if one is: host of the deployer.
	deployer          v1alpha1.Deployer
	deployerComponent string

	// startAfter are the needs, and whatever else has to be ready first where it is
	// part of the stack.
	startAfter []string

	// namespaceOwner is the component that makes the namespace; empty when this one
	// does. A lodger comes after its host and goes before it.
	namespaceOwner string

	// frozen says that what there is of the component stays as it is: what the
	// team asks for is unclear or impossible.
	frozen bool

	// removedOwner is the component that made the namespace and is about to go, with
	// the namespace. This one comes when both are gone.
	removedOwner string
}

// after are the components that have to be ready first.
func (s selected) after() []string {
	after := slices.Clone(s.startAfter)
	for _, n := range []string{s.namespaceOwner, s.deployerComponent} {
		if n != "" && !slices.Contains(after, n) {
			after = append(after, n)
		}
	}
	return after
}

// version of the chart that is asked for.
func (s selected) version() string {
	if s.team.Version != "" {
		return s.team.Version
	}
	return s.Chart.Version
}

// A namespaceOwner is where a component that is there lives.
type namespaceOwner struct {
	// namespace on the cluster.
	namespace string

	// owner says that the component made the namespace.
	owner bool

	// deployer that brought the component.
	deployer v1alpha1.Deployer
}

// DeployerFor is the deployer that deploys the components of a stack if they do
// not say otherwise. The smallest profile does without deployers on the cluster.
func DeployerFor(p v1alpha1.StackParameters) v1alpha1.Deployer {
	switch {
	case p.Deployer != "":
		return p.Deployer
	case p.Profile == v1alpha1.ProfileStandard, p.Profile == v1alpha1.ProfileFull:
		return v1alpha1.DeployerFlux
	}
	return v1alpha1.DeployerHelm
}

// selection is what a stack consists of, dependencies first. There are the
// components that are there already.
func selection(p v1alpha1.StackParameters, deployers []v1alpha1.Deployer, there map[string]namespaceOwner) ([]selected, []compose.Problem, error) {
	entries, err := Catalog()
	if err != nil {
		return nil, nil, err
	}
	var problems []compose.Problem
	refuse := func(reason, format string, a ...any) {
		problems = append(problems, compose.Problem{ConditionType: ConditionComponentsReady, Reason: reason, Message: fmt.Sprintf(format, a...)})
	}

	chosen := map[string]selected{}
	for name, c := range entries {
		if c.in(p.Profile) {
			chosen[name] = selected{Component: c}
		}
	}
	disabled := map[string]bool{}
	for _, t := range p.Components {
		if c, known := entries[t.Name]; known && t.Chart == nil && c.nonCNCF() {
			refuse("WrongList", "Component %s is a project outside the CNCF: name it in nonCNCFComponents instead of components", t.Name)
			continue
		}
		applyOverride(entries, t, chosen, disabled, refuse)
	}
	for _, t := range p.NonCNCFComponents {
		if c, known := entries[t.Name]; known && t.Chart == nil && !c.nonCNCF() {
			refuse("WrongList", "Component %s is not a project outside the CNCF: name it in components instead of nonCNCFComponents", t.Name)
			continue
		}
		applyOverride(entries, t, chosen, disabled, refuse)
	}
	for _, pr := range assignDeployers(chosen, entries, disabled, p, deployers, there) {
		refuse(pr.Reason, "%s", pr.Message)
	}
	resolveOrder(p, chosen)
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		c, l := chosen[name], there[name]
		if l.namespace == "" || l.namespace == c.Namespace {
			continue
		}
		refuse("NamespaceChanged", "Component %s lives in namespace %s and cannot move to %s: give it another name there, then remove this one", name, l.namespace, c.Namespace)
		c.Namespace, c.frozen = l.namespace, true
		chosen[name] = c
	}
	assignNamespaceOwners(chosen, there)
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		// Who is there would go with the namespace; so its host has to stay.
		if c := chosen[name]; c.removedOwner != "" && there[name].namespace != "" {
			refuse("NamespaceInUse", "Component %s made namespace %s, in which component %s lives too, and would take it along: keep %s, or remove %s first", c.removedOwner, c.Namespace, name, c.removedOwner, name)
			c.frozen = true
			chosen[name] = c
		}
	}
	sorted, left := order(chosen)
	for _, name := range left {
		if s := chosen[name]; needsItself(chosen, s) {
			refuse("DependencyCycle", "Component %s depends on itself through %s: take one of them out of dependsOn", name, strings.Join(s.after(), ", "))
		}
	}
	out := make([]selected, 0, len(sorted))
	for _, name := range sorted {
		s := chosen[name]
		after := s.after()
		missing := slices.IndexFunc(after, func(n string) bool { _, ok := chosen[n]; return !ok })
		if missing < 0 {
			out = append(out, s)
			continue
		}
		need := after[missing]
		delete(chosen, s.Name)
		if disabled[need] {
			refuse("DependencyDisabled", "Component %s needs %s, which is disabled: enable it, or disable %s too", s.Name, need, s.Name)
			continue
		}
		refuse("DependencyNotFound", "Component %s needs %s, which is not part of this stack: add it, or take it out of dependsOn", s.Name, need)
	}
	return out, problems, nil
}

// assignDeployers says which deployer deploys each component, and adds the components
// that are the deployers. A component that is there keeps its deployer.
func assignDeployers(chosen map[string]selected, entries map[string]Component, disabled map[string]bool, p v1alpha1.StackParameters, deployers []v1alpha1.Deployer, there map[string]namespaceOwner) []compose.Problem {
	hosts := map[v1alpha1.Deployer]string{}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if e := entries[name].ProvidesDeployer; e != "" {
			hosts[e] = name
		}
	}
	var problems []compose.Problem
	needed := map[v1alpha1.Deployer]bool{}
	for _, e := range deployers {
		needed[e] = true
	}
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		c := chosen[name]
		asked := cmp.Or(c.team.Deployer, p.Deployer)
		c.deployer = cmp.Or(c.team.Deployer, DeployerFor(p))
		if c.ProvidesDeployer != "" {
			c.deployer, asked = v1alpha1.DeployerHelm, ""
		}
		if was := there[name].deployer; was != "" && was != c.deployer {
			if asked != "" {
				problems = append(problems, compose.Problem{Reason: "ImmutableField", Message: fmt.Sprintf(
					"Component %s was deployed by %s, and %s does not take it over: disable it, and enable it again when it is gone", name, was, asked)})
				c.frozen = true
			}
			c.deployer = was
		}
		needed[c.deployer] = true
		c.deployerComponent = hosts[c.deployer]
		chosen[name] = c
	}
	for _, e := range deployers {
		if disabled[hosts[e]] {
			problems = append(problems, compose.Problem{Reason: "DependencyDisabled", Message: fmt.Sprintf(
				"Workloads are deployed by %s, and component %s is disabled: enable it, or choose another deployer for them", e, hosts[e])})
		}
	}
	for _, e := range []v1alpha1.Deployer{v1alpha1.DeployerFlux, v1alpha1.DeployerArgoCD} {
		host := hosts[e]
		if _, ok := chosen[host]; !ok && needed[e] && !disabled[host] {
			chosen[host] = selected{Component: entries[host], deployer: v1alpha1.DeployerHelm}
		}
	}
	return problems
}

// applyOverride takes what the team said of one component.
func applyOverride(entries map[string]Component, t v1alpha1.StackComponent, chosen map[string]selected, disabled map[string]bool, refuse func(reason, format string, a ...any)) {
	c, known := entries[t.Name]
	switch {
	case known && t.Chart != nil:
		refuse("NameConflict", "Component %s is in the catalog and keeps its chart: give your own chart another name", t.Name)
		if s, ok := chosen[t.Name]; ok {
			s.frozen = true
			chosen[t.Name] = s
		}
		return
	case !known && t.Chart == nil:
		refuse("UnknownComponent", "Component %s is not in the catalog. The nearest names in it are %s. A component of your own needs a chart", t.Name, strings.Join(nearest.Words(t.Name, slices.Sorted(maps.Keys(entries)), 3), ", "))
		return
	case t.Enabled != nil && !*t.Enabled:
		disabled[t.Name] = true
		delete(chosen, t.Name)
		return
	case !known:
		c = customEntry(t)
	}
	chosen[t.Name] = selected{Component: c, team: t}
}

// resolveOrder finds out what each component comes after.
func resolveOrder(p v1alpha1.StackParameters, chosen map[string]selected) {
	for name, s := range chosen {
		s.startAfter = s.Requires
		add := func(n string) {
			if _, ok := chosen[n]; ok && !slices.Contains(s.startAfter, n) {
				s.startAfter = append(slices.Clone(s.startAfter), n)
			}
		}
		for _, n := range s.StartAfter {
			add(n)
		}
		// It looks for the kinds of the Gateway API when it starts.
		if name == certManager && p.TLS != nil && p.TLS.ACME != nil {
			add(gatewayAPI)
		}
		chosen[name] = s
	}
}

// assignNamespaceOwners lets one component make each namespace, in which all others of that
// namespace lodge. Which one that is must not change, since a namespace goes
// with the component that made it, and so does everything in it.
func assignNamespaceOwners(chosen map[string]selected, there map[string]namespaceOwner) {
	host := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		l := there[name]
		if _, ok := host[l.namespace]; !ok && l.owner {
			host[l.namespace] = name
		}
	}
	// In this order no lodger has to come before its host. Components of the
	// catalog never need one of the team's own, so they are the better hosts.
	sorted, _ := order(chosen)
	for _, own := range []bool{false, true} {
		for _, name := range sorted {
			s := chosen[name]
			if _, ok := host[s.Namespace]; !ok && own == (s.team.Chart != nil) {
				host[s.Namespace] = name
			}
		}
	}
	for name, s := range chosen {
		h := host[s.Namespace]
		switch _, ok := chosen[h]; {
		case h == name:
			continue
		case ok:
			s.namespaceOwner = h
		default:
			s.removedOwner = h
		}
		chosen[name] = s
	}
}

// customEntry makes an entry of a component that the team brings.
func customEntry(t v1alpha1.StackComponent) Component {
	c := Component{}
	c.Name, c.Chart, c.Namespace = t.Name, *t.Chart, t.TargetNamespace
	for _, d := range t.DependsOn {
		c.Requires = append(c.Requires, d.Name)
	}
	return c
}

// needsItself says whether a component comes after itself.
func needsItself(chosen map[string]selected, s selected) bool {
	seen := map[string]bool{}
	todo := s.after()
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		if n == s.Name {
			return true
		}
		if !seen[n] {
			seen[n] = true
			todo = append(slices.Clone(todo), chosen[n].after()...)
		}
	}
	return false
}

// order sorts components so that dependencies come first, then by name. What
// is left over depends on itself, or on something that does.
func order(chosen map[string]selected) (sorted, left []string) {
	todo := slices.Sorted(maps.Keys(chosen))
	done := make(map[string]bool, len(chosen))
	after := make(map[string][]string, len(chosen))
	for name, s := range chosen {
		after[name] = s.after()
	}
	for {
		rest := todo[:0:0]
		for _, name := range todo {
			waits := slices.ContainsFunc(after[name], func(n string) bool {
				_, ok := after[n]
				return ok && !done[n]
			})
			if waits {
				rest = append(rest, name)
				continue
			}
			done[name] = true
			sorted = append(sorted, name)
		}
		if len(rest) == len(todo) {
			return sorted, rest
		}
		todo = rest
	}
}

// ComponentName is the name of the Component that a stack composes.
func ComponentName(namespace, stack, component string) string {
	return compose.Name(namespace, stack, component)
}
