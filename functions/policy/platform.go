// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
	"time"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"github.com/observe-k8s/observe-k8s/functions/platform"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Platform keeps a composer of ObservabilityPlatforms within the policy, as far
// as it is not the cluster's.
func Platform(next func(compose.TypedRequest[v1alpha1.ObservabilityPlatform]) (compose.Plan, error)) func(compose.TypedRequest[v1alpha1.ObservabilityPlatform]) (compose.Plan, error) {
	return func(in compose.TypedRequest[v1alpha1.ObservabilityPlatform]) (compose.Plan, error) {
		rules, known, invalid := Read(in.Request)
		var refused *compose.Problem
		switch {
		case !known, invalid != nil:
			rules, in.Claim.Spec.Lifetime = Policy{}, lifetimeSoFar(in.Claim)
			if invalid != nil {
				refused = invalidPolicy(invalid)
			}
		default:
			if r := rules.limitLifetime(&in); r != "" {
				refused = notAllowed(r)
			}
		}
		problems := rules.chooseDeployers(&in)
		p, err := next(in)
		if err != nil {
			return compose.Plan{}, err
		}
		p.Requirements = append(p.Requirements, Requirements(in.Claim.Namespace)...)
		if in.Claim.Spec.State == v1alpha1.StateTornDown || in.Claim.Status.ExpirationConfirmed {
			// Nobody is kept from taking down what there is.
			return p, nil
		}
		p.Problems = append(p.Problems, problems...)
		switch {
		case !known:
			p.BlockNew(waiting)
		case refused != nil:
			refused.ConditionType = platform.ConditionClusterReady
			p.Freeze(*refused)
		}
		return p, nil
	}
}

// lifetimeSoFar of a claim while it is not known what the policy says: the end
// that its status names, or else what it asks for.
func lifetimeSoFar(c v1alpha1.ObservabilityPlatform) string {
	if end := c.Status.ExpirationTime; end != nil && !c.CreationTimestamp.IsZero() {
		return end.Sub(c.CreationTimestamp.Time).String()
	}
	return c.Spec.Lifetime
}

// limitLifetime of a claim to what the policy allows, and say what is refused. A
// claim that names none inherits one when it is begun, and keeps it. What was
// begun is never ended by a policy that came later.
func (p Policy) limitLifetime(in *compose.TypedRequest[v1alpha1.ObservabilityPlatform]) string {
	most, least := p.Limits.MaxLifetime, p.Defaults.Lifetime
	asked := in.Claim.Spec.Lifetime
	if most == "" && (least == "" || asked != "") {
		return ""
	}
	if least == "" {
		least = most
	}
	begun := len(in.Observed) > 0
	sofar := in.Claim.Status.ExpirationTime != nil
	switch {
	case asked != "" && most != "" && duration(asked) > duration(most):
		if sofar {
			in.Claim.Spec.Lifetime = lifetimeSoFar(in.Claim)
		} else if !begun {
			in.Claim.Spec.Lifetime = most
		}
		return fmt.Sprintf("lifetime %s is not allowed here. Allowed: at most %s", asked, most)
	case asked != "":
		return ""
	case sofar:
		in.Claim.Spec.Lifetime = lifetimeSoFar(in.Claim)
	case begun && most != "":
		return fmt.Sprintf("a lifetime is required here: give lifetime, at most %s", most)
	case !begun:
		in.Claim.Spec.Lifetime = least
	}
	return ""
}

// chooseDeployers by the deployers that the policy names where the claim names none. What
// is there keeps its deployer.
func (p Policy) chooseDeployers(in *compose.TypedRequest[v1alpha1.ObservabilityPlatform]) []compose.Problem {
	spec := &in.Claim.Spec
	var problems []compose.Problem
	if s := in.Observed[platform.ResourceStack]; s != nil {
		was, _, _ := unstructured.NestedString(s.Object, "spec", "deployer")
		if asked := spec.Stack.Deployer; asked != "" && was != "" && string(asked) != was {
			problems = append(problems, compose.Problem{ConditionType: platform.ConditionStackReady, Reason: "ImmutableField", Message: fmt.Sprintf(
				"The stack was deployed by %s, and %s does not take it over: set state to TornDown, and to Running again with the other when it is gone", was, asked)})
		}
		if was != "" {
			spec.Stack.Deployer = v1alpha1.Deployer(was)
		}
	} else if spec.Stack.Deployer == "" {
		spec.Stack.Deployer = p.Defaults.StackDeployer
	}
	workloads := make([]v1alpha1.PlatformWorkload, len(spec.Workloads))
	for i, w := range spec.Workloads {
		if w.Deployer == "" && in.Observed[platform.ResourceOf(w.Name)] == nil {
			w.Deployer = p.Defaults.WorkloadDeployer
		}
		workloads[i] = w
	}
	spec.Workloads = workloads
	return problems
}

// duration of a lifetime, which the schema or Read has looked at.
func duration(lifetime string) time.Duration {
	d, _ := time.ParseDuration(lifetime)
	return d
}

// waiting says what is waited for before anything new is made.
const waiting = "Waiting for the platform team's policy to be read"

func invalidPolicy(err error) *compose.Problem {
	return &compose.Problem{Reason: "InvalidPolicy", Message: "The platform team has to mend its policy: " + err.Error()}
}

func notAllowed(refusals ...string) *compose.Problem {
	return &compose.Problem{Reason: "NotAllowed", Message: "The platform team does not allow it: " + strings.Join(refusals, "; ")}
}
