package v1alpha1

// An AKSCluster says what has no neutral name.
type AKSCluster struct {
	// Region by Azure's own name, instead of the neutral one.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z][-a-z0-9]*$`
	// +optional
	Region string `json:"region,omitempty"`
}
