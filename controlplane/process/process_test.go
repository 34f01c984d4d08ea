// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestIdentify(t *testing.T) {
	t.Run("Self", func(t *testing.T) {
		got, ok := Identify(os.Getpid())
		if !ok {
			t.Fatal("Identify(self): not found")
		}
		if !strings.Contains(got.Command, filepath.Base(os.Args[0])) {
			t.Errorf("Identify(self): command %q does not name the binary", got.Command)
		}
		if !got.Alive() {
			t.Error("Alive(self): got false")
		}
	})
	t.Run("OtherStart", func(t *testing.T) {
		id, _ := Identify(os.Getpid())
		id.Started += "0"
		if id.Alive() {
			t.Error("Alive: got true for a process that started at another time")
		}
	})
	t.Run("None", func(t *testing.T) {
		if id, ok := Identify(1 << 30); ok {
			t.Errorf("Identify(none): got %+v", id)
		}
	})
}

func TestIdentifyPS(t *testing.T) {
	if _, err := exec.LookPath("ps"); err != nil {
		t.Fatal(err)
	}
	a, ok := identifyPS(os.Getpid())
	if !ok {
		t.Fatal("identifyPS(self): not found")
	}
	b, _ := identifyPS(os.Getpid())
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("identifyPS is not stable: -first, +second:\n%s", diff)
	}
	if _, ok := identifyPS(1 << 30); ok {
		t.Error("identifyPS(none): found")
	}
}

func TestReap(t *testing.T) {
	s := supervisor(t)
	for _, name := range []string{"left", "reused"} {
		if err := s.Start(sleep(name)); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := Recorded(s.PIDs())
	if err != nil {
		t.Fatal(err)
	}
	left, reused := recorded["left"], recorded["reused"]
	// As if the id had been given to another process since.
	stale := reused
	stale.Started += "0"
	if err := writePID(s.PIDs(), "reused", stale); err != nil {
		t.Fatal(err)
	}

	got, err := Reap(s.PIDs())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"left"}, got); diff != "" {
		t.Errorf("Reap: -want, +got:\n%s", diff)
	}
	if left.Alive() {
		t.Error("Reap: the process that was left still runs")
	}
	if !reused.Alive() {
		t.Error("Reap: ended a process that was not ours")
	}
	if rest, _ := Recorded(s.PIDs()); len(rest) > 0 {
		t.Errorf("Reap: still recorded: %v", rest)
	}
}

func TestSupervisor(t *testing.T) {
	s := supervisor(t)

	if err := s.Start(sleep("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(sleep("a")); err == nil {
		t.Error("Start: started a process twice")
	}
	first, _ := s.PID("a")
	if err := s.Restart("a"); err != nil {
		t.Fatal(err)
	}
	second, ok := s.PID("a")
	if !ok || first == second {
		t.Errorf("Restart: process %d became %d", first, second)
	}
	if err := s.Kill("a"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(0, len(s.Running())); diff != "" {
		t.Errorf("Running after Kill: -want, +got:\n%s", diff)
	}
	select {
	case exit := <-s.Exits():
		t.Errorf("Exits: announced an end that was asked for: %v", exit)
	default:
	}
	if err := s.Stop("unknown"); err == nil {
		t.Error("Stop: no error for an unknown process")
	}
}

func TestRestartExtra(t *testing.T) {
	s := supervisor(t)
	out := filepath.Join(t.TempDir(), "args")
	if err := s.Start(Spec{Name: "a", Path: "/bin/sh", Args: []string{"-c", `echo "$@" >>"$0"; sleep 60`, out, "own"}}); err != nil {
		t.Fatal(err)
	}
	// said waits for the process to have said so many lines.
	said := func(lines int) string {
		for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(10 * time.Millisecond) {
			if b, _ := os.ReadFile(out); strings.Count(string(b), "\n") == lines {
				return string(b)
			}
		}
		t.Fatalf("not %d lines after a minute", lines)
		return ""
	}
	said(1)
	if err := s.Restart("a", "extra"); err != nil {
		t.Fatal(err)
	}
	said(2)
	if err := s.Restart("a"); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{"own", "own extra", "own", ""}, "\n")
	if diff := cmp.Diff(want, said(3)); diff != "" {
		t.Errorf("extra arguments are for one start only: -want, +got:\n%s", diff)
	}
}

func TestSupervisorAnnouncesExit(t *testing.T) {
	s := supervisor(t)
	if err := s.Start(Spec{Name: "fails", Path: "/bin/sh", Args: []string{"-c", "echo what went wrong; exit 3"}}); err != nil {
		t.Fatal(err)
	}
	select {
	case exit := <-s.Exits():
		if !strings.Contains(exit.Error(), "what went wrong") {
			t.Errorf("Exit: want the end of the log, got: %v", exit)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Exits: nothing announced")
	}
}

func TestSupervisorRun(t *testing.T) {
	s := supervisor(t)
	cases := map[string]struct {
		reason string
		script string
		want   bool
	}{
		"Success": {reason: "A process that ends well is no error.", script: "exit 0", want: false},
		"Failure": {reason: "A process that ends badly is one.", script: "exit 1", want: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := s.Run(context.Background(), Spec{Name: name, Path: "/bin/sh", Args: []string{"-c", tc.script}})
			var exit *ExitError
			if got := errors.As(err, &exit); got != tc.want {
				t.Errorf("\n%s\nRun: got error %v", tc.reason, err)
			}
		})
	}
}

func supervisor(t *testing.T) *Supervisor {
	t.Helper()
	s, err := NewSupervisor(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.StopAll() })
	return s
}

func sleep(name string) Spec { return Spec{Name: name, Path: "/bin/sleep", Args: []string{"60"}} }
