package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of processor times in /proc: a hundredth of a second on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// CPU returns the processor time that a process and its children have used so far, those that have ended included. The
// children are looked for one level down, which is where PostgreSQL has its backends.
func CPU(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	own := stat(pid)
	total := own.user + own.system + own.childrenUser + own.childrenSystem
	for _, child := range children(pid) {
		its := stat(child)
		total += its.user + its.system
	}
	return total
}

// Self returns the processor time that this process has used so far.
func Self() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Resident returns the bytes of memory that a process holds now.
func Resident(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "VmRSS:")
	line, _, _ := strings.Cut(rest, "\n")
	kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), "kB")), 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

type times struct {
	parent                                     int
	user, system, childrenUser, childrenSystem time.Duration
}

// stat reads the fields after the program's name, which may itself contain spaces and brackets.
func stat(pid int) times {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return times{}
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 15 {
		return times{}
	}
	number := func(i int) int { n, _ := strconv.Atoi(fields[i]); return n }
	ticks := func(i int) time.Duration { return time.Duration(number(i)) * tick }
	return times{parent: number(1), user: ticks(11), system: ticks(12), childrenUser: ticks(13), childrenSystem: ticks(14)}
}

func children(pid int) []int {
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var pids []int
	for _, path := range found {
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && stat(child).parent == pid {
			pids = append(pids, child)
		}
	}
	return pids
}
