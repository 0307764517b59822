// Package process builds and starts the programs that a benchmark measures, and reads how much processor time and memory they
// take. Reading needs /proc; where there is none the figures are zero.
package process

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
)

// Build compiles a package of this module into dir and returns the path of the program.
func Build(ctx context.Context, dir, pkg string) (string, error) {
	path := filepath.Join(dir, filepath.Base(pkg))
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, pkg).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, bytes.TrimSpace(out))
	}
	return path, nil
}

// Process is a started program.
type Process struct {
	cmd *exec.Cmd
	log string
}

// Start starts a program whose output goes to the file log, and waits until url answers 200.
func Start(ctx context.Context, log, url, path string, args ...string) (*Process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the program has its own descriptor
	cmd := exec.Command(path, args...) //nolint:noctx // it ends in Stop
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = out, out, servers.OwnGroup()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, log: log}
	if err := p.await(ctx, url); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

func (p *Process) await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		ask, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(ask)
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			said, _ := os.ReadFile(p.log)
			return fmt.Errorf("%s does not get ready: %s", filepath.Base(p.cmd.Path), said)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop asks the program to end, and ends it when it does not within ten seconds.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Wait() // how it reports its end is of no interest
}

// FreeAddress asks the system for a loopback address nobody listens on.
func FreeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
