// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// An SLO is a promise about a service: which share of its requests is good,
// over a window of time. Rules that record how it stands and alerts at the rate
// at which its error budget burns are made of it. It says nothing about how the
// service gets observed.
type SLO struct {
	// Name of the SLO, unique in the stack.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=40
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Objective is the share of good requests in percent, for example "99.9".
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[5-9][0-9]([.][0-9]{1,4})?$')",message="objective must be a percentage from 50 to below 100 in quotes, with up to four decimals, for example \"99.9\""
	Objective string `json:"objective"`

	// Window in which the objective has to hold. It slides.
	// +kubebuilder:validation:Enum="7d";"28d";"30d"
	// +kubebuilder:default="30d"
	// +optional
	Window SLOWindow `json:"window,omitempty"`

	// ServiceName is the service.name that the service has in its telemetry.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$')",message="serviceName must be the service.name of the telemetry: letters, digits, dashes, dots and underscores"
	ServiceName string `json:"serviceName"`

	// ServiceNamespace is the service.namespace in the telemetry; empty for a service
	// of that name in any.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="serviceNamespace must be a DNS label: lower-case letters, digits and dashes"
	// +optional
	ServiceNamespace string `json:"serviceNamespace,omitempty"`

	// Indicator says which requests are good.
	Indicator SLOIndicator `json:"indicator"`
}

// An SLOWindow is a sliding window of time.
type SLOWindow string

// Windows of an SLO. 28 days always hold the same weekdays.
const (
	SLOWindow7d  SLOWindow = "7d"
	SLOWindow28d SLOWindow = "28d"
	SLOWindow30d SLOWindow = "30d"
)

// An SLOIndicator says which requests of a service are good.
// +kubebuilder:validation:XValidation:rule="(self.type == 'Latency') == has(self.threshold)",message="threshold is what a good request takes at most: it is needed by an indicator of type Latency, and means nothing to another"
type SLOIndicator struct {
	// Type is what makes a request good: Availability counts those that are not
	// answered with an error of the server, Latency those that are answered
	// within the threshold.
	// +kubebuilder:validation:Enum=Availability;Latency
	Type SLOIndicatorType `json:"type"`

	// Threshold of an indicator of type Latency. It is one of the bounds that
	// OpenTelemetry gives the histogram of request durations: between them nobody
	// counted.
	// +kubebuilder:validation:Enum="5ms";"10ms";"25ms";"50ms";"75ms";"100ms";"250ms";"500ms";"750ms";"1s";"2500ms";"5s";"7500ms";"10s"
	// +optional
	Threshold string `json:"threshold,omitempty"`

	// MetricSource that requests are counted with: HTTPServer is what a service that
	// is instrumented with OpenTelemetry, or watched by its eBPF instrumentation,
	// says of the requests that it answers. SpanMetrics is what a collector counts of
	// the spans of the service, whatever its protocol.
	// +kubebuilder:validation:Enum=HTTPServer;SpanMetrics
	// +kubebuilder:default=HTTPServer
	// +optional
	MetricSource SLOMetricSource `json:"metricSource,omitempty"`
}

// An SLOIndicatorType is what makes a request good.
type SLOIndicatorType string

// Types of indicators.
const (
	SLOAvailability SLOIndicatorType = "Availability"
	SLOLatency      SLOIndicatorType = "Latency"
)

// SLOMetricSource are metrics that requests are counted with.
type SLOMetricSource string

// Metrics of requests.
const (
	SLOMetricSourceHTTPServer  SLOMetricSource = "HTTPServer"
	SLOMetricSourceSpanMetrics SLOMetricSource = "SpanMetrics"
)
