// SPDX-License-Identifier: Apache-2.0

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	pidSuffix = ".pid.json"
	// How long a process may take to end before it is killed.
	grace = 10 * time.Second
	// The same for one that was left behind: without what it talks to it would
	// not end in order anyway.
	reapGrace = 2 * time.Second
	poll      = 20 * time.Millisecond
)

// writePID records a process, so that whoever comes next can end it should the
// launcher die.
func writePID(dir, name string, id Identity) error {
	b, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("cannot encode process id: %w", err)
	}
	file := filepath.Join(dir, name+pidSuffix)
	if err := os.WriteFile(file+".tmp", b, 0o600); err != nil {
		return fmt.Errorf("cannot record process id: %w", err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return fmt.Errorf("cannot record process id: %w", err)
	}
	return nil
}

func removePID(dir, name string) error {
	err := os.Remove(filepath.Join(dir, name+pidSuffix))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot remove the process id: %w", err)
	}
	return nil
}

// Recorded returns the processes that are recorded in dir, by name, whether
// they still run or not.
func Recorded(dir string) (map[string]Identity, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list recorded processes: %w", err)
	}
	out := map[string]Identity{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), pidSuffix)
		if !ok {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("cannot read recorded process: %w", err)
		}
		var id Identity
		if err := json.Unmarshal(b, &id); err != nil {
			return nil, fmt.Errorf("cannot parse recorded process %s: %w", name, err)
		}
		out[name] = id
	}
	return out, nil
}

// Reap ends every process that an earlier launcher recorded in dir and left
// running, and returns their names. A process that merely has the id of a
// recorded one is left alone.
func Reap(dir string) ([]string, error) {
	recorded, err := Recorded(dir)
	if err != nil {
		return nil, err
	}
	var reaped []string
	for name, id := range recorded {
		if id.Alive() {
			_ = syscall.Kill(id.PID, syscall.SIGTERM)
			reaped = append(reaped, name)
		}
	}
	deadline := time.Now().Add(reapGrace)
	for name, id := range recorded {
		for id.Alive() {
			if time.Now().After(deadline) {
				_ = syscall.Kill(id.PID, syscall.SIGKILL)
			}
			time.Sleep(poll)
		}
		if err := removePID(dir, name); err != nil {
			return nil, fmt.Errorf("cannot forget process %s: %w", name, err)
		}
	}
	return reaped, nil
}
