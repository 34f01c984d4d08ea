// SPDX-License-Identifier: Apache-2.0

package stack

import "maps"

const (
	certManagerAPI = "cert-manager.io/v1"
	// trustAnchor is what every proxy of the mesh trusts. It lives where
	// trust-manager looks for it.
	trustAnchor          = "linkerd-trust-anchor"
	trustAnchorNamespace = "cert-manager"
	tenYears             = "87600h"
)

// wireMesh lets Prometheus scrape the mesh by what the chart brings for that.
func wireMesh(w computedValues) map[string]any {
	return at("podMonitor.enabled", w.has(prometheusCRDs))
}

// wireMeshIdentity makes the mesh's certificates in the cluster: an anchor, of
// which trust-manager shows the public half to all proxies, an issuer that signs
// their identities, and certificates of the webhooks. So no key passes through
// anything that is composed.
// https://linkerd.io/docs/tasks/automatically-rotating-control-plane-tls-credentials/, 2026-08.
func wireMeshIdentity(computedValues) map[string]any {
	anchor := certificate(trustAnchor, issuer("Issuer", trustAnchor), map[string]any{
		"isCA": true, "commonName": "root.linkerd.cluster.local", "duration": tenYears,
	})
	selfSigned := manifest(certManagerAPI, "Issuer", trustAnchor, map[string]any{"spec": map[string]any{"selfSigned": map[string]any{}}})
	for _, o := range []map[string]any{anchor, selfSigned} {
		o["metadata"] = map[string]any{"name": trustAnchor, "namespace": trustAnchorNamespace}
	}
	objects := []any{
		selfSigned,
		anchor,
		manifest(certManagerAPI, "ClusterIssuer", trustAnchor, map[string]any{"spec": map[string]any{"ca": map[string]any{"secretName": trustAnchor}}}),
		certificate("linkerd-identity-issuer", issuer("ClusterIssuer", trustAnchor), map[string]any{
			"isCA": true, "commonName": "identity.linkerd.cluster.local", "dnsNames": []any{"identity.linkerd.cluster.local"},
			"duration": "48h", "renewBefore": "25h",
			"usages": []any{"cert sign", "crl sign", "server auth", "client auth"},
		}),
		manifest("trust.cert-manager.io/v1alpha1", "Bundle", "linkerd-identity-trust-roots", map[string]any{"spec": map[string]any{
			"sources": []any{map[string]any{"secret": map[string]any{"name": trustAnchor, "key": "tls.crt"}}},
			"target": map[string]any{
				"configMap":         map[string]any{"key": "ca-bundle.crt"},
				"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "linkerd"}},
			},
		}}),
	}
	return manifests(append(objects, webhookCertificates("linkerd", "linkerd-proxy-injector", "linkerd-sp-validator", "linkerd-policy-validator")...)...)
}

// wireVizIdentity makes the certificates of the webhooks of linkerd-viz.
func wireVizIdentity(computedValues) map[string]any {
	return manifests(webhookCertificates("linkerd-viz", "tap", "tap-injector")...)
}

// webhookCertificates are those of Services that the API server calls, signed by
// an authority of their namespace.
func webhookCertificates(namespace string, services ...string) []any {
	const authority = "webhooks"
	objects := selfSignedCA(authority)
	for _, s := range services {
		objects = append(objects, certificate(s, issuer("Issuer", authority), map[string]any{
			"secretName": s + "-k8s-tls",
			"commonName": s + "." + namespace + ".svc", "dnsNames": []any{s + "." + namespace + ".svc"},
			"duration": "24h", "renewBefore": "1h", "usages": []any{"server auth"},
		}))
	}
	return objects
}

// selfSignedCA makes an issuer with a certificate of its own.
func selfSignedCA(name string) []any {
	return []any{
		manifest(certManagerAPI, "Issuer", name+"-root", map[string]any{"spec": map[string]any{"selfSigned": map[string]any{}}}),
		certificate(name+"-root", issuer("Issuer", name+"-root"), map[string]any{"isCA": true, "commonName": name, "duration": tenYears}),
		manifest(certManagerAPI, "Issuer", name, map[string]any{"spec": map[string]any{"ca": map[string]any{"secretName": name + "-root"}}}),
	}
}

func issuer(kind, name string) map[string]any {
	return map[string]any{"kind": kind, "name": name, "group": "cert-manager.io"}
}

// certificate is kept in a Secret of its own name unless told otherwise. The mesh demands elliptic
// curves.
func certificate(name string, from, fields map[string]any) map[string]any {
	spec := map[string]any{
		"secretName": name,
		"issuerRef":  from,
		"privateKey": map[string]any{"algorithm": "ECDSA", "size": int64(256), "rotationPolicy": "Always"},
	}
	maps.Copy(spec, fields)
	return manifest(certManagerAPI, "Certificate", name, map[string]any{"spec": spec})
}
