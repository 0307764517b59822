package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/uptrace/bun"
)

// maxAttempts is how often InTx runs a function that keeps colliding with others.
const maxAttempts = 5

// insideTx is the key under which the context that InTx hands to its function carries its transaction.
type insideTx struct{}

// transaction is one attempt of InTx and what is to be done once it is committed.
type transaction struct {
	db   *DB
	conn *sql.Conn // it runs on; nil on SQLite

	mu        sync.Mutex
	committed []func(ctx context.Context)
}

// InTx runs fn in one transaction: committed when fn returns nil, rolled back when it returns an error or panics. When
// the database reports a serialization failure, a deadlock or SQLITE_BUSY, fn runs again, five times at most, so it must
// not have effects outside the transaction. A collision at every attempt and a lost connection are ErrUnavailable; after
// a connection lost during commit the outcome is unknown, and an idempotency key finds it out. Errors of fn itself come
// back unchanged, those of the database translated.
//
// What OnCommit gathered runs after a successful commit, before InTx returns.
//
// On SQLite transactions run one after the other. Inside fn use tx only: a write through db would wait for the very
// transaction it is in. InTx within InTx is refused with ErrNested.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	follow, err := db.InTxThen(ctx, fn)
	if err == nil {
		follow()
	}
	return err
}

// InTxThen is InTx that leaves to its caller what OnCommit gathered: follow does it, and must be called, once, before whoever asked for
// the transaction is answered.
func (db *DB) InTxThen(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) (follow func(), err error) {
	if outer, inside := ctx.Value(insideTx{}).(*transaction); inside && outer.db == db {
		return nil, ErrNested
	}
	return db.follow(ctx, maxAttempts, func(ctx context.Context, current *transaction) error { return db.attempt(ctx, current, fn) })
}

// follow makes so many attempts at most, and returns what runs what the successful one gathered.
func (db *DB) follow(ctx context.Context, most int, once func(ctx context.Context, current *transaction) error) (follow func(), err error) {
	done, err := db.attempts(ctx, most, once)
	if err != nil {
		return nil, err
	}
	return func() {
		// The writer is free again: what follows a commit may wait for others, and may begin a transaction of its own.
		after := context.WithoutCancel(ctx)
		for _, next := range done.committed {
			next(after)
		}
	}, nil
}

// OnCommit has fn run once the transaction that ctx belongs to is committed, after what was registered before it and
// before InTx returns, so that whoever is answered can rely on it. Its context does not end with the caller's. It is
// dropped when the transaction is rolled back, and when the attempt that registered it is run again. Outside InTx there is
// nothing to follow: OnCommit does nothing and returns false.
func OnCommit(ctx context.Context, fn func(ctx context.Context)) bool {
	current, inside := ctx.Value(insideTx{}).(*transaction)
	if !inside {
		return false
	}
	current.mu.Lock()
	defer current.mu.Unlock()
	current.committed = append(current.committed, fn)
	return true
}

// attempts runs once until it is committed or has failed for good, and returns the attempt that was committed.
func (db *DB) attempts(ctx context.Context, most int, once func(ctx context.Context, current *transaction) error) (*transaction, error) {
	if err := db.lockWriter(ctx); err != nil {
		return nil, err
	}
	defer db.unlockWriter()

	for attempt := 1; ; attempt++ {
		current := &transaction{db: db}
		err := once(context.WithValue(ctx, insideTx{}, current), current)
		if err == nil || !retryable(err) || attempt == most {
			return current, Translate(err)
		}
		db.logger.LogAttrs(ctx, slog.LevelDebug, "transaction collided",
			slog.Int("attempt", attempt), slog.String("engine", string(db.engine)))
		if err := db.pause(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// attempt runs fn once. The rollback ignores the caller's context, which may be what ended the attempt.
func (db *DB) attempt(ctx context.Context, current *transaction, fn func(ctx context.Context, tx bun.Tx) error) error {
	tx, release, err := db.begin(ctx, current)
	if err != nil {
		return err
	}
	defer release()
	committed := false
	defer func() {
		if !committed {
			// After a failed commit the driver has ended the transaction already and says so; there is nothing to add.
			_ = tx.Rollback()
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	committed = true
	return nil
}

// begin begins the transaction, on PostgreSQL on a connection that scripts can use themselves.
func (db *DB) begin(ctx context.Context, current *transaction) (tx bun.Tx, release func(), err error) {
	if db.engine != Postgres {
		tx, err = db.BeginTx(ctx, nil)
		return tx, func() {}, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return tx, nil, err
	}
	// A connection that cannot be given back is closed already.
	release = func() { _ = conn.Close() }
	if tx, err = conn.BeginTx(ctx, nil); err != nil {
		release()
		return tx, nil, err
	}
	current.conn = conn.Conn
	return tx, release, nil
}

// pause waits 1 to 2 ms before the second attempt and twice as long before each further one.
func (db *DB) pause(ctx context.Context, attempt int) error {
	wait := time.Duration(float64(time.Millisecond<<(attempt-1)) * (1 + db.jitter()))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func (db *DB) lockWriter(ctx context.Context) error {
	if db.writer == nil {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return errors.Join(ctx.Err(), context.Cause(ctx))
	case db.writer <- struct{}{}:
		return nil
	}
}

func (db *DB) unlockWriter() {
	if db.writer != nil {
		<-db.writer
	}
}
