// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Auth says who may open published views.
type Auth struct {
	// OIDC lets people sign in at an identity provider of the team, by OpenID
	// Connect, instead of by the password.
	// +optional
	OIDC *OIDC `json:"oidc,omitempty"`
}

// OIDC is a client of an identity provider. At the provider, every view needs
// the redirect URI https://HOST/oauth2/callback.
// +kubebuilder:validation:XValidation:rule="has(self.allowedEmailDomains) || has(self.allowedGroups)",message="say who may sign in: allowedEmailDomains, allowedGroups or both. Whoever can get an account at the identity provider would come in otherwise"
type OIDC struct {
	// Issuer of the identity provider, where its discovery document is below.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:[0-9]+)?(/[-._~%a-zA-Z0-9/]*)?$')",message="issuer must be https://HOST/PATH, as the identity provider names itself in its tokens"
	Issuer string `json:"issuer"`

	// ClientID by which the provider knows this platform.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._~:/@a-zA-Z0-9]+$')",message="clientID may have letters, digits and -._~:/@"
	ClientID string `json:"clientID"`

	// ClientSecretRef names the Secret with the client's secret, in namespace ingress
	// of the platform's cluster. The team brings it there itself, so that it passes
	// through no claim.
	ClientSecretRef OIDCSecret `json:"clientSecretRef"`

	// AllowedEmailDomains of those who may come in, such as example.org.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.all(d, d.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+$'))",message="allowedEmailDomains are DNS names such as example.org, without @; to let in everybody of a group, give allowedGroups"
	// +listType=set
	// +optional
	AllowedEmailDomains []string `json:"allowedEmailDomains,omitempty"`

	// AllowedGroups of those who may come in, as the provider names them: one is enough.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.all(g, g.matches('^[^,\"$]+$'))",message="allowedGroups are names without commas, quotes and dollar signs"
	// +listType=set
	// +optional
	AllowedGroups []string `json:"allowedGroups,omitempty"`

	// GroupsClaim of a token names the groups.
	// +kubebuilder:default=groups
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[-._:a-zA-Z0-9]+$`
	// +optional
	GroupsClaim string `json:"groupsClaim,omitempty"`

	// Scopes to ask for. The default is openid, email and profile, and groups where
	// groups are given; some providers refuse scopes that they do not know.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="'openid' in self && self.all(s, s.matches('^[-._~:/a-zA-Z0-9]+$'))",message="scopes must have openid among them, and be single words"
	// +listType=set
	// +optional
	Scopes []string `json:"scopes,omitempty"`
}

// An OIDCSecret names a key of a Secret on the platform's cluster.
type OIDCSecret struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['password', 'sign-in', 'ingress-tls'])",message="password, sign-in and ingress-tls are Secrets that the component ingress makes: choose another name"
	Name string `json:"name"`

	// Key within the Secret.
	// +kubebuilder:default=client-secret
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Key string `json:"key,omitempty"`
}
