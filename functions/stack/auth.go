// SPDX-License-Identifier: Apache-2.0

package stack

import (
	"strconv"
	"strings"

	"github.com/observe-k8s/observe-k8s/apis/v1alpha1"
)

const (
	// password is the Secret, on the cluster, with which one opens a view: keys
	// username and password for people, auth for NGINX.
	password = "password"

	// signIn is the Secret, on the cluster, that sessions of people who signed in
	// are sealed with: key cookie.
	signIn = "sign-in"

	// makerImage has a shell, kubectl and BusyBox's mkpasswd.
	makerImage = "docker.io/alpine/kubectl:1.34.2"

	// signInImage is OAuth2 Proxy, a project of the CNCF's sandbox, for amd64 and
	// arm64. https://github.com/oauth2-proxy/oauth2-proxy/releases, 2026-08.
	signInImage = "quay.io/oauth2-proxy/oauth2-proxy:v7.15.3"

	// signInPort is where it listens.
	signInPort = int64(4180)
)

// oidc is the identity provider of the team; nil where the password is asked for.
func (w computedValues) oidc() *v1alpha1.OIDC {
	if w.stack.Auth == nil {
		return nil
	}
	return w.stack.Auth.OIDC
}

// authObjects is what all views share for asking who is there.
func (w computedValues) authObjects() []any {
	if w.oidc() != nil {
		return w.secretJob(signIn, `c=$(head -c 32 /dev/urandom | base64 | tr +/ -_)
kubectl create secret generic sign-in --from-literal=cookie="$c"
`)
	}
	return append(w.secretJob(password, `p=$(head -c 18 /dev/urandom | base64 | tr +/ -_)
h=$(printf %s "$p" | mkpasswd -m sha512 -P 0)
kubectl create secret generic password --from-literal=username=admin --from-literal=password="$p" --from-literal=auth="admin:$h"
`), manifest(nginxAPIGroup+"/v1alpha1", "AuthenticationFilter", password, map[string]any{"spec": map[string]any{
		"type": "Basic", "basic": map[string]any{"realm": "observe-k8s", "secretRef": map[string]any{"name": password}},
	}}))
}

// protectedRoute are the way to a view, and who stands in it.
func (w computedValues) protectedRoute(v publishedUI) []any {
	if w.oidc() == nil {
		return []any{w.backend(v), route(v, passwordFilters()...)}
	}
	return append(w.signIn(v), route(v))
}

// route to a view, below what it is published as.
func route(v publishedUI, filters ...any) map[string]any {
	rule := map[string]any{"backendRefs": []any{map[string]any{"name": v.Name, "port": v.Port}}}
	if len(filters) > 0 {
		rule["filters"] = filters
	}
	return manifest(gatewayAPIVersion, "HTTPRoute", v.Name, map[string]any{"spec": map[string]any{
		"parentRefs": []any{map[string]any{"name": ingress, "sectionName": "https"}},
		"hostnames":  []any{v.host},
		"rules":      []any{rule},
	}})
}

// passwordFilters let in who knows the password. The view does not see it.
func passwordFilters() []any {
	return []any{
		map[string]any{"type": "ExtensionRef", "extensionRef": map[string]any{"group": nginxAPIGroup, "kind": "AuthenticationFilter", "name": password}},
		map[string]any{"type": "RequestHeaderModifier", "requestHeaderModifier": map[string]any{"remove": []any{"Authorization"}}},
	}
}

// address of a view on the cluster.
func (v publishedUI) address() string { return v.Service + "." + v.namespace + ".svc.cluster.local" }

// backend is a view under a name of this namespace. A reference to a Service of
// another one would need an object there, and so wait for it.
func (w computedValues) backend(v publishedUI) map[string]any {
	return manifest("v1", "Service", v.Name, map[string]any{"spec": map[string]any{
		"type":         "ExternalName",
		"externalName": v.address(),
		"ports":        []any{map[string]any{"name": "http", "port": v.Port}},
	}})
}

