package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/partnergraph/partnergraph/bench/internal/load"
	"github.com/partnergraph/partnergraph/bench/internal/process"
	"github.com/partnergraph/partnergraph/cmd/testservers/servers"
	"github.com/partnergraph/partnergraph/migrations"
	"github.com/partnergraph/partnergraph/store"
)

// The models of the disk's flush time.
const (
	flushDisk = "disk"
	flushSlow = "1ms"
)

// flushModel is one model, and what was measured of it.
type flushModel struct {
	Name     string  `json:"name"`
	Model    string  `json:"model"`
	CommitMs float64 `json:"commitMs"` // a lone commit of one row
}

// place is where the contestants run: servers, data, and the contestants themselves.
type place struct {
	opts     options
	log      *slog.Logger
	dir      string
	flush    flushModel
	servers  servers.Servers
	postgres *servers.Postgres
	database string // urls
	redis    string
	db       *store.DB
	data     data
	run      string        // differs from run to run, so that keys do
	asked    load.Sequence // numbers the keys of this place

	ours, floor               *process.Process
	oursAt, floorAt, profiles string // addresses
}

// newPlace starts a durable PostgreSQL and a Redis, and settles in them.
func newPlace(ctx context.Context, log *slog.Logger, opts options, flush string) (_ *place, err error) {
	at := &place{opts: opts, log: log, servers: servers.Servers{Logger: log}}
	defer func() {
		if err != nil {
			err = errors.Join(err, at.close())
		}
	}()
	if at.dir, err = os.MkdirTemp("", "bench-ledger-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(at.dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's account loads a library from here
		return nil, err
	}
	wanted, model := server(ctx, log, at.dir, flush)
	if at.postgres, err = at.servers.Postgres(ctx, wanted); err != nil {
		return nil, err
	}
	at.database = at.postgres.URL()
	redis, err := at.servers.Redis(ctx)
	if err != nil {
		return nil, err
	}
	at.redis = redis.URL()
	commit, err := commitTime(ctx, at.database)
	if err != nil {
		return nil, err
	}
	if err := wearIn(ctx, at.database); err != nil {
		return nil, err
	}
	at.flush = flushModel{Name: flush, Model: model, CommitMs: float64(commit) / float64(time.Millisecond)}
	if err := at.settle(ctx); err != nil {
		return nil, err
	}
	return at, nil
}

// settle makes the data set and starts the contestants.
func (at *place) settle(ctx context.Context) (err error) {
	at.run = rand.Text()[:8]
	if at.db, err = store.Open(ctx, at.database, store.WithMaxOpen(at.opts.conns)); err != nil {
		return err
	}
	if _, err := migrations.Up(ctx, at.db); err != nil {
		return err
	}
	at.log.Info("filling the database", "pairs", at.opts.pairs)
	if at.data, err = fill(ctx, at.db, at.opts.pairs); err != nil {
		return err
	}
	if err := at.startFloor(ctx); err != nil {
		return err
	}
	return at.startOurs(ctx)
}

// wornIn is what is written before anything is measured, in megabytes: enough for the log of all that follows.
const wornIn = 1536

// wearIn brings a new server to where one is that has run for a while. What is written here and thrown away leaves behind the files of the log that
// the next ones are written into, which a new server would have to fill with zeros first, each of 16 MB, while commits wait; and its pages of shared
// memory, each of which costs a page fault once.
func wearIn(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range []string{
		"CREATE TABLE bench_wear (page text)", "ALTER TABLE bench_wear ALTER page SET STORAGE PLAIN",
		fmt.Sprintf("INSERT INTO bench_wear SELECT repeat('x', 8000) FROM generate_series(1, %d)", wornIn<<20/8192),
		"DROP TABLE bench_wear", "CHECKPOINT",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func (at *place) startFloor(ctx context.Context) (err error) {
	program, err := at.program(ctx, at.opts.floor, "bench/floor")
	if err != nil {
		return err
	}
	if at.floorAt, err = process.FreeAddress(ctx); err != nil {
		return err
	}
	at.floor, err = process.Start(ctx, at.logFile("floor"), "http://"+at.floorAt+"/readyz", program,
		"-database-url", at.database, "-listen", at.floorAt, "-conns", strconv.Itoa(at.opts.conns))
	return err
}

// startOurs starts the product as an operator would: with its limits, logs and checks on. The rate limit counts, but lets a
// benchmark through.
func (at *place) startOurs(ctx context.Context) (err error) {
	program, err := at.program(ctx, at.opts.ours, "cmd/partnergraph")
	if err != nil {
		return err
	}
	if at.oursAt, err = process.FreeAddress(ctx); err != nil {
		return err
	}
	if at.profiles, err = process.FreeAddress(ctx); err != nil {
		return err
	}
	seal := make([]byte, 32)
	if _, err := rand.Read(seal); err != nil {
		return err
	}
	at.ours, err = process.Start(ctx, at.logFile("partnergraph"), "http://"+at.oursAt+"/readyz", program, "serve",
		"--listen", at.oursAt, "--public-url", "https://bench.example.com", "--database-url", at.database, "--cache-url", at.redis,
		"--seal-keys", "k1:"+base64.StdEncoding.EncodeToString(seal), "--max-conns", strconv.Itoa(at.opts.conns),
		"--rate-limit", "10000000", "--pprof-listen", at.profiles)
	return err
}

// program returns the one that is given, or builds it from this tree.
func (at *place) program(ctx context.Context, given, pkg string) (string, error) {
	if given != "" {
		return given, nil
	}
	return process.Build(ctx, at.dir, "github.com/partnergraph/partnergraph/"+pkg)
}

// logFile is where a program's output goes.
func (at *place) logFile(name string) string {
	return process.LogFile(at.opts.out, at.dir, fmt.Sprintf("%s-%s", name, at.flush.Name))
}

// close stops everything.
func (at *place) close() error { return process.Clear(at.dir, at.db, &at.servers, at.ours, at.floor) }
