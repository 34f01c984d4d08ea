package policy

import (
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
)

// Cluster keeps a composer of KubernetesClusters within the policy. Every
// cluster passes here, whether a platform or a person asks for it.
func Cluster(next func(compose.Input[v1alpha1.KubernetesCluster]) (compose.Plan, error)) func(compose.Input[v1alpha1.KubernetesCluster]) (compose.Plan, error) {
	return func(in compose.Input[v1alpha1.KubernetesCluster]) (compose.Plan, error) {
		rules, known, invalid := Read(in.World)
		refusals := rules.Refusals(in.Claim.Spec)
		rules.Inherit(&in.Claim.Spec, &in.Settings)
		p, err := next(in)
		if err != nil {
			return compose.Plan{}, err
		}
		p.Requirements = append(p.Requirements, Requirements(in.Claim.Namespace)...)
		part := p.Parts[len(p.Parts)-1]
		switch {
		case !known:
			p.Wait("Waiting for the platform team's policy to be read")
		case invalid != nil:
			p.Refuse(compose.Problem{Part: part, Reason: "InvalidPolicy", Message: "The platform team has to mend its policy: " + invalid.Error()})
		case len(refusals) > 0:
			p.Refuse(compose.Problem{Part: part, Reason: "NotAllowed", Message: "The platform team does not allow it: " + strings.Join(refusals, "; ")})
		}
		return p, nil
	}
}
