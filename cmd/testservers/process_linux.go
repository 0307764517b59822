package main

import "syscall"

// dying makes a server end with this process, whatever ends this process, and keeps the terminal's Ctrl-C from it.
func dying(account *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: account, Pdeathsig: syscall.SIGINT, Setpgid: true}
}

// ownGroup makes the command the head of a process group that ends with this process.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
