package ports

import (
	"net"
	"testing"
)

func TestFree(t *testing.T) {
	p := NewPool()
	seen := map[int]bool{}
	for range 50 {
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
