//go:build !linux

package torture_test

import "syscall"

// doomed does nothing where the system has no such thing; the cleanup of the test ends the program.
func doomed() *syscall.SysProcAttr { return nil }
