package main

import (
	"bytes"
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

// servers are the processes and directories to end and remove.
type servers struct {
	logger  *slog.Logger
	started []*exec.Cmd
	dirs    []string
}

// startPostgres initialises and starts a server without durability, which tests do not need, and returns its url.
func (s *servers) startPostgres(ctx context.Context) (string, error) {
	initdb, err := s.find(ctx, "initdb", postgresPackage())
	if err != nil {
		return "", err
	}
	server, err := s.find(ctx, "postgres", postgresPackage())
	if err != nil {
		return "", err
	}
	account, err := unprivileged()
	if err != nil {
		return "", err
	}
	dir, err := s.dir("postgres", account)
	if err != nil {
		return "", err
	}
	data := filepath.Join(dir, "data")
	create := exec.CommandContext(ctx, initdb, "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
		"--locale=C", "--no-sync", "--no-instructions")
	create.Dir, create.SysProcAttr = dir, dying(account)
	create.Env = append(os.Environ(), "LC_ALL=C")
	if out, err := create.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + port, "unix_socket_directories=", "max_connections=500",
		"fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=128MB", "max_wal_size=2GB",
		"autovacuum_naptime=10s", "deadlock_timeout=100ms", "timezone=UTC", "log_min_messages=fatal",
	}
	args := []string{"-D", data}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	if err := s.start(account, dir, server, args...); err != nil {
		return "", err
	}
	address := "127.0.0.1:" + port
	return "postgres://postgres@" + address + "/postgres?sslmode=disable", s.await(ctx, "postgres", address)
}

// startRedis starts a server that keeps nothing and returns its url.
func (s *servers) startRedis(ctx context.Context) (string, error) {
	server, err := s.find(ctx, "redis-server", redisPackage())
	if err != nil {
		return "", err
	}
	account, err := unprivileged()
	if err != nil {
		return "", err
	}
	dir, err := s.dir("redis", account)
	if err != nil {
		return "", err
	}
	port, err := freePort(ctx)
	if err != nil {
		return "", err
	}
	if err := s.start(account, dir, server, "--save", "", "--appendonly", "no", "--port", port, "--bind", "127.0.0.1",
		"--dir", dir, "--loglevel", "warning"); err != nil {
		return "", err
	}
	address := "127.0.0.1:" + port
	return "redis://" + address + "/0", s.await(ctx, "redis-server", address)
}

// start runs a server that dies with this process.
func (s *servers) start(account *syscall.Credential, dir, name string, args ...string) error {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the server has its own descriptor
	cmd := exec.Command(name, args...) //nolint:noctx // it ends after the command does, in stop
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = dying(account)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", filepath.Base(name), err)
	}
	s.started = append(s.started, cmd)
	return nil
}

// await waits until address answers the way its server greets a ready client.
func (s *servers) await(ctx context.Context, name, address string) error {
	deadline := time.Now().Add(startLimit)
	for {
		if ready(ctx, name, address) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(s.dirs[len(s.dirs)-1], "log"))
			return fmt.Errorf("%s did not start in %s: %s", name, startLimit, log)
		}
		time.Sleep(20 * time.Millisecond)
	}
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

// stop ends the servers, the last started first, and removes their files.
func (s *servers) stop() error {
	var errs []error
	for _, cmd := range s.started {
		// SIGINT is PostgreSQL's fast shutdown and stops Redis as well.
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			errs = append(errs, err)
		}
		kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		// How a server that was told to end reports it is of no interest.
		_ = cmd.Wait()
		kill.Stop()
	}
	for _, dir := range s.dirs {
		if err := os.RemoveAll(dir); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *servers) dir(name string, account *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp("", "testservers-"+name+"-")
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
