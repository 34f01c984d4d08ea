// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errBoom = errors.New("boom")

// runner in a bubble of synthetic time.
func runner(t *testing.T) *Runner {
	t.Helper()
	return NewRunner(t.Context())
}

func TestOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runner(t)
		runs := 0
		work := func(ctx context.Context, step func(string)) error {
			runs++
			step("half way")
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Minute):
				return nil
			}
		}
		r.Start("a", "create", work)
		r.Start("a", "create", work)
		synctest.Wait()
		if s, ok := r.State("a"); !ok || !s.Running || s.Step != "half way" || s.Kind != "create" {
			t.Errorf("while it runs: got %+v, %v", s, ok)
		}
		if _, ok := r.State("b"); ok {
			t.Error("another key has a state")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if s, ok := r.State("a"); ok {
			t.Errorf("after success: got %+v", s)
		}
		if runs != 1 {
			t.Errorf("ran %d times, not once", runs)
		}
	})
}

// TestPauses shows that what fails is tried again, later each time.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runner(t)
		runs := 0
		work := func(context.Context, func(string)) error { runs++; return errBoom }
		for i, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 2 * time.Minute, 2 * time.Minute} {
			r.Start("a", "create", work)
			synctest.Wait()
			time.Sleep(want - time.Millisecond)
			r.Start("a", "create", work)
			synctest.Wait()
			s, ok := r.State("a")
			if runs != i+1 || !ok || !s.Pausing || !errors.Is(s.Err, errBoom) {
				t.Fatalf("after failure %d: ran %d times, state %+v", i+1, runs, s)
			}
			time.Sleep(time.Millisecond)
			if s, _ := r.State("a"); s.Pausing {
				t.Fatalf("still pausing %s after failure %d", want, i+1)
			}
		}
	})
}

// TestAnother shows that a job of another kind ends the one that runs, and waits
// for its end.
func TestAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runner(t)
		var order []string
		r.Start("a", "create", func(ctx context.Context, _ func(string)) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			order = append(order, "created no more")
			return ctx.Err()
		})
		r.Start("a", "delete", func(context.Context, func(string)) error {
			order = append(order, "deleted")
			return nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(order) != 2 || order[0] != "created no more" {
			t.Errorf("order: %v", order)
		}
		if s, ok := r.State("a"); ok {
			t.Errorf("a state is left: %+v", s)
		}
	})
}
