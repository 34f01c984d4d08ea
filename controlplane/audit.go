// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
)

// auditPolicy notes what Crossplane and its RBAC manager ask the API server for,
// with who let them, and not what they send or get: that may be secret.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts:` + crossplaneNamespace + `"]
- level: None
`

// AuditLog returns the path of the log of requests to the management API server,
// a JSON object a line; empty without Options.Audit.
func (cp *ControlPlane) AuditLog() string {
	if !cp.opts.Audit {
		return ""
	}
	return filepath.Join(cp.dir, "logs", "audit.log")
}

// auditArgs are the arguments with which the management API server writes that
// log.
func (cp *ControlPlane) auditArgs() ([]string, error) {
	if !cp.opts.Audit {
		return nil, nil
	}
	policy := filepath.Join(cp.dir, "audit.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o644); err != nil {
		return nil, fmt.Errorf("cannot write the audit policy: %w", err)
	}
	return []string{"--audit-policy-file=" + policy, "--audit-log-path=" + cp.AuditLog(), "--audit-log-maxsize=2000"}, nil
}
