// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxName is how long the name of a cluster may be. k3d allows 32 characters
// (client.CheckName of k3d v5.9.0).
const maxName = 32

// ClusterName of a managed resource on the container engine, which knows no
// namespaces: a readable part and a hash.
func ClusterName(namespace, name string) string {
	sum := sha256.Sum256([]byte(namespace + "/" + name))
	hash := hex.EncodeToString(sum[:])[:8]
	readable := strings.ReplaceAll(name, ".", "-")
	if len(readable) > maxName-1-len(hash) {
		readable = readable[:maxName-1-len(hash)]
	}
	return strings.Trim(readable, "-") + "-" + hash
}

// validName is what both tools and DNS accept.
var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// checkName refuses a name that somebody else gave and that no cluster can have.
func checkName(name string) error {
	if len(name) > maxName || !validName.MatchString(name) {
		return errors.Errorf("the external name %q is no name of a cluster: at most %d lower case letters, digits and dashes", name, maxName)
	}
	return nil
}

// nameInitializer gives a managed resource its external name. The same resource
// always gets the same one.
func nameInitializer(kube client.Client) managed.Initializer {
	return managed.InitializerFn(func(ctx context.Context, mg resource.Managed) error {
		if meta.GetExternalName(mg) != "" {
			return nil
		}
		meta.SetExternalName(mg, ClusterName(mg.GetNamespace(), mg.GetName()))
		return errors.Wrap(kube.Update(ctx, mg), "cannot save the external name")
	})
}