// signIn stands before a view and sends people to the identity provider. Each
// view has its own, under the view's name, with a session of its own that no
// other takes: what a view sees of it opens no door but its own.
func (w computedValues) signIn(v publishedUI) []any {
	labels := map[string]any{"app.kubernetes.io/name": signIn, "app.kubernetes.io/instance": v.Name}
	secret := func(variable, name, key string) map[string]any {
		return map[string]any{"name": variable, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": name, "key": key}}}
	}
	probe := map[string]any{"httpGet": map[string]any{"path": "/ping", "port": "http"}}
	oidc := w.oidc()
	pod := map[string]any{
		"automountServiceAccountToken": false,
		"securityContext":              map[string]any{"runAsNonRoot": true, "runAsUser": int64(65532), "seccompProfile": map[string]any{"type": "RuntimeDefault"}},
		"containers": []any{map[string]any{
			"name":  signIn,
			"image": signInImage,
			"args":  signInArgs(oidc, v),
			"env": []any{
				secret("OAUTH2_PROXY_CLIENT_SECRET", oidc.ClientSecretRef.Name, oidc.ClientSecretRef.Key),
				secret("OAUTH2_PROXY_COOKIE_SECRET", signIn, "cookie"),
			},
			"ports":          []any{map[string]any{"name": "http", "containerPort": signInPort}},
			"livenessProbe":  probe,
			"readinessProbe": probe,
			"resources":      map[string]any{"requests": map[string]any{"cpu": "5m", "memory": "24Mi"}},
			"securityContext": map[string]any{
				"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": map[string]any{"drop": []any{"ALL"}},
			},
		}},
	}
	if t := w.tolerated(); len(t) > 0 {
		pod["tolerations"] = t
	}
	return []any{
		manifest("apps/v1", "Deployment", v.Name, map[string]any{"spec": map[string]any{
			"selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": pod},
		}}),
		manifest("v1", "Service", v.Name, map[string]any{"spec": map[string]any{
			"selector": labels,
			"ports":    []any{map[string]any{"name": "http", "port": v.Port, "targetPort": "http"}},
		}}),
	}
}

// signInArgs of OAuth2 Proxy.
// https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview, 2026-08.
func signInArgs(oidc *v1alpha1.OIDC, v publishedUI) []any {
	args := []any{
		"--provider=oidc",
		"--oidc-issuer-url=" + oidc.Issuer,
		"--client-id=" + oidc.ClientID,
		"--code-challenge-method=S256",
		"--skip-provider-button=true",
		"--oidc-groups-claim=" + oidc.GroupsClaim,
		"--http-address=0.0.0.0:" + strconv.FormatInt(signInPort, 10),
		"--upstream=http://" + v.address() + ":" + strconv.FormatInt(v.Port, 10) + "/",
		// A session is sealed for its name. Only browsers that came by TLS send it.
		"--cookie-name=__Host-" + v.Name,
		// Without tokens it is small enough for NGINX, and no view gets one.
		"--session-cookie-minimal=true",
		"--cookie-expire=12h",
		// The view learns who is there, and gets nothing that looks like a password.
		"--pass-basic-auth=false",
	}
	if len(oidc.Scopes) > 0 {
		args = append(args, "--scope="+strings.Join(oidc.Scopes, " "))
	}
	domains := oidc.AllowedEmailDomains
	if len(domains) == 0 {
		domains = []string{"*"}
	}
	for _, d := range domains {
		args = append(args, "--email-domain="+d)
	}
	for _, g := range oidc.AllowedGroups {
		args = append(args, "--allowed-group="+g)
	}
	return args
}

// secretJob makes a Secret on the cluster, once, so that nobody else ever knows it.
// What makes it is a script for a shell, of constants only.
func (w computedValues) secretJob(secret, script string) []any {
	script = "set -eu\nkubectl get secret " + secret + " >/dev/null 2>&1 && exit 0\n" + script
	pod := map[string]any{
		"serviceAccountName": secret,
		"restartPolicy":      "OnFailure",
		"securityContext":    map[string]any{"runAsNonRoot": true, "runAsUser": int64(65534), "seccompProfile": map[string]any{"type": "RuntimeDefault"}},
		"containers": []any{map[string]any{
			"name":            secret,
			"image":           makerImage,
			"command":         []any{"/bin/sh", "-c", script},
			"env":             []any{map[string]any{"name": "HOME", "value": "/tmp"}},
			"resources":       map[string]any{"requests": map[string]any{"cpu": "10m", "memory": "32Mi"}},
			"securityContext": map[string]any{"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}}},
		}},
	}
	if t := w.tolerated(); len(t) > 0 {
		pod["tolerations"] = t
	}
	const rbac = "rbac.authorization.k8s.io"
	return []any{
		manifest("v1", "ServiceAccount", secret, nil),
		manifest(rbac+"/v1", "Role", secret, map[string]any{"rules": []any{
			map[string]any{"apiGroups": []any{""}, "resources": []any{"secrets"}, "verbs": []any{"create"}},
			map[string]any{"apiGroups": []any{""}, "resources": []any{"secrets"}, "resourceNames": []any{secret}, "verbs": []any{"get"}},
		}}),
		manifest(rbac+"/v1", "RoleBinding", secret, map[string]any{
			"roleRef":  map[string]any{"apiGroup": rbac, "kind": "Role", "name": secret},
			"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": secret, "namespace": w.parts[ingress].Namespace}},
		}),
		// A Job cannot change: another one needs another name.
		manifest("batch/v1", "Job", secret+"-1", map[string]any{"spec": map[string]any{
			"backoffLimit": int64(20), "template": map[string]any{"spec": pod},
		}}),
	}
}
