// SPDX-License-Identifier: Apache-2.0

// Package cputime says how long this process has computed: unlike a clock, that
// does not depend on what else the machine does.
package cputime

import (
	"syscall"
	"time"
)

// Used is the time that processors have spent on this process so far. It is 0
// where the system does not say.
func Used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
