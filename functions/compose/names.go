// SPDX-License-Identifier: Apache-2.0

package compose

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Lengths of names.
const (
	// MaxName is the longest DNS label, and so the longest name that is safe as
	// a label value too.
	MaxName = 63
	// MaxReleaseName is the longest name of a Helm release.
	MaxReleaseName = 53

	hashLength = 8
)

// Name makes the name of an object that stands for parts of an owner: readable,
// followed by a short hash of namespace and parts, so that it is unique over
// namespaces too and a DNS label, whatever the owner is called.
func Name(namespace string, parts ...string) string {
	return NameMax(MaxName, namespace, parts...)
}

// NameMax is Name for things whose names must be shorter.
func NameMax(limit int, namespace string, parts ...string) string {
	// A byte that no name can contain keeps a-b,c and a,b-c apart.
	sum := sha256.Sum256([]byte(namespace + "\x00" + strings.Join(parts, "\x00")))
	readable := make([]string, len(parts))
	for i, p := range parts {
		readable[i] = withoutHash(p)
	}
	// A composite's name may have dots, a name that refers to it may not.
	prefix := strings.ReplaceAll(strings.Join(readable, "-"), ".", "-")
	if most := limit - hashLength - 1; len(prefix) > most {
		prefix = strings.TrimRight(prefix[:most], "-")
	}
	return prefix + "-" + hex.EncodeToString(sum[:])[:hashLength]
}

// withoutHash drops the hash of a name that Name made, which would only make a
// name made of it harder to read.
func withoutHash(name string) string {
	i := len(name) - hashLength - 1
	if i <= 0 || name[i] != '-' || strings.Trim(name[i+1:], "0123456789abcdef") != "" {
		return name
	}
	return name[:i]
}
