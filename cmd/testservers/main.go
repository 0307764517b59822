package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
)

func main() {
	// Linux ends the servers when the thread that started them ends, so that thread must be the one that stays.
	runtime.LockOSThread()
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "testservers:", err)
	}
	os.Exit(code)
}

// run starts what is missing, runs the command and stops what it started. It returns the exit code.
func run(args []string) (code int, err error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return 2, errors.New("usage: testservers -npm | -- command [argument...]")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	started := &servers.Servers{Logger: logger}
	if args[0] == "-npm" {
		if err := started.NPM(ctx); err != nil {
			return 1, err
		}
		return 0, nil
	}
	defer func() {
		if stopErr := started.Stop(); stopErr != nil {
			err = errors.Join(err, stopErr)
			code = max(code, 1)
		}
	}()

	environment := os.Environ()
	parent := servers.Memory()
	if parent != "" {
		files, err := os.MkdirTemp(parent, "testservers-files-")
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(files)) }()
		if err := os.Chmod(files, 0o711); err != nil { //nolint:gosec // servers that run as somebody else have their directories below it
			return 1, err
		}
		// What go test builds may be larger than what is tested.
		environment = append(environment, "GOTMPDIR="+cmp.Or(os.Getenv("GOTMPDIR"), os.TempDir()), "TMPDIR="+files)
	}
	for _, kind := range []struct {
		variable string
		start    func(context.Context) (string, error)
	}{
		{"TEST_DATABASE_URL", func(ctx context.Context) (string, error) {
			postgres, err := started.Postgres(ctx, servers.PostgresOptions{Parent: parent})
			return postgres.URL(), err
		}},
		{"TEST_REDIS_URL", func(ctx context.Context) (string, error) {
			redis, err := started.Redis(ctx)
			return redis.URL(), err
		}},
	} {
		if os.Getenv(kind.variable) != "" {
			continue
		}
		url, err := kind.start(ctx)
		if err != nil {
			return 1, err
		}
		environment = append(environment, kind.variable+"="+url)
	}
	return command(ctx, args, environment)
}

// command runs args to their end. A signal reaches it as SIGTERM, and as SIGKILL when it does not end within ten seconds.
func command(ctx context.Context, args, environment []string) (int, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // running it is the purpose
	cmd.Env = environment
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// A group of its own, so that the tests and what they started go together.
	cmd.SysProcAttr = servers.OwnGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		// ESRCH means that the group is gone, which is what is wanted.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return 130, errors.New("interrupted")
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}
