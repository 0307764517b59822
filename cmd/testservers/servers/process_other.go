//go:build !linux

package servers

import "syscall"

// dying keeps the terminal's Ctrl-C from a server; stop ends it.
func dying(account *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: account, Setpgid: true}
}

// OwnGroup makes the command the head of a process group.
func OwnGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// Memory knows of no directory in memory.
func Memory() string { return "" }

// children lists nothing: where /proc is missing, the sessions notice by themselves that their parent has ended.
func children(int) []int { return nil }

// alive knows of none.
func alive([]int) bool { return false }
