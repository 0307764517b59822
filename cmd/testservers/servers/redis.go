package servers

import (
	"context"
	"syscall"
)

// Redis is a running Redis server.
type Redis struct {
	servers *Servers
	account *syscall.Credential
	program string
	dir     string
	port    string
	process *process
}

// URL is where it listens. It is "" for nil.
func (r *Redis) URL() string {
	if r == nil {
		return ""
	}
	return "redis://127.0.0.1:" + r.port + "/0"
}

// Redis starts a server that keeps nothing on a free loopback port.
func (s *Servers) Redis(ctx context.Context) (*Redis, error) {
	program, err := s.find(ctx, "redis-server", redisPackage())
	if err != nil {
		return nil, err
	}
	r := &Redis{servers: s, program: program}
	if r.account, err = unprivileged(); err != nil {
		return nil, err
	}
	if r.dir, err = s.dir("", "redis", r.account); err != nil {
		return nil, err
	}
	if r.port, err = freePort(ctx); err != nil {
		return nil, err
	}
	if err := r.Start(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// Start starts the server, empty, at the same address, and waits until it answers.
func (r *Redis) Start(ctx context.Context) (err error) {
	r.process, err = r.servers.start(r.account, r.dir, nil, r.program, "--save", "", "--appendonly", "no", "--port", r.port,
		"--bind", "127.0.0.1", "--dir", r.dir, "--loglevel", "warning")
	if err != nil {
		return err
	}
	return r.process.await(ctx, "redis-server", "127.0.0.1:"+r.port)
}

// Kill ends the server at once. Start brings it back.
func (r *Redis) Kill() error {
	err := r.process.Kill()
	<-r.process.ended
	return err
}

// Freeze makes the server silent: its connections stay, and nothing answers until Thaw.
func (r *Redis) Freeze() error { return r.process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on, with what has been sent to it meanwhile.
func (r *Redis) Thaw() error { return r.process.Signal(syscall.SIGCONT) }
