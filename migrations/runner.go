package migrations

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"github.com/partnergraph/partnergraph/store"
)

//go:embed postgres sqlite
var files embed.FS

// advisoryLock is the key under which replicas that start at once take turns; any number nobody else uses.
const advisoryLock = 7_210_402_190_001

// Step is one migration and whether the database has it.
type Step struct {
	Name      string    // "0001_partners"
	AppliedAt time.Time // zero while it is not applied
}

// Applied reports whether the database has the step.
func (s Step) Applied() bool { return !s.AppliedAt.IsZero() }

// Up applies every step that the database lacks, each in a transaction of its own together with its mark, and returns the
// names of what it applied. Replicas may call it at once: they take turns, and all but the first find nothing to do.
// It fails when the database has steps this binary does not know in the middle of its history, but not when it has newer
// ones, for an old binary must be able to start beside a new one.
func Up(ctx context.Context, db *store.DB) ([]string, error) {
	var done []string
	err := locked(ctx, db, func() error {
		steps, err := load(ctx, db)
		if err != nil {
			return err
		}
		for _, step := range steps {
			if step.IsApplied() {
				continue
			}
			if err := apply(ctx, db, step); err != nil {
				return err
			}
			done = append(done, step.Name)
		}
		return nil
	})
	return done, err
}

// Down undoes the last n applied steps, newest first, and returns their names. Data in the tables that go is lost.
func Down(ctx context.Context, db *store.DB, n int) ([]string, error) {
	var done []string
	err := locked(ctx, db, func() error {
		steps, err := load(ctx, db)
		if err != nil {
			return err
		}
		for _, step := range slices.Backward(steps) {
			if len(done) == n {
				break
			}
			if !step.IsApplied() {
				continue
			}
			if err := revert(ctx, db, step); err != nil {
				return err
			}
			done = append(done, step.Name)
		}
		return nil
	})
	return done, err
}

// Status lists all steps, oldest first.
func Status(ctx context.Context, db *store.DB) ([]Step, error) {
	steps, err := load(ctx, db)
	if err != nil {
		return nil, err
	}
	status := make([]Step, len(steps))
	for i, step := range steps {
		status[i] = Step{Name: step.Name, AppliedAt: step.MigratedAt}
	}
	return status, nil
}

// Fingerprint changes whenever a file of the engine's history does.
func Fingerprint(engine store.Engine) (string, error) {
	hash := sha256.New()
	err := fs.WalkDir(files, string(engine), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(path)
		fmt.Fprintf(hash, "%s %d %s", path, len(content), content)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil))[:16], err
}

// step is a migration of bun with its two texts; they stay functions of ours because bun's run outside the transaction
// that marks them.
type step struct {
	migrate.Migration
	up, down string
}

// load reads the embedded steps and which of them are applied.
func load(ctx context.Context, db *store.DB) ([]step, error) {
	steps, err := embedded(db.Engine())
	if err != nil {
		return nil, err
	}
	migrator := migrate.NewMigrator(db.DB, migrate.NewMigrations())
	if err := migrator.Init(ctx); err != nil {
		return nil, fmt.Errorf("migrations: %w", store.Translate(err))
	}
	applied, err := migrator.AppliedMigrations(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", store.Translate(err))
	}
	known := make(map[string]migrate.Migration, len(applied))
	for _, migration := range applied {
		known[migration.Name] = migration
	}
	for i, s := range steps {
		if migration, ok := known[s.Name]; ok {
			steps[i].Migration = migration
			delete(known, s.Name)
		}
	}
	for name := range known {
		if len(steps) > 0 && name < steps[len(steps)-1].Name {
			return nil, fmt.Errorf("migrations: the database has %s, which this program does not know", name)
		}
	}
	return steps, nil
}

// embedded pairs the files of one engine, oldest first.
func embedded(engine store.Engine) ([]step, error) {
	names, err := fs.Glob(files, string(engine)+"/*.up.sql")
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	slices.Sort(names)
	steps := make([]step, 0, len(names))
	for _, path := range names {
		base := strings.TrimSuffix(path, ".up.sql")
		up, err := files.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("migrations: %w", err)
		}
		down, err := files.ReadFile(base + ".down.sql")
		if err != nil {
			return nil, fmt.Errorf("migrations: every step needs its way back: %w", err)
		}
		name := strings.TrimPrefix(base, string(engine)+"/")
		steps = append(steps, step{Migration: migrate.Migration{Name: name}, up: string(up), down: string(down)})
	}
	return steps, nil
}

func apply(ctx context.Context, db *store.DB, s step) error {
	err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Where no lock keeps others out (SQLite), another process may have been here since the steps were read.
		if taken, err := tx.NewSelect().TableExpr("bun_migrations").Where("name = ?", s.Name).Exists(ctx); err != nil || taken {
			return err
		}
		if err := execute(ctx, tx, s.up); err != nil {
			return err
		}
		mark := s.Migration
		mark.GroupID = 1
		_, err := tx.NewInsert().Model(&mark).ModelTableExpr("bun_migrations").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("migrations: %s: up: %w", s.Name, err)
	}
	return nil
}

func revert(ctx context.Context, db *store.DB, s step) error {
	err := db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := execute(ctx, tx, s.down); err != nil {
			return err
		}
		_, err := tx.NewDelete().TableExpr("bun_migrations").Where("name = ?", s.Name).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("migrations: %s: down: %w", s.Name, err)
	}
	return nil
}

// execute runs a file as it stands, past bun, which would read its question marks as arguments.
func execute(ctx context.Context, tx bun.Tx, text string) error {
	for part := range strings.SplitSeq(text, "--bun:split") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		if _, err := tx.Tx.ExecContext(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// locked keeps replicas apart on PostgreSQL. A session lock needs a connection of its own; if this process dies, the
// server drops the lock with the connection. SQLite's single writer and the marks in the same transaction do there.
func locked(ctx context.Context, db *store.DB, fn func() error) (err error) {
	if db.Engine() != store.Postgres {
		return fn()
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrations: %w", store.Translate(err))
	}
	// Closing hands the connection back to the pool with whatever it still holds, hence the unlock before.
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock(?)", advisoryLock); err != nil {
		return fmt.Errorf("migrations: lock: %w", store.Translate(err))
	}
	defer func() {
		_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(?)", advisoryLock)
		if err == nil && unlockErr != nil {
			err = fmt.Errorf("migrations: unlock: %w", store.Translate(unlockErr))
		}
	}()
	return fn()
}
