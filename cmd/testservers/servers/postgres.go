package servers

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// PostgresOptions say what kind of server is wanted. The zero value is a fast one for tests that do not crash it.
type PostgresOptions struct {
	// Durable keeps what was acknowledged through a crash, as servers do unless told otherwise.
	Durable bool
	// Parent is the directory to put the server's files in, such as a small disk; "" = the system's for temporary files.
	Parent string
	// Settings are further ones, name=value.
	Settings []string
	// Environ are further variables of its environment, name=value.
	Environ []string
}

// Postgres is a running PostgreSQL server.
type Postgres struct {
	servers *Servers
	account *syscall.Credential
	program string
	dir     string
	port    string
	args    []string
	environ []string
	process *process
}

// URL is where it listens: its superuser, its first database, no password. It is "" for nil.
func (p *Postgres) URL() string {
	if p == nil {
		return ""
	}
	return "postgres://postgres@127.0.0.1:" + p.port + "/postgres?sslmode=disable"
}

// PID is the number of its first process, whose children are its sessions and helpers. It is 0 for nil.
func (p *Postgres) PID() int {
	if p == nil {
		return 0
	}
	return p.process.Pid
}

// Postgres initialises and starts a server on a free loopback port.
func (s *Servers) Postgres(ctx context.Context, options PostgresOptions) (*Postgres, error) {
	initdb, err := s.find(ctx, "initdb", postgresPackage())
	if err != nil {
		return nil, err
	}
	p := &Postgres{servers: s, environ: options.Environ}
	if p.program, err = s.find(ctx, "postgres", postgresPackage()); err != nil {
		return nil, err
	}
	if p.account, err = unprivileged(); err != nil {
		return nil, err
	}
	if p.dir, err = s.dir(options.Parent, "postgres", p.account); err != nil {
		return nil, err
	}
	data := filepath.Join(p.dir, "data")
	create := exec.CommandContext(ctx, initdb, "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
		"--locale=C", "--no-sync", "--no-instructions")
	create.Dir, create.SysProcAttr = p.dir, dying(p.account)
	create.Env = append(os.Environ(), "LC_ALL=C")
	if out, err := create.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	if p.port, err = freePort(ctx); err != nil {
		return nil, err
	}
	p.args = append([]string{"-D", data}, options.flags(p.port)...)
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

func (o PostgresOptions) flags(port string) []string {
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + port, "unix_socket_directories=", "max_connections=500",
		"shared_buffers=128MB", "max_wal_size=2GB", "autovacuum_naptime=10s", "deadlock_timeout=100ms", "timezone=UTC",
		"log_min_messages=fatal",
	}
	if !o.Durable {
		settings = append(settings, "fsync=off", "full_page_writes=off", "synchronous_commit=off")
	}
	var flags []string
	for _, setting := range append(settings, o.Settings...) {
		flags = append(flags, "-c", setting)
	}
	return flags
}

// Start starts the server on the files that it has, at the same address, and waits until it accepts sessions.
func (p *Postgres) Start(ctx context.Context) (err error) {
	if p.process, err = p.servers.start(p.account, p.dir, p.environ, p.program, p.args...); err != nil {
		return err
	}
	return p.process.await(ctx, "postgres", "127.0.0.1:"+p.port)
}

// Kill ends the server and all its sessions at once with SIGKILL, as a crash of the machine's processes does. Start brings
// it back.
func (p *Postgres) Kill() error {
	// Stopped first, it starts no further session while its sessions are listed. ESRCH means that one has ended by itself.
	_ = p.process.Signal(syscall.SIGSTOP)
	sessions := children(p.process.Pid)
	for _, session := range sessions {
		_ = syscall.Kill(session, syscall.SIGKILL)
	}
	err := p.process.Kill()
	<-p.process.ended
	// A session that is still ending would keep the next server from the files.
	for until := time.Now().Add(startLimit); alive(sessions) && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	return err
}

// Log returns what the server wrote since its first start.
func (p *Postgres) Log() string {
	text, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	return strings.TrimSpace(string(text))
}
