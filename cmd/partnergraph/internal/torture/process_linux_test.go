package torture_test

import "syscall"

// doomed makes a program end with the test, whatever ends the test.
func doomed() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
