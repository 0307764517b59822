package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// startLimit is how long a server may take until it accepts connections.
const startLimit = 60 * time.Second

// Servers are the processes and directories to end and remove. The zero value starts nothing yet; Stop ends everything.
// It is not safe for concurrent use.
type Servers struct {
	Logger  *slog.Logger // told of what is installed; nil = slog.Default()
	started []*process
	dirs    []string
}

func (s *Servers) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.Default()
	}
	return s.Logger
}

// process is a server that was started.
type process struct {
	*os.Process
	dir   string        // where its log is
	ended chan struct{} // closed when it has
}

// start runs a server that dies with this process.
func (s *Servers) start(account *syscall.Credential, dir string, environ []string, name string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the server has its own descriptor
	cmd := exec.Command(name, args...) //nolint:noctx // it ends after the command does, in stop
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(), environ...)
	cmd.SysProcAttr = dying(account)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	started := &process{Process: cmd.Process, dir: dir, ended: make(chan struct{})}
	go func() {
		// How a server that was told to end reports it is of no interest.
		_ = cmd.Wait()
		close(started.ended)
	}()
	s.started = append(s.started, started)
	return started, nil
}

// await waits until address answers the way its server greets a ready client.
func (p *process) await(ctx context.Context, name, address string) error {
	deadline := time.Now().Add(startLimit)
	for !ready(ctx, name, address) {
		ended := false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			ended = true
		case <-time.After(20 * time.Millisecond):
		}
		if ended || time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
			return fmt.Errorf("%s did not start, or not within %s: %s", name, startLimit, log)
		}
	}
	return nil
}

// ready asks in the server's own words: PostgreSQL accepts connections some time before it accepts sessions.
func ready(ctx context.Context, name, address string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	question, answer := []byte("PING\r\n"), byte('+')
	if name == "postgres" {
		body := []byte("\x00\x03\x00\x00user\x00postgres\x00database\x00postgres\x00\x00")
		question, answer = append([]byte{0, 0, 0, byte(len(body) + 4)}, body...), 'R'
	}
	if _, err := conn.Write(question); err != nil {
		return false
	}
	reply := make([]byte, 1)
	_, err = conn.Read(reply)
	return err == nil && reply[0] == answer
}

// Stop ends the servers and removes their files.
func (s *Servers) Stop() error {
	var errs []error
	for _, server := range s.started {
		// SIGINT is PostgreSQL's fast shutdown and stops Redis as well. What has been killed before is done.
		if err := server.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
		select {
		case <-server.ended:
		case <-time.After(10 * time.Second):
			errs = append(errs, server.Kill())
			<-server.ended
		}
	}
	for _, dir := range s.dirs {
		if err := os.RemoveAll(dir); err != nil {
			errs = append(errs, err)
		}
	}
	s.started, s.dirs = nil, nil
	return errors.Join(errs...)
}

// dir makes a directory below parent that goes at the end; parent "" is the system's for temporary files.
func (s *Servers) dir(parent, name string, account *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp(parent, "testservers-"+name+"-")
	if err != nil {
		return "", err
	}
	s.dirs = append(s.dirs, dir)
	if account == nil {
		return dir, nil
	}
	return dir, os.Chown(dir, int(account.Uid), int(account.Gid))
}

// unprivileged returns whom to run servers as when this process is root, which PostgreSQL refuses; nil means ourselves.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("running as root needs a user named postgres or nobody to run the servers as")
}

// freePort asks the system for a port. Another process could take it before the server does; then the server says so.
func freePort(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}
