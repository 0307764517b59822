package process

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
)

// LogFile is where a program's output goes: with the results in out when they are kept there, else into dir.
func LogFile(out, dir, name string) string {
	if out != "" && os.MkdirAll(out, 0o755) == nil { //nolint:gosec // nothing secret is in it
		return filepath.Join(out, name+".log")
	}
	return filepath.Join(dir, name+".log")
}

// Clear ends a measurement: it stops the programs, then closes the database, stops the servers that the programs needed, and removes the directory.
// What is zero there is none of.
func Clear[D interface {
	comparable
	Close() error
}](dir string, db D, servers *servers.Servers, programs ...*Process) error {
	for _, program := range programs {
		if program != nil {
			program.Stop()
		}
	}
	var errs []error
	var none D
	if db != none {
		errs = append(errs, db.Close())
	}
	errs = append(errs, servers.Stop())
	if dir != "" {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
