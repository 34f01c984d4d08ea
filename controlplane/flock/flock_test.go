// SPDX-License-Identifier: Apache-2.0

package flock

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestTryLock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "folder", "lock")
	unlock, err := TryLock(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(file); !errors.Is(err, ErrHeld) {
		t.Errorf("TryLock while held: want %v, got %v", ErrHeld, err)
	}
	unlock()
	unlock, err = TryLock(file)
	if err != nil {
		t.Errorf("TryLock after it was released: %v", err)
	}
	unlock()
}
