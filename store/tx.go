package store

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/uptrace/bun"
)

// maxAttempts is how often InTx runs a function that keeps colliding with others.
const maxAttempts = 5

// insideTx marks the context that InTx hands to its function.
type insideTx struct{}

// InTx runs fn in one transaction: committed when fn returns nil, rolled back when it returns an error or panics. When
// the database reports a serialization failure, a deadlock or SQLITE_BUSY, fn runs again, five times at most, so it must
// not have effects outside the transaction. A collision at every attempt and a lost connection are ErrUnavailable; after
// a connection lost during commit the outcome is unknown, and an idempotency key finds it out. Errors of fn itself come
// back unchanged, those of the database translated.
//
// On SQLite transactions run one after the other. Inside fn use tx only: a write through db would wait for the very
// transaction it is in. InTx within InTx is refused with ErrNested.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	if ctx.Value(insideTx{}) == db {
		return ErrNested
	}
	if err := db.lockWriter(ctx); err != nil {
		return err
	}
	defer db.unlockWriter()

	inside := context.WithValue(ctx, insideTx{}, db)
	for attempt := 1; ; attempt++ {
		err := db.attempt(inside, fn)
		if err == nil || !retryable(err) || attempt == maxAttempts {
			return Translate(err)
		}
		db.logger.LogAttrs(ctx, slog.LevelDebug, "transaction collided",
			slog.Int("attempt", attempt), slog.String("engine", string(db.engine)))
		if err := db.pause(ctx, attempt); err != nil {
			return err
		}
	}
}

// attempt runs fn once. The rollback ignores the caller's context, which may be what ended the attempt.
func (db *DB) attempt(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
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
