// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// An Identity tells a process from another one that was given the same id
// later.
type Identity struct {
	PID int `json:"pid"`
	// Started is when the process started, in whatever form the platform says
	// it; equal if and only if the process is the same.
	Started string `json:"started"`
	// Command line of the process, or the part of it that tells it from
	// another program.
	Command string `json:"command"`
}

// Identify the process with the given id. It returns false if there is none.
func Identify(pid int) (Identity, bool) {
	if id, ok := identifyProc(pid); ok {
		return id, true
	}
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		return Identity{}, false
	}
	return identifyPS(pid)
}

// Alive returns true if this very process still runs.
func (i Identity) Alive() bool {
	now, ok := Identify(i.PID)
	return ok && now.Started == i.Started && strings.Contains(now.Command, i.Command)
}

// identifyProc asks the proc filesystem, where there is one.
func identifyProc(pid int) (Identity, bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return Identity{}, false
	}
	// The second field is a name in parentheses that may contain anything.
	_, rest, ok := strings.Cut(string(stat[max(0, bytes.LastIndexByte(stat, ')')):]), " ")
	if !ok {
		return Identity{}, false
	}
	fields := strings.Fields(rest)
	const state, starttime = 0, 19
	if len(fields) <= starttime || fields[state] == "Z" {
		return Identity{}, false
	}
	cmd, err := os.ReadFile(dir + "/cmdline")
	if err != nil {
		return Identity{}, false
	}
	return Identity{
		PID:     pid,
		Started: fields[starttime],
		Command: strings.TrimSpace(strings.ReplaceAll(string(cmd), "\x00", " ")),
	}, true
}

// identifyPS asks ps, which every Unix has.
func identifyPS(pid int) (Identity, bool) {
	get := func(column string) (string, error) {
		cmd := exec.Command("ps", "-ww", "-o", column+"=", "-p", strconv.Itoa(pid)) //nolint:noctx // It takes milliseconds.
		cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("cannot run ps: %w", err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	state, err := get("state")
	if err != nil || state == "" || strings.HasPrefix(state, "Z") {
		return Identity{}, false
	}
	started, err := get("lstart")
	if err != nil {
		return Identity{}, false
	}
	command, err := get("command")
	if err != nil {
		return Identity{}, false
	}
	return Identity{PID: pid, Started: started, Command: command}, true
}
