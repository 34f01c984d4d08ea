// SPDX-License-Identifier: Apache-2.0

// Command runcw stands before runc where this machine lacks capabilities that
// container engines take for granted. It takes out of a container's
// configuration what this process does not hold, and becomes runc. Where nothing
// is lacking it changes nothing.
package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// realRunc is where Debian has it.
const realRunc = "/usr/sbin/runc"

func main() {
	file, container := target(os.Args[1:])
	if file != "" {
		rewrite(file, container)
	}
	//nolint:gosec // It stands in for runc, and is called as runc is.
	_ = syscall.Exec(realRunc, append([]string{realRunc}, os.Args[1:]...), os.Environ())
	os.Exit(127)
}

// target is the file that the command of runc reads, if any: the configuration
// of a container, or that of one process.
func target(args []string) (file string, container bool) {
	command := ""
	flags := map[string]string{}
	for i, a := range args {
		if command == "" && slices.Contains([]string{"create", "run", "restore", "exec"}, a) {
			command = a
		}
		name, value, inline := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if !strings.HasPrefix(a, "-") {
			continue
		}
		if !inline && i+1 < len(args) {
			value = args[i+1]
		}
		flags[name] = value
	}
	first := func(names ...string) string {
		for _, n := range names {
			if flags[n] != "" {
				return flags[n]
			}
		}
		return ""
	}
	if command == "exec" {
		return first("process", "p"), false
	}
	if bundle := first("bundle", "b"); command != "" && bundle != "" {
		return filepath.Join(bundle, "config.json"), true
	}
	return "", false
}

// rewrite a configuration. What cannot be read is runc's to complain about.
func rewrite(file string, container bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	config := map[string]any{}
	if d.Decode(&config) != nil {
		return
	}
	process := config
	if container {
		process, _ = config["process"].(map[string]any)
	}
	if process == nil {
		return
	}
	fit(process, held())
	if out, err := json.Marshal(config); err == nil {
		_ = os.WriteFile(file, out, 0o600)
	}
}

// fit a process into the capabilities that are held.
func fit(process map[string]any, held map[string]bool) {
	sets, _ := process["capabilities"].(map[string]any)
	for name, set := range sets {
		list, ok := set.([]any)
		if !ok {
			continue
		}
		sets[name] = slices.DeleteFunc(list, func(c any) bool {
			s, ok := c.(string)
			return !ok || !held[s]
		})
	}
	if held["CAP_SYS_RESOURCE"] {
		return
	}
	if score, ok := process["oomScoreAdj"].(json.Number); ok && strings.HasPrefix(score.String(), "-") {
		delete(process, "oomScoreAdj")
	}
	limits, _ := process["rlimits"].([]any)
	for _, l := range limits {
		if limit, ok := l.(map[string]any); ok && limit["type"] == "RLIMIT_NOFILE" {
			lower(limit)
		}
	}
}

// lower a limit of open files to the one of this process.
func lower(limit map[string]any) {
	own := syscall.Rlimit{}
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &own) != nil {
		return
	}
	for _, which := range []string{"hard", "soft"} {
		n, ok := limit[which].(json.Number)
		if !ok {
			continue
		}
		if v, err := strconv.ParseUint(n.String(), 10, 64); err == nil && v > own.Max {
			limit[which] = json.Number(strconv.FormatUint(own.Max, 10))
		}
	}
}

// held are the capabilities in the bounding set of this process.
func held() map[string]bool {
	names := strings.Fields("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE")
	out := map[string]bool{}
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return out
	}
	for line := range strings.Lines(string(b)) {
		bits, found := strings.CutPrefix(line, "CapBnd:")
		if !found {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(bits), 16, 64)
		if err != nil {
			continue
		}
		for i, name := range names {
			if n&(1<<uint(i)) != 0 {
				out["CAP_"+name] = true
			}
		}
	}
	return out
}
