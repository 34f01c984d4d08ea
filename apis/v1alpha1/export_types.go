// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// A Signal is a kind of telemetry.
// +kubebuilder:validation:Enum=Metrics;Traces;Logs;Profiles
type Signal string

// Signals.
const (
	SignalMetrics  Signal = "Metrics"
	SignalTraces   Signal = "Traces"
	SignalLogs     Signal = "Logs"
	SignalProfiles Signal = "Profiles"
)

// An Export sends a copy of the telemetry to a backend that a team already has.
// +kubebuilder:validation:XValidation:rule="has(self.remoteWrite) != has(self.otlp)",message="give exactly one of remoteWrite and otlp"
type Export struct {
	// Name of the export.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// RemoteWrite sends all metrics of Prometheus.
	// +optional
	RemoteWrite *RemoteWriteExport `json:"remoteWrite,omitempty"`

	// OTLP sends what passes through the collectors.
	// +optional
	OTLP *OTLPExport `json:"otlp,omitempty"`
}

// A RemoteWriteExport is a backend that speaks Prometheus's remote write, such
// as Amazon's and Azure's managed Prometheus.
// +kubebuilder:validation:XValidation:rule="(has(self.sigV4) ? 1 : 0) + (has(self.azureAD) ? 1 : 0) + (has(self.auth) ? 1 : 0) <= 1",message="give at most one of sigV4, azureAD and auth"
type RemoteWriteExport struct {
	// URL that metrics are written to.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:[0-9]+)?(/[^ @]*)?$')",message="url must be https://HOST/PATH, without user names or spaces"
	URL string `json:"url"`

	// SigV4 signs requests for Amazon Managed Service for Prometheus. Who signs
	// is what the nodes or the pod identity of Prometheus may be.
	// +optional
	SigV4 *SigV4 `json:"sigV4,omitempty"`

	// AzureAD authenticates against Azure Monitor's managed Prometheus.
	// +optional
	AzureAD *AzureAD `json:"azureAD,omitempty"`

	// Auth is how the platform authenticates at the backend.
	// +optional
	Auth *ExportAuth `json:"auth,omitempty"`
}

// SigV4 is Amazon's way to sign requests.
type SigV4 struct {
	// Region of the workspace, by Amazon's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9-]+$`
	Region string `json:"region"`

	// RoleARN to assume, for a workspace in another account.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^arn:[^ ]+$`
	// +optional
	RoleARN string `json:"roleARN,omitempty"`
}

// AzureAD is Azure's way to authenticate.
type AzureAD struct {
	// ClientID of the managed identity that may publish metrics.
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`
	ClientID string `json:"clientID"`

	// Cloud of the workspace.
	// +kubebuilder:validation:Enum=AzurePublic;AzureChina;AzureGovernment
	// +kubebuilder:default=AzurePublic
	// +optional
	Cloud string `json:"cloud,omitempty"`
}

// An OTLPExport is a backend that speaks OTLP.
// +kubebuilder:validation:XValidation:rule="!has(self.googleCloud) || !has(self.auth)",message="give at most one of googleCloud and auth"
type OTLPExport struct {
	// Endpoint of the backend: https://HOST:PORT, with a path if it has one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?(:[0-9]+)?(/[^ @]*)?$')",message="endpoint must be https://HOST:PORT, without user names or spaces"
	Endpoint string `json:"endpoint"`

	// Protocol of the backend.
	// +kubebuilder:validation:Enum=HTTP;GRPC
	// +kubebuilder:default=HTTP
	// +optional
	Protocol string `json:"protocol,omitempty"`

	// Signals to send. Metrics are all of Prometheus.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:XValidation:rule="self.all(s, s != 'Profiles')",message="profiles are not exported: give Metrics, Traces or Logs"
	// +listType=set
	Signals []Signal `json:"signals"`

	// GoogleCloud authenticates as what the nodes or the workload identity of the
	// collectors may be: for Google Cloud's telemetry API, which feeds its managed
	// Prometheus.
	// +optional
	GoogleCloud *GoogleCloudExport `json:"googleCloud,omitempty"`

	// Auth is how the platform authenticates at the backend.
	// +optional
	Auth *ExportAuth `json:"auth,omitempty"`
}

// A GoogleCloudExport is a project of Google Cloud that telemetry is sent to.
type GoogleCloudExport struct {
	// ProjectID that the telemetry belongs to.
	// +kubebuilder:validation:MinLength=6
	// +kubebuilder:validation:MaxLength=30
	// +kubebuilder:validation:Pattern=`^[a-z][-a-z0-9]*[a-z0-9]$`
	ProjectID string `json:"projectID"`
}

// An ExportAuth is how the platform authenticates at a backend.
type ExportAuth struct {
	// BearerTokenSecretRef names the Secret with a bearer token.
	BearerTokenSecretRef ClusterSecretKey `json:"bearerTokenSecretRef"`
}

// A ClusterSecretKey names a key of a Secret on the platform's cluster, which
// the team brings there itself, so that it passes through nothing else. It is
// looked for in the namespace of who reads it: monitoring for remoteWrite,
// collector-gateway for otlp.
type ClusterSecretKey struct {
	// Name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`

	// Key within the Secret. It holds the credentials, after the word Bearer in
	// the header.
	// +kubebuilder:default=token
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Key string `json:"key,omitempty"`
}
