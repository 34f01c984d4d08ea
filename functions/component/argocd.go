// SPDX-License-Identifier: Apache-2.0

package component

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
	"github.com/observe-k8s/observe-k8s/functions/compose"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ArgoCDNamespace is where Argo CD looks for Applications.
const ArgoCDNamespace = "argocd"

const resourceApplication = "application"

// argocdReady holds when what Argo CD compared last is the present spec, and is
// on the cluster and works.
const argocdReady = `has(object.status) && has(object.status.sync) && has(object.status.health) && ` +
	`has(object.status.health.status) && has(object.status.sync.comparedTo) && ` +
	`object.status.sync.status == "Synced" && object.status.health.status == "Healthy" && ` +
	`object.status.sync.comparedTo.source == object.spec.source`

// argocd hands a source to Argo CD on the cluster.
type argocd struct{}

// Plan plans an Application.
func (argocd) Plan(o RenderInput) (DeploymentPlan, error) {
	xr := o.Claim
	d := DeploymentPlan{
		ManagedRefs: []ManagedRef{{resourceApplication, objectRef(xr, resourceApplication)}},
		Config:      v1alpha1.ObjectReference{APIVersion: compose.KubernetesAPIVersion, Kind: "ProviderConfig"},
	}
	r := compose.Resource{Name: resourceApplication, ConditionType: ConditionDeployed, Gate: o.Gate, Ready: argocdVerdict}
	if o.Connection != nil {
		d.Config.Name = o.Connection.KubernetesProviderConfigRef.Name
	}
	if o.Connection != nil && !o.Unknown {
		r.Object = onCluster(xr, o.Connection, resourceApplication, argocdReady, application(o))
	}
	d.Resources = []compose.Resource{r}
	d.Revision = stringField(manifestOf(o.Observed[resourceApplication]), "status", "sync", "revision")
	if o.Chart != nil {
		d.Version = d.Revision
	}
	return d, nil
}

func application(o RenderInput) map[string]any {
	xr := o.Claim
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1",
		"kind":       "Application",
		"metadata": map[string]any{
			"name":      defaultReleaseName(xr),
			"namespace": ArgoCDNamespace,
			// What was deployed goes before the Application does.
			"finalizers": []any{"resources-finalizer.argocd.argoproj.io"},
			// Defaults that the API server fills in are no difference.
			"annotations": map[string]any{"argocd.argoproj.io/compare-options": "ServerSideDiff=true"},
		},
		"spec": map[string]any{
			"project":     "default",
			"source":      applicationSource(o),
			"destination": map[string]any{"server": "https://kubernetes.default.svc", "namespace": xr.Spec.TargetNamespace},
			"syncPolicy": map[string]any{
				"automated":   map[string]any{"prune": true, "selfHeal": true},
				"syncOptions": []any{"ServerSideApply=true"},
				"retry": map[string]any{
					"limit":   int64(-1),
					"refresh": true,
					"backoff": map[string]any{"duration": "10s", "factor": int64(2), "maxDuration": "2m"},
				},
			},
		},
	}
}

func applicationSource(o RenderInput) map[string]any {
	if git := o.Claim.Spec.Source.Git; git != nil {
		r := git.Ref
		k := map[string]any{"namespace": o.Claim.Spec.TargetNamespace}
		if git.Kustomize != nil {
			if len(git.Kustomize.Images) > 0 {
				images := make([]any, 0, len(git.Kustomize.Images))
				for _, i := range git.Kustomize.Images {
					image := i.Name + "=" + cmp.Or(i.NewName, i.Name)
					if i.NewTag != "" {
						image += ":" + i.NewTag
					}
					images = append(images, image)
				}
				k["images"] = images
			}
			if len(git.Kustomize.Patches) > 0 {
				k["patches"] = patches(git.Kustomize.Patches)
			}
		}
		return map[string]any{
			"repoURL":        git.URL,
			"targetRevision": cmp.Or(r.Branch, r.Tag, r.Semver, r.Commit),
			"path":           cmp.Or(git.Path, "."),
			"kustomize":      k,
		}
	}
	repository, _ := o.Mirror.Rewrite(o.Chart.Repository)
	helm := map[string]any{"releaseName": o.ReleaseName}
	if len(o.Values) > 0 {
		helm["valuesObject"] = o.Values
	}
	return map[string]any{
		// A chart's repository without a scheme is an OCI registry for Argo CD.
		"repoURL":        strings.TrimPrefix(strings.TrimSuffix(repository, "/"), "oci://"),
		"chart":          o.Chart.Name,
		"targetRevision": o.Chart.Version,
		"helm":           helm,
	}
}

// attempts is what Argo CD appends to a message: how often it tried, and when it
// will try again. It changes with every attempt.
var attempts = regexp.MustCompile(`( \(retried \d+ times?\))?\.? *(Retrying attempt #.*)?$`)

// argocdVerdict judges an Application by what Argo CD says of it.
func argocdVerdict(o *unstructured.Unstructured) compose.Health {
	v := compose.Managed(o)
	app := manifestOf(o)
	if v.Ready || app == nil || compose.GetCondition(o, "Synced").Status == "False" {
		return v
	}
	id := displayName(app) + ": "
	conditions, _, _ := unstructured.NestedSlice(app.Object, "status", "conditions")
	for _, c := range conditions {
		m, _ := c.(map[string]any)
		typ, _ := m["type"].(string)
		message, _ := m["message"].(string)
		if strings.HasSuffix(typ, "Error") {
			return compose.Health{Reason: typ, Message: id + stripAttemptCounts(message)}
		}
	}
	phase, message := stringField(app, "status", "operationState", "phase"), stringField(app, "status", "operationState", "message")
	health, sync := stringField(app, "status", "health", "status"), stringField(app, "status", "sync", "status")
	retries := strings.Contains(message, "Retrying attempt #")
	switch {
	case phase == "Failed" || phase == "Error" || (phase == "Running" && retries):
		return compose.Health{Reason: "SyncFailed", Message: id + stripAttemptCounts(message)}
	case health == "Degraded":
		return compose.Health{Reason: "Degraded", Message: id + degraded(app)}
	case sync == "":
		return compose.Health{Progressing: true, Reason: compose.ReasonCreating, Message: id + "Argo CD has not looked at it yet"}
	case sync != "Synced":
		return compose.Health{Progressing: true, Reason: compose.ReasonUpdating, Message: id + "is being brought to the cluster"}
	case health != "Healthy":
		return compose.Health{Progressing: true, Reason: compose.ReasonCreating, Message: id + "waiting for what it consists of to work"}
	}
	return compose.Health{Progressing: true, Reason: compose.ReasonUpdating, Message: id + "is being updated"}
}

// stripAttemptCounts is a message without what changes from one attempt to the next.
func stripAttemptCounts(message string) string { return attempts.ReplaceAllString(message, "") }

// degraded names the objects that do not work, with what they say.
func degraded(app *unstructured.Unstructured) string {
	var out []string
	resources, _, _ := unstructured.NestedSlice(app.Object, "status", "resources")
	for _, r := range resources {
		m, _ := r.(map[string]any)
		if status, _, _ := unstructured.NestedString(m, "health", "status"); status != "Degraded" {
			continue
		}
		kind, _ := m["kind"].(string)
		name, _ := m["name"].(string)
		message, _, _ := unstructured.NestedString(m, "health", "message")
		out = append(out, strings.TrimSuffix(kind+" "+name+": "+message, ": "))
	}
	if len(out) == 0 {
		return "something that it consists of does not work"
	}
	return strings.Join(out, "; ")
}
