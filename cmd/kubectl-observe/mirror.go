// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"

	observek8s "github.com/observe-k8s/observe-k8s"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/mirror"
	"github.com/observe-k8s/observe-k8s/cmd/kubectl-observe/validate"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// newMirrorCommand returns the command that lists and copies charts and images.
func newMirrorCommand() *cobra.Command {
	o, profile, packages := mirror.Options{}, "", false
	cmd := &cobra.Command{
		Use:   "mirror [FILE...]",
		Short: "List every chart and image that claims need, and copy them to a registry",
		RunE: func(cmd *cobra.Command, args []string) error {
			if packages {
				var err error
				if o.Configuration, err = observek8s.Manifests.ReadFile("crossplane.yaml"); err != nil {
					return fmt.Errorf("cannot read the configuration: %w", err)
				}
			}
			switch {
			case profile != "" && !slices.Contains([]string{"Minimal", "Standard", "Full"}, profile):
				return fmt.Errorf("cannot list profile %q: profiles are Minimal, Standard and Full", profile)
			case profile != "" && len(args) > 0, profile == "" && len(args) == 0 && !packages:
				return errors.New("cannot list charts and images: name files with claims, or pass --profile or --packages")
			case profile != "":
				o.Claims = []*unstructured.Unstructured{mirror.Profile(profile)}
			}
			docs, err := validate.Read(cmd.InOrStdin(), args...)
			if err != nil {
				return err
			}
			for _, d := range docs {
				o.Claims = append(o.Claims, d.Object)
			}
			return mirror.Run(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	cmd.Flags().StringVar(&profile, "profile", "", "instead of claims: all that this profile installs by itself (Minimal, Standard or Full)")
	cmd.Flags().BoolVar(&packages, "packages", false, "also the Crossplane packages of observe-k8s and those that they depend on")
	cmd.Flags().BoolVar(&o.NoImages, "no-images", false, "leave images alone, for example because nodes pull them through a proxy")
	cmd.Flags().StringVar(&o.From, "from", "", "take charts from an existing mirror: https://HOST[/PATH], or http:// for one without TLS")
	cmd.Flags().StringVar(&o.To, "to", "", "copy everything to this registry: https://HOST[/PATH], or http:// for one without TLS")
	return cmd
}
