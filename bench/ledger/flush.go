package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
)

// flushSlowly is the flush time of the slow model: that of an honest disk in a cloud.
const flushSlowly = time.Millisecond

//go:embed slowflush/slowflush.c
var slowFlush []byte

// server says how PostgreSQL is to be started for a model of the disk's flush time, and describes the model for people.
func server(ctx context.Context, log *slog.Logger, dir, flush string) (wanted servers.PostgresOptions, model string) {
	wanted = servers.PostgresOptions{Durable: true, Settings: []string{
		"shared_buffers=512MB", "max_wal_size=8GB", "min_wal_size=2GB", "checkpoint_timeout=30min", "autovacuum_naptime=1min", // which is the default; tests have less
	}}
	if flush == flushDisk {
		return wanted, "the disk as it is"
	}
	library, err := compile(ctx, dir)
	if err != nil {
		// It waits before the flush of whoever leads a group of commits; the others wait with it.
		log.Warn("no C compiler: the slow flush is modelled by commit_delay", "error", err)
		wanted.Settings = append(wanted.Settings, fmt.Sprintf("commit_delay=%d", flushSlowly.Microseconds()), "commit_siblings=0")
		return wanted, "commit_delay of 1 ms before each group's flush"
	}
	wanted.Environ = []string{"LD_PRELOAD=" + library, fmt.Sprintf("SLOWFLUSH_US=%d", flushSlowly.Microseconds())}
	return wanted, "every flush takes 1 ms at least (LD_PRELOAD)"
}

// compile makes the library that slows flushes down. PostgreSQL's own account must be able to read it.
func compile(ctx context.Context, dir string) (string, error) {
	source, library := filepath.Join(dir, "slowflush.c"), filepath.Join(dir, "slowflush.so")
	if err := os.WriteFile(source, slowFlush, 0o644); err != nil { //nolint:gosec // it is public
		return "", err
	}
	if out, err := exec.CommandContext(ctx, "cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl").CombinedOutput(); err != nil {
		return "", fmt.Errorf("cc: %w: %s", err, bytes.TrimSpace(out))
	}
	return library, nil
}

// commitTime measures what a commit of one row takes when nobody else writes: the median of 200.
func commitTime(ctx context.Context, url string) (time.Duration, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS bench_flush (n bigint)"); err != nil {
		return 0, err
	}
	took := make([]time.Duration, 200)
	for i := range took {
		started := time.Now()
		if _, err := conn.Exec(ctx, "INSERT INTO bench_flush VALUES ($1)", i); err != nil {
			return 0, err
		}
		took[i] = time.Since(started)
	}
	slices.Sort(took)
	_, err = conn.Exec(ctx, "DROP TABLE bench_flush")
	return took[len(took)/2], err
}
