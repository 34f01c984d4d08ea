// SPDX-License-Identifier: Apache-2.0

package ports

import (
	"net"
	"testing"
)

// TestFree takes ports from two pools, as two control planes do.
func TestFree(t *testing.T) {
	a, b := NewPool(), NewPool()
	defer a.Close()
	defer b.Close()
	seen := map[int]bool{}
	for i := range 3 * block {
		p := a
		if i%2 == 1 {
			p = b
		}
		port, err := p.Free()
		if err != nil {
			t.Fatal(err)
		}
		if port < lowest || port >= highest {
			t.Errorf("Free: %d is outside of [%d, %d)", port, lowest, highest)
		}
		if seen[port] {
			t.Errorf("Free: handed out %d twice", port)
		}
		seen[port] = true
		l, err := net.Listen("tcp", Addr(port))
		if err != nil {
			t.Errorf("Free: %d is not free: %v", port, err)
			continue
		}
		_ = l.Close()
	}
}
