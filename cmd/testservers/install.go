package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// software is one thing to install: its name for each package manager.
type software map[string]string

//nolint:gochecknoglobals // constant tables
var (
	postgresPackage = software{"apt-get": "postgresql", "dnf": "postgresql-server", "apk": "postgresql", "brew": "postgresql@17"}
	redisPackage    = software{"apt-get": "redis-server", "dnf": "redis", "apk": "redis", "brew": "redis"}
)

// managers says how each package manager installs without asking.
//
//nolint:gochecknoglobals // a constant table
var managers = []struct {
	name    string
	refresh []string
	install []string
	root    bool
}{
	{"apt-get", []string{"update", "-q"}, []string{"install", "-yq", "--no-install-recommends"}, true},
	{"dnf", nil, []string{"install", "-yq"}, true},
	{"apk", nil, []string{"add", "--no-cache"}, true},
	{"brew", nil, []string{"install", "-q"}, false},
}

// find returns the path of a program, installing its software once when there is none.
func (s *servers) find(ctx context.Context, program string, from software) (string, error) {
	if path, ok := locate(program); ok {
		return path, nil
	}
	name, err := s.install(ctx, from)
	if err != nil {
		return "", fmt.Errorf("%s is missing: install %q, or set the url of a running server (%w)", program, name, err)
	}
	if path, ok := locate(program); ok {
		return path, nil
	}
	return "", fmt.Errorf("%s is missing even with %q installed; add its directory to PATH", program, name)
}

// locate looks in PATH and where distributions hide the server programs of PostgreSQL, newest version first.
func locate(program string) (string, bool) {
	if path, err := exec.LookPath(program); err == nil {
		return path, true
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin/", "/usr/lib/postgresql*/bin/", "/usr/pgsql-*/bin/", "/usr/libexec/postgresql*/",
		"/opt/homebrew/opt/postgresql@*/bin/", "/usr/local/opt/postgresql@*/bin/",
	} {
		found, err := filepath.Glob(pattern + program)
		if err == nil && len(found) > 0 {
			return slices.Max(found), true
		}
	}
	return "", false
}

// install installs the software with the first package manager there is and returns its name there.
func (s *servers) install(ctx context.Context, from software) (string, error) {
	for _, manager := range managers {
		path, err := exec.LookPath(manager.name)
		if err != nil {
			continue
		}
		name := from[manager.name]
		if manager.root && os.Geteuid() != 0 {
			return name, fmt.Errorf("%s needs root", manager.name)
		}
		if manager.name == "apt-get" {
			restore, err := forbidDaemons()
			if err != nil {
				return name, err
			}
			defer restore()
		}
		s.logger.Warn("installing", "package", name, "with", manager.name)
		if manager.refresh != nil {
			if err := quietly(ctx, path, manager.refresh...); err != nil {
				return name, err
			}
		}
		return name, quietly(ctx, path, append(slices.Clone(manager.install), name)...)
	}
	return from["apt-get"], fmt.Errorf("no package manager found")
}

// forbidDaemons keeps Debian's packages from starting a server when they are installed.
func forbidDaemons() (restore func(), err error) {
	const policy = "/usr/sbin/policy-rc.d"
	if _, err := os.Stat(policy); err == nil {
		return func() {}, nil // somebody decided already
	}
	if err := os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil {
		return nil, err
	}
	return func() { _ = os.Remove(policy) }, nil
}

func quietly(ctx context.Context, path string, args ...string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(path), err, out[max(0, len(out)-400):])
	}
	return nil
}
