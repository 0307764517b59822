package servers

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dying makes a server end with this process, whatever ends this process, and keeps the terminal's Ctrl-C from it.
func dying(account *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: account, Pdeathsig: syscall.SIGINT, Setpgid: true}
}

// OwnGroup makes the command the head of a process group that ends with this process.
func OwnGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// Memory returns a directory whose files are in memory, "" where there is none or where little room is left in it: databases that are made and dropped
// by the hundred are mostly small files, which a disk's file system takes fifteen times as long for. Tests run programs from there, too.
func Memory() string {
	const dir, room, spare = "/dev/shm", 6 << 30, 8 << 30
	const tmpfs, noExec = 0x01021994, 0x8
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Type != tmpfs || fs.Flags&noExec != 0 || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	text, _ := os.ReadFile("/proc/meminfo")
	_, after, _ := bytes.Cut(text, []byte("MemAvailable:"))
	fields := bytes.Fields(after)
	if len(fields) == 0 {
		return ""
	}
	if available, err := strconv.ParseUint(string(fields[0]), 10, 64); err != nil || available<<10 < spare {
		return ""
	}
	return dir
}

// children lists the processes that pid has started and that have not ended.
func children(pid int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if state, parent := stat(child); err == nil && parent == strconv.Itoa(pid) && state != "Z" {
			found = append(found, child)
		}
	}
	return found
}

// alive reports whether one of the processes has not ended. One that nobody has waited for is a name without a process.
func alive(pids []int) bool {
	for _, pid := range pids {
		if state, _ := stat(pid); state != "" && state != "Z" {
			return true
		}
	}
	return false
}

// stat returns the state of a process, a letter, and the number of its parent; "" when there is no such process.
func stat(pid int) (state, parent string) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", ""
	}
	// "12 (name, which may hold anything) S 3 ..."
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 2 {
		return "", ""
	}
	return fields[0], fields[1]
}
