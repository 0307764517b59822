//go:build !linux

package main

import "syscall"

// dying keeps the terminal's Ctrl-C from a server; stop ends it.
func dying(account *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: account, Setpgid: true}
}

// ownGroup makes the command the head of a process group.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
