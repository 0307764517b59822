package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// software is one thing to install: its name for each package manager.
type software map[string]string

func postgresPackage() software {
	return software{"apt-get": "postgresql", "dnf": "postgresql-server", "apk": "postgresql", "brew": "postgresql@17"}
}

func redisPackage() software {
	return software{"apt-get": "redis-server", "dnf": "redis", "apk": "redis", "brew": "redis"}
}

func npmPackage() software {
	return software{"apt-get": "npm", "dnf": "npm", "apk": "npm", "brew": "node"}
}

// manager says how a package manager installs without asking.
type manager struct {
	name    string
	refresh []string
	install []string
	root    bool
}

func managers() []manager {
	return []manager{
		{"apt-get", []string{"update", "-q"}, []string{"install", "-yq", "--no-install-recommends"}, true},
		{"dnf", nil, []string{"install", "-yq"}, true},
		{"apk", nil, []string{"add", "--no-cache"}, true},
		{"brew", nil, []string{"install", "-q"}, false},
	}
}

// NPM installs npm when it is missing.
func (s *Servers) NPM(ctx context.Context) error {
	_, err := s.find(ctx, "npm", npmPackage())
	return err
}

// find returns the path of a program, installing its software once when there is none.
func (s *Servers) find(ctx context.Context, program string, from software) (string, error) {
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
func (s *Servers) install(ctx context.Context, from software) (string, error) {
	for _, manager := range managers() {
		path, err := exec.LookPath(manager.name)
		if err != nil {
			continue
		}
		s.logger().Warn("installing", "package", from[manager.name], "with", manager.name)
		return from[manager.name], manager.run(ctx, path, from[manager.name])
	}
	return from["apt-get"], errors.New("no package manager found")
}

// run installs the package name with the manager at path.
func (m manager) run(ctx context.Context, path, name string) error {
	if m.root && os.Geteuid() != 0 {
		return fmt.Errorf("%s needs root", m.name)
	}
	if m.name == "apt-get" {
		restore, err := forbidDaemons()
		if err != nil {
			return err
		}
		defer restore()
	}
	if m.refresh != nil {
		if err := quietly(ctx, path, m.refresh...); err != nil {
			return err
		}
	}
	return quietly(ctx, path, append(slices.Clone(m.install), name)...)
}

// forbidDaemons keeps Debian's packages from starting a server when they are installed.
func forbidDaemons() (restore func(), err error) {
	const policy = "/usr/sbin/policy-rc.d"
	if _, err := os.Stat(policy); err == nil {
		return func() {}, nil // somebody decided already
	}
	//nolint:gosec // it is run by whoever installs
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
