// SPDX-License-Identifier: Apache-2.0

// Package ci gives a job of a CI system an environment: a claim that becomes a
// platform, and is taken down again when the job ends.
package ci

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// state is what one step of a job has to know of the one before.
type state struct {
	// Claim as it was applied.
	Claim map[string]any `json:"claim"`
	// Kubeconfig of the management cluster.
	Kubeconfig string `json:"kubeconfig"`
	// Made says that the management cluster was made for this job.
	Made bool `json:"made"`
	// Started is when the job's environment was begun.
	Started time.Time `json:"started"`
	// TraceID and SpanID of the whole.
	TraceID string `json:"traceID"`
	SpanID  string `json:"spanID"`
	// Failed says that a task failed.
	Failed bool `json:"failed"`
}

func stateFile(dir string) string { return filepath.Join(dir, "state.json") }

// begin saves the state of a new environment, unless there is one already.
func (s *state) begin(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return errors.Wrap(err, "cannot make the folder")
	}
	if _, err := os.Stat(stateFile(dir)); err == nil {
		return errors.Errorf("%s has an environment already: take it down first, or name another folder", dir)
	}
	return s.save(dir)
}

func (s *state) save(dir string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return errors.Wrap(err, "cannot write the state")
	}
	return errors.Wrap(os.WriteFile(stateFile(dir), b, 0o600), "cannot write the state")
}

// load reads the state; nil when there is none.
func load(dir string) (*state, error) {
	b, err := os.ReadFile(stateFile(dir))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the state")
	}
	s := &state{}
	return s, errors.Wrap(json.Unmarshal(b, s), "cannot read the state")
}
